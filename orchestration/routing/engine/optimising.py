"""Optimisation rules on a window of past runs: which of them act, and what they change in a plan.

Times are seconds, shares run from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, median

from orchestration.routing.engine.rules import OptimisationRule, Remedy, Signal
from orchestration.strategies.engine.types import counted

USUAL_AMOUNTS = {Remedy.REDUCE_PARALLELISM: 1.0, Remedy.RAISE_TIMEOUT: 2.0, Remedy.REUSE_ANSWERS: 60.0}
"""Calls at a time, factor of the time limit, minutes for which an answer is used again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PastRun:
    """A run that is over: the method that answered, how long ago, and how it went.

    `quality` is None where nothing judged the answer. `repeated` of its `calls` were second attempts or more.
    `refused` counts, by model, calls that ended because the model had too much to do; `asked` all of them.
    """

    method: str
    age_s: float
    seconds: float
    quality: float | None = None
    cost_usd: float = 0.0
    calls: int = 0
    repeated: int = 0
    asked: Mapping[str, int] = field(default_factory=dict)
    refused: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleObservation:
    """What an optimisation rule sees of a method, over how many runs; of which model if it looks at these.

    `observed` is None where there is nothing to measure; `is_enough` tells whether the rule may act on it.
    """

    rule: OptimisationRule
    observed: float | None
    runs: int
    model: str = ""
    is_enough: bool = True

    @property
    def acts(self) -> bool:
        """Whether the rule acts."""
        if not self.is_enough or self.observed is None:
            return False
        if self.rule.signal is Signal.QUALITY:
            return self.observed <= self.rule.limit
        is_idle = self.rule.signal is Signal.OVERLOAD and not self.observed
        return self.observed >= self.rule.limit and not is_idle

    @property
    def amount(self) -> float:
        """How much of the remedy is applied."""
        return self.rule.amount or USUAL_AMOUNTS.get(self.rule.remedy, 1.0)

    @property
    def seen(self) -> str:
        """What was observed, in words."""
        nothing = self.observed is None
        return "nothing to measure" if nothing else self.rule.signal.words(self.observed or 0.0, self.model)

    @property
    def why_not(self) -> str:
        """Why the rule does not act, empty for one that does."""
        if self.acts:
            return ""
        if not self.is_enough:
            return f"it needs {self.rule.least} {self.rule.signal.counts} and has fewer"
        return "nothing was measured" if self.observed is None else "its limit is not reached"

    @property
    def sentence(self) -> str:
        """Why it acts, or why not, in a sentence."""
        rule = self.rule
        seen = f"{rule.id}: {self.seen} over {counted(self.runs, 'run')} (limit {rule.limit_words})"
        return f"{seen}, so: {rule.remedy}." if self.acts else f"{seen}; {self.why_not}."


def observations(
    rules: Sequence[OptimisationRule],
    history: Sequence[PastRun],
    method: str,
    models: Sequence[str],
    load: Mapping[str, float],
) -> Iterator[RuleObservation]:
    """Yield what rules that are on see of a method which asks these models, one or more of each rule.

    `history` has the newest runs first.
    """
    for rule in rules:
        if not rule.enabled:
            continue
        window = [each for each in history if each.method == method and each.age_s <= 60 * rule.minutes]
        window = window[: rule.runs]
        if rule.signal is Signal.OVERLOAD:
            yield from _overload(rule, window, models, load)
        else:
            yield _measured(rule, window)


def firing(
    rules: Sequence[OptimisationRule],
    history: Sequence[PastRun],
    method: str,
    models: Sequence[str],
    load: Mapping[str, float],
) -> Iterator[RuleObservation]:
    """Yield those of the observations on which rules act."""
    return (each for each in observations(rules, history, method, models, load) if each.acts)


def _measured(rule: OptimisationRule, window: Sequence[PastRun]) -> RuleObservation:
    number, found = len(window), None
    if rule.signal is Signal.QUALITY:
        judged = [each.quality for each in window if each.quality is not None]
        number, found = len(judged), fmean(judged) if judged else None
    elif rule.signal is Signal.LATENCY:
        found = median(each.seconds for each in window) if window else None
    else:
        calls = sum(each.calls for each in window)
        found = sum(each.repeated for each in window) / calls if calls else None
    return RuleObservation(rule=rule, observed=found, runs=number, is_enough=number >= rule.least)


def _overload(
    rule: OptimisationRule, window: Sequence[PastRun], models: Sequence[str], load: Mapping[str, float]
) -> Iterator[RuleObservation]:
    """Yield an observation for each model that refuses too many calls, or has no room for more of them now.

    Where there is none, that of the model that comes next to it.
    """
    found = []
    for model in models:
        asked = sum(each.asked.get(model, 0) for each in window)
        refused = sum(each.refused.get(model, 0) for each in window)
        share = refused / asked if asked >= rule.least else 0.0
        observed = max(share, load.get(model, 0.0))
        is_enough = asked >= rule.least or observed > 0
        found.append(
            RuleObservation(rule=rule, observed=observed, runs=len(window), model=model, is_enough=is_enough)
        )
    acting = [each for each in found if each.acts]
    yield from acting or sorted(found, key=lambda each: (each.is_enough, each.observed or 0.0))[-1:]
