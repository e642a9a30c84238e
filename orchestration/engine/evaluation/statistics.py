"""Figures of an evaluation, from plain lists."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from math import sqrt

Z95 = 1.959963984540054
BINS = 10

Judged = Sequence[tuple[float, bool]]
"""Pairs of an estimate, 0 to 1, and whether it came true."""


def wilson(successes: int, trials: int, z: float = Z95) -> tuple[float, float]:
    """Return the Wilson score interval of a share (Wilson 1927); all of it without trials."""
    if trials == 0:
        return 0.0, 1.0
    share, spread = successes / trials, z * z / trials
    middle = (share + spread / 2) / (1 + spread)
    half = z * sqrt(share * (1 - share) / trials + spread / (4 * trials)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def auroc(judged: Judged) -> float | None:
    """Return how often a true one is estimated above a false one, ties by half; None unless there are both.

    The area under the ROC curve by ranks (Mann and Whitney 1947).
    """
    true = sum(came for _, came in judged)
    false = len(judged) - true
    if not true or not false:
        return None
    below, wins = 0, 0.0
    for _, tied in groupby(sorted(judged), key=lambda pair: pair[0]):
        outcomes = [came for _, came in tied]
        good = sum(outcomes)
        bad = len(outcomes) - good
        wins += good * (below + bad / 2)
        below += bad
    return wins / (true * false)


def expected_calibration_error(judged: Judged, bins: int = BINS) -> float | None:
    """Return the mean distance of estimates from what came true, over bins of equal width; None for none.

    Naeini, Cooper and Hauskrecht 2015; an estimate of 1 belongs to the last bin.
    """
    if not judged:
        return None
    shelves: dict[int, list[tuple[float, bool]]] = {}
    for estimate, came in judged:
        shelves.setdefault(min(int(estimate * bins), bins - 1), []).append((estimate, came))
    apart = (abs(sum(e for e, _ in shelf) - sum(c for _, c in shelf)) for shelf in shelves.values())
    return sum(apart) / len(judged)
