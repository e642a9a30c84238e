"""The rules of a team's router: which method answers what, and what changes when things go badly.

Routing rules are tried in order, the first that matches decides. Optimisation rules look at a window of past
runs. Times are seconds unless a name says otherwise, money is US dollars, shares run from 0 to 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from enum import StrEnum
from functools import cache
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from orchestration.expressions.conditions import parse_condition
from orchestration.expressions.errors import DocumentFault, ExpressionError
from orchestration.expressions.schemas import Schema, parse_schema, read_definition
from orchestration.expressions.transforms.specs import title
from orchestration.expressions.values import Bounds
from orchestration.llm.engine.types import FieldFormat, Json
from orchestration.routing.engine.analysis import Analysis, RequestType
from orchestration.strategies.engine.classification import TaskType

BOUNDS = Bounds(depth=16, nodes=20_000, characters=500_000)
MOST_RULES = 100
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
"""A small letter, then small letters, digits, - and _; 40 at most."""
Ref = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{0,39}/[^\n]{1,200}$")]
"""A method: its kind and its name, as in pipeline/support-reply."""
Clock = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
"""A time of day, as in 09:30."""
Title = Annotated[str, StringConstraints(max_length=120)]
Share = Annotated[float, Field(ge=0, le=1, json_schema_extra={"format": FieldFormat.SHARE})]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = Day.__args__  # type: ignore[attr-defined]  # how a Literal keeps its values


class Priority(StrEnum):
    """How much depends on an answer; a critical one needs the consensus of several models."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    CRITICAL = "critical"


class Signal(StrEnum):
    """What an optimisation rule watches, over the past runs of the chosen method."""

    LATENCY = "latency"
    QUALITY = "quality"
    RETRIES = "retries"
    OVERLOAD = "overload"

    def words(self, value: float, model: str = "") -> str:
        """Return what was observed, in words; of which model where it is about one."""
        return {
            Signal.LATENCY: f"a run takes {value:.1f} s (median)",
            Signal.QUALITY: f"the mean quality is {value:.0%}",
            Signal.RETRIES: f"{value:.0%} of the calls are repeated",
            Signal.OVERLOAD: f"{value:.0%} of the calls of {model or 'a model'} are refused or wait",
        }[self]

    @property
    def counts(self) -> str:
        """What there has to be enough of before a rule acts."""
        return {Signal.QUALITY: "judged runs", Signal.OVERLOAD: "calls"}.get(self, "runs")


class Remedy(StrEnum):
    """What an optimisation rule does."""

    SWITCH_METHOD = "switch method"
    REUSE_ANSWERS = "reuse answers"
    REDUCE_PARALLELISM = "reduce parallelism"
    RAISE_TIMEOUT = "raise timeout"
    OTHER_MODELS = "use other models"


class How(StrEnum):
    """How the methods of a rule are used."""

    USE = "use"
    BALANCE = "balance"
    FAILOVER = "failover"


class RoutingPart(BaseModel):
    """Base of the parts of a rule set. Types are checked by the JSON Schema that is made of them."""

    model_config = ConfigDict(frozen=True, extra="forbid", field_title_generator=title)


class When(RoutingPart):
    """What a request has to be for a rule to match: all that is set has to hold."""

    request_types: tuple[RequestType, ...] = Field((), description="Any of these. Empty: all.")
    tasks: tuple[TaskType, ...] = Field((), description="Types of task, any of these. Empty: all.")
    priorities: tuple[Priority, ...] = Field((), description="Any of these. Empty: all.")
    min_tokens: int | None = Field(None, ge=0, le=10_000_000, description="Tokens that it has at least.")
    max_tokens: int | None = Field(None, ge=0, le=10_000_000, description="Tokens that it has at most.")
    days: tuple[Day, ...] = Field((), description="Days of the week, as mon. Empty: all.")
    from_time: Clock | None = Field(None, title="From", description="Time of day, as 09:00.")
    until_time: Clock | None = Field(None, title="Until", description="Before this time of day, as 17:30.")
    zone: Title = Field("", description="Time zone, as Europe/Berlin. Empty: that of the server.")
    busy_model: Title = Field("", description="A model that has to be busy.")
    busy_from: Share = Field(0.8, description="Share of its allowed calls at the same time that is busy.")
    condition: Annotated[str, StringConstraints(max_length=2_000)] = Field(
        "", description="CEL, as in tokens > 500 && task == 'translation'. Empty: always."
    )


class Target(RoutingPart):
    """A method that a rule uses."""

    method: Ref = Field(description="As in pipeline/support-reply, session/research-brief, model/name.")
    weight: float = Field(1.0, gt=0, le=1_000, description="Share of the requests, where they are balanced.")


