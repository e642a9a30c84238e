"""What strategies share: frozen values, and how numbers and names are put into sentences.

Money is `Decimal` US dollars, time is float seconds, scores run from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import reduce
from operator import add
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, WithJsonSchema, field_validator

from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import NO_USAGE, WHERE_SET, FieldFormat, FinishReason, Json, Usage
from orchestration.runs.engine.types import Decision, PathStep

AS_SHARE: dict[str, JsonValue] = {"format": FieldFormat.SHARE}
"""A share of 0 to 1, which pages show and ask for in percent."""
Dollars = Annotated[
    Decimal, WithJsonSchema({"type": "number", "format": FieldFormat.DOLLARS, "exclusiveMinimum": 0})
]


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
        title="Least quality",
        description="least estimated quality of the answer",
        json_schema_extra={"flag": "--min-quality", "metavar": "Q", **AS_SHARE},
    )


MOST_TOOLS = 32
USUAL_ROUNDS, MOST_ROUNDS = 4, 10
"""Calls of a model for one answer, where it may call tools."""
ToolRounds = Annotated[int, Field(ge=2, le=MOST_ROUNDS, title="Most rounds")]


class Request(BaseModel):
    """A request to a strategy: the one type that form, command, stored run and engine share.

    `strategy` is a strategy's name, `models` the panel's names in order, `options` the strategy's own.
    `response_schema` is the JSON Schema that an answer is asked to fit. `tools` are the names of those that
    models may call for an answer; a stored run has them by name as they were frozen. `rubric` is the one that
    the options name, as a stored run has it. All three are stored only where there are any.
    Raises `ValidationError` for a wrong type; what must fit together is checked when a run starts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    system: str = ""
    strategy: str = ""
    models: tuple[str, ...] = ()
    options: Mapping[str, Json] = Field(default_factory=dict)
    constraints: Constraints = Constraints()
    response_schema: Mapping[str, Json] | None = Field(default=None, exclude_if=lambda schema: schema is None)
    rubric: Mapping[str, Json] | None = Field(default=None, exclude_if=lambda rubric: rubric is None)
    tools: tuple[str, ...] = Field(default=(), max_length=MOST_TOOLS, exclude_if=lambda names: not names)
    tool_rounds: ToolRounds = Field(
        default=USUAL_ROUNDS,
        description="Calls of a model for one answer, where it calls tools. In the last it is given none.",
        exclude_if=lambda rounds: rounds == USUAL_ROUNDS,
    )

    @field_validator("tools", mode="before")
    @classmethod
    def _names(cls, given: Json) -> Json:
        return tuple(dict.fromkeys(given)) if isinstance(given, list | tuple | Mapping) else given


def invalid_request(error: ValidationError) -> InvalidRequest:
    """Return what is wrong first with a payload, at its field; forms have a field for each limit."""
    detail = error.errors(include_url=False)[0]
    field, *below = map(str, detail["loc"] or ("",))
    field = below[0] if field == "constraints" and below else field
    sentence = f"{field}: {detail['msg'][:1].lower()}{detail['msg'][1:]}."
    if detail["type"] == "decimal_parsing":
        sentence = f"{str(detail['input'])[:60]!r} is not an amount in US dollars."
    elif field == "min_quality":
        sentence = "The least quality is a number from 0 to 1."
    elif field in Constraints.model_fields:
        sentence = "A limit must be above zero; leave it empty for none."
    return InvalidRequest(sentence, field=field)


class Caveat(StrEnum):
    """What an answer falls short of, of what the request asks for."""

    BELOW_QUALITY = "below_quality"
    QUALITY_UNKNOWN = "quality_unknown"


