"""The parts of a definition: names and times, mappings, retries, caches, and what follows an error.

Times are float seconds. A field `json_schema` is written `schema`, a field `source` is written `from`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Discriminator, Field, SerializerFunctionWrapHandler, Strict, Tag, model_serializer

from orchestration.expressions.fields import DefinitionPart, Flag, Name, Whole
from orchestration.llm.engine.types import Json
from pipelines.engine.options import AS_PIPELINE, AS_SCHEMA, AS_SOURCE, OptionFormat

MOST_TRANSFORMS, MOST_DESTINATIONS, MOST_ATTEMPTS = 50, 20, 10
LONGEST_WAIT_S, LONGEST_TIMEOUT_S, LONGEST_CACHE_S = 3_600, 30 * 86_400, 365 * 86_400

Seconds = Annotated[float, Strict(), Field(gt=0, le=LONGEST_TIMEOUT_S)]
Wait = Annotated[float, Strict(), Field(ge=0, le=LONGEST_WAIT_S)]
Transform = Annotated[Json, Field(json_schema_extra={"format": OptionFormat.TRANSFORM})]
Transforms = Annotated[tuple[Transform, ...], Field(max_length=MOST_TRANSFORMS)]
StageName = Annotated[Name, Field(json_schema_extra={"format": OptionFormat.STAGE})]
Destinations = Annotated[tuple[str, ...], Field(min_length=1, max_length=MOST_DESTINATIONS)]


class ErrorClass(StrEnum):
    """What kind of failure may be tried again."""

    TIMEOUT = "timeout"
    RATE_LIMIT = "rate_limit"
    SERVER = "server"
    STREAM = "stream"
    CIRCUIT = "circuit"
    BAD_ANSWER = "bad_answer"
    SCHEMA = "schema"
    TOOL = "tool"


class Backoff(StrEnum):
    """How the wait before another attempt grows."""

    EXPONENTIAL = "exponential"
    FIXED = "fixed"


class ErrorStrategy(StrEnum):
    """What the failure of a stage, once nothing else deals with it, means to the whole pipeline."""

    RETRY = "retry"
    FAIL_FAST = "fail_fast"
    CONTINUE = "continue"
    FALLBACK = "fallback"


class Declared(DefinitionPart):
    """What a pipeline takes."""

    json_schema: Json = Field(default=None, alias="schema", title="Schema", json_schema_extra=AS_SCHEMA)
    """JSON Schema of the input. Empty: anything."""


class InputMapping(DefinitionPart):
    """Where a value comes from, and what is done to it."""

    source: Json = Field(default="previous", alias="from", title="From", json_schema_extra=AS_SOURCE)
    """A source: input.text, stages.draft.output, {value: …}, {template: …}, an object or a list of these."""
    transforms: Transforms = ()
    """What is done to the value, one after the other."""
    json_schema: Json = Field(default=None, alias="schema", title="Schema", json_schema_extra=AS_SCHEMA)
    """JSON Schema that the result has to fit."""
    default: Json = None
    """The value where the source has none. Not given: an error."""

    @property
    def has_default(self) -> bool:
        """Whether a default is written, were it null."""
        return "default" in self.model_fields_set

    @model_serializer(mode="wrap")
    def _without_no_default(self, serialized: SerializerFunctionWrapHandler) -> dict[str, Json]:
        """Leave out a default that is not written: null is another one."""
        written: dict[str, Json] = serialized(self)
        if not self.has_default:
            written.pop("default", None)
        return written


def _number(written: object) -> str:
    """Return whether one destination is written, or several."""
    return "several" if isinstance(written, list | tuple) else "one"


class OutputMapping(DefinitionPart):
    """What is done to a stage's result, and where it goes."""

    to: Annotated[
        Annotated[str, Tag("one")] | Annotated[Destinations, Tag("several")], Discriminator(_number)
    ] = "next"
    """next (what follows), variable.<name>, final (the pipeline's output), or a list"""
    transforms: Transforms = ()
    """What is done to the result, one after the other."""
    json_schema: Json = Field(default=None, alias="schema", title="Schema", json_schema_extra=AS_SCHEMA)
    """JSON Schema that the result has to fit."""

    @property
    def destinations(self) -> tuple[str, ...]:
        """The destinations, whether one is written or a list."""
        return (self.to,) if isinstance(self.to, str) else self.to


class Retry(DefinitionPart):
    """How often a stage is tried, and how long it waits in between."""

    attempts: Annotated[Whole, Field(ge=1, le=MOST_ATTEMPTS)] = 1
    """The first one included."""
    backoff: Backoff = Backoff.EXPONENTIAL
    """How the wait before an attempt grows."""
    base: Wait = Field(default=0.5, title="First wait (s)")
    """Seconds before the second attempt."""
    cap: Wait = Field(default=30, title="Longest wait (s)")
    """Seconds that no wait exceeds."""
    jitter: Flag = True
    """Wait a random part of the time, so that not all come at once."""
    on: Annotated[tuple[ErrorClass, ...], Field(max_length=len(ErrorClass))] = (
        ErrorClass.TIMEOUT,
        ErrorClass.RATE_LIMIT,
        ErrorClass.SERVER,
    )
    """The kinds of failure that are tried again."""


class CacheRule(DefinitionPart):
    """How long the result of a stage is used again for the same definition and input."""

    ttl: Annotated[float, Strict()] = Field(gt=0, le=LONGEST_CACHE_S, title="Keep for (s)")
    """Seconds that a result may be used again."""


class DefaultValue(DefinitionPart):
    """A stage that failed succeeds with this value instead."""

    default: Json
    """The output of the stage when it fails."""


class GoTo(DefinitionPart):
    """A stage that failed is followed by another one."""

    goto: StageName = Field(title="Go to")
    """A later stage."""


class FallbackPipeline(DefinitionPart):
    """A stage that failed is replaced by a pipeline, which is given the state so far."""

    pipeline: Name = Field(json_schema_extra=AS_PIPELINE)
    """The pipeline that takes over."""


def _error_rule(written: object) -> str | None:
    """Return which way of writing `on_error` is meant: one of its words, or that of the first known key."""
    if isinstance(written, DefinitionPart):
        return type(written).__name__
    if written in ("fail", "skip"):
        return "word"
    keys = written if isinstance(written, dict) else ()
    rules = {"default": "DefaultValue", "goto": "GoTo", "pipeline": "FallbackPipeline"}
    return next((rule for key, rule in rules.items() if key in keys), None)


OnError = Annotated[
    Annotated[Literal["fail", "skip"], Tag("word")]
    | Annotated[DefaultValue, Tag("DefaultValue")]
    | Annotated[GoTo, Tag("GoTo")]
    | Annotated[FallbackPipeline, Tag("FallbackPipeline")],
    Discriminator(
        _error_rule,
        custom_error_type="on_error",
        custom_error_message="Must be {wanted}",
        custom_error_context={"wanted": "fail, skip, {default: …}, {goto: …} or {pipeline: …}"},
    ),
]


class ErrorHandling(DefinitionPart):
    """What the failure of a stage means to the whole pipeline."""

    strategy: ErrorStrategy = ErrorStrategy.FAIL_FAST
    """fail_fast: stop at once. continue: finish what does not need the stage. retry: try the stage again.
    fallback: another pipeline takes over."""
    pipeline: Name | None = Field(default=None, title="Fallback pipeline", json_schema_extra=AS_PIPELINE)
    """Takes over where the strategy is fallback."""
