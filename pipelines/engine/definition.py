"""What a pipeline is, and how one is read from a document: every error at its path.

The schema is that of files, forms and the exported JSON Schema. Times are float seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field

from orchestration.expressions.fields import (
    NAME,
    DefinitionPart,
    FieldFault,
    Flag,
    Name,
    StandIn,
    Whole,
    parsed,
    readable,
)
from orchestration.expressions.places import Keys, path_text, value_at
from orchestration.expressions.values import Bounds
from orchestration.graphs.graph import Graph, GraphNode, Join, needs_by_place
from orchestration.llm.engine.types import Json
from pipelines.engine.options import OptionFormat
from pipelines.engine.rules import (
    CacheRule,
    Declared,
    ErrorHandling,
    GoTo,
    InputMapping,
    OnError,
    OutputMapping,
    Retry,
    Seconds,
    StageName,
)

SCHEMA_VERSION: Literal[1] = 1
MOST_STAGES = 500
MOST_PROBLEMS = 200
"""Problems that are listed of one definition."""
BOUNDS = Bounds(nodes=50_000)
"""How large a definition may be as a document."""
BRANCH = "branch"
UNREADABLE = "unreadable"
"""What stands for a name that cannot be read."""

ProcessorName = Annotated[str, Field(min_length=1, max_length=60)]
Options = Annotated[dict[str, Json], Field(json_schema_extra={"format": OptionFormat.OPTIONS})]


class InlineStage(DefinitionPart):
    """A stage that is written inside the options of another one, which runs it for each item of a list."""

    processor: ProcessorName
    """What does the work: model, transform, …"""
    options: Options = Field(default_factory=dict)
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
    options: Options = Field(default_factory=dict)
    """Those of the processor."""
    input: InputMapping | None = None
    """What the stage works on. Empty: what the stage before gives."""
    output: OutputMapping | None = None
    """Where the result goes. Empty: to the stages that follow."""
    when: str | None = Field(default=None, json_schema_extra={"format": OptionFormat.CONDITION})
    """CEL condition. The stage is skipped where it is false."""
    needs: Annotated[tuple[StageName, ...], Field(max_length=MOST_STAGES)] | None = None
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
        written = [value_at(each, ("to",)) for each in cases] if isinstance(cases, list) else []
        names = (each for each in (*written, self.options.get("default")) if isinstance(each, str))
        return tuple(dict.fromkeys(names))

    def node(self, needs: tuple[str, ...], join: Join) -> GraphNode:
        """Return the stage as the graph sees it, with these needs and join where none are written."""
        return GraphNode(
            id=self.id,
            needs=needs if self.needs is None else self.needs,
            join=self.join or (join if self.needs is None else Join.ALL),
            quorum=self.quorum or 1,
            parallel=self.parallel,
            choices=self.choices,
            jump=self.on_error.goto if isinstance(self.on_error, GoTo) else "",
        )


class Pipeline(DefinitionPart):
    """A pipeline as it is written; whether it can run is another question."""

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
        by_place = needs_by_place({name: stage.choices for name, stage in first.items()})
        return Graph(nodes=tuple(stage.node(*by_place[name]) for name, stage in first.items()))


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """What is wrong at one place of a definition, in a sentence.

    `path` is as in `stages.classify.input.from`; a stage whose name cannot be used is `stages[3]`. `field` is
    the path within the `stage`, or that within the pipeline where there is none.
    """

    path: str
    message: str
    stage: str = ""
    field: str = ""


def stage_names(document: Json) -> list[object]:
    """Return what is written as the names of the stages."""
    stages = value_at(document, ("stages",))
    return [value_at(stage, ("id",)) for stage in stages] if isinstance(stages, list) else []


def stage_places(names: Sequence[object]) -> tuple[Keys, ...]:
    """Return where each stage stands: by its name, of equal ones the first; others by their number."""
    first: dict[str, int] = {}
    for number, name in enumerate(names):
        if isinstance(name, str) and NAME.fullmatch(name):
            first.setdefault(name, number)
    by_number = {number: name for name, number in first.items()}
    return tuple(("stages", by_number.get(number, number)) for number in range(len(names)))


def problem_at(message: str, *place: str | int) -> Problem:
    """Return a problem of a pipeline outside its stages."""
    path = path_text(place)
    return Problem(path=path, message=message, field=path)


def located(faults: Sequence[FieldFault], document: Json) -> tuple[Problem, ...]:
    """Return faults of a document at their paths, none twice."""
    names = stage_names(document) if any(fault.at for fault in faults) else []
    places = stage_places(names)
    found: dict[Problem, None] = {}
    for fault in faults:
        match fault.at:
            case ("stages", int(number), *field):
                name = names[number]
                problem = Problem(
                    path=path_text((*places[number], *field)),
                    message=fault.message,
                    stage=name if isinstance(name, str) and NAME.fullmatch(name) else "",
                    field=path_text(field),
                )
            case _:
                problem = problem_at(fault.message, *fault.at)
        found[problem] = None
    return tuple(found)


def stand_in(at: Keys) -> Json:
    """Return what can be read in the place of a field that has to be there, as do the items of a list."""
    match at:
        case ("stages", int(number)):
            return {"id": f"unnamed-{number + 1}", "processor": UNREADABLE}
        case ("stages", int(number), "id"):
            return f"unnamed-{number + 1}"
        case ("name",) | (*_, "processor") | (*_, int()):
            return UNREADABLE
        case _:
            return None


def read_definition(
    document: Json, instead: StandIn = stand_in
) -> tuple[Pipeline | None, tuple[FieldFault, ...]]:
    """Return a document as a pipeline without the fields that cannot be read, and these, in its order.

    There is no pipeline where the stages are such a field. A stage keeps a name that cannot be used: others
    may refer to it. The document is one of the newest schema version: `upgraded` makes it one.
    """
    found = parsed(lambda written: BOUNDS.check(written, "A definition"), document, ())
    if isinstance(found, FieldFault):
        return None, (found,)
    pipeline, faults = readable(Pipeline, document, instead)
    if pipeline is not None and faults:
        pairs = zip(pipeline.stages, stage_names(document), strict=True)
        named = (
            stage.model_copy(update={"id": name} if isinstance(name, str) else {}) for stage, name in pairs
        )
        pipeline = pipeline.model_copy(update={"stages": tuple(named)})
    return pipeline, tuple(faults)


def pipeline_from(document: Json) -> tuple[Pipeline | None, tuple[Problem, ...]]:
    """Return a document as a pipeline, or all that is wrong with its fields, in the order of the document."""
    pipeline, faults = read_definition(document)
    return None if faults else pipeline, located(faults[:MOST_PROBLEMS], document)
