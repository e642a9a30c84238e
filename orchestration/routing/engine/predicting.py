"""What is expected of a method before the team has a record of it: from what is expected of its models.

Errors of models are correlated: what several independent models would gain over the best of them is counted
in part only. Quality and probabilities run from 0 to 1, money is US dollars, times are seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from orchestration.routing.engine.arms import Expected
from orchestration.strategies.engine.belief.model import logit

MOST_COUNTED = 9
"""Models of a panel over which all outcomes are counted; further ones are taken to add nothing."""
INDEPENDENT = 0.35
"""The part of the gain over the best model that remains of it because errors are correlated.

By judgement, between the gain of plurality over the best model on recorded panels (0 to 5 points) and what
independent errors would give (up to 20); the team's own record replaces it.
"""
ALIKE = 0.5
"""The weight of models that err when they are counted against those that are right: not all err alike."""
CAUGHT, DOUBTED = 0.4, 0.1
"""The shares of wrong and of right answers at which strategies that ask in turn go on to the next model."""
HARDER = 0.6
"""The chance of a model on questions that another got wrong, relative to its usual one."""
REVIEWED = 0.01
"""What reviews add to the quality of a panel."""
STRENGTH, UNKNOWN_STRENGTH = 4.0, 2.0
"""Results that an expectation from models is worth, and one of something whose models are not known."""
UNKNOWN_QUALITY = 0.6


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelOutlook:
    """What is expected of one model for a question: probability of a right answer, US dollars, seconds.

    `cost_usd` is None where the model has no price.
    """

    name: str
    right: float
    cost_usd: float | None
    seconds: float

    @property
    def expected(self) -> Expected:
        """The model by itself."""
        return Expected(
            quality=self.right, cost_usd=self.cost_usd or 0.0, seconds=self.seconds, strength=STRENGTH
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class PanelWork:
    """How a strategy asks a panel: so many models at `first` together, the `rest` in turn while in doubt.

    Those at first answer `rounds` times on average, as in a debate. `reviews` says that all read all answers
    afterwards; `helpers` are further calls of single models.
    """

    first: tuple[ModelOutlook, ...]
    rest: tuple[ModelOutlook, ...] = ()
    rounds: float = 1.0
    reviews: bool = False
    helpers: tuple[ModelOutlook, ...] = ()


def expected_of(work: PanelWork) -> Expected:
    """Return what is expected of a strategy."""
    right = panel_quality([each.right for each in work.first])
    cost = work.rounds * sum(each.cost_usd or 0.0 for each in work.first)
    seconds = work.rounds * max((each.seconds for each in work.first), default=0.0)
    wrong, doubted = (1 - right) * CAUGHT, right * DOUBTED
    for each in work.rest:
        cost += (wrong + doubted) * (each.cost_usd or 0.0)
        seconds += (wrong + doubted) * each.seconds
        mended = wrong * HARDER * each.right
        right += mended
        wrong, doubted = (wrong - mended) * CAUGHT, doubted * DOUBTED
    if work.reviews:
        right, cost, seconds = min(1.0, right + REVIEWED), 2 * cost, 2 * seconds
    cost += sum(each.cost_usd or 0.0 for each in work.helpers)
    seconds += max((each.seconds for each in work.helpers), default=0.0)
    return Expected(quality=min(1.0, right), cost_usd=cost, seconds=seconds, strength=STRENGTH)


def panel_quality(rights: Sequence[float]) -> float:
    """Return the probability that the answer a panel settles on is right; with one model, that of the model.

    The weighted majority of independent voters (Nitzan and Paroush 1982), counted over all outcomes: each
    weighs its log-odds, those who err `ALIKE` as much. `INDEPENDENT` of the difference to the best model is
    kept.
    """
    counted = sorted(rights, reverse=True)[:MOST_COUNTED]
    if not counted:
        return 0.0
    best = counted[0]
    if len(counted) == 1:
        return best
    weights = [max(0.1, logit(each)) for each in counted]
    whole = 0.0
    for outcome in product((True, False), repeat=len(counted)):
        chance, votes = 1.0, 0.0
        for is_right, right, weight in zip(outcome, counted, weights, strict=True):
            chance *= right if is_right else 1 - right
            votes += weight if is_right else -ALIKE * weight
        whole += chance if votes > 0 else 0.0
    return best + INDEPENDENT * (whole - best)


def expected_of_steps(
    calls: int, models: Sequence[ModelOutlook], cost_usd: float | None, seconds: float | None
) -> Expected:
    """Return what is expected of what makes several calls of models that are not known before.

    Cost and time are those of its earlier runs, else so many calls of the mean model, one after the other.
    """
    known = max(1, len(models))
    mean_cost = sum(each.cost_usd or 0.0 for each in models) / known
    mean_seconds = sum(each.seconds for each in models) / known
    return Expected(
        quality=UNKNOWN_QUALITY,
        cost_usd=calls * mean_cost if cost_usd is None else cost_usd,
        seconds=calls * mean_seconds if seconds is None else seconds,
        strength=UNKNOWN_STRENGTH if seconds is None else STRENGTH,
    )
