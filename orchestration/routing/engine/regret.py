"""How much less Auto's choices were worth than always choosing the one method that is best in hindsight.

What a method that was not chosen would have been worth is known in part of the runs only:

- where it was asked by itself to compare, its utility is observed;
- where it could have been chosen, with a logged chance, it is estimated doubly robust (`off_policy`).

Where a method was chosen for certain the two are the same and the difference is nothing. Of the other runs
at least half have to be of the two kinds above, and their mean difference stands for all of these. A regret
below 0 says that choosing by question is worth more than any single method.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import sqrt
from statistics import fmean, stdev

from orchestration.routing.engine.off_policy import (
    FEWEST_DECISIONS,
    LEAST_COVERED,
    MOST_WEIGHT,
    Z95,
    Interval,
    LoggedDecision,
)

POINTS = 100.0
"""Points of utility in what one whole quality is worth."""
BATCH = 50
FEWEST_IN_BATCH = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasuredRun:
    """A run whose answer was judged; `asked` are the utilities of methods that were asked only to compare."""

    at: datetime
    decision: LoggedDecision
    asked: Mapping[str, float] = field(default_factory=dict)

    def is_certain(self, ref: str) -> bool:
        """Return whether the method was the only one that could be chosen."""
        return self.decision.propensities.get(ref, 0.0) >= 1.0

    def lost(self, ref: str) -> float | None:
        """Return how many points more a method would have been worth, None where that cannot be known."""
        decision, brought = self.decision, self.decision.brought.utility
        if ref in self.asked:
            return POINTS * (self.asked[ref] - brought)
        chance = decision.propensities.get(ref, 0.0)
        if chance <= 0.0 or ref not in decision.expected:
            return None
        expected = decision.expected[ref].utility
        weight = min(1 / chance, MOST_WEIGHT) if decision.chosen == ref else 0.0
        return POINTS * (expected + weight * (brought - expected) - brought)


@dataclass(frozen=True, kw_only=True, slots=True)
class RegretBatch:
    """The mean regret of some runs one after the other, in points, with its 95 % interval."""

    since: datetime
    until: datetime
    runs: int
    regret: Interval


@dataclass(frozen=True, kw_only=True, slots=True)
class Regret:
    """The regret of `judged` runs in points, against the method that is best in hindsight.

    It rests on so many `measured` ones; `compared` methods could be measured. Without any, `regret` is None.
    """

    judged: int
    measured: int = 0
    compared: int = 0
    best: str = ""
    regret: Interval | None = None
    batches: tuple[RegretBatch, ...] = ()


def regret(runs: Sequence[MeasuredRun]) -> Regret:
    """Return the regret of runs, which are in the order of their time."""
    refs = dict.fromkeys(ref for run in runs for ref in (*run.asked, *run.decision.propensities))
    found = {ref: each for ref in refs if (each := _against(runs, ref)) is not None}
    if not found:
        most = max((len(_differences(runs, ref)) for ref in refs), default=0)
        return Regret(judged=len(runs), measured=most)
    best = max(found, key=lambda ref: found[ref].mean)
    differences = _differences(runs, best)
    return Regret(
        judged=len(runs),
        measured=len(differences),
        compared=len(found),
        best=best,
        regret=found[best],
        batches=_batches(differences),
    )


def _differences(runs: Sequence[MeasuredRun], ref: str) -> list[tuple[datetime, float]]:
    """Return what was lost in each run that says something of a method."""
    known = ((run.at, run.lost(ref)) for run in runs if not run.is_certain(ref))
    return [(at, lost) for at, lost in known if lost is not None]


def _against(runs: Sequence[MeasuredRun], ref: str) -> Interval | None:
    """Return the regret of all runs against one method, None where too few say something of it."""
    differences = [lost for _, lost in _differences(runs, ref)]
    others = sum(not run.is_certain(ref) for run in runs)
    if len(differences) < max(FEWEST_DECISIONS, LEAST_COVERED * others):
        return None
    return _mean(differences, share=others / len(runs))


def _mean(differences: Sequence[float], *, share: float = 1.0) -> Interval:
    """Return the mean with its interval, both times the share of the runs that the differences stand for."""
    mean, half = fmean(differences), Z95 * stdev(differences) / sqrt(len(differences))
    return Interval(mean=share * mean, low=share * (mean - half), high=share * (mean + half))


def _batches(differences: Sequence[tuple[datetime, float]]) -> tuple[RegretBatch, ...]:
    """Return the runs by fifties; a last batch of too few is left out."""
    parts = [differences[start : start + BATCH] for start in range(0, len(differences), BATCH)]
    return tuple(
        RegretBatch(
            since=part[0][0],
            until=part[-1][0],
            runs=len(part),
            regret=_mean([lost for _, lost in part]),
        )
        for part in parts
        if len(part) >= FEWEST_IN_BATCH
    )
