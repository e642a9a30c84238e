"""A run calls tools: once each, whatever happens to its process."""

from __future__ import annotations

import asyncio

import pytest

from orchestration.llm.engine.types import Json
from orchestration.runs.engine.budget import Limits
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.control import StopReason
from orchestration.runs.engine.errors import LimitReached, ReplayMismatch
from orchestration.runs.engine.records import StepRecord
from orchestration.runs.engine.tool_calls import CallChoice, given_result
from orchestration.runs.engine.types import RunEvent, StepStatus
from orchestration.tools.engine.tool import ToolFailed, ToolFault
from tests.support.clock import SkippingLoop
from tests.support.context import MortalLog
from tests.support.lives import Lives
from tests.support.logs import MemoryLog, context_on
from tests.support.tools import CountingTool

LOOP_FACTORY = SkippingLoop
AMOUNT = {"amount": 3}
WRITES = 2  # that a call starts, and how it ended
ANSWERED_AT = 50.0


async def book(context: RunContext) -> Json:
    return await context.use_tool("book", AMOUNT, "pay")


async def test_what_a_tool_gave_is_kept_and_replayed_without_it() -> None:
    log, tool = MemoryLog(), CountingTool()
    assert await book(context_on(log, tool=tool.find)) == {"booked": 1}
    assert await book(context_on(log, replay=log.replay())) == {"booked": 1}
    assert (tool.calls, log.event_kinds) == ([AMOUNT], ["tool_called", "tool_ended", "step_ended"])
    assert [event.data for event in log.events[:2]] == [
        {"tool": "book", "attempt": 1},
        {"tool": "book", "seconds": 1, "ok": True, "error": ""},
    ]


@pytest.mark.parametrize("fault", ToolFault)
async def test_a_failure_replays_with_its_code_and_its_words(fault: ToolFault) -> None:
    log, tool = MemoryLog(), CountingTool(fails=ToolFailed("The ledger is closed.", fault=fault))
    for _ in range(2):
        context = context_on(log, replay=log.replay(), tool=tool.find)
        with pytest.raises(ToolFailed, match="is closed") as raised:
            await book(context)
        assert raised.value.code == fault.value
    assert (len(tool.calls), log.events[1].data["ok"]) == (1, False)


async def test_a_tool_that_there_is_not_fails_the_step_and_other_arguments_the_replay() -> None:
    log = MemoryLog()
    with pytest.raises(ToolFailed, match="no tool called 'book'") as raised:
        await book(context_on(log))
    assert (raised.value.code, log.steps["pay"].status) == ("unknown_tool", StepStatus.FAILED)
    with pytest.raises(ReplayMismatch):
        await context_on(log, replay=log.replay()).use_tool("book", {"amount": 4}, "pay")


async def test_a_call_that_a_person_cancels_is_not_made_again() -> None:
    log, tool = MemoryLog(), CountingTool()
    context = context_on(log, tool=tool.find)
    task = asyncio.ensure_future(book(context))
    context.control.attach(task)
    await asyncio.sleep(0.5)
    context.control.stop(StopReason.CANCELLED)
    await asyncio.wait([task])
    assert log.steps["pay"].status is StepStatus.CANCELLED
    with pytest.raises(asyncio.CancelledError):
        await book(context_on(log, replay=log.replay(), tool=tool.find))
    assert len(tool.calls) == 1


async def test_a_tool_obeys_the_deadline_of_the_run() -> None:
    tool = CountingTool(takes_s=60)
    with pytest.raises(LimitReached, match="time limit of 5 s"):
        await book(context_on(MemoryLog(), tool=tool.find, limits=Limits(seconds=5)))


async def test_a_paused_run_calls_no_tool_and_asks_nobody_about_it_later() -> None:
    log, tool = MemoryLog(), CountingTool()
    context = context_on(log, tool=tool.find)
    task = asyncio.ensure_future(book(context))
    context.control.attach(task)
    context.control.pause()
    await asyncio.wait([task])
    assert (tool.calls, log.records) == ([], [])
    assert await book(context_on(log, replay=log.replay(), tool=tool.find)) == {"booked": 1}


