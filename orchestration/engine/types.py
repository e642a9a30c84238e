"""The engine's vocabulary: frozen, keyword-only values without behaviour that needs the outside world.

Money is `Decimal` US dollars, time is float seconds, scores run from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

Json = Any
Role = Literal["system", "user", "assistant"]

MILLION = Decimal(1_000_000)


class Purpose(StrEnum):
    """What a prompt is for. Real providers ignore it; simulated models, caches and metrics use it."""

    ANSWER = "answer"
    JUDGE = "judge"
    RANK = "rank"
    AGGREGATE = "aggregate"
    CLASSIFY = "classify"
    PLAN = "plan"
    PROPOSE = "propose"
    VOTE = "vote"
    REVIEW = "review"
    SUMMARISE = "summarise"


class FinishReason(StrEnum):
    """Why a model stopped writing."""

    STOP = "stop"
    LENGTH = "length"
    CONTENT_FILTER = "content_filter"
    OTHER = "other"


class Tier(StrEnum):
    """A model's place on the ladder from cheap to dear."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


class Capability(StrEnum):
    """What a model can do beside plain chat."""

    STREAMING = "streaming"
    JSON_SCHEMA = "json_schema"
    TOOLS = "tools"
    VISION = "vision"
    REASONING = "reasoning"


class StepStatus(StrEnum):
    """How a journaled step ended."""

    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompt:
    """Everything a model is sent, and what for.

    `sample` tells repeated draws of one prompt apart (it is part of a cache key and of the step's hash).
    """

    messages: tuple[Message, ...]
    purpose: Purpose = Purpose.ANSWER
    temperature: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    response_schema: Mapping[str, Json] | None = None
    sample: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Prices:
    """List price in US dollars per million tokens."""

    input_per_million: Decimal
    output_per_million: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelSpec:
    """One model as a run has frozen it: its team-wide unique name, where it lives, what it costs and can do.

    `family` names the lineage (a judge never judges its own family when another is there); `remote_name` is
    what the provider calls it; `prices` is None where nobody said what it costs.
    """

    name: str
    provider: str
    remote_name: str
    family: str = ""
    context_window: int = 8192
    max_output_tokens: int = 1024
    prices: Prices | None = None
    capabilities: frozenset[Capability] = frozenset()
    tier: Tier = Tier.MEDIUM


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """Tokens of one call; `estimated` when the provider did not say."""

    input_tokens: int = 0
    output_tokens: int = 0
    estimated: bool = False


NO_USAGE = Usage()


@dataclass(frozen=True, kw_only=True, slots=True)
class Delta:
    """A piece of streamed text: from character `offset` on, the text so far is replaced by `text`.

    Offsets only fall back when a later attempt starts the answer again.
    """

    text: str
    offset: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Completion:
    """A model's whole answer.

    `cost_usd` is None when the model has no price; `latency_s` covers this attempt.
    """

    text: str
    usage: Usage = NO_USAGE
    finish: FinishReason = FinishReason.STOP
    cost_usd: Decimal | None = None
    latency_s: float = 0.0
    first_token_s: float | None = None
    cached: bool = False
    reported_model: str = ""


Dollars = Annotated[Decimal, WithJsonSchema({"type": "number", "format": "dollars", "exclusiveMinimum": 0})]


class Constraints(BaseModel):
    """Hard limits that a member puts on a run; None means no limit.

    Raises `ValidationError` for impossible ones. Forms and commands are made from these fields: `flag` is the
    command line's name of a limit.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    max_cost_usd: Dollars | None = Field(
        default=None,
        gt=0,
        title="Cost limit ($)",
        description="US dollars that the run may cost",
        json_schema_extra={"flag": "--max-cost", "metavar": "USD"},
    )
    max_latency_s: float | None = Field(
        default=None,
        gt=0,
        title="Time limit (s)",
        description="seconds that the run may take",
        json_schema_extra={"flag": "--max-latency", "metavar": "S"},
    )
    max_calls: int | None = Field(
        default=None,
        ge=1,
        title="Most calls",
        description="calls that the run may start",
        json_schema_extra={"flag": "--max-calls", "metavar": "N"},
    )
    min_quality: float | None = Field(
        default=None,
        ge=0,
        le=1,
        title="Least quality (0 to 1)",
        description="least estimated quality of the answer, 0 to 1",
        json_schema_extra={"flag": "--min-quality", "metavar": "Q"},
    )


UNCONSTRAINED = Constraints()


class Request(BaseModel):
    """What is asked: the one shape that form, command, stored run and engine share.

    `strategy` is a strategy's name, `models` the panel's names in order, `options` the strategy's own.
    Raises `ValidationError` for a wrong type; what must fit together is checked when a run starts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    system: str = ""
    strategy: str = ""
    models: tuple[str, ...] = ()
    options: Mapping[str, Json] = Field(default_factory=dict)
    constraints: Constraints = UNCONSTRAINED


class StrategyEvent(StrEnum):
    """Names of the events that strategies add to a run's own."""

    CANDIDATE_SCORED = "candidate_scored"
    BALLOT_CAST = "ballot_cast"
    VOTE_TALLIED = "vote_tallied"


@dataclass(frozen=True, kw_only=True, slots=True)
class Quality:
    """An estimate that an answer is acceptable.

    `overall` is a probability; the five dimensions are None where nothing gave evidence on them; `evidence`
    says in words what the score rests on.
    """

    overall: float
    coherence: float | None = None
    relevance: float | None = None
    completeness: float | None = None
    accuracy: float | None = None
    fluency: float | None = None
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """One model's answer inside an outcome, or the reason why there is none.

    `step` is the key of the step that asked for it. `state` is `answered`, `failed`, `cancelled` or
    `missing` (not there at the deadline).
    """

    model: str
    step: str
    state: Literal["answered", "failed", "cancelled", "missing"] = "answered"
    text: str = ""
    extracted: str | None = None
    quality: Quality | None = None
    latency_s: float = 0.0
    cost_usd: Decimal | None = None
    usage: Usage = NO_USAGE
    finish: FinishReason | None = None
    cached: bool = False
    error: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Consensus:
    """How far the candidates agree with the outcome, the lead over the runner-up, and who dissented."""

    agreement: float
    margin: float
    dissenters: tuple[str, ...] = ()
    rule: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One stretch of the path an outcome took, seconds since the run's start."""

    step: str
    started_s: float
    seconds: float
    ok: bool
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """A choice with its options, their scores (where there are any) and the reason in words.

    `remarks` say more about single options.
    """

    kind: str
    chosen: str
    reason: str
    options: tuple[str, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)
    remarks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class StrategyOutcome:
    """What came back; `chosen` is the step of the candidate that is the answer, empty for a synthesis."""

    answer: str
    candidates: tuple[Candidate, ...] = ()
    chosen: str = ""
    consensus: Consensus | None = None
    quality: Quality | None = None
    decisions: tuple[Decision, ...] = ()
    path: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()
