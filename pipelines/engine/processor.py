"""What does the work of a stage: a processor, registered by name, with options that forms are built from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from orchestra_site.web.patterns import Pattern
from orchestration.expressions.places import Keys
from orchestration.expressions.templates import parse_template
from orchestration.expressions.transforms.specs import title
from orchestration.expressions.values import ANY, ValueType
from orchestration.llm.engine.errors import CodedError
from orchestration.llm.engine.types import Json
from orchestration.runs.engine.context import RunContext
from orchestration.strategies.engine.options import ModelName
from pipelines.engine.options import (
    AS_PIPELINE,
    AS_SCHEMA,
    AS_SOURCE,
    AS_TEMPLATE,
    AS_TEMPLATES,
    ProcessorSpec,
)
from pipelines.engine.scope import Scope, parse_place, parse_source

_ONE_PLACE = Pattern(r"\{\{\s*(\w+(?:\.\w+)*)\s*\}\}")

ModelNames = Annotated[tuple[ModelName, ...], Field(max_length=50, json_schema_extra={"uniqueItems": True})]
"""Models by name, in order, each once."""
TemplateText = Annotated[str, Field(json_schema_extra=AS_TEMPLATE)]
TemplateFields = Annotated[dict[str, Json] | None, Field(json_schema_extra=AS_TEMPLATES)]
SourceText = Annotated[Json, Field(json_schema_extra=AS_SOURCE)]
SchemaFields = Annotated[dict[str, Json] | None, Field(json_schema_extra=AS_SCHEMA)]
PipelineName = Annotated[str, Field(json_schema_extra=AS_PIPELINE)]


class ProcessorOptions(BaseModel):
    """Base of the options of processors: unknown ones are refused, nothing is converted silently.

    What is said below an option is its description in forms.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        field_title_generator=title,
    )


class ProcessorFailed(CodedError):
    """A stage could not do its work: its code says what kind of failure, for retries and pages."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunInfo:
    """What is frozen with a run and the same for all its stages.

    `models` are the names that a stage without models of its own asks, in order. `people` are the ids of the
    members that the definition names, by the name that it writes.
    """

    models: tuple[str, ...] = ()
    people: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class UsedRun:
    """A run of another kind, whose payload may name models of its own; its texts are templates."""

    kind: str
    ref: str
    payload: Mapping[str, Json]


@dataclass(frozen=True, kw_only=True, slots=True)
class Uses:
    """What a stage reaches by name: models, members of the team, tools, runs of other kinds.

    `tools_at` is the option that names the tools.
    """

    models: Sequence[str] = ()
    people: Sequence[str] = ()
    tools: Sequence[str] = ()
    tools_at: str = "name"
    runs: Sequence[UsedRun] = ()


@dataclass(kw_only=True, slots=True)
class StageResult:
    """What a processor gives: the value, the stages that a branch chose, a score from 0 to 1.

    `details` are for pages: plain JSON.
    """

    value: Json
    chosen: frozenset[str] = frozenset()
    score: float | None = None
    details: Mapping[str, Json] = field(default_factory=dict)


@dataclass(kw_only=True, slots=True)
class Work:
    """One attempt at a stage: its options, checked, its mapped input, and what its expressions may read.

    `run_stage` executes a stage that is written inside the options: as it is called for people, with a scope,
    in a context, under a step.
    The methods raise `MissingValue` for what is not there, and `ExpressionError`.
    """

    stage: str
    options: Any
    input: Json
    scope: Scope
    info: RunInfo
    run_stage: Callable[[str, Json, Scope, RunContext, str], Awaitable[StageResult]]

    def read(self, source: Json) -> Json:
        """Return what a source gives; the input of the stage where none is written."""
        return self.input if source is None else parse_source(source).read(self.scope)

    def render(self, template: str, mark: Callable[[str], str] = str) -> str:
        """Return the text of a template; `mark` is applied to the text of each value in it."""
        parsed = parse_template(template)
        return parsed.render(self.scope.values(parsed.names), mark)

    def filled(self, value: Json) -> Json:
        """Return a value in which each text is a template; one that only names a place keeps its type."""
        if isinstance(value, dict):
            return {name: self.filled(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self.filled(each) for each in value]
        if not isinstance(value, str):
            return value
        place = _ONE_PLACE.fullmatch(value)
        return parse_place(place[1] or "").read(self.scope) if place else self.render(value)


class Processor(ABC):
    """What does the work of a stage. `gives` are the types that its result may have."""

    name: ClassVar[str]
    title: ClassVar[str]
    summary: ClassVar[str]
    Options: ClassVar[type[ProcessorOptions]] = ProcessorOptions
    gives: ClassVar[tuple[ValueType, ...]] = ANY
    cacheable: ClassVar[bool] = True

    @cached_property
    def spec(self) -> ProcessorSpec:
        """The processor as validation and forms see it."""
        schema = self.Options.model_json_schema(by_alias=True)
        about: dict[str, Any] = {"gives": self.gives, "cacheable": self.cacheable, "faults": self._faults}
        return ProcessorSpec(name=self.name, options_schema=schema, **about)

    def _faults(self, written: Json) -> Iterator[tuple[Keys, str]]:
        try:
            options = self.Options.model_validate(written)
        except ValidationError as error:
            yield from ((each["loc"], f"{each['msg']}.") for each in error.errors(include_url=False))
        else:
            yield from self.faults(options)

    def faults(self, options: Any) -> Iterator[tuple[Keys, str]]:  # noqa: ANN401, ARG002  # of its own class
        """Yield what does not fit together in checked options: where, and a sentence."""
        yield from ()

    def uses(self, options: Any) -> Uses:  # noqa: ANN401, ARG002
        """Return what checked options name: a run is frozen with it."""
        return Uses()


class PureProcessor(Processor):
    """Computes its result from its input: nothing outside is reached, so it is computed again on replay."""

    @abstractmethod
    def compute(self, work: Work) -> StageResult:
        """Return the result. Raises `ProcessorFailed`."""


class ActiveProcessor(Processor):
    """Reaches outside the run, through its context only: models, tools, people, time, other runs."""

    @abstractmethod
    async def execute(self, work: Work, context: RunContext) -> StageResult:
        """Return the result; its steps are prefixed by stage and attempt. Raises `EngineError`."""
