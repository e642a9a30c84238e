"""Definitions of pipelines for tests: written by hand, and any at all."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import strategies as st

from orchestration.llm.engine.types import Json
from pipelines.engine.definition import Pipeline, Problem, pipeline_from
from pipelines.engine.options import ProcessorSpec
from pipelines.engine.rules import ErrorClass
from pipelines.engine.validation import document_problems

NAMES = [f"s{number}" for number in range(12)]
TEXTS = ["", "a", "b c", "Classify: {{ input.text }}", "one two three four " * 5]


def stage(id: str, needs: str | None = "", processor: str = "model", **fields: Json) -> dict[str, Json]:
    """Return a stage as it is written; `needs` are names with blanks between them, None: not written."""
    written: dict[str, Json] = {} if needs is None else {"needs": needs.split()}
    return {"id": id, "processor": processor, **written, **fields}


def document(*stages: Json, **fields: Json) -> dict[str, Json]:
    """Return a definition as it is written."""
    return {"schema_version": 1, "name": "support", "stages": list(stages), **fields}


def pipeline(*stages: Json, **fields: Json) -> Pipeline:
    """Return a definition that can be read."""
    read, problems = pipeline_from(document(*stages, **fields))
    assert read is not None, problems
    return read


def problems(
    checked: Pipeline, processors: Mapping[str, ProcessorSpec], pipelines: Mapping[str, Pipeline]
) -> tuple[Problem, ...]:
    """Return all that is wrong with a definition that can be read."""
    return document_problems(checked.model_dump(mode="json", exclude_unset=True), processors, pipelines)[1]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-2, 2) | st.sampled_from(TEXTS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=5,
)
FIELDS: dict[str, st.SearchStrategy[Json]] = {
    "options": st.dictionaries(st.sampled_from(["prompt", "models", "n"]), VALUES, max_size=2),
    "input": st.fixed_dictionaries(
        {"from": st.sampled_from(["input", "previous"])}, optional={"default": VALUES}
    ),
    "output": st.fixed_dictionaries({"to": st.sampled_from(["next", ["next", "variable.x"]])}),
    "when": st.sampled_from(["true", "size(input.text) > 1"]),
    "parallel": st.booleans(),
    "optional": st.booleans(),
    "timeout": st.integers(1, 9),
    "retry": st.fixed_dictionaries(
        {"attempts": st.integers(1, 4)}, optional={"on": st.lists(st.sampled_from(ErrorClass), max_size=2)}
    ),
    "on_error": st.sampled_from(["fail", "skip"]) | st.builds(lambda value: {"default": value}, VALUES),
}


@st.composite
def pipelines(draw: st.DrawFn) -> Pipeline:
    """Return any pipeline without circles, with stages in any order."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=6, unique=True))
    stages = []
    for place, name in enumerate(names):
        earlier = st.lists(st.sampled_from(names[:place]), max_size=2, unique=True) if place else st.just([])
        needs = draw(st.none() | earlier.map(" ".join))
        fields = draw(st.lists(st.sampled_from(sorted(FIELDS)), max_size=2, unique=True))
        processor = draw(st.sampled_from(["model", "transform"]))
        stages.append(stage(name, needs, processor, **{each: draw(FIELDS[each]) for each in fields}))
    variables = draw(st.dictionaries(st.sampled_from(["x", "y"]), VALUES, max_size=2))
    return pipeline(*stages, variables=variables, timeout=draw(st.none() | st.integers(10, 20)))


LINKED = ["a", "b-1", "draft", "stages", "x_y", "in"]


def key_of(name: str) -> str:
    """Return the name of a stage as templates and conditions read it."""
    return f'["{name}"]' if "-" in name or name == "in" else f".{name}"


def reading(name: str) -> list[dict[str, Json]]:
    """Return the ways in which the fields of a stage may name another one."""
    path, written = f"stages.{name}.output", f"stages{key_of(name)}.output"
    template = f"stages.{name}: {{{{ {written} | trim }}}}{{% if {written} %}}yes{{% endif %}}"
    return [
        {"input": {"from": path}},
        {"input": {"from": {"one": [path, {"from": f"{path}.x", "default": 1}], "two": {"value": path}}}},
        {"input": {"from": {"template": template}}},
        {"when": f'string({written}) != "stages.{name}" && size(input.stages{key_of(name)}) > 0'},
        {"processor": "model", "options": {"prompt": template}},
        {"processor": "aggregate", "options": {"from": [path, "input.x"]}},
    ]


@st.composite
def linked_documents(draw: st.DrawFn) -> dict[str, Json]:
    """Return the document of any pipeline without problems, in which stages name each other everywhere."""
    names = draw(st.lists(st.sampled_from(LINKED), min_size=2, unique=True))
    stages: list[Json] = []
    before: dict[str, list[str]] = {}
    targets: set[str] = set()
    for place, name in enumerate(names):
        by_place = names[:place][-1:] if name not in targets else []
        chosen = draw(st.lists(st.sampled_from(names[:place]), max_size=2, unique=True)) if place else []
        is_written = draw(st.sampled_from([0, 1])) and name not in targets
        needs = chosen if is_written else by_place
        before[name] = [*needs, *(each for need in needs for each in before[need])]
        fields: dict[str, Json] = {"needs": needs} if is_written else {}
        if before[name]:
            fields |= draw(st.sampled_from(reading(draw(st.sampled_from(before[name])))))
        target = draw(st.sampled_from(["", *names[place + 1 :]]))
        if target:
            fields["on_error"] = {"goto": target}
            targets.add(target)
        stages.append({"id": name, "processor": "transform", **fields})
    return document(*stages, output={"from": f"stages.{draw(st.sampled_from(names))}.output"})
