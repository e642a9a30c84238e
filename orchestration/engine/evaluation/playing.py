"""A strategy on many items, a few at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence

from orchestration.engine.evaluation.items import Item
from orchestration.engine.evaluation.trial import Played, Trial
from orchestration.engine.groups import single_error

AT_ONCE = 8
Progress = Callable[[int, int], None]
"""Told after each item how many are done, and of how many."""


async def play_all(trial: Trial, items: Sequence[Item], told: Progress) -> tuple[Played, ...]:
    """Play every item and return what came of each, in the order of the items."""
    played: dict[int, Played] = {}
    left = iter(enumerate(items))
    with single_error():
        async with asyncio.TaskGroup() as group:
            for _ in range(min(AT_ONCE, len(items))):
                group.create_task(_play(trial, left, played, lambda: told(len(played), len(items))))
    return tuple(played[place] for place in range(len(items)))


async def _play(
    trial: Trial,
    left: Iterator[tuple[int, Item]],
    played: dict[int, Played],
    done: Callable[[], None],
) -> None:
    for place, item in left:
        played[place] = await trial.play(item)
        done()