@pytest.mark.parametrize("dies_at", range(WRITES))
async def test_a_repeatable_tool_is_called_again_after_a_crash(dies_at: int) -> None:
    tool = CountingTool(repeatable=True)
    lives = Lives(story=book, tool=tool.find)
    assert await lives.run(dies_at) == {"booked": 2}
    assert lives.log.questions == []


async def test_a_crash_before_the_call_goes_out_asks_nobody() -> None:
    tool = CountingTool()
    lives = Lives(story=book, tool=tool.find)
    assert await lives.run(0) == {"booked": 1}
    assert lives.log.questions == []


@pytest.mark.parametrize(
    ("choice", "calls", "end"),
    [
        (CallChoice.REPEAT, 2, {"booked": 2}),
        (CallChoice.GIVE, 1, {"booked": 7}),
        (CallChoice.FAIL, 1, "A call to The ledger was interrupted, and it was not repeated."),
    ],
)
async def test_a_person_decides_on_a_call_that_a_crash_interrupted(
    choice: CallChoice, calls: int, end: Json
) -> None:
    tool = CountingTool()
    lives = Lives(story=_words_of_failure, tool=tool.find)
    lives.answers = {
        ANSWERED_AT: ("pay/interrupted-1", choice.value),
        ANSWERED_AT + 60: ("pay/result", '{"booked": 7}'),
    }
    assert (await lives.run(WRITES - 1), len(tool.calls)) == (end, calls)
    assert lives.parked_at
    assert await _words_of_failure(context_on(MemoryLog(), replay=lives.log.replay())) == end


async def _words_of_failure(context: RunContext) -> Json:
    try:
        return await book(context)
    except ToolFailed as error:
        return str(error)


async def test_each_interruption_is_asked_about_by_itself() -> None:
    tool, log = CountingTool(), MortalLog()
    answers = {50.0 * at: (f"pay/interrupted-{at}", CallChoice.REPEAT.value) for at in (1, 2)}
    await Lives(story=book, tool=tool.find, log=log, answers=answers).run(WRITES - 1)
    del log.records[log.records.index(log.steps["pay"]) - 1 :]  # as if it died at the end of the second call
    end = await Lives(story=book, tool=tool.find, log=log, answers=answers).run()
    assert end == {"booked": 3}
    assert [question.step for question in log.questions] == ["pay/interrupted-1", "pay/interrupted-2"]


async def two_payments(context: RunContext) -> Json:
    await context.use_tool("book", AMOUNT, "first")
    return await context.use_tool("book", AMOUNT, "second")


async def test_from_every_prefix_of_its_journal_a_run_ends_and_asks_only_about_a_call_without_an_end() -> (
    None
):
    whole, again = MortalLog(), CallChoice.REPEAT.value
    answers = {50.0: ("first/interrupted-1", again), 100.0: ("second/interrupted-1", again)}
    await two_payments(context_on(whole, tool=CountingTool().find))
    for kept in range(len(whole.records) + 1):
        log, tool = MortalLog(records=whole.records[:kept]), CountingTool()
        await Lives(story=two_payments, tool=tool.find, log=log, answers=answers).run()
        called = {each.step for each in whole.records[:kept] if isinstance(each, RunEvent)}
        ended = {each.key for each in whole.records[:kept] if isinstance(each, StepRecord)}
        assert {asked.step.partition("/")[0] for asked in log.questions} == called - ended
        assert len(tool.calls) == 2 - len(ended)


@pytest.mark.parametrize(
    ("written", "result"),
    [('{"a": [1]}', {"a": [1]}), ("12", 12), ("booked", "booked"), ("NaN", "NaN"), ("1e999", "1e999")],
)
def test_a_result_that_a_person_gives_is_json_where_it_is_some(written: str, result: Json) -> None:
    assert given_result(written) == result
