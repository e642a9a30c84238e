"""The concurrency limit."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from orchestration.engine.resilience import Limited, Limiter
from tests.support.clock import SkippingLoop
from tests.support.models import ScriptedModel, SlowModel, prompt_of

LOOP_FACTORY = SkippingLoop
HELLO = prompt_of("Hello?")


async def test_no_more_calls_than_places_are_under_way_and_all_are_answered() -> None:
    inner, limiter, most = SlowModel("m", 1.0), Limiter(3), 0
    tasks = [asyncio.create_task(Limited(inner, limiter).complete(HELLO)) for _ in range(10)]
    while not all(task.done() for task in tasks):
        most = max(most, inner.count.under_way)
        await asyncio.sleep(0.1)
    assert most == 3
    assert inner.count.answered == 10
    assert (limiter.busy, limiter.waiting) == (0, 0)


async def test_the_first_to_come_is_the_first_served() -> None:
    limiter, served = Limiter(1), list[int]()

    async def ask(number: int) -> None:
        async with limiter.place():
            served.append(number)
            await asyncio.sleep(1)

    await asyncio.gather(*(ask(number) for number in range(6)))
    assert served == list(range(6))


async def test_a_stream_heard_to_its_end_gives_its_place_back() -> None:
    limiter = Limiter(1)
    pieces = [piece async for piece in Limited(ScriptedModel("m", ["one two"]), limiter).stream(HELLO)]
    assert len(pieces) == 3
    assert limiter.busy == 0


async def test_closing_a_stream_gives_its_place_back() -> None:
    limiter = Limiter(1)
    pieces = Limited(ScriptedModel("m"), limiter).stream(HELLO)
    await anext(pieces)
    assert limiter.busy == 1
    await pieces.aclose()
    assert limiter.busy == 0


async def test_a_place_given_to_an_asker_who_is_cancelled_in_the_same_moment_is_passed_on() -> None:
    limiter = Limiter(1)
    async with limiter.place():
        first = asyncio.create_task(_hold(limiter, 1))
        second = asyncio.create_task(_hold(limiter, 1))
        await asyncio.sleep(0)
    first.cancel()
    await second
    assert first.cancelled()
    assert (limiter.busy, limiter.waiting) == (0, 0)


async def test_an_asker_that_comes_while_a_cancelled_one_still_stands_in_line_is_served() -> None:
    limiter = Limiter(1)
    async with limiter.place():
        first = asyncio.create_task(_hold(limiter, 1))
        await asyncio.sleep(0)
        first.cancel()
    await asyncio.wait_for(_hold(limiter, 1), 5)
    assert (limiter.busy, limiter.waiting) == (0, 0)


async def test_more_places_let_more_in_at_once() -> None:
    limiter = Limiter(1)
    tasks = [asyncio.create_task(_hold(limiter, 10)) for _ in range(4)]
    await asyncio.sleep(0)
    limiter.resize(3)
    assert (limiter.busy, limiter.waiting) == (3, 1)
    await asyncio.gather(*tasks)


@given(
    st.integers(1, 4),
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.none() | st.integers(0, 8)), max_size=15),
)
async def test_no_mix_of_askers_and_cancellations_overfills_or_starves(
    limit: int, askers: list[tuple[int, int, int | None]]
) -> None:
    limiter, tasks = Limiter(limit), list[asyncio.Task[None]]()
    for arrives, holds, cancelled in askers:
        task = asyncio.create_task(_arrive(limiter, arrives, holds))
        if cancelled is not None:
            asyncio.get_running_loop().call_later(cancelled, task.cancel)
        tasks.append(task)
    for _ in range(100):
        assert limiter.busy <= limit
        await asyncio.sleep(1)
    assert all(task.done() for task in tasks)
    assert (limiter.busy, limiter.waiting) == (0, 0)


async def _arrive(limiter: Limiter, arrives: float, holds: float) -> None:
    await asyncio.sleep(arrives)
    await _hold(limiter, holds)


async def _hold(limiter: Limiter, seconds: float) -> None:
    async with limiter.place():
        await asyncio.sleep(seconds)