class StrategyEvent(StrEnum):
    """Names of the events that strategies add to a run's own."""

    CANDIDATE_SCORED = "candidate_scored"
    BALLOT_CAST = "ballot_cast"
    VOTE_TALLIED = "vote_tallied"


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """What one judge said of an answer by a rubric.

    `score` is the weighted mean of its `scores`, 0 to 1, which stand by the keys of the rubric's criteria.
    `confidence` is 1 when the judge said the same in both orders.
    """

    judge: str
    rubric: str
    version: int
    score: float
    confidence: float
    scores: Mapping[str, float]
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Quality:
    """An estimate that an answer is acceptable.

    `overall` is a probability; the five dimensions are None where nothing gave evidence on them; `evidence`
    says in words what the score rests on. Without any it is not `judged`: `overall` is then only what any
    answer has before it is looked at. An answer that is not `usable` is a refusal, empty, or cut off.
    `agreeing` of the `compared` answers say the same, this one included; both are 0 without a comparison.
    `judgements` are what judges said of it.
    """

    overall: float
    judged: bool = True
    usable: bool = True
    agreeing: int = 0
    compared: int = 0
    coherence: float | None = None
    relevance: float | None = None
    completeness: float | None = None
    accuracy: float | None = None
    fluency: float | None = None
    evidence: tuple[str, ...] = ()
    judgements: tuple[Judgement, ...] = field(default=(), metadata=WHERE_SET)


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """One model's answer inside an outcome, or the reason why there is none.

    `step` is the key of the step that asked for it. `state` is `answered`, `failed`, `cancelled` or
    `missing` (no answer at the deadline).
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


def is_usable(candidate: Candidate) -> bool:
    """Return whether a candidate answered, and nothing makes the answer unusable."""
    return candidate.state == "answered" and (candidate.quality is None or candidate.quality.usable)


def answered_candidates(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return the candidates that are answers."""
    return [candidate for candidate in candidates if candidate.state == "answered"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Consensus:
    """How far the candidates agree with the outcome, the lead over the runner-up, and who dissented."""

    agreement: float
    margin: float
    dissenters: tuple[str, ...] = ()
    rule: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class StrategyOutcome:
    """The result of a strategy; `chosen` is the step of the chosen candidate, empty for a synthesis.

    `caveat` is what the answer falls short of, None for nothing; the first of the `notes` says it.
    """

    answer: str
    candidates: tuple[Candidate, ...] = ()
    chosen: str = ""
    consensus: Consensus | None = None
    quality: Quality | None = None
    decisions: tuple[Decision, ...] = ()
    path: tuple[PathStep, ...] = ()
    notes: tuple[str, ...] = ()
    caveat: Caveat | None = None


CENT = Decimal("0.01")


def dollars(amount: Decimal) -> str:
    """Return an amount in US dollars: cents, or two significant digits below a cent."""
    if amount == 0:
        return "$0"
    if abs(amount) >= CENT:
        return f"${amount:.2f}"
    digits = -amount.adjusted() + 1
    return f"${amount:.{digits}f}"


def dollars_apart(one: Decimal, other: Decimal) -> str:
    """Return how far two amounts are apart as they are shown: who subtracts them finds the same."""
    shown = [Decimal(dollars(each).removeprefix("$")) for each in (one, other)]
    return dollars(abs(shown[0] - shown[1]))


Number = TypeVar("Number", Decimal, float)


def total(amounts: Iterable[Number | None]) -> Number | None:
    """Add up amounts of which there is at least one; None where any is not known."""
    known = list(amounts)
    whole = [each for each in known if each is not None]
    return reduce(add, whole) if whole and len(whole) == len(known) else None


MOST_DIGITS = 2


def percent(share: float, *, beside: float | None = None) -> str:
    """Return a share of 0 to 1 in percent, with decimals where it would look like another one `beside` it."""
    for digits in range(MOST_DIGITS):
        shown = f"{share:.{digits}%}"
        if beside is None or beside == share or shown != f"{beside:.{digits}%}":
            return shown
    return f"{share:.{MOST_DIGITS}%}"


def listed(names: Sequence[str]) -> str:
    """Return names as in a sentence: a, b and c."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1] if names else ""]))


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: 1 call, 2 calls."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
