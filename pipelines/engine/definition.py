"""What a pipeline is, and how one is read from a document: every error at its path.

The schema is that of files, forms and the exported JSON Schema. Times are float seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Annotated, Literal, TypeVar

from pydantic import Field, ValidationError

from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.values import Bounds
from orchestration.graphs.graph import Graph, GraphNode, Join
from orchestration.llm.engine.types import Json
from pipelines.engine.problems import MOST_PROBLEMS, FieldFault, Keys, Problem, located, wrong_fields
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
UNREADABLE = "unreadable"
"""What stands for a name that cannot be read."""

ProcessorName = Annotated[str, Field(min_length=1, max_length=60)]
Part = TypeVar("Part", bound=DefinitionPart)


class InlineStage(DefinitionPart):
    """A stage that is written inside the options of another one, which runs it for each item of a list."""

    processor: ProcessorName
    """What does the work: model, transform, …"""
    options: dict[str, Json] = Field(default_factory=dict)
    """Those of the processor."""
    input: InputMapping | None = None
    """What it works on. Empty: the item."""
    output: OutputMapping | None = None
    """What is done to the result."""
    timeout: Seconds | None = Field(default=None, title="Timeout (s)")
    """Seconds that one attempt may take."""
    retry: Retry = Field(default_factory=Retry)
    """When and how often it is tried again."""


class Stage(DefinitionPart):
    """One step of a pipeline."""

    id: Name = Field(title="Name")
    """Unique in the pipeline."""
    processor: ProcessorName
    """What does the work: model, transform, …"""
    options: dict[str, Json] = Field(default_factory=dict)
    """Those of the processor."""
    input: InputMapping | None = None
    """What the stage works on. Empty: what the stage before gives."""
    output: OutputMapping | None = None
    """Where the result goes. Empty: to the stages that follow."""
    when: str | None = None
    """CEL condition. The stage is skipped where it is false."""
    needs: Annotated[tuple[Name, ...], Field(max_length=MOST_STAGES)] | None = None
    """The stages that it waits for. Not given: the one written before it. An empty list: none."""
    join: Join | None = None
    """Which of its needs it waits for. Not given: all, or any of those that a branch chooses between."""
    quorum: Annotated[Whole, Field(ge=1, le=MOST_STAGES)] | None = None
    """How many needs have to succeed, where the join is quorum."""
    parallel: Flag = True
    """May run beside others that are ready."""
    optional: Flag = False
    """Its failure does not make the pipeline fail."""
    timeout: Seconds | None = Field(default=None, title="Timeout (s)")
    """Seconds that one attempt may take."""
    retry: Retry = Field(default_factory=Retry)
    """When and how often it is tried again."""
    cache: CacheRule | None = None
    """Use an earlier result for the same input. Empty: never."""
    on_error: OnError = "fail"
    """fail, skip, {default: value}, {goto: later stage} or {pipeline: fallback pipeline}."""

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

    schema_version: Literal[1] = SCHEMA_VERSION
    """Version of this format."""
    name: Name
    """What others call the pipeline by."""
    title: Annotated[str, Field(max_length=120)] = ""
    """What pages call it."""
    description: Annotated[str, Field(max_length=5000)] = ""
    """What it is for, and how it is used."""
    input: Declared = Field(default_factory=Declared)
    """What it takes."""
    variables: dict[Name, Json] = Field(default_factory=dict)
    """Their values at the start."""
    stages: tuple[Stage, ...] = Field(min_length=1, max_length=MOST_STAGES)
    """In the order of reading."""
    output: InputMapping | None = None
    """What it gives. Empty: what went to final, or the last stage's."""
    error_handling: ErrorHandling = Field(default_factory=ErrorHandling)
    """When a stage fails."""
    timeout: Seconds | None = Field(default=None, title="Timeout (s)")
    """Seconds that the whole run may take."""

    @cached_property
    def graph(self) -> Graph:
        """The stages by what they wait for; of stages with one name only the first."""
        first: dict[str, Stage] = {}
        for stage in self.stages:
            first.setdefault(stage.id, stage)
        return Graph(nodes=tuple(_nodes(tuple(first.values()))))


