"""What a plan is, what it rests on, and what it considered. Money is US dollars, times are seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from orchestration.llm.engine.types import Json
from orchestration.routing.engine.constraints import MethodOption
from orchestration.routing.engine.learning import RouterState
from orchestration.routing.engine.optimising import PastRun, RuleObservation
from orchestration.routing.engine.rules import RoutingRules


class DecidedBy(StrEnum):
    """What decided on a method."""

    REQUEST = "request"
    RULE = "rule"
    OPTIMISATION = "optimisation"
    SCORE = "score"


@dataclass(frozen=True, kw_only=True, slots=True)
class Considered:
    """A method as the decision card lists it; `obstacle` says why it could not be used.

    One that is not `offered` needs a rule, or a request that names it.
    """

    ref: str
    title: str
    level: str
    models: tuple[str, ...]
    quality: float
    deviation: float
    cost_usd: float
    seconds: float
    utility: float
    evidence: float
    offered: bool = True
    propensity: float = 0.0
    obstacle: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One link of the chain: a method, the models that it may ask, and options beside its own."""

    ref: str
    title: str
    level: str
    models: tuple[str, ...] = ()
    options: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class WatchedRule:
    """An optimisation rule that was in force, what it saw, and whether it acted, or why not.

    `to` is the method or the model that it uses instead, empty for the next best.
    """

    id: str
    signal: str
    limit: str
    remedy: str
    to: str
    observed: str
    runs: int
    acts: bool
    why_not: str

    @classmethod
    def seen(cls, found: RuleObservation) -> WatchedRule:
        """Return an observation as a plan keeps it."""
        rule = found.rule
        return cls(
            id=rule.id,
            signal=rule.signal,
            limit=rule.limit_words,
            remedy=rule.remedy,
            to=rule.to,
            observed=found.seen,
            runs=found.runs,
            acts=found.acts,
            why_not=found.why_not,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class RoutePlan:
    """What is going to be done about a request, and why.

    `chain` are the methods in the order in which they are tried: the next one where one fails, or its answer
    has less quality than `needed`. `rule` is the id of the rule that decided. `extra_usd` is what exploring
    is expected to cost beyond the best-looking method. `single` is the best single model by itself. `watched`
    are the optimisation rules in force; `without` is the first link as it is without any of them.
    """

    method: str
    title: str
    decided_by: DecidedBy
    reason: str
    chain: tuple[Attempt, ...]
    considered: tuple[Considered, ...]
    needed: float
    dial: float
    sentence: str
    rule: str = ""
    explored: bool = False
    propensity: float = 1.0
    extra_usd: float = 0.0
    remarks: tuple[str, ...] = ()
    fired: tuple[str, ...] = ()
    watched: tuple[WatchedRule, ...] = ()
    without: Attempt | None = None
    timeout_factor: float = 1.0
    reuse_minutes: float = 0.0
    single: str = ""

    @property
    def chosen(self) -> Considered:
        """What was expected of the method."""
        return next(each for each in self.considered if each.ref == self.method)


@dataclass(frozen=True, kw_only=True, slots=True)
class Knowledge:
    """What a plan rests on beside the request: rules, what was learned, history, and what may be spent.

    `remaining_usd` is left of the money for exploring.
    """

    rules: RoutingRules
    options: Sequence[MethodOption]
    state: RouterState = field(default_factory=RouterState)
    history: Sequence[PastRun] = ()
    remaining_usd: float = 0.0
