"""Optimisation rules on a window of past runs: which of them act, and what they change in a plan.

Times are seconds, shares run from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, median

from orchestration.routing.engine.rules import OptimisationRule, Remedy, Signal

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
class Fired:
    """An optimisation rule that acts: what was observed, over how many runs, and about which model if any."""

    rule: OptimisationRule
    observed: float
    runs: int
    model: str = ""

    @property
    def amount(self) -> float:
        """How much of the remedy is applied."""
        return self.rule.amount or USUAL_AMOUNTS.get(self.rule.remedy, 1.0)

    @property
    def sentence(self) -> str:
        """Why it acts, in a sentence."""
        about = f" of {self.model}" if self.model else ""
        most = "at most" if self.rule.signal is Signal.QUALITY else "at least"
        limit = f"{self.rule.limit:g} s" if self.rule.signal is Signal.LATENCY else f"{self.rule.limit:.0%}"
        return (
            f"{self.rule.id}: {self.rule.signal.words(self.observed)}{about} over {self.runs} runs"
            f" (limit {most} {limit}), so: {self.rule.remedy}."
        )


def firing(
    rules: Sequence[OptimisationRule],
    history: Sequence[PastRun],
    method: str,
    models: Sequence[str],
    load: Mapping[str, float],
) -> Iterator[Fired]:
    """Yield the rules that act on a method which asks these models; `history` has the newest runs first."""
    for rule in rules:
        window = [each for each in history if each.method == method and each.age_s <= 60 * rule.minutes]
        window = window[: rule.runs]
        if rule.enabled and (len(window) >= rule.least or rule.signal is Signal.OVERLOAD):
            yield from _observed(rule, window, models, load)


def _observed(
    rule: OptimisationRule, window: Sequence[PastRun], models: Sequence[str], load: Mapping[str, float]
) -> Iterator[Fired]:
    found: float | None = None
    if rule.signal is Signal.LATENCY:
        found = median(each.seconds for each in window)
    elif rule.signal is Signal.RETRIES:
        calls = sum(each.calls for each in window)
        found = sum(each.repeated for each in window) / calls if calls else None
    elif rule.signal is Signal.QUALITY:
        judged = [each.quality for each in window if each.quality is not None]
        mean = fmean(judged) if len(judged) >= rule.least else None
        if mean is not None and mean <= rule.limit:
            yield Fired(rule=rule, observed=mean, runs=len(judged))
        return
    else:
        yield from _overloaded(rule, window, models, load)
        return
    if found is not None and found >= rule.limit:
        yield Fired(rule=rule, observed=found, runs=len(window))


def _overloaded(
    rule: OptimisationRule, window: Sequence[PastRun], models: Sequence[str], load: Mapping[str, float]
) -> Iterator[Fired]:
    """Yield a firing for each model that refuses too many calls, or has no room for more of them now."""
    for model in models:
        asked = sum(each.asked.get(model, 0) for each in window)
        refused = sum(each.refused.get(model, 0) for each in window)
        share = refused / asked if asked >= rule.least else 0.0
        observed = max(share, load.get(model, 0.0))
        if observed >= rule.limit and observed > 0:
            yield Fired(rule=rule, observed=observed, runs=len(window), model=model)
