"""A run waits for people, pauses, stops, and runs others inside itself."""

from __future__ import annotations

import asyncio
from decimal import Decimal

from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import plain
from orchestration.runs.engine.control import StopReason
from orchestration.runs.engine.metering import Metered
from orchestration.runs.engine.types import Question, StepStatus
from tests.support.clock import SkippingLoop
from tests.support.logs import MemoryLog, context_on
from tests.support.models import ScriptedModel, prompt_of

LOOP_FACTORY = SkippingLoop
PROMPT = prompt_of("How many?")


async def test_a_question_parks_the_run_and_its_answer_replays() -> None:
    log = MemoryLog()
    context = context_on(log)
    task: asyncio.Task[object] = asyncio.ensure_future(context.ask_human(Question(text="Go on?"), "human/a"))
    context.control.attach(task)
    await asyncio.wait([task])
    assert (context.control.reason, len(log.questions), log.steps) == (StopReason.PARKED, 1, {})
    again = context_on(log, replay=log.replay({"human/a": "yes"}))
    assert await again.ask_human(Question(text="Go on?"), "human/a") == "yes"
    assert await context_on(log, replay=log.replay()).ask_human(Question(text="Go on?"), "human/a") == "yes"
    assert log.event_kinds == ["question_asked", "step_ended"]


async def test_a_question_is_put_once_however_often_the_run_comes_back() -> None:
    log = MemoryLog()
    for _ in range(2):
        context = context_on(log, replay=log.replay())
        task: asyncio.Task[object] = asyncio.ensure_future(context.ask_human(Question(text="Go on?"), "h"))
        context.control.attach(task)
        await asyncio.wait([task])
    assert len(log.questions) == 1


async def test_a_run_parks_only_when_nothing_but_people_is_pending() -> None:
    log, model = MemoryLog(), ScriptedModel("a", ["four"], first_s=3)
    context = context_on(log)

    async def story() -> object:
        asked = context.ask(Metered(model), PROMPT, "ask/a")
        return await asyncio.gather(asked, context.ask_human(Question(text="Go on?"), "human/a"))

    task: asyncio.Task[object] = asyncio.ensure_future(story())
    context.control.attach(task)
    await asyncio.wait([task])
    assert (context.control.reason, log.steps["ask/a"].status) == (StopReason.PARKED, StepStatus.DONE)


async def test_a_pause_lets_what_is_under_way_end_and_starts_nothing_new() -> None:
    log, first, second = MemoryLog(), ScriptedModel("a", ["four"], first_s=3), ScriptedModel("b")
    context = context_on(log)

    async def story() -> object:
        await context.ask(Metered(first), PROMPT, "ask/a")
        return await context.ask(Metered(second), PROMPT, "ask/b")

    task: asyncio.Task[object] = asyncio.ensure_future(story())
    context.control.attach(task)
    await asyncio.sleep(1)
    context.control.pause()
    await asyncio.wait([task])
    assert (context.control.paused, context.control.reason) == (True, StopReason.PARKED)
    assert (list(log.steps), second.count.started) == (["ask/a"], 0)


async def test_a_run_that_ends_while_it_is_being_paused_is_over() -> None:
    context = context_on(MemoryLog())
    context.control.pause()
    await asyncio.sleep(1)
    assert (context.control.paused, context.control.reason) == (True, None)


async def test_a_stop_before_the_task_is_there_takes_effect_with_it() -> None:
    context = context_on(MemoryLog())
    context.control.stop(StopReason.CANCELLED)
    context.control.stop(StopReason.STOPPING)
    task: asyncio.Task[object] = asyncio.ensure_future(asyncio.sleep(60))
    context.control.attach(task)
    await asyncio.wait([task])
    assert (task.cancelled(), context.control.reason) == (True, StopReason.CANCELLED)


def test_an_error_names_its_code_and_its_field() -> None:
    error = InvalidRequest("No.", field="models")
    assert (error.code, error.field, plain({"a": Decimal("0.10")})) == (
        "invalid_request",
        "models",
        {"a": "0.10"},
    )
