"""Whether answers can be counted: enough of them state something that can be held against the others."""

from __future__ import annotations

from collections.abc import Iterable

from orchestration.engine.consensus.grouping import comparable_groups
from orchestration.engine.strategies.voting.casting import Cast


def comparable(casts: Iterable[Cast]) -> int:
    """Return how many voters gave a final answer that can be compared with others."""
    return sum(len(group.members) for group in comparable_groups([cast.answer for cast in casts]))


def readable(casts: Iterable[Cast]) -> int:
    """Return how many voters gave a final answer at all."""
    return sum(cast.answer is not None for cast in casts)


def countable(casts: Iterable[Cast], answers: int, quorum: int) -> bool:
    """Tell whether more than half of so many `answers` can be compared, and enough are read for the quorum.

    What is true of the first answers stays true: one more never makes another less comparable. So asked
    with as many answers as there can be at the most, it holds for all that are still to come.
    """
    said = list(casts)
    return 2 * comparable(said) > answers and readable(said) >= quorum
