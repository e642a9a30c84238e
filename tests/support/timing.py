"""The time that reading a text takes, as a ratio to other work done at the same moment.

Only the processor time of the thread itself counts; another process may have the machine all the same, so
what takes too long is measured again.
"""

from __future__ import annotations

import time
from collections.abc import Callable

ROUNDS = 5


def thread_seconds(work: Callable[[], object]) -> float:
    """Return the seconds of the processor that some work takes in this thread."""
    started = time.thread_time()
    work()
    return time.thread_time() - started


def floor_seconds() -> float:
    """Return the seconds of some fixed work, 40 ms at rest: below them ratios are chance."""
    return thread_seconds(lambda: sum(number % 7 for number in range(1_500_000)))


def least_ratio(work: Callable[[], object], other: Callable[[], object], *, most: float) -> float:
    """Return how many times as long as the other work, or the floor, some work takes.

    Where that is more than `most`, both are measured again, and the least ratio is returned.
    """
    found = float("inf")
    for _ in range(ROUNDS):
        found = min(found, thread_seconds(work) / max(floor_seconds(), thread_seconds(other)))
        if found <= most:
            break
    return found
