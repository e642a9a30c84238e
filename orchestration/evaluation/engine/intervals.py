"""Shares with their intervals, and two configurations compared item by item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, erfc, sqrt

Z95 = 1.959963984540054
MOST_EXACT = 2_000
"""Items that differ up to which the test is exact; beyond, its normal approximation is."""


def wilson(successes: int, trials: int, z: float = Z95) -> tuple[float, float]:
    """Return the Wilson score interval of a share (Wilson 1927); 0 to 1 without trials."""
    if trials == 0:
        return 0.0, 1.0
    share, spread = successes / trials, z * z / trials
    middle = (share + spread / 2) / (1 + spread)
    half = z * sqrt(share * (1 - share) / trials + spread / (4 * trials)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True, kw_only=True, slots=True)
class PairedDifference:
    """How much more often one configuration is right than another on the same items.

    `difference` is the difference of their shares with its interval of 95 %, `better` and `worse` count the
    items that only the one or only the other has right, `p_value` is that of McNemar's test.
    """

    items: int
    difference: float
    ci95: tuple[float, float]
    better: int
    worse: int
    p_value: float

    @property
    def is_real(self) -> bool:
        """True where the interval excludes that there is no difference."""
        low, high = self.ci95
        return low > 0 or high < 0


def paired_difference(first: Sequence[bool], second: Sequence[bool]) -> PairedDifference:
    """Compare what is right in `first` with what is in `second`, by item; there is at least one.

    The interval is Newcombe's for paired proportions (Statistics in Medicine 17, 2635, 1998, method 10): it
    stays within -1 to 1 and holds for few items, too. The test is McNemar's (1947) on the items that differ.
    """
    number = len(first)
    both = sum(one and other for one, other in zip(first, second, strict=True))
    better, worse = sum(first) - both, sum(second) - both
    neither = number - both - better - worse
    return PairedDifference(
        items=number,
        difference=(better - worse) / number,
        ci95=_newcombe(both, better, worse, neither),
        better=better,
        worse=worse,
        p_value=mcnemar(better, worse),
    )


def _newcombe(both: int, better: int, worse: int, neither: int) -> tuple[float, float]:
    number = both + better + worse + neither
    share, other = (both + better) / number, (both + worse) / number
    low, high = wilson(both + better, number)
    other_low, other_high = wilson(both + worse, number)
    phi = _phi(both, better, worse, neither)
    difference = share - other
    down = _length(share - low, other_high - other, phi)
    up = _length(other - other_low, high - share, phi)
    return max(-1.0, difference - down), min(1.0, difference + up)


def _length(one: float, other: float, phi: float) -> float:
    """Return the third side of a triangle; rounding must not make its square negative."""
    return sqrt(max(0.0, one * one - 2 * phi * one * other + other * other))


def _phi(both: int, better: int, worse: int, neither: int) -> float:
    """Return the correlation of the two, corrected for continuity; 0 where one of them never varies."""
    margins = (both + better) * (worse + neither) * (both + worse) * (better + neither)
    if not margins:
        return 0.0
    found = float(both * neither - better * worse)
    if found > 0:
        found = max(0.0, found - (both + better + worse + neither) / 2)
    return found / sqrt(margins)


def mcnemar(better: int, worse: int) -> float:
    """Return the probability of so uneven a split of the items that differ, were both equally good."""
    differing, fewer = better + worse, min(better, worse)
    if differing > MOST_EXACT:
        return erfc(max(0, abs(better - worse) - 1) / sqrt(2 * differing))
    rarer = sum(comb(differing, each) for each in range(fewer + 1))
    return float(min(1.0, 2 * rarer / 2**differing))
