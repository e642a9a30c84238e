"""What another policy would have brought on past traffic, from what was logged.

Each logged decision carries the probability with which each arm was chosen (its propensity), so that results
can be weighted by how much oftener the other policy would have chosen the same arm. Two estimates are made:

- self-normalised inverse propensity: sum(w r) / sum(w), with w = target share / propensity, capped
  (Swaminathan and Joachims 2015);
- doubly robust: what a model of results expects of the other policy, plus the weighted residuals of what was
  chosen (Dudik, Langford and Li 2011). It is right if either the propensities or the model are.

Where the logged choices say too little about the other policy, the effective sample size is small, and no
estimate is given but the reason.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, stdev

Z95 = 1.959963984540054
MOST_WEIGHT = 50.0
"""Cap of a weight: a rare choice then biases an estimate a little instead of making it useless."""
FEWEST_DECISIONS = 30
FEWEST_EFFECTIVE = 20.0
LEAST_COVERED = 0.5
"""Share of what the other policy does that must lie where the logged one could have chosen the same."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outlook:
    """What a decision is expected to bring, or brought: quality, US dollars, seconds and their utility."""

    utility: float
    quality: float
    cost_usd: float
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class LoggedDecision:
    """A decision of the past: what was chosen and with what propensity, and what came of it.

    `propensities` are those of all arms that could be chosen, `expected` what each was expected to bring.
    """

    chosen: str
    propensities: Mapping[str, float]
    expected: Mapping[str, Outlook]
    brought: Outlook


Policy = Callable[[LoggedDecision], Mapping[str, float]]
"""The share with which each arm would be chosen in the place of a logged decision; they sum to 1."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """An estimate of a mean with its 95 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True, slots=True)
class WhatIf:
    """What the other policy would have brought per request, beside what the logged one did.

    The intervals are doubly robust; `reweighted_utility` is self-normalised, for comparison.
    They are None where `refusal` says why there is no estimate. `effective` is the number of decisions that
    the weights are worth, `changed` the share of decisions in which the likeliest choice is another one.
    """

    decisions: int
    effective: float
    changed: float
    before: Outlook
    utility: Interval | None = None
    quality: Interval | None = None
    cost_usd: Interval | None = None
    seconds: Interval | None = None
    reweighted_utility: Interval | None = None
    refusal: str = ""


_READ: Mapping[str, Callable[[Outlook], float]] = {
    "utility": lambda one: one.utility,
    "quality": lambda one: one.quality,
    "cost_usd": lambda one: one.cost_usd,
    "seconds": lambda one: one.seconds,
}


def what_if(logged: Sequence[LoggedDecision], policy: Policy) -> WhatIf:
    """Return what `policy` would have brought in the place of the logged decisions."""
    shares = [policy(each) for each in logged]
    weights = [
        min(share.get(each.chosen, 0.0) / each.propensities[each.chosen], MOST_WEIGHT)
        for each, share in zip(logged, shares, strict=True)
    ]
    squares = sum(weight * weight for weight in weights)
    effective = sum(weights) ** 2 / squares if squares else 0.0
    changed = [
        max(share, key=share.__getitem__) != each.chosen for each, share in zip(logged, shares, strict=True)
    ]
    base = WhatIf(
        decisions=len(logged),
        effective=effective,
        changed=fmean(changed) if changed else 0.0,
        before=_mean_outlook([each.brought for each in logged]),
    )
    refusal = _refusal(logged, shares, effective)
    if refusal:
        return replace(base, refusal=refusal)
    found = {name: _doubly_robust(logged, shares, weights, read) for name, read in _READ.items()}
    return replace(
        base,
        utility=found["utility"],
        quality=found["quality"],
        cost_usd=found["cost_usd"],
        seconds=found["seconds"],
        reweighted_utility=self_normalised(weights, [each.brought.utility for each in logged]),
    )


def _mean_outlook(brought: Sequence[Outlook]) -> Outlook:
    means = {name: fmean(map(read, brought)) if brought else 0.0 for name, read in _READ.items()}
    return Outlook(**means)


def _refusal(
    logged: Sequence[LoggedDecision], shares: Sequence[Mapping[str, float]], effective: float
) -> str:
    """Return why there is no estimate, empty where there is one."""
    if len(logged) < FEWEST_DECISIONS:
        return (
            f"There are {len(logged)} decisions to learn from; it takes {FEWEST_DECISIONS}. Ask more first,"
            " or take a longer window."
        )
    covered = fmean(
        sum(part for ref, part in share.items() if each.propensities.get(ref, 0.0) > 0)
        for each, share in zip(logged, shares, strict=True)
    )
    if covered < LEAST_COVERED:
        return (
            f"In {1 - covered:.0%} of what would be done, methods would be chosen that past traffic never"
            " tried there: nothing is known of their results. Allow some exploring first."
        )
    if effective < FEWEST_EFFECTIVE:
        return (
            f"The choices of the past agree so seldom with what would be done that {len(logged):,} decisions"
            f" say no more than {effective:.0f}; it takes {FEWEST_EFFECTIVE:.0f}. Allow more exploring first."
        )
    return ""


def self_normalised(weights: Sequence[float], values: Sequence[float]) -> Interval:
    """Return the weighted mean with an interval by the delta method; some weight must be positive."""
    total = sum(weights)
    mean = sum(weight * value for weight, value in zip(weights, values, strict=True)) / total
    spread = math.sqrt(sum((w * (value - mean)) ** 2 for w, value in zip(weights, values, strict=True)))
    half = Z95 * spread / total
    return Interval(mean=mean, low=mean - half, high=mean + half)


def _doubly_robust(
    logged: Sequence[LoggedDecision],
    shares: Sequence[Mapping[str, float]],
    weights: Sequence[float],
    read: Callable[[Outlook], float],
) -> Interval:
    terms = [
        sum(part * read(each.expected[ref]) for ref, part in share.items())
        + weight * (read(each.brought) - read(each.expected[each.chosen]))
        for each, share, weight in zip(logged, shares, weights, strict=True)
    ]
    mean, half = fmean(terms), Z95 * stdev(terms) / math.sqrt(len(terms))
    return Interval(mean=mean, low=mean - half, high=mean + half)
