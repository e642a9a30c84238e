"""A run waits for messages, for moments and for people, without a worker, and replays each in its place."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from orchestration.llm.engine.types import Json
from orchestration.runs.engine.budget import Limits
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.control import SETTLING_S, StopReason
from orchestration.runs.engine.metering import Metered
from orchestration.runs.engine.records import TimerSet
from orchestration.runs.engine.types import Question, StepStatus
from tests.support.clock import SkippingLoop
from tests.support.lives import Lives, message
from tests.support.logs import MIDNIGHT, MemoryLog, context_on
from tests.support.models import ScriptedModel, prompt_of

LOOP_FACTORY = SkippingLoop


class Session:
    """Uses everything that waits: messages before, during and after a call, a wait, a person, a child."""

    def __init__(self) -> None:
        self.model = ScriptedModel("a", ["four"], first_s=3)

    async def story(self, context: RunContext) -> Json:
        context.record("mapping", {"tone": "friendly"})
        first = await context.receive("receive/1", 600)
        answer = await context.scoped("turn").ask(Metered(self.model), prompt_of("?"), "ask")
        second = await context.receive("receive/2", 600)
        await context.wait("pause", 100)
        approved = await context.ask_human(Question(text="Go on?", deadline_s=900), "human")
        inside = await context.run_child("k", "r", {}, panel=("a",), step="child")
        last = await context.receive("receive/3", 5)
        texts = [each and each.payload["text"] for each in (first, second, last)]
        return [*texts, answer.text, approved, inside]

    async def child(self, _payload: Mapping[str, Json], context: RunContext) -> Json:
        await context.wait("nap", 1)
        received = await context.receive("receive", 10)
        return received and received.payload["text"]

    def lives(self) -> Lives:
        said = {30.0: "hello", 31.0: "and then?", 308.0: "inside"}
        messages = {at: message(n, said[at]) for n, at in zip((3, 8, 9), said, strict=True)}
        return Lives(
            self.story, messages, {300.0: ("human", "yes")}, linger_s=20, child=lambda *_: self.child
        )


RESULT = ["hello", "and then?", None, "four", "yes", "inside"]


async def test_a_session_parks_whenever_it_only_waits_and_is_there_again_when_something_comes() -> None:
    session = Session()
    lives = session.lives()
    assert await lives.run() == RESULT
    assert lives.received == [3, 8, 9]
    assert (lives.parked_at, session.model.count.started) == ([0.0, 53.0, 133.0, 301.0], 1)


async def test_wherever_a_session_is_killed_it_receives_each_message_once_and_ends_the_same() -> None:
    whole = Session().lives()
    await whole.run()
    assert whole.log.writes >= 15
    for dies_at in range(whole.log.writes):
        session = Session()
        lives = session.lives()
        assert await lives.run(dies_at) == RESULT, dies_at
        assert lives.received == [3, 8, 9]
        assert session.model.count.started <= 2
        keys = [record.step for record in lives.log.records if isinstance(record, TimerSet)]
        assert len(set(keys)) == len(keys)
        assert len(lives.log.questions) == 1


async def test_from_every_prefix_of_its_journal_a_session_goes_on_to_the_same_end() -> None:
    whole = Session().lives()
    await whole.run()
    for kept in range(len(whole.log.records) + 1):
        lives = Session().lives()
        lives.started, lives.log.records = whole.started, list(whole.log.records[:kept])
        assert await lives.run() == RESULT, kept
        assert lives.received == [3, 8, 9]


async def stopped_by_itself(context: RunContext, work: asyncio.Task[object]) -> StopReason | None:
    """Return why a run's task ended, after it did."""
    context.control.attach(work)
    await asyncio.wait([work])
    return context.control.reason


async def test_a_message_that_is_there_is_received_at_once_and_replays() -> None:
    log, hello = MemoryLog(), message(3, "hello")
    context = context_on(log, replay=log.replay(messages=[hello]))
    assert await context.receive("receive", 60) == hello
    assert (log.timers, log.event_kinds) == ({}, ["step_ended"])
    again = context_on(log, replay=log.replay(messages=[hello]))
    assert await again.receive("receive", 60) == hello
    assert await again.receive("next", 0) is None


async def test_no_message_within_the_timeout_is_journaled_as_none() -> None:
    log = MemoryLog()
    context = context_on(log)
    assert await context.receive("receive", 2) is None
    late = context_on(log, replay=log.replay(messages=[message(3, "late")]))
    assert await late.receive("receive", 2) is None
    assert await late.receive("next", 2) == message(3, "late")


async def test_messages_are_received_in_order_and_one_that_is_known_only_once() -> None:
    log, first, second = MemoryLog(), message(3, "first"), message(8, "second")
    context = context_on(log, replay=log.replay(messages=[first]))
    both = asyncio.gather(*(context.receive(f"receive/{n}") for n in range(2)))
    await asyncio.sleep(0)
    for _ in range(2):
        context.control.deliver(second)
    context.control.deliver(first)
    assert await both == [first, second]
    assert not context.control.has_message
    again = context_on(log, replay=log.replay())
    again.control.deliver(second)
    assert not again.control.has_message


async def test_a_message_goes_to_one_of_two_that_wait_and_the_other_goes_on_waiting() -> None:
    context = context_on(MemoryLog(), linger_s=600)
    waiting = [asyncio.ensure_future(context.receive(name)) for name in ("a", "b")]
    await asyncio.sleep(0.001)
    context.control.deliver(message(1, "one"))
    await asyncio.sleep(0.001)
    assert [each.done() for each in waiting] == [True, False]
    context.control.deliver(message(2, "two"))
    assert await waiting[1] == message(2, "two")