def _nodes(stages: Sequence[Stage]) -> Iterator[GraphNode]:
    """Yield stages as the graph sees them, of which each name occurs once."""
    jumps = {stage.id: stage.on_error.goto for stage in stages if isinstance(stage.on_error, GoTo)}
    arms: dict[str, set[str]] = {}
    for stage in stages:
        for choice in stage.choices:
            arms.setdefault(choice, set()).update(stage.choices)
    names = [stage.id for stage in stages]
    for number, stage in enumerate(stages):
        needs, join = _needs_by_place(stage.id, names[:number], arms)
        yield GraphNode(
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

    `arms` has the stages that branches may choose, each with all that the same branches may choose. An arm
    waits for its branches alone; what follows one, for any of the arms that stand before it.
    """
    if stage in arms or not before:
        return (), Join.ALL
    last = before[-1]
    if last not in arms:
        return (last,), Join.ALL
    return tuple(each for each in before if each in arms[last]), Join.ANY


def definition_schema() -> dict[str, Json]:
    """Return the JSON Schema of a definition, with titles and descriptions for forms."""
    return Pipeline.model_json_schema(by_alias=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadDefinition:
    """A document as a pipeline, as far as it can be read.

    `faults` are the fields that cannot; the pipeline is without them, and there is none where the stages are
    such a field. `names` is what is written as the names of the stages.
    """

    pipeline: Pipeline | None
    faults: tuple[FieldFault, ...] = ()
    names: tuple[object, ...] = ()


def read_definition(document: Json) -> ReadDefinition:
    """Return a document as a pipeline, and all that is wrong with its fields, in the order of the document.

    The document is one of the newest schema version: `upgraded` makes it one.
    """
    try:
        BOUNDS.check(document, "A definition")
    except ExpressionError as error:
        return ReadDefinition(pipeline=None, faults=(FieldFault(at=(), message=str(error)),))
    pipeline, faults = readable(Pipeline, document)
    stages = document.get("stages") if isinstance(document, dict) else None
    written = stages if isinstance(stages, list) else ()
    names = tuple(each.get("id") if isinstance(each, dict) else None for each in written)
    if pipeline is not None and faults:
        pipeline = pipeline.model_copy(update={"stages": tuple(map(_as_named, pipeline.stages, names))})
    return ReadDefinition(pipeline=pipeline, faults=tuple(map(_in_stage, faults)), names=names)


def _in_stage(fault: FieldFault) -> FieldFault:
    """Return a fault at a field of its stage, where it has one."""
    match fault.at:
        case ("stages", int(number), *field):
            return replace(fault, at=tuple(field), stage=number)
        case _:
            return fault


def _as_named(stage: Stage, name: object) -> Stage:
    """Return a stage under the name that is written, to which others may refer although it cannot be used."""
    is_named = stage.id == name or not isinstance(name, str)
    return stage if is_named else stage.model_copy(update={"id": name})


def pipeline_from(document: Json) -> tuple[Pipeline | None, tuple[Problem, ...]]:
    """Return a document as a pipeline, or all that is wrong with its fields, in the order of the document."""
    read = read_definition(document)
    found = located(islice(read.faults, MOST_PROBLEMS), read.names)
    return None if found else read.pipeline, found


def readable(part: type[Part], written: Json) -> tuple[Part | None, list[FieldFault]]:
    """Return a part of a definition without the fields that are wrong, and these."""
    try:
        return part.model_validate(written), []
    except ValidationError as error:
        wrong = list(wrong_fields(error, part))
    if any(fault.at in {(), ("stages",)} for fault in wrong):
        return None, wrong
    rest = deepcopy(written)
    for fault in wrong:
        _leave_out(rest, fault.at)
    return readable(part, rest)[0], wrong  # what is left may still lack something


def _leave_out(document: Json, at: Keys) -> None:
    """Take a field out of a document; what has to be there is replaced by something that can be read."""
    holder, key = document, at[-1]
    try:
        for each in at[:-1]:
            holder = holder[each]
    except (LookupError, TypeError):
        return  # what it stood in is left out already
    match at:
        case ("stages", int(number)):
            holder[key] = {"id": f"unnamed-{number + 1}", "processor": UNREADABLE}
        case ("stages", int(number), "id"):
            holder[key] = f"unnamed-{number + 1}"
        case ("name",) | (*_, "processor"):
            holder[key] = UNREADABLE
        case _ if isinstance(key, int) and holder[key] != UNREADABLE:
            holder[key] = UNREADABLE
        case _ if isinstance(holder, dict) and key in holder:
            del holder[key]
        case _:
            _leave_out(document, at[:-1])
