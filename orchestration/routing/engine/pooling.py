"""Means by arm in a context, from the results in all contexts: pooled log-odds, and pooled amounts.

The log-odds that arm a answers a question of kind k and hardness h rightly are

    arm[a] + kind[k] + cell[k, h] + match[a, k]

with normal priors: that of `arm` has the mean of the arm's own prior, the others 0. What one arm shows of a
kind of question so holds for all, and an arm that was asked mostly hard questions is not taken for a bad one.
The model is that of Rasch (1960) with more levels; the maximum a posteriori is found by Newton's method, one
coefficient at a time. Cost and time are a mean by arm times a factor of the kind.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

PASSES = 6
KIND_PRECISION, CELL_PRECISION, MATCH_PRECISION = 1.0, 4.0, 8.0
"""Of the priors; 1 means that a standard deviation changes the odds by a factor of 2.7."""
LONGEST_STEP = 1.5
LEAST, MOST = 0.02, 0.98
AMOUNT_STRENGTH = 4.0
"""Results that the prior of a mean cost or time is worth."""
SMALLEST = 1e-9


@dataclass(kw_only=True, slots=True)
class PooledRow:
    """The results of one arm, by its place, in one cell of a kind; `odds` are the log-odds expected there."""

    arm: int
    kind: str
    cell: str
    seen: float
    right: float
    odds: float = 0.0

    @property
    def chance(self) -> float:
        """The probability of a right answer that is expected."""
        return 1 / (1 + math.exp(-self.odds))


@dataclass(kw_only=True, slots=True)
class _Effects:
    """Coefficients by name, with the rows that each holds for and the precisions of their priors."""

    precisions: Mapping[Hashable, float]
    default: float
    rows: dict[Hashable, list[PooledRow]] = field(default_factory=lambda: defaultdict(list))
    values: dict[Hashable, float] = field(default_factory=dict)

    def improve(self) -> None:
        """Take one Newton step for each coefficient, given all others."""
        for name, rows in self.rows.items():
            value, precision = self.values.get(name, 0.0), self.precisions.get(name, self.default)
            gradient, curvature = -precision * value, precision
            for row in rows:
                chance = row.chance
                gradient += row.right - row.seen * chance
                curvature += row.seen * chance * (1 - chance)
            step = min(max(gradient / curvature, -LONGEST_STEP), LONGEST_STEP)
            self.values[name] = value + step
            for row in rows:
                row.odds += step

    def known(self, name: Hashable) -> float:
        """Return the precision of a coefficient after the rows."""
        seen = (row.seen * row.chance * (1 - row.chance) for row in self.rows.get(name, ()))
        return self.precisions.get(name, self.default) + sum(seen)


@dataclass(frozen=True, kw_only=True, slots=True)
class PooledQuality:
    """The expected quality of an arm in a cell, and the standard deviation of this expectation."""

    quality: float
    deviation: float


def pooled_qualities(
    priors: Sequence[float], precisions: Sequence[float], rows: Sequence[PooledRow], asked: tuple[str, str]
) -> list[PooledQuality]:
    """Return what is expected of each arm for the kind and cell that are `asked`.

    `priors` are qualities, `precisions` those of their log-odds. Deviations leave out what all arms share.
    """
    starts = [logit(prior) for prior in priors]
    arms = _Effects(precisions=dict(enumerate(precisions)), default=1.0)
    kinds = _Effects(precisions={}, default=KIND_PRECISION)
    cells = _Effects(precisions={}, default=CELL_PRECISION)
    matches = _Effects(precisions={}, default=MATCH_PRECISION)
    for row in rows:
        row.odds = starts[row.arm]
        for effects, name in ((arms, row.arm), (kinds, row.kind), (cells, row.cell)):
            effects.rows[name].append(row)
        matches.rows[row.arm, row.kind].append(row)
    for _ in range(PASSES):
        for effects in (kinds, cells, arms, matches):
            effects.improve()
    kind, cell = asked
    shared = kinds.values.get(kind, 0.0) + cells.values.get(cell, 0.0)
    found = []
    for place, start in enumerate(starts):
        own = arms.values.get(place, 0.0) + matches.values.get((place, kind), 0.0)
        chance = 1 / (1 + math.exp(-(start + shared + own)))
        variance = 1 / arms.known(place) + 1 / matches.known((place, kind))
        deviation = chance * (1 - chance) * math.sqrt(variance)
        found.append(PooledQuality(quality=chance, deviation=deviation))
    return found


def logit(quality: float) -> float:
    """Return the log-odds of a quality, which is bounded before."""
    bounded = min(max(quality, LEAST), MOST)
    return math.log(bounded / (1 - bounded))


@dataclass(frozen=True, kw_only=True, slots=True)
class Amount:
    """What the results of one arm, by its place, took in all in one kind of question."""

    arm: int
    kind: str
    counted: float
    total: float


def pooled_means(priors: Sequence[float], amounts: Sequence[Amount], kind: str) -> list[float]:
    """Return the mean amount that is expected of each arm with a kind of question."""
    factors: dict[Hashable, float] = {}
    means = list(priors)
    for _ in range(PASSES):
        by_arm = _sums((each.arm, each.total, each.counted * factors.get(each.kind, 1.0)) for each in amounts)
        means = [_shrunk(by_arm, place, prior) for place, prior in enumerate(priors)]
        by_kind = _sums(
            (each.kind, each.total / means[each.arm], each.counted)
            for each in amounts
            if means[each.arm] > SMALLEST
        )
        factors = {name: _shrunk(by_kind, name, 1.0) for name in by_kind}
    own = _sums((each.arm, each.total, each.counted) for each in amounts if each.kind == kind)
    return [_shrunk(own, place, mean * factors.get(kind, 1.0)) for place, mean in enumerate(means)]


def _sums(parts: Iterable[tuple[Hashable, float, float]]) -> dict[Hashable, tuple[float, float]]:
    found: dict[Hashable, tuple[float, float]] = {}
    for name, total, counted in parts:
        before = found.get(name, (0.0, 0.0))
        found[name] = (before[0] + total, before[1] + counted)
    return found


def _shrunk(sums: Mapping[Hashable, tuple[float, float]], name: Hashable, prior: float) -> float:
    total, counted = sums.get(name, (0.0, 0.0))
    return (total + AMOUNT_STRENGTH * prior) / (counted + AMOUNT_STRENGTH)
