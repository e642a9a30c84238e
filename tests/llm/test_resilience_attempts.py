"""When a model is asked: the concurrency limit and the one retry loop."""

from __future__ import annotations

import asyncio
import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.llm.engine.errors import (
    AuthenticationRejected,
    CircuitOpen,
    ContextWindowExceeded,
    ModelError,
    ModelNotFound,
    ModelTimeout,
    ProviderUnavailable,
    RateLimited,
    RequestRejected,
    StreamBroken,
)
from orchestration.llm.engine.model import ChatModel
from orchestration.llm.engine.resilience.attempts import Admitted, Limiter, Retrying, RetryPolicy
from orchestration.llm.engine.resilience.circuit import Circuit, CircuitPolicy
from orchestration.llm.engine.types import Completion, Delta
from orchestration.runs.engine.errors import LimitReached
from tests.support.clock import ManualClock, SkippingLoop
from tests.support.models import FailingModel, RawModel, ScriptedModel, SlowModel, prompt_of

LOOP_FACTORY = SkippingLoop
HELLO = prompt_of("Hello?")


def limited(inner: ChatModel, limiter: Limiter) -> Admitted:
    return Admitted(inner, limiter, Circuit(CircuitPolicy(), ManualClock()))


async def test_no_more_calls_than_slots_are_under_way_and_all_are_answered() -> None:
    inner, limiter, most = SlowModel("m", 1.0), Limiter(3), 0
    tasks = [asyncio.create_task(limited(inner, limiter).complete(HELLO)) for _ in range(10)]
    while not all(task.done() for task in tasks):
        most = max(most, inner.count.under_way)
        await asyncio.sleep(0.1)
    assert most == 3
    assert inner.count.answered == 10
    assert (limiter.busy, len(limiter.waiting)) == (0, 0)


async def test_the_first_to_come_is_the_first_served() -> None:
    limiter, served = Limiter(1), list[int]()

    async def ask(number: int) -> None:
        async with limiter.slot():
            served.append(number)
            await asyncio.sleep(1)

    await asyncio.gather(*(ask(number) for number in range(6)))
    assert served == list(range(6))


async def test_runs_take_turns_so_that_one_with_many_calls_keeps_no_other_waiting() -> None:
    limiter, served = Limiter(1), list[str]()

    async def ask(run: str) -> None:
        async with limiter.slot(run[0]):
            served.append(run)
            await asyncio.sleep(1)

    asked = ("a1", "a2", "a3", "a4", "b1", "c1", "b2")
    await asyncio.gather(*map(ask, asked))
    assert served == ["a1", "a2", "b1", "c1", "a3", "b2", "a4"]
    assert (limiter.busy, limiter.waiting) == (0, {})


async def test_a_stream_read_to_its_end_releases_its_slot() -> None:
    limiter = Limiter(1)
    pieces = [piece async for piece in limited(ScriptedModel("m", ["one two"]), limiter).stream(HELLO)]
    assert len(pieces) == 3
    assert limiter.busy == 0


async def test_closing_a_stream_releases_its_slot() -> None:
    limiter = Limiter(1)
    pieces = limited(ScriptedModel("m"), limiter).stream(HELLO)
    await anext(pieces)
    assert limiter.busy == 1
    await pieces.aclose()
    assert limiter.busy == 0


async def test_a_slot_given_to_a_call_that_is_cancelled_in_the_same_moment_is_passed_on() -> None:
    limiter = Limiter(1)
    async with limiter.slot():
        first = asyncio.create_task(_occupy(limiter, 1))
        second = asyncio.create_task(_occupy(limiter, 1))
        await asyncio.sleep(0)
    first.cancel()
    await second
    assert first.cancelled()
    assert (limiter.busy, len(limiter.waiting)) == (0, 0)


async def test_a_call_that_comes_while_a_cancelled_one_is_still_in_the_queue_is_served() -> None:
    limiter = Limiter(1)
    async with limiter.slot():
        first = asyncio.create_task(_occupy(limiter, 1))
        await asyncio.sleep(0)
        first.cancel()
    await asyncio.wait_for(_occupy(limiter, 1), 5)
    assert (limiter.busy, len(limiter.waiting)) == (0, 0)


async def test_more_slots_admit_more_calls_at_once() -> None:
    limiter = Limiter(1)
    tasks = [asyncio.create_task(_occupy(limiter, 10)) for _ in range(4)]
    await asyncio.sleep(0)
    limiter.resize(3)
    assert (limiter.busy, len(limiter.waiting)) == (3, 1)
    await asyncio.gather(*tasks)


@given(
    st.integers(1, 4),
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.none() | st.integers(0, 8)), max_size=15),
)
async def test_no_mix_of_calls_and_cancellations_overfills_or_starves(
    limit: int, calls: list[tuple[int, int, int | None]]
) -> None:
    limiter, tasks = Limiter(limit), list[asyncio.Task[None]]()
    for arrives, seconds, cancelled in calls:
        task = asyncio.create_task(_arrive(limiter, arrives, seconds))
        if cancelled is not None:
            asyncio.get_running_loop().call_later(cancelled, task.cancel)
        tasks.append(task)
    for _ in range(100):
        assert limiter.busy <= limit
        await asyncio.sleep(1)
    assert all(task.done() for task in tasks)
    assert (limiter.busy, len(limiter.waiting)) == (0, 0)


