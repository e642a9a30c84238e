"""Whether estimates of quality can be trusted: discrimination, calibration, reliability."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orchestration.evaluation.engine.intervals import wilson
from orchestration.strategies.engine.quality.agreement import roc_area

BINS = 10
RESAMPLES = 400
FEWEST = 20
"""Estimates from which on an interval of the calibration error is computed."""

Judged = Sequence[tuple[float, bool]]
"""Pairs of an estimate, 0 to 1, and whether the answer was right."""


def auroc(judged: Judged) -> float | None:
    """Return how often a right answer is estimated above a wrong one, a tie counting half.

    None unless there are both.
    """
    true = [estimate for estimate, right in judged if right]
    false = [estimate for estimate, right in judged if not right]
    return roc_area(true, false) if true and false else None


@dataclass(frozen=True, kw_only=True, slots=True)
class ReliabilityBin:
    """Estimates between two bounds: how many, their mean, and the share that was right with its interval."""

    low: float
    high: float
    items: int
    estimate: float
    right: float
    right_ci95: tuple[float, float]


def reliability(judged: Judged, bins: int = BINS) -> tuple[ReliabilityBin, ...]:
    """Return the bins of equal width that have any estimate; one of 1 belongs to the last bin."""
    by_bin: dict[int, list[tuple[float, bool]]] = {}
    for pair in judged:
        by_bin.setdefault(_bin(pair[0], bins), []).append(pair)
    return tuple(
        ReliabilityBin(
            low=place / bins,
            high=(place + 1) / bins,
            items=len(pairs),
            estimate=sum(estimate for estimate, _ in pairs) / len(pairs),
            right=sum(right for _, right in pairs) / len(pairs),
            right_ci95=wilson(sum(right for _, right in pairs), len(pairs)),
        )
        for place, pairs in sorted(by_bin.items())
    )


def _bin(estimate: float, bins: int) -> int:
    return min(int(estimate * bins), bins - 1)


def expected_calibration_error(judged: Judged, bins: int = BINS) -> float | None:
    """Return the mean distance of estimates from the share of right answers, over bins of equal width.

    None without estimates. Naeini, Cooper and Hauskrecht 2015.
    """
    if not judged:
        return None
    found = reliability(judged, bins)
    return sum(each.items * abs(each.estimate - each.right) for each in found) / len(judged)


def calibration_interval(judged: Judged, *, seed: int, bins: int = BINS) -> tuple[float, float] | None:
    """Return the interval of 95 % of the calibration error, None for fewer than 20 estimates.

    By the bootstrap over items (Efron 1979), reflected at the error itself ("basic" interval): each resample
    has a larger error than its source, for it adds noise to every bin, and the reflection takes that away.
    """
    if len(judged) < FEWEST:
        return None
    import numpy as np  # noqa: PLC0415  # loaded when something is measured, not at a start

    places = np.array([_bin(estimate, bins) for estimate, _ in judged])
    distances = np.array([estimate - right for estimate, right in judged])
    draw = np.random.default_rng(seed)
    errors = []
    for _ in range(RESAMPLES):
        drawn = draw.integers(0, len(judged), len(judged))
        sums = np.bincount(places[drawn], weights=distances[drawn], minlength=bins)
        errors.append(float(np.abs(sums).sum()) / len(judged))
    low, high = (float(each) for each in np.percentile(errors, [2.5, 97.5]))
    error = expected_calibration_error(judged, bins) or 0.0
    return max(0.0, 2 * error - high), min(1.0, max(error, 2 * error - low))