class RoutingRule(RoutingPart):
    """What is used when."""

    id: Name = Field(description="Unique among the rules.")
    note: Title = Field("", description="What it is for.")
    enabled: bool = Field(default=True, description="Rules that are off are passed over.")
    when: When = Field(When(), description="Empty: every request.")
    how: How = Field(
        How.USE,
        description="Use one; balance the requests by weights; or fail over in the order of the list.",
    )
    use: tuple[Target, ...] = Field(min_length=1, max_length=20, title="Methods", description="What answers.")


class OptimisationRule(RoutingPart):
    """What changes when the past runs of the chosen method go badly."""

    id: Name = Field(description="Unique among these rules.")
    enabled: bool = Field(default=True, description="Rules that are off are passed over.")
    signal: Signal = Field(description="What is watched.")
    limit: float = Field(
        ge=0, le=100_000, description="Seconds, or a share: at least this much; for quality, at most."
    )
    runs: int = Field(20, ge=1, le=500, description="The newest runs of the method that are looked at.")
    minutes: int = Field(1_440, ge=1, le=525_600, description="How old these may be.")
    least: int = Field(5, ge=1, le=500, description="With fewer runs than this it does not act.")
    remedy: Remedy = Field(description="What is done.")
    to: Title = Field("", description="The method or the model to use instead. Empty: the next best.")
    amount: float | None = Field(
        None, gt=0, le=10_000, description="Calls at a time, factor of the time limit, or minutes of reuse."
    )

    @property
    def limit_words(self) -> str:
        """The limit, in words: at which values the rule acts."""
        most = "at most" if self.signal is Signal.QUALITY else "at least"
        limit = f"{self.limit:g} s" if self.signal is Signal.LATENCY else f"{self.limit:.0%}"
        return f"{most} {limit}"


class RoutingRules(RoutingPart):
    """A rule set: what `auto` goes by."""

    schema_version: Literal[1] = Field(1, description="Version of this format.")
    name: Name = Field(description="What it is called by.")
    title: Title = Field("", description="What pages call it.")
    description: Annotated[str, StringConstraints(max_length=5_000)] = Field(
        "", description="What it is for."
    )
    dial: Share = Field(0.5, description="0 is cheap and fast, 100 % is the best answer at any price.")
    exploration_usd: float = Field(
        0.05, ge=0, le=10_000, title="Exploration ($ a day)", description="Spent on learning. 0: nothing."
    )
    fall_back_below: Share = Field(0.4, description="An answer of less quality is tried again otherwise.")
    methods: tuple[Ref, ...] = Field(
        (),
        max_length=50,
        description="Pipelines and sessions that may be chosen, or fallen back on, by themselves.",
    )
    rules: tuple[RoutingRule, ...] = Field(
        (), max_length=MOST_RULES, description="In order; the first decides."
    )
    optimisations: tuple[OptimisationRule, ...] = Field(
        (), max_length=MOST_RULES, description="All that apply."
    )

    @property
    def named(self) -> tuple[str, ...]:
        """The methods that the set names, and the models by which optimisations replace others."""
        ruled = (target.method for rule in self.rules for target in rule.use)
        instead = (each.to for each in self.optimisations if each.to)
        return tuple(dict.fromkeys((*self.methods, *ruled, *instead)))


NAMES = (
    "text",
    "tokens",
    "task",
    "kind",
    "request_type",
    "difficulty",
    "priority",
    "needs",
    "hour",
    "weekday",
)
"""What a condition may read."""


@cache
def rules_schema() -> Schema:
    """Return the JSON Schema of a rule set; `written` is what is exported."""
    return parse_schema(RoutingRules.model_json_schema())


def read_rules(document: Json) -> tuple[RoutingRules | None, tuple[DocumentFault, ...]]:
    """Return a document as a rule set, or all that is wrong with it, first the fields, then their meaning."""
    return read_definition(RoutingRules, document, "rule set", rules_schema(), BOUNDS, _faults)


def _faults(rules: RoutingRules) -> Iterator[DocumentFault]:
    yield from _rule_faults(rules)
    yield from _optimisation_faults(rules)


def _rule_faults(rules: RoutingRules) -> Iterator[DocumentFault]:
    counted = Counter(each.id for each in rules.rules)
    for number, each in enumerate(rules.rules):
        at, when = f"rules[{number}]", each.when
        if counted[each.id] > 1:
            yield DocumentFault(f"{at}.id", f"{counted[each.id]} rules are called “{each.id}”.")
        if each.how is How.USE and len(each.use) > 1:
            yield DocumentFault(f"{at}.how", "Several methods are balanced, or fail over in their order.")
        if (when.min_tokens or 0) > (when.max_tokens if when.max_tokens is not None else 10_000_000):
            yield DocumentFault(f"{at}.when.max_tokens", "This is less than the tokens it has at least.")
        if (when.from_time is None) != (when.until_time is None):
            yield DocumentFault(f"{at}.when.until_time", "A time of day has a beginning and an end.")
        if when.zone and when.zone not in available_timezones():
            yield DocumentFault(f"{at}.when.zone", f"There is no time zone “{when.zone[:40]}”.")
        if fault := _condition_fault(when.condition):
            yield DocumentFault(f"{at}.when.condition", fault)


