"""Whether an arm got worse: Page and Hinkley's test on what was expected of it less what it brought.

The test sums the shortfalls, less what is tolerated, and reports once the sum has risen by `ENOUGH` above its
least value so far (Page 1954, Hinkley 1971); the place of that least value is where the change began. An arm
that gets worse by 30 points is reported after some 40 graded answers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean

TOLERATED = 0.1
"""Quality by which an arm may fall short of what is expected, on average, without a report."""
ENOUGH = 8.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Observed:
    """A judged result of an arm: the quality that was expected when it was chosen, and what it was."""

    ref: str
    expected: float
    quality: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Drift:
    """An arm that got worse: the place of the first result since, and the mean shortfall since."""

    ref: str
    since: int
    shortfall: float


def drifts(results: Iterable[Observed]) -> tuple[Drift, ...]:
    """Return the arms that got worse, each with where its last change began; results are in order of time."""
    by_arm: dict[str, list[tuple[int, float]]] = {}
    for place, each in enumerate(results):
        by_arm.setdefault(each.ref, []).append((place, each.expected - each.quality))
    found = (_drift(ref, shortfalls) for ref, shortfalls in by_arm.items())
    return tuple(each for each in found if each is not None)


def _drift(ref: str, shortfalls: list[tuple[int, float]]) -> Drift | None:
    total = least = 0.0
    began, reported = 0, False
    for number, (_, shortfall) in enumerate(shortfalls, start=1):
        total += shortfall - TOLERATED
        if total < least:
            least, began, reported = total, number, False
        reported = reported or total - least > ENOUGH
    if not reported:
        return None
    since = shortfalls[began:]
    return Drift(ref=ref, since=since[0][0], shortfall=fmean(each for _, each in since))
