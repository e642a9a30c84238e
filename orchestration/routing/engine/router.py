"""Choose an arm by expected utility, and explore others within a spending limit.

Exploration is Thompson sampling (Thompson 1933): an arm is chosen with the probability that it is the best.
This is computed by numerical integration and not by drawing, so that the probability with which each arm was
chosen, its propensity, is exact; estimates of other policies on past traffic need it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from orchestration.llm.engine.errors import InvalidRequest
from orchestration.routing.engine.arms import Arm, Prediction, RouterContext, Utility
from orchestration.routing.engine.learning import RouterState, predictions

GRID = 48
"""Points of the numerical integration."""
WIDTH = 4.0
"""Standard deviations around the means that are integrated over."""
NEGLIGIBLE = 1e-3
"""A probability of being the best below which an arm is not explored."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Exploration:
    """How far a choice may depart from the arm that looks best.

    `remaining_usd` is what exploring may still cost in the current window, beyond what the best-looking arm
    costs: 0 never explores, infinity always may. `uniform` is the probability with which any affordable arm
    is chosen at random; it makes past traffic comparable. `caution` divides the deviations that Thompson
    sampling uses.
    """

    remaining_usd: float = 0.0
    uniform: float = 0.0
    caution: float = 3.0


@dataclass(frozen=True, kw_only=True, slots=True)
class RankedArm:
    """An arm with what is expected of it, its utility and the probability with which it is chosen."""

    prediction: Prediction
    utility: float
    propensity: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """The arm that was chosen, with all that were considered, the best expected utility first.

    `explored` says that another arm looked best; `extra_usd` is what is expected to be paid more than for
    that one, which counts against the limit.
    """

    chosen: str
    ranking: tuple[RankedArm, ...]
    explored: bool
    propensity: float
    extra_usd: float
    reasons: tuple[str, ...]


def choose(
    state: RouterState,
    context: RouterContext,
    arms: Sequence[Arm],
    utility: Utility,
    *,
    explore: Exploration,
    random: Random,
) -> Choice:
    """Return the choice between arms. Raises `InvalidRequest` if there is none to choose from."""
    if not arms:
        raise InvalidRequest("There is no method to choose from.", field="strategy")
    known = predictions(state, context, arms)
    values = [utility.expected(each) for each in known]
    best = max(range(len(known)), key=lambda place: values[place])
    shares = propensities(known, values, explore)
    place = random.choices(range(len(known)), weights=shares)[0]
    ranking = sorted(
        (
            RankedArm(prediction=each, utility=value, propensity=share)
            for each, value, share in zip(known, values, shares, strict=True)
        ),
        key=lambda ranked: -ranked.utility,
    )
    return Choice(
        chosen=known[place].ref,
        ranking=tuple(ranking),
        explored=place != best,
        propensity=shares[place],
        extra_usd=max(0.0, known[place].cost_usd - known[best].cost_usd) if place != best else 0.0,
        reasons=_reasons(known[place], known[best], context, utility),
    )


def propensities(known: Sequence[Prediction], values: Sequence[float], explore: Exploration) -> list[float]:
    """Return the probability with which each arm is chosen; they sum to 1."""
    best = max(range(len(known)), key=lambda place: values[place])
    affordable = [
        place == best or (each.cost_usd - known[best].cost_usd) <= explore.remaining_usd
        for place, each in enumerate(known)
    ]
    shares = [float(place == best) for place in range(len(known))]
    if explore.remaining_usd > 0:
        shares = chances_of_best(values, [each.deviation / explore.caution for each in known])
        shares = [
            share if allowed and share >= NEGLIGIBLE else 0.0
            for share, allowed in zip(shares, affordable, strict=True)
        ]
        shares = [share / sum(shares) for share in shares]
    spread = explore.uniform / sum(affordable)
    return [
        (1 - explore.uniform) * share + (spread if allowed else 0.0)
        for share, allowed in zip(shares, affordable, strict=True)
    ]


def chances_of_best(means: Sequence[float], deviations: Sequence[float]) -> list[float]:
    """Return the probability that each of independent normal variables is the largest; they sum to 1."""
    low = max(mean - WIDTH * deviation for mean, deviation in zip(means, deviations, strict=True))
    tops = [mean + WIDTH * deviation for mean, deviation in zip(means, deviations, strict=True)]
    step = (max(tops) - low) / GRID
    could = [place for place, top in enumerate(tops) if top > low]
    found = [0.0] * len(means)
    left = [_normal((low - means[place]) / deviations[place]) for place in could]
    for number in range(1, GRID + 1):
        point = low + step * number
        right = [_normal((point - means[place]) / deviations[place]) for place in could]
        middle = [(before + after) / 2 for before, after in zip(left, right, strict=True)]
        all_below = math.prod(middle)
        for place, before, after, own in zip(could, left, right, middle, strict=True):
            found[place] += (after - before) * all_below / own if own else 0.0
        left = right
    total = sum(found)
    return [each / total for each in found]


def _normal(value: float) -> float:
    return 0.5 * math.erfc(-value / math.sqrt(2))


def _reasons(
    chosen: Prediction, best: Prediction, context: RouterContext, utility: Utility
) -> tuple[str, ...]:
    rests = (
        f"{chosen.evidence:,.0f} judged results with questions of the kind “{context.kind}”"
        if chosen.evidence >= 1
        else "what is expected of its models; nothing has been learned yet for this kind of question"
    )
    expected = f"quality {chosen.quality:.0%}, ${chosen.cost_usd:.4f}, {chosen.seconds:.1f} s"
    reasons = [f"Expected: {expected}, from {rests}.", utility.sentence]
    if chosen.ref != best.ref:
        reasons.insert(0, f"Chosen to learn more about it; {best.ref} is expected to be better.")
    return tuple(reasons)