async def _arrive(limiter: Limiter, arrives: int, seconds: float) -> None:
    await asyncio.sleep(arrives)
    async with limiter.slot(arrives % 3):
        await asyncio.sleep(seconds)


async def _occupy(limiter: Limiter, seconds: float) -> None:
    async with limiter.slot():
        await asyncio.sleep(seconds)


HELLO = prompt_of("Hello?")
POLICY = RetryPolicy(attempts=3, base_s=1.0, cap_s=8.0, retry_after_cap_s=30.0)


def retrying(
    inner: ChatModel, clock: ManualClock, *, policy: RetryPolicy = POLICY, left: float | None = None
) -> Retrying:
    def time_left() -> float | None:
        return None if left is None else left - clock()

    return Retrying(inner, policy, sleep=clock.sleep, random=Random(7), time_left=time_left)


@pytest.mark.parametrize(
    "error", [ProviderUnavailable("x"), ModelTimeout("x"), StreamBroken("x"), RateLimited("x")]
)
async def test_errors_that_may_pass_are_tried_again(error: ModelError) -> None:
    inner, clock = FailingModel("m", error, then="fine"), ManualClock()
    assert (await retrying(inner, clock).complete(HELLO)).text == "fine"
    assert inner.count.started == 2
    assert len(clock.slept) == 1


@pytest.mark.parametrize(
    "error",
    [
        AuthenticationRejected("401"),
        ModelNotFound("404"),
        RequestRejected("422"),
        ContextWindowExceeded("400"),
        CircuitOpen("open", retry_in_s=1),
    ],
)
async def test_errors_that_will_not_pass_are_not_tried_again(error: ModelError) -> None:
    inner, clock = FailingModel("m", error, then="fine"), ManualClock()
    with pytest.raises(type(error)):
        await retrying(inner, clock).complete(HELLO)
    assert inner.count.started == 1
    assert clock.slept == []


async def test_after_the_last_attempt_its_error_is_raised() -> None:
    inner = FailingModel(
        "m", ProviderUnavailable("first"), ProviderUnavailable("second"), ProviderUnavailable("third")
    )
    with pytest.raises(ProviderUnavailable, match="third"):
        await retrying(inner, ManualClock()).complete(HELLO)
    assert inner.count.started == 3


async def test_an_error_of_the_run_is_none_of_the_loops_business() -> None:
    broke = RawModel("m", [LimitReached("No money left.", limit="money")])
    with pytest.raises(LimitReached):
        await retrying(broke, ManualClock()).complete(HELLO)


async def test_a_new_attempt_starts_the_text_again_at_offset_0() -> None:
    first, second, whole = (
        Delta(text="try 1", offset=0),
        Delta(text="try 2", offset=0),
        Completion(text="try 2"),
    )
    inner = RawModel("m", [first, StreamBroken("cut")], [second, whole])
    pieces = [piece async for piece in retrying(inner, ManualClock()).stream(HELLO)]
    assert pieces == [first, second, whole]


async def test_a_wait_that_would_outlast_the_runs_deadline_is_not_begun() -> None:
    inner, clock = FailingModel("m", RateLimited("busy", retry_after_s=10), then="fine"), ManualClock()
    with pytest.raises(RateLimited):
        await retrying(inner, clock, left=10.0).complete(HELLO)
    assert clock.slept == []


async def test_a_wait_within_the_deadline_is_waited() -> None:
    inner, clock = FailingModel("m", RateLimited("busy", retry_after_s=10), then="fine"), ManualClock()
    await retrying(inner, clock, left=11.5).complete(HELLO)
    assert clock.seconds >= 10


@given(st.floats() | st.none(), st.integers(1, 5000), st.integers())
def test_every_wait_is_finite_and_capped_and_honours_retry_after(
    retry_after: float | None, attempt: int, seed: int
) -> None:
    wait = POLICY.wait_s(RateLimited("busy", retry_after_s=retry_after), attempt, Random(seed))
    assert 0 <= wait <= 31
    if retry_after is not None and math.isfinite(retry_after):
        assert wait >= min(max(retry_after, 0), 30)
    else:
        assert wait <= min(8.0, 2.0 ** min(attempt - 1, 10))


@given(
    st.lists(
        st.sampled_from([ProviderUnavailable("x"), RateLimited("x", retry_after_s=3), ModelNotFound("x")]),
        max_size=6,
    ),
    st.integers(1, 4),
)
async def test_attempts_never_exceed_the_policy(errors: list[ModelError], attempts: int) -> None:
    inner, policy = FailingModel("m", *errors, then="fine"), RetryPolicy(attempts=attempts)
    needed = next(
        (n for n, error in enumerate(errors, 1) if isinstance(error, ModelNotFound)), len(errors) + 1
    )
    try:
        await retrying(inner, ManualClock(), policy=policy).complete(HELLO)
    except ModelError:
        assert needed > attempts or needed <= len(errors)
    assert inner.count.started == min(needed, attempts)
