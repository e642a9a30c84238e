"""What a pipeline is, and how one is read from a document: every error at its path.

The schema is that of files, forms and the exported JSON Schema. Times are float seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import Annotated, Literal, get_args

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails

from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.values import Bounds, shortened
from orchestration.llm.engine.types import Json
from pipelines.engine.graph import Graph, Join, StageNode
from pipelines.engine.problems import (
    MOST_PROBLEMS,
    Keys,
    Problem,
    StagePlace,
    problem_at,
    stage_places,
    unknown,
)
from pipelines.engine.rules import (
    CacheRule,
    Declared,
    DefinitionPart,
    ErrorHandling,
    Flag,
    GoTo,
    InputMapping,
    Name,
    OnError,
    OutputMapping,
    Retry,
    Seconds,
    Whole,
)

SCHEMA_VERSION: Literal[1] = 1
MOST_STAGES = 500
BOUNDS = Bounds(nodes=50_000)
"""How large a definition may be as a document."""
BRANCH = "branch"
TAGS = {"(word)", "(DefaultValue)", "(GoTo)", "(FallbackPipeline)", "(one)", "(several)", "[key]"}
"""What pydantic adds to the place of an error: how a field is written, and that it is a key."""
TYPES = {
    "string_type": "text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "tuple_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
}
LIMITS = {"greater_than": "more than", "greater_than_equal": "at least", "less_than_equal": "at most"}
UNITS = {
    "too_short": "item",
    "too_long": "item",
    "string_too_short": "character",
    "string_too_long": "character",
}


class Stage(DefinitionPart):
    """One step of a pipeline."""

    id: Name = Field(title="Name", description="Unique in the pipeline.")
    processor: str = Field(
        min_length=1, max_length=60, title="Processor", description="What does the work: model, transform, …"
    )
    options: dict[str, Json] = Field(
        default_factory=dict, title="Options", description="Those of the processor."
    )
    input: InputMapping | None = Field(
        default=None,
        title="Input",
        description="What the stage works on. Empty: what the stage before gives.",
    )
    output: OutputMapping | None = Field(
        default=None, title="Output", description="Where the result goes. Empty: to the stages that follow."
    )
    when: str | None = Field(
        default=None, title="When", description="CEL condition. The stage is skipped where it is false."
    )
    needs: Annotated[tuple[Name, ...], Field(max_length=MOST_STAGES)] | None = Field(
        default=None,
        title="Needs",
        description="The stages that it waits for. Not given: the one written before it, or what a branch"
        " chooses between where it follows that; what others lead to waits for these. An empty list: none.",
    )
    join: Join | None = Field(
        default=None,
        title="Join",
        description="Which of its needs it waits for. Not given: all (any, where it follows what a branch"
        " chooses between).",
    )
    quorum: Whole | None = Field(
        default=None,
        ge=1,
        le=MOST_STAGES,
        title="Quorum",
        description="How many needs have to succeed, where the join is quorum.",
    )
    parallel: Flag = Field(
        default=True, title="Parallel", description="May run beside others that are ready."
    )
    optional: Flag = Field(
        default=False, title="Optional", description="Its failure does not make the pipeline fail."
    )
    timeout: Seconds | None = Field(
        default=None, title="Timeout (s)", description="Seconds that one attempt may take."
    )
    retry: Retry = Field(
        default_factory=Retry, title="Retry", description="When and how often it is tried again."
    )
    cache: CacheRule | None = Field(
        default=None, title="Cache", description="Use an earlier result for the same input. Empty: never."
    )
    on_error: OnError = Field(
        default="fail",
        title="On error",
        description="fail, skip, {default: value}, {goto: later stage} or {pipeline: fallback pipeline}.",
    )

    @property
    def choices(self) -> tuple[str, ...]:
        """The stages that a branch may choose, each once; what is no name is left out."""
        if self.processor != BRANCH:
            return ()
        cases = self.options.get("cases")
        written = (
            [each.get("to") for each in cases if isinstance(each, dict)] if isinstance(cases, list) else []
        )
        names = (each for each in (*written, self.options.get("default")) if isinstance(each, str))
        return tuple(dict.fromkeys(names))


class Pipeline(DefinitionPart):
    """A pipeline as it is written; `problems` says whether it can run."""

    schema_version: Literal[1] = Field(
        default=SCHEMA_VERSION, title="Schema version", description="Version of this format."
    )
    name: Name = Field(title="Name", description="What others call the pipeline by.")
    title: str = Field(default="", max_length=120, title="Title", description="What pages call it.")
    description: str = Field(
        default="", max_length=5000, title="Description", description="What it is for, and how it is used."
    )
    input: Declared = Field(default_factory=Declared, title="Input", description="What it takes.")
    variables: dict[Name, Json] = Field(
        default_factory=dict, title="Variables", description="Their values at the start."
    )
    stages: tuple[Stage, ...] = Field(
        min_length=1, max_length=MOST_STAGES, title="Stages", description="In the order of reading."
    )
    output: InputMapping | None = Field(
        default=None,
        title="Output",
        description="What it gives. Empty: what went to final, or the last stage's.",
    )
    error_handling: ErrorHandling = Field(
        default_factory=ErrorHandling, title="Error handling", description="When a stage fails."
    )
    timeout: Seconds | None = Field(
        default=None, title="Timeout (s)", description="Seconds that the whole run may take."
    )

    @cached_property
    def graph(self) -> Graph:
        """The stages by what they wait for; of stages with one name only the first."""
        first: dict[str, Stage] = {}
        for stage in self.stages:
            first.setdefault(stage.id, stage)
        return Graph(nodes=tuple(_nodes(tuple(first.values()))))


def _nodes(stages: Sequence[Stage]) -> Iterator[StageNode]:
    """Yield stages as the graph sees them, of which each name occurs once."""
    jumps = {stage.id: stage.on_error.goto for stage in stages if isinstance(stage.on_error, GoTo)}
    arms: dict[str, set[str]] = {target: set() for target in jumps.values()}
    for stage in stages:
        for choice in stage.choices:
            arms.setdefault(choice, set()).update(stage.choices)
    names = [stage.id for stage in stages]
    for number, stage in enumerate(stages):
        needs, join = _needs_by_place(stage.id, names[:number], arms)
        yield StageNode(
            id=stage.id,
            needs=needs if stage.needs is None else stage.needs,
            join=stage.join or (join if stage.needs is None else Join.ALL),
            quorum=stage.quorum or 1,
            parallel=stage.parallel,
            choices=stage.choices,
            jump=jumps.get(stage.id, ""),
        )


def _needs_by_place(
    stage: str, before: Sequence[str], arms: Mapping[str, set[str]]
) -> tuple[tuple[str, ...], Join]:
    """Return the needs and the join of a stage that does not say what it needs: those of a sequence.

    `arms` has the stages that others lead to, each with all that the branches may choose that may choose it.
    Such a stage waits for what leads to it alone; one after an arm for any of the arms that stand before it.
    """
    if stage in arms or not before:
        return (), Join.ALL
    last = before[-1]
    if not arms.get(last):
        return (last,), Join.ALL
    return tuple(each for each in before if each in arms[last]), Join.ANY


def definition_schema() -> dict[str, Json]:
    """Return the JSON Schema of a definition, with titles and descriptions for forms."""
    return Pipeline.model_json_schema(by_alias=True)


def pipeline_from(document: Json) -> tuple[Pipeline | None, tuple[Problem, ...]]:
    """Return a document as a pipeline, or all that is wrong with its fields, in the order of the document.

    The document is one of the newest schema version: `upgraded` makes it one.
    """
    try:
        BOUNDS.check(document, "A definition")
        return Pipeline.model_validate(document), ()
    except ExpressionError as error:
        return None, (problem_at(str(error)),)
    except ValidationError as error:
        details = error.errors(include_url=False)
    stages = document.get("stages") if isinstance(document, dict) else None
    written = stages if isinstance(stages, list) else ()
    places = stage_places(each.get("id") if isinstance(each, dict) else None for each in written)
    return None, tuple(islice(_explained(details, places), MOST_PROBLEMS))


def _explained(details: list[ErrorDetails], places: tuple[StagePlace, ...]) -> Iterator[Problem]:
    around = {detail["loc"][:length] for detail in details for length in range(len(detail["loc"]))}
    for detail in details:
        if detail["type"] == "too_short" and detail["loc"] in around:
            continue  # pydantic counts only the items without an error
        message = _sentence(detail)
        match tuple(key for key in detail["loc"] if key not in TAGS):
            case ("stages", int(number), *field):
                yield places[number].problem(message, *field)
            case place:
                yield problem_at(message, *place)


def _sentence(detail: ErrorDetails) -> str:
    """Return what is wrong with a field, in words."""
    wrong, limits = detail["type"], detail.get("ctx", {})
    match wrong:
        case "missing":
            return "This is missing."
        case "extra_forbidden":
            return unknown("field", str(detail["loc"][-1]), _fields(detail["loc"][:-1]))
        case "string_pattern_mismatch":
            return "Must be a small letter, then small letters, digits, - or _; 40 at most."
        case "too_short" | "string_too_short":
            return f"Must have at least {limits['min_length']} {UNITS[wrong]}."
        case "too_long" | "string_too_long":
            return f"Must have at most {limits['max_length']} {UNITS[wrong]}s."
        case "enum" | "literal_error":
            rules = ", {default: …}, {goto: …} or {pipeline: …}" if "(word)" in detail["loc"] else ""
            wanted = limits["expected"].replace("'", "")
            wanted = wanted.replace(" or ", ", ") + rules if rules else wanted
        case "greater_than" | "greater_than_equal" | "less_than_equal":
            wanted = f"{LIMITS[wrong]} {next(iter(limits.values())):g}"
        case _:
            wanted = TYPES.get(wrong, "another value")
    return f"Must be {wanted}, is {shortened(detail['input'])}."


def _fields(place: Keys) -> list[str]:
    """Return the names of the fields of the part of a definition at a place."""
    parts: list[type[DefinitionPart]] = [Pipeline]
    for key in place:
        if key in TAGS:
            parts = [part for part in parts if f"({part.__name__})" == key]
        elif isinstance(key, str):
            parts = [
                inner
                for part in parts
                for name, field in part.model_fields.items()
                if (field.alias or name) == key
                for inner in _parts_in(field.annotation)
            ]
    return [field.alias or name for part in parts for name, field in part.model_fields.items()]


def _parts_in(annotation: object) -> Iterator[type[DefinitionPart]]:
    """Yield the parts of a definition that a type names."""
    if isinstance(annotation, type) and issubclass(annotation, DefinitionPart):
        yield annotation
    for inner in get_args(annotation):
        yield from _parts_in(inner)
