"""Many viewers, one rendering: what is shared between sockets, and when it must not be."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from orchestration.runs.parts.queries import QueryBatcher
from orchestration.runs.parts.updates import PageUpdate, UpdateCache, UpdateKey

RUN = uuid4()


def _batch(seq: int) -> PageUpdate:
    return PageUpdate(pieces=(f"{seq}",), seq=seq, running={}, drawn=frozenset())


def test_fifty_who_ask_at_once_get_it_rendered_once() -> None:
    made: list[UpdateKey] = []
    begun = threading.Barrier(10)

    def make(key: UpdateKey) -> PageUpdate:
        made.append(key)
        return _batch(key.after + 1)

    def ask(_: int) -> PageUpdate | None:
        begun.wait()
        return kept.after(UpdateKey(RUN, 3, may_run=True))

    kept = UpdateCache(make)
    with ThreadPoolExecutor(10) as viewers:
        answers = list(viewers.map(ask, range(50)))
    assert answers == [_batch(4)] * 50
    assert made == [UpdateKey(RUN, 3, may_run=True)]


def test_nothing_new_is_never_remembered() -> None:
    answers = iter([None, _batch(4)])
    kept = UpdateCache(lambda _: next(answers))
    key = UpdateKey(RUN, 3, may_run=False)
    assert [kept.after(key), kept.after(key), kept.after(key)] == [None, _batch(4), _batch(4)]


def test_only_the_newest_batches_are_kept() -> None:
    made: list[int] = []

    def make(key: UpdateKey) -> PageUpdate:
        made.append(key.after)
        return _batch(key.after + 1)

    kept = UpdateCache(make, most=2)
    for after in (1, 2, 3, 1, 3):
        kept.after(UpdateKey(RUN, after, may_run=True))
    assert made == [1, 2, 3, 1]


async def test_who_asks_while_others_are_answered_goes_into_the_next_lot() -> None:
    lots: list[list[int]] = []
    begun, go_on = threading.Event(), threading.Event()

    def answer(questions: Sequence[int]) -> list[int]:
        lots.append(list(questions))
        begun.set()
        go_on.wait(20)
        return [question * 10 for question in questions]

    lookout = QueryBatcher(answer)
    first = asyncio.create_task(lookout.ask(1))
    await asyncio.to_thread(begun.wait, 20)
    others = [asyncio.create_task(lookout.ask(number)) for number in (2, 3)]
    await asyncio.sleep(0)
    go_on.set()
    assert await asyncio.gather(first, *others) == [10, 20, 30]
    assert lots == [[1], [2, 3]]


async def test_an_answer_does_not_wait_for_those_after_it_and_an_error_takes_none_back() -> None:
    go_on = threading.Event()

    def answer(questions: Sequence[int]) -> Iterator[int]:
        yield questions[0]
        go_on.wait(20)
        raise OSError("the disk is gone")

    batcher = QueryBatcher(answer)
    first, second = (asyncio.create_task(batcher.ask(number)) for number in (1, 2))
    assert await first == 1
    assert not second.done()
    go_on.set()
    with pytest.raises(OSError, match="disk is gone"):
        await second


async def test_an_error_reaches_everybody_who_asked_and_nobody_after() -> None:
    broken = True

    def answer(questions: Sequence[int]) -> list[int]:
        if broken:
            raise OSError("the disk is gone")
        return list(questions)

    lookout = QueryBatcher(answer)
    answers = await asyncio.gather(lookout.ask(1), lookout.ask(2), return_exceptions=True)
    assert [str(answer) for answer in answers] == ["the disk is gone"] * 2
    broken = False
    assert await lookout.ask(3) == 3


async def test_who_left_meanwhile_does_not_keep_others_from_their_answer() -> None:
    lookout: QueryBatcher[int, int] = QueryBatcher(list)
    gone = asyncio.create_task(lookout.ask(1))
    stays = asyncio.create_task(lookout.ask(2))
    await asyncio.sleep(0)
    gone.cancel()
    assert await stays == 2
    with pytest.raises(asyncio.CancelledError):
        await gone
