"""The parts of a definition: names and times, mappings, retries, caches, and what follows an error.

Times are float seconds. A field `json_schema` is written `schema`, a field `source` is written `from`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    SerializerFunctionWrapHandler,
    Strict,
    StringConstraints,
    Tag,
    model_serializer,
)

from orchestration.expressions.transforms.specs import title
from orchestration.llm.engine.types import Json

MOST_TRANSFORMS, MOST_DESTINATIONS, MOST_ATTEMPTS = 50, 20, 10
LONGEST_WAIT_S, LONGEST_TIMEOUT_S, LONGEST_CACHE_S = 3_600, 30 * 86_400, 365 * 86_400

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
"""Of a pipeline, stage or variable: a small letter, then small letters, digits, - and _; 40 at most."""
Seconds = Annotated[float, Strict(), Field(gt=0, le=LONGEST_TIMEOUT_S)]
Wait = Annotated[float, Strict(), Field(ge=0, le=LONGEST_WAIT_S)]
Whole = Annotated[int, Strict()]
Flag = Annotated[bool, Strict()]
Transforms = Annotated[tuple[Json, ...], Field(max_length=MOST_TRANSFORMS)]
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


class DefinitionPart(BaseModel):
    """Base of the parts of a definition: unknown fields are refused, nothing is converted silently.

    What is said below a field is its description in forms.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        serialize_by_alias=True,
        use_attribute_docstrings=True,
        field_title_generator=title,
    )


class Declared(DefinitionPart):
    """What a pipeline takes."""

    json_schema: Json = Field(default=None, alias="schema", title="Schema")
    """JSON Schema of the input. Empty: anything."""


class InputMapping(DefinitionPart):
    """Where a value comes from, and what is done to it."""

    source: Json = Field(default="previous", alias="from", title="From")
    """A source: input.text, stages.draft.output, {value: …}, {template: …}, an object or a list of these."""
    transforms: Transforms = ()
    """What is done to the value, one after the other."""
    json_schema: Json = Field(default=None, alias="schema", title="Schema")
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
        return {
            name: value for name, value in serialized(self).items() if name != "default" or self.has_default
        }


def _number(written: object) -> str:
    """Return whether one destination is written, or several."""
    return "(several)" if isinstance(written, list | tuple) else "(one)"


class OutputMapping(DefinitionPart):
    """What is done to a stage's result, and where it goes."""

    to: Annotated[
        Annotated[str, Tag("(one)")] | Annotated[Destinations, Tag("(several)")], Discriminator(_number)
    ] = "next"
    """next (what follows), variable.<name>, final (the pipeline's output), or a list"""
    transforms: Transforms = ()
    """What is done to the result, one after the other."""
    json_schema: Json = Field(default=None, alias="schema", title="Schema")
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

    goto: Name = Field(title="Go to")
    """A later stage."""


class FallbackPipeline(DefinitionPart):
    """A stage that failed is replaced by a pipeline, which is given the state so far."""

    pipeline: Name
    """The pipeline that takes over."""


def _error_rule(written: object) -> str:
    """Return which way of writing `on_error` is meant: that of the first known key, else the plain word."""
    if isinstance(written, DefinitionPart):
        return f"({type(written).__name__})"
    keys = written if isinstance(written, dict) else ()
    rules = (("default", "DefaultValue"), ("goto", "GoTo"), ("pipeline", "FallbackPipeline"))
    return next((f"({rule})" for key, rule in rules if key in keys), "(word)")


OnError = Annotated[
    Annotated[Literal["fail", "skip"], Tag("(word)")]
    | Annotated[DefaultValue, Tag("(DefaultValue)")]
    | Annotated[GoTo, Tag("(GoTo)")]
    | Annotated[FallbackPipeline, Tag("(FallbackPipeline)")],
    Discriminator(_error_rule),
]


class ErrorHandling(DefinitionPart):
    """What the failure of a stage means to the whole pipeline."""

    strategy: ErrorStrategy = ErrorStrategy.FAIL_FAST
    """fail_fast: stop at once. continue: finish what does not need the stage. retry: try the stage again.
    fallback: another pipeline takes over."""
    pipeline: Name | None = Field(default=None, title="Fallback pipeline")
    """Takes over where the strategy is fallback."""