async def test_a_receive_that_the_run_cancelled_replays_as_cancelled_and_takes_no_message() -> None:
    log = MemoryLog()
    context = context_on(log)
    work = asyncio.ensure_future(context.receive("receive", 2))
    await asyncio.sleep(0.001)
    work.cancel()
    await asyncio.wait([work])
    assert log.steps["receive"].status is StepStatus.CANCELLED
    again = context_on(log, replay=log.replay(messages=[message(3, "hello")]))
    with pytest.raises(asyncio.CancelledError):
        await again.receive("receive", 2)
    assert await again.receive("next") == message(3, "hello")


async def test_a_run_that_receives_messages_lingers_and_then_parks_for_people() -> None:
    context = context_on(MemoryLog(), linger_s=30)
    context.control.deliver(message(1, "hello"))

    async def story() -> None:
        await context.receive("receive/1")
        await context.receive("receive/2")

    started = asyncio.get_running_loop().time()
    assert await stopped_by_itself(context, asyncio.ensure_future(story())) is StopReason.PARKED
    assert asyncio.get_running_loop().time() - started == pytest.approx(30, abs=0.1)
    assert context.control.for_people


async def test_a_run_that_worked_meanwhile_settles_again_before_it_is_parked() -> None:
    context = context_on(MemoryLog())
    work = asyncio.ensure_future(context.receive("receive"))
    context.control.attach(work)
    await asyncio.sleep(SETTLING_S / 2)
    context.control.hold()
    context.control.release()
    await asyncio.sleep(SETTLING_S * 0.75)
    assert context.control.reason is None
    await asyncio.sleep(SETTLING_S / 2)
    assert context.control.reason is StopReason.PARKED


async def test_a_wait_of_seconds_stays_in_memory_and_is_no_run_time() -> None:
    log = MemoryLog()
    context = context_on(log, limits=Limits(seconds=10))
    started = asyncio.get_running_loop().time()
    await context.wait("pause", 2)
    assert asyncio.get_running_loop().time() - started == pytest.approx(2)
    assert (context.now(), context.time_left()) == (0.0, 10.0)
    await context_on(log, replay=log.replay()).wait("pause", 2)
    assert asyncio.get_running_loop().time() - started == pytest.approx(2)


async def test_a_longer_wait_parks_and_a_restart_does_not_start_it_again() -> None:
    log = MemoryLog()
    context = context_on(log)
    due = MIDNIGHT + timedelta(seconds=asyncio.get_running_loop().time() + 3600)
    assert (
        await stopped_by_itself(context, asyncio.ensure_future(context.wait("pause", 3600)))
        is StopReason.PARKED
    )
    assert (log.timers, log.steps, context.control.for_people) == ({"pause": due}, {}, False)
    await asyncio.sleep(3599)
    again = context_on(log, replay=log.replay())
    await again.wait("pause", 3600)
    assert asyncio.get_running_loop().time() == pytest.approx((due - MIDNIGHT).total_seconds())
    assert len([record for record in log.records if isinstance(record, TimerSet)]) == 1


async def test_a_wait_until_a_moment_that_has_passed_is_over() -> None:
    log = MemoryLog()
    await context_on(log).wait("pause", datetime(2020, 1, 1, tzinfo=UTC))
    assert (log.timers, log.steps["pause"].status) == ({}, StepStatus.DONE)
    with pytest.raises(TypeError, match="offset-naive"):
        await context_on(log).wait("again", datetime(2020, 1, 1))  # noqa: DTZ001  # this is the fault


async def test_time_in_which_other_work_is_under_way_is_run_time() -> None:
    context = context_on(MemoryLog())
    model = ScriptedModel("a", ["four"], first_s=2)
    await asyncio.gather(context.ask(Metered(model), prompt_of("?"), "ask"), context.wait("pause", 5))
    assert context.now() == pytest.approx(2)


async def test_a_paused_run_does_not_linger() -> None:
    context = context_on(MemoryLog())
    context.control.deliver(message(1, "hello"))
    await context.receive("receive/1")
    work = asyncio.ensure_future(context.receive("receive/2"))
    context.control.attach(work)
    context.control.pause()
    await asyncio.sleep(1)
    assert (work.cancelled(), context.control.paused) == (True, True)


async def test_an_answer_that_arrives_while_the_run_goes_on_is_taken_without_parking() -> None:
    context = context_on(MemoryLog())
    model = ScriptedModel("a", ["four"], first_s=5)
    asked = context.ask(Metered(model), prompt_of("?"), "ask")
    both = asyncio.gather(asked, context.ask_human(Question(text="Go on?"), "human"))
    await asyncio.sleep(1)
    context.control.answer("human", "yes")
    context.control.answer("human", "no")
    assert (await both)[1] == "yes"


async def test_at_its_deadline_a_question_is_answered_by_its_default() -> None:
    log = MemoryLog()
    question = Question(text="Go on?", deadline_s=3600, default="no")
    context = context_on(log)
    work: asyncio.Task[object] = asyncio.ensure_future(context.ask_human(question, "human"))
    assert await stopped_by_itself(context, work) is StopReason.PARKED
    await asyncio.sleep(3598)
    assert await context_on(log, replay=log.replay()).ask_human(question, "human") == "no"
    assert len(log.questions) == 1
