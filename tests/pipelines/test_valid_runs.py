"""What validation finds nothing wrong with can run: it may fail by its values, and is never refused."""

from __future__ import annotations

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from orchestration.llm.engine.errors import EngineError
from orchestration.llm.engine.types import Json
from pipelines.engine.validation import document_problems
from tests.support.definitions import document
from tests.support.pipeline_runs import Execution

NAMES = ["a", "b", "c", "d", "e"]
SOURCES = [
    "input",
    "input.text",
    "previous",
    "variable.x",
    "stages.a.output",
    "stages.b.status",
    "context.now",
]
TRANSFORMS = ["strip", "upper", "count", "parse_json", {"truncate": 3}, {"split": ","}, {"pick": "a"}, "sort"]
CONDITIONS = [
    "true",
    "size(input) > 2",
    "stages.a.status == 'succeeded'",
    "previous == 'x'",
    "variable.x == 1",
]
TARGETS = st.sampled_from(NAMES)
MAPPINGS = st.fixed_dictionaries(
    {"from": st.sampled_from([*SOURCES, {"template": "{{ previous }} {{ input }}"}])},
    optional={
        "transforms": st.lists(st.sampled_from(TRANSFORMS), max_size=2),
        "default": st.sampled_from([None, "x"]),
        "schema": st.sampled_from([{"type": "string"}, {"type": "object"}]),
    },
)
FIELDS: dict[str, st.SearchStrategy[Json]] = {
    "input": MAPPINGS,
    "output": st.fixed_dictionaries(
        {"to": st.sampled_from(["next", "final", "variable.x", ["next", "final"]])}
    ),
    "when": st.sampled_from(CONDITIONS),
    "needs": st.lists(TARGETS, max_size=2, unique=True),
    "join": st.sampled_from(["all", "any", "first_success"]),
    "parallel": st.booleans(),
    "optional": st.booleans(),
    "on_error": st.sampled_from(
        ["skip", {"default": 1}, {"goto": "d"}, {"goto": "e"}, {"pipeline": "other"}]
    ),
    "retry": st.just({"attempts": 2, "base": 0.0, "on": ["timeout", "schema"]}),
}
OPTIONS: dict[str, st.SearchStrategy[Json]] = {
    "transform": st.just({}),
    "validate": st.sampled_from([{"schema": {"type": "string"}}, {"schema": {"minLength": 3}}]),
    "branch": st.fixed_dictionaries(
        {
            "cases": st.lists(
                st.fixed_dictionaries({"when": st.sampled_from(CONDITIONS), "to": TARGETS}), min_size=1
            )
        },
        optional={"default": TARGETS},
    ),
    "aggregate": st.fixed_dictionaries(
        {
            "from": st.lists(TARGETS, min_size=1, max_size=2, unique=True),
            "how": st.sampled_from(["list", "vote"]),
        }
    ),
    "work": st.fixed_dictionaries({}, optional={"fails": st.sampled_from([["timeout"], ["odd", "odd"]])}),
}


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Json]:
    """Return a definition of which many are valid."""
    stages = []
    for name in NAMES[: draw(st.integers(1, 5))]:
        processor = draw(st.sampled_from([*OPTIONS, "work", "work", "transform"]))
        written = {"id": name, "processor": processor, "options": draw(OPTIONS[processor])}
        fields = draw(st.lists(st.sampled_from(sorted(FIELDS)), max_size=2, unique=True))
        stages.append(written | {field: draw(FIELDS[field]) for field in fields})
    handling = draw(st.sampled_from(["fail_fast", "continue", "retry"]))
    return document(*stages, variables={"x": "x"}, error_handling={"strategy": handling})


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(documents(), st.sampled_from(["x", "a,b", {"text": "y"}, None]))
async def test_a_valid_pipeline_runs_to_its_end_whatever_its_values(
    written: dict[str, Json], value: Json
) -> None:
    run = Execution(
        written, value=value, others={"other": document({"id": "x", "processor": "transform"}, name="other")}
    )
    specs = {name: processor.spec for name, processor in run.processors.items()}
    known = {"other": Execution(run.others["other"]).pipeline}
    _, problems = document_problems(written, specs, known)
    event("valid" if not problems else "not valid")
    if problems:
        return
    assert await _outcome(run) in {"", "stage_failed", "no_output", "output"}
    own = {key for key in run.rows if "/" not in key}
    assert own == {stage["id"] for stage in written["stages"]}
    assert max((run.work.done.count(name) for name in NAMES), default=0) <= 3


async def _outcome(run: Execution) -> str:
    """Run to the end; return the code of the error, nothing for a success."""
    try:
        await run.run()
    except EngineError as error:
        return error.code
    return ""
