"""Choose an arm by expected utility, and explore others within a spending limit.

Exploration is information-directed sampling (Russo and Van Roy 2018): of all ways to choose at random the one
with the least squared expected regret for what is learned of which arm is the best. A result teaches of its
own arm and of those that it shows something of, as a vote does of each model of its panel. All is computed by
numerical integration and not by drawing, so that the probability with which each arm was chosen, its
propensity, is exact; estimates of other policies on past traffic need it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from random import Random

from orchestration.llm.engine.errors import InvalidRequest
from orchestration.routing.engine.arms import Arm, Prediction, RouterContext, Utility
from orchestration.routing.engine.learning import RouterState, predictions

GRID = 80
"""Cells of the numerical integration."""
WIDTH = 4.0
"""Standard deviations around the means that are integrated over."""
TINY = 1e-12
TOLERATED = 0.05
"""The loss of utility up to which arms are tried at random equally often; above it less, in proportion."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Exploration:
    """How far a choice may depart from the arm that looks best.

    `remaining_usd` is what exploring may still cost in the current window, beyond what the best-looking arm
    costs: 0 never explores, infinity always may. `uniform` is the probability with which an affordable arm is
    chosen at random, at most; it makes past traffic comparable.
    """

    remaining_usd: float = 0.0
    uniform: float = 0.0


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
    shares = propensities(arms, known, values, explore)
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


def propensities(
    arms: Sequence[Arm], known: Sequence[Prediction], values: Sequence[float], explore: Exploration
) -> list[float]:
    """Return the probability with which each arm is chosen; they sum to 1."""
    best = max(range(len(known)), key=values.__getitem__)
    shares = [float(place == best) for place in range(len(known))]
    if explore.remaining_usd <= 0:
        return shares
    affordable = [
        place
        for place, each in enumerate(known)
        if place == best or (each.cost_usd - known[best].cost_usd) <= explore.remaining_usd
    ]
    numbers = {arms[place].ref: number for number, place in enumerate(affordable)}
    directed = information_directed(
        [values[place] for place in affordable],
        [known[place].deviation for place in affordable],
        [
            [number, *(numbers[ref] for ref in arms[place].shows if ref in numbers)]
            for number, place in enumerate(affordable)
        ],
    )
    losses = [values[best] - values[place] for place in affordable]
    at_random = [explore.uniform / len(losses) * min(1.0, TOLERATED / max(loss, TINY)) for loss in losses]
    for place, share, more in zip(affordable, directed, at_random, strict=True):
        shares[place] = (1 - sum(at_random)) * share + more
    return shares


def information_directed(
    means: Sequence[float], deviations: Sequence[float], shown: Sequence[Sequence[int]]
) -> list[float]:
    """Return the probabilities with which arms are chosen: at most two are above 0, together they are 1.

    Utilities are independent normal variables. `shown` are the places of the arms that a result of each
    teaches of, its own among them.
    """
    regrets, moves = regret_and_information(means, deviations)
    learned = [TINY + sum(moves[place] for place in places) for places in shown]
    best = min(range(len(means)), key=regrets.__getitem__)
    least, found = regrets[best] ** 2 / learned[best], {best: 1.0}
    for one, other in combinations(range(len(means)), 2):
        share, ratio = _mixture(regrets[one], regrets[other], learned[one], learned[other])
        if ratio < least:
            least, found = ratio, {one: share, other: 1 - share}
    return [found.get(place, 0.0) for place in range(len(means))]


def regret_and_information(
    means: Sequence[float], deviations: Sequence[float]
) -> tuple[list[float], list[float]]:
    """Return how far each arm is expected to fall short of the best, and how much it tells which that is.

    The latter is by how much its mean would move, squared and on average, if the best were known (Russo and
    Van Roy 2018, section 6.1: the variance-based information ratio).
    """
    import numpy as np  # noqa: PLC0415  # loaded when it is first needed, not at a start

    mean, deviation = np.array(means)[:, None], np.array(deviations)[:, None]
    edges = np.linspace((mean - WIDTH * deviation).max(), (mean + WIDTH * deviation).max(), GRID + 1)
    middle = (edges[1:] + edges[:-1]) / 2
    below = np.vectorize(_normal, otypes=[float])
    away = (middle - mean) / deviation
    under = below(away).clip(min=TINY)
    # arms x cells: the probability that an arm is the best, with a utility in the cell
    mass = np.diff(below((edges - mean) / deviation), axis=1) * (under.prod(axis=0) / under)
    mass /= mass.sum()
    chances = mass.sum(axis=1).clip(min=TINY)
    lower = mean - deviation * np.exp(-(away**2) / 2) / math.sqrt(2 * math.pi) / under
    # the mean of the arm of a row if that of the column is the best
    moved = (lower @ mass.T) / chances
    np.fill_diagonal(moved, mass @ middle / chances)
    regrets = ((mass @ middle).sum() - mean[:, 0]).clip(min=0.0)
    return regrets.tolist(), (chances * (moved - mean) ** 2).sum(axis=1).tolist()


def _mixture(regret: float, other_regret: float, learned: float, other_learned: float) -> tuple[float, float]:
    """Return the share of the first of two arms with the least squared regret for what is learned, and this.

    The ratio is convex in the share, so that it is least where its derivative is 0, or at an end.
    """
    less, more = regret - other_regret, learned - other_learned
    shares = [0.0, 1.0]
    if less and more:
        shares.append(min(max(other_regret / less - 2 * other_learned / more, 0.0), 1.0))
    ratio, share = min(
        ((other_regret + share * less) ** 2 / (other_learned + share * more), share) for share in shares
    )
    return share, ratio


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
        reasons.insert(0, f"Chosen to learn more; {best.ref} is expected to be better.")
    return tuple(reasons)
