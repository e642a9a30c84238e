"""What the mappings, texts and conditions of a stage give for a sample: an input, and a run with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from django.db.models import Func, JSONField

from orchestra_site.accounts.models import Membership
from orchestration.expressions.conditions import parse_condition
from orchestration.expressions.documents import write_yaml
from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.listed import Document
from orchestration.expressions.mapping import MappingError, Traced, mapped_input, parse_conversion
from orchestration.expressions.places import GONE, path_text, value_at
from orchestration.expressions.sources import MissingValue
from orchestration.expressions.transforms.specs import MISSING
from orchestration.expressions.values import shortened
from orchestration.library.models import SavedDefinition
from orchestration.llm.engine.types import Json
from orchestration.runs.models import Run, Step
from pipelines.engine.definition import Pipeline
from pipelines.engine.editing import stages_in
from pipelines.engine.mapping import parse_input, parse_output, with_output
from pipelines.engine.options import OptionFormat, marked_options
from pipelines.engine.scope import Scope, parse_source
from pipelines.selectors import KIND, processor_specs

MOST_RUNS = 10
"""The newest runs among which one with the input of the sample is looked for."""
SHOWN_CHARACTERS = 600


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleValue:
    """A value of the sample on its way, as text; or why there is none."""

    text: str
    is_error: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """The sample of a pipeline: its input, the newest runs, and in the one with it the rows of the stages."""

    input: Json
    runs: list[Run]
    run: Run | None
    rows: Mapping[str, Mapping[str, Json]]

    @property
    def text(self) -> str:
        """The input as YAML."""
        return "" if self.input is None else write_yaml(self.input).removesuffix("...\n")

    def scope(self, document: Document, stage: str, pipeline: Pipeline | None) -> Scope:
        """Return what a stage can read; the pipeline's output (no `stage`) can read what ended last."""
        variables = document.get("variables")
        known: Mapping[str, Json] = variables if isinstance(variables, dict) else {}
        stages = {name: _readable(row) for name, row in self.rows.items()}
        for each in pipeline.stages if pipeline is not None else ():
            if each.output is not None and "output" in stages.get(each.id, {}):
                with suppress(ExpressionError, MappingError):
                    plan = parse_output(each.output.destinations)
                    known = with_output(known, plan, stages[each.id]["output"])
        before = pipeline.graph.waits_for.get(stage, ()) if pipeline is not None else ()
        return Scope(
            input=self.input,
            variables=known,
            stages=stages,
            previous=tuple(before) or None,
            together=len(before) > 1,
            context={"pipeline": str(document.get("name", "")), "attempt": 1},
        )

    def values(self, part: Document, stage: str, scope: Scope) -> dict[str, SampleValue]:
        """Return the value at each field of a stage, or of the pipeline, by the path of the field.

        Without a run, values that a run would give are left out.
        """
        at, row = "input" if stage else "output", self.rows.get(stage, {})
        found = dict(_shown(at, _steps(part.get(at), scope)))
        if "output" in _readable(row) or "result" in row:
            result = row.get("result", row.get("output"))
            is_whole = not set(row.get("shortened", ())) & {"result", "output"}
            steps = _steps(part.get("output"), scope, result) if is_whole else ()
            found |= dict(_shown("output", steps))
            found["output.transforms"] = SampleValue(text=shortened(result, SHOWN_CHARACTERS))
        if "output" in _readable(row):
            found["output.to"] = SampleValue(text=shortened(row["output"], SHOWN_CHARACTERS))
        found |= dict(_of_options(part, scope)) if stage else {}
        return {
            name: each for name, each in found.items() if self.rows or not each.is_error or _is_sure(name)
        }


def team_sample(membership: Membership, pipeline: SavedDefinition, document: Json) -> Sample:
    """Return the sample of a pipeline; without one of its own the input of its newest run, or an example."""
    newest = Run.objects.visible_to(membership).filter(kind=KIND, ref=pipeline.name)
    # Not `request__input`: of that, SQLite gives the text "5" like the number.
    given = Func("request", template="%(expressions)s -> 'input'", output_field=JSONField())
    columns = newest.order_by("-created_at", "-id").only("created_at", "status", "prompt")
    runs = list(columns.annotate(given=given)[:MOST_RUNS])
    offered = [run.given for run in runs[:1]] or value_at(document, ("input", "schema", "examples"))
    own = offered[0] if pipeline.sample is None and isinstance(offered, list) and offered else pipeline.sample
    run = next((each for each in runs if each.given == own), None)
    names = [stage["id"] for stage in stages_in(document)]
    steps = Step.objects.filter(run=run, kind="record", key__in=names) if run is not None else ()
    rows = {step.key: step.result for step in steps if isinstance(step.result, dict)}
    return Sample(input=own, runs=runs, run=run, rows=rows)


def _readable(row: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return what others may read of a stage, by its row."""
    known = {"status": row.get("status"), "error": row.get("error")}
    return known | ({"output": row.get("output")} if row.get("status") == "succeeded" else {})


def _is_sure(name: str) -> bool:
    """Return whether an error there is none that only means that no run with the sample is known."""
    return ".transforms[" in name or name.endswith(".schema")


def _shown(at: str, steps: Iterable[Traced]) -> Iterator[tuple[str, SampleValue]]:
    """Yield the value after each step of a mapping, and the error of the one that fails."""
    for step in steps:
        text = step.error or shortened(step.value, SHOWN_CHARACTERS)
        yield f"{at}.{step.path}", SampleValue(text=text, is_error=bool(step.error))


def _steps(mapping: Json, scope: Scope, result: Json = GONE) -> Sequence[Traced]:
    """Return the steps of an input mapping, or of an output mapping of a `result`.

    Of one that cannot be read there are none: it is a problem of the definition, which is shown as such.
    """
    if not isinstance(mapping, dict):
        return ()
    written, schema, trace = mapping.get("transforms"), mapping.get("schema"), list[Traced]()
    transforms = written if isinstance(written, list) else []
    with suppress(ExpressionError, MappingError):  # the last step says why
        if result is not GONE:
            parse_conversion(transforms, schema).apply(result, trace)
        else:
            source, default = mapping.get("from", "previous"), mapping.get("default", MISSING)
            mapped_input(scope, parse_input(source, transforms, schema, default), trace)
    return trace


def _of_options(part: Document, scope: Scope) -> Iterator[tuple[str, SampleValue]]:
    """Yield the text of each template, and whether each condition holds."""
    spec = processor_specs().get(str(part.get("processor")))
    places = [
        (("options", *option.at), option.format, option.value)
        for option in (marked_options(spec.options_schema, part.get("options", {})) if spec else ())
    ]
    for place, form, written in [*places, (("when",), OptionFormat.CONDITION, part.get("when"))]:
        try:
            if form is OptionFormat.TEMPLATE:
                yield path_text(place), SampleValue(text=str(parse_source({"template": written}).read(scope)))
            elif form is OptionFormat.CONDITION and isinstance(written, str):
                condition = parse_condition(written)
                holds = condition.evaluate(scope.values(condition.names))
                yield path_text(place), SampleValue(text="true" if holds else "false")
        except (ExpressionError, MissingValue) as error:
            yield path_text(place), SampleValue(text=str(error), is_error=True)