def _condition_fault(text: str) -> str:
    """Return why a condition cannot be used, empty for one that can."""
    if not text.strip():
        return ""
    try:
        unknown = sorted(parse_condition(text).names - set(NAMES))
    except ExpressionError as error:
        return str(error)
    return f"There is no “{unknown[0]}” here; there are {', '.join(NAMES)}." if unknown else ""


def _optimisation_faults(rules: RoutingRules) -> Iterator[DocumentFault]:
    counted = Counter(each.id for each in rules.optimisations)
    for number, each in enumerate(rules.optimisations):
        at = f"optimisations[{number}]"
        if counted[each.id] > 1:
            yield DocumentFault(f"{at}.id", f"{counted[each.id]} of these rules are called “{each.id}”.")
        if each.signal is not Signal.LATENCY and each.limit > 1:
            yield DocumentFault(f"{at}.limit", "This is a share, from 0 to 1.")
        if each.least > each.runs:
            yield DocumentFault(f"{at}.least", "This is more than the runs that are looked at.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Situation:
    """What rules look at: the request, when it comes (an aware time, of the server's zone), and load.

    `load` is the share of the calls that a model may have at the same time, by its name.
    """

    text: str
    analysis: Analysis
    priority: Priority
    now: datetime
    load: Mapping[str, float] = field(default_factory=dict)

    def values(self) -> dict[str, Json]:
        """Return what a condition may read, by name."""
        found = self.analysis
        return {
            "text": self.text,
            "tokens": found.tokens,
            "task": found.task.value,
            "kind": found.kind,
            "request_type": found.type.value,
            "difficulty": found.difficulty,
            "priority": self.priority.value,
            "needs": [need.value for need in found.needs],
            "hour": self.now.hour,
            "weekday": DAYS[self.now.weekday()],
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleMatch:
    """Whether a rule matches, and in words why, or why not."""

    matches: bool
    words: str


def match(rule: RoutingRule, situation: Situation) -> RuleMatch:
    """Return whether a rule matches a request; a condition that cannot be evaluated does not hold."""
    if not rule.enabled:
        return RuleMatch(matches=False, words="it is off")
    reasons = []
    for holds, words in _tests(rule.when, situation):
        if not holds:
            return RuleMatch(matches=False, words=f"not {words}")
        reasons.append(words)
    if rule.when.condition.strip():
        try:
            holds = parse_condition(rule.when.condition).evaluate(situation.values())
        except ExpressionError as error:
            return RuleMatch(matches=False, words=f"its condition cannot be evaluated: {error}")
        if not holds:
            return RuleMatch(matches=False, words="its condition does not hold")
        reasons.append("its condition holds")
    return RuleMatch(matches=True, words=", ".join(reasons) or "it is for every request")


def _tests(when: When, situation: Situation) -> Iterator[tuple[bool, str]]:
    """Yield what is asked of a request, whether it holds, and in words."""
    found = situation.analysis
    if when.request_types:
        yield found.type in when.request_types, f"request type {_any(when.request_types)}"
    if when.tasks:
        yield found.task in when.tasks, f"task {_any(each.label for each in when.tasks)}"
    if when.priorities:
        yield situation.priority in when.priorities, f"priority {_any(when.priorities)}"
    if when.min_tokens is not None:
        yield found.tokens >= when.min_tokens, f"at least {when.min_tokens:,} tokens"
    if when.max_tokens is not None:
        yield found.tokens <= when.max_tokens, f"at most {when.max_tokens:,} tokens"
    if when.days or when.from_time is not None:
        yield _in_time(when, situation.now), _time_words(when)
    if when.busy_model:
        load = situation.load.get(when.busy_model, 0.0)
        yield load >= when.busy_from, f"{when.busy_model} at {when.busy_from:.0%} of its calls"


def _any(values: Iterable[str]) -> str:
    return " or ".join(values)


def _in_time(when: When, now: datetime) -> bool:
    """Return whether a time lies in the hours of a rule, which may go over midnight."""
    here = now.astimezone(ZoneInfo(when.zone)) if when.zone else now
    if when.days and DAYS[here.weekday()] not in when.days:
        return False
    if when.from_time is None or when.until_time is None:
        return True
    start, end = time.fromisoformat(when.from_time), time.fromisoformat(when.until_time)
    clock = here.time().replace(tzinfo=None)
    return start <= clock < end if start <= end else clock >= start or clock < end


def _time_words(when: When) -> str:
    hours = f"{when.from_time} to {when.until_time}" if when.from_time else ""
    return " ".join(filter(None, [_any(when.days), hours, when.zone]))
