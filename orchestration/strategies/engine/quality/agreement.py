"""How far a judge agrees with people: its scores beside their ratings of the same answers."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import StatisticsError, correlation, fmean, stdev

LEAST_EACH = 10
"""Answers that people liked, and that they disliked, below which nothing is said of a judge."""
Z = 1.959964
"""Standard deviations of a normal distribution within which 95 % are."""
FIELLER = 1.06
HALVINGS = 50
NEARLY_ONE = 1 - 1e-9


@dataclass(frozen=True, kw_only=True, slots=True)
class AgreementInterval:
    """An estimate with its interval of 95 %."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgeAgreement:
    """How far a judge agrees with people on `liked` and `disliked` answers; split ratings do not count.

    `auroc` is the probability that of a liked and a disliked answer the liked one has the higher score,
    `correlation` that of the ranks, `difference` the mean of score less share who liked the answer. All are
    None with too few answers of one sort.
    """

    liked: int
    disliked: int
    auroc: AgreementInterval | None = None
    correlation: AgreementInterval | None = None
    difference: AgreementInterval | None = None

    @property
    def missing(self) -> tuple[int, int]:
        """How many more liked and disliked answers are needed."""
        return max(0, LEAST_EACH - self.liked), max(0, LEAST_EACH - self.disliked)


def agreement_with_people(rated: Sequence[tuple[float, float]]) -> JudgeAgreement:
    """Return how far a judge's scores of answers agree with the shares of people who liked them, 0 to 1."""
    clear = [(score, liked) for score, liked in rated if liked != 0.5]  # noqa: PLR2004  # as many for as against
    good = [score for score, liked in clear if liked > 0.5]  # noqa: PLR2004
    bad = [score for score, liked in clear if liked < 0.5]  # noqa: PLR2004
    counted = JudgeAgreement(liked=len(good), disliked=len(bad))
    if any(counted.missing):
        return counted
    scores, likes = [score for score, _ in clear], [liked for _, liked in clear]
    return replace(
        counted,
        auroc=auroc_interval(good, bad),
        correlation=rank_correlation(scores, likes),
        difference=mean_difference(scores, likes),
    )


def midranks(values: Sequence[float]) -> list[float]:
    """Return the rank of each value from 1 on; equal values share the mean of their ranks."""
    ordered = sorted(values)
    return [(bisect_left(ordered, each) + 1 + bisect_right(ordered, each)) / 2 for each in values]


def roc_area(good: Sequence[float], bad: Sequence[float]) -> float:
    """Return how often a `good` is above a `bad`, ties half: ROC area by ranks (Mann and Whitney 1947)."""
    m, n = len(good), len(bad)
    return (sum(midranks([*good, *bad])[:m]) - m * (m + 1) / 2) / (m * n)


def auroc_interval(good: Sequence[float], bad: Sequence[float]) -> AgreementInterval:
    """Return the area under the ROC curve, equal scores counting half.

    The interval is Newcombe's method 5 (Statistics in Medicine 25, 2006): all areas from which the one that
    was found is at most `Z` standard errors away. It has a width even where the scores separate perfectly.
    """
    m, n = len(good), len(bad)
    area = roc_area(good, bad)
    size = (m + n) / 2 - 1

    def is_within(true: float) -> bool:
        spread = 1 + size * (1 - true) / (2 - true) + size * true / (1 + true)
        return abs(area - true) <= Z * math.sqrt(true * (1 - true) * spread / (m * n))

    def farthest(limit: float) -> float:
        near, far = area, limit
        for _ in range(HALVINGS):
            middle = (near + far) / 2
            near, far = (middle, far) if is_within(middle) else (near, middle)
        return near

    return AgreementInterval(value=area, low=farthest(0.0), high=farthest(1.0))


def rank_correlation(one: Sequence[float], other: Sequence[float]) -> AgreementInterval | None:
    """Return Spearman's correlation with Fieller's interval; None where all values of one are equal."""
    try:
        found = correlation(midranks(one), midranks(other))
    except StatisticsError:
        return None
    centre = math.atanh(max(-NEARLY_ONE, min(NEARLY_ONE, found)))
    error = Z * math.sqrt(FIELLER / (len(one) - 3))
    return AgreementInterval(value=found, low=math.tanh(centre - error), high=math.tanh(centre + error))


def mean_difference(scores: Sequence[float], likes: Sequence[float]) -> AgreementInterval:
    """Return how far the scores are above the likes in the mean, with a normal interval."""
    apart = [score - like for score, like in zip(scores, likes, strict=True)]
    mean, error = fmean(apart), Z * stdev(apart) / math.sqrt(len(apart))
    return AgreementInterval(value=mean, low=mean - error, high=mean + error)
