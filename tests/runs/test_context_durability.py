"""An answer and the end of its step become durable at once: no instant to die at pays for it twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field

import pytest

from orchestration.llm.engine.errors import ProviderUnavailable
from orchestration.llm.engine.model import AnswerStream, WrappedModel
from orchestration.llm.engine.types import Prompt
from orchestration.runs.engine.budget import NOTHING_SPENT, Ledger, Limits
from orchestration.runs.engine.control import StopReason
from orchestration.runs.engine.metering import SCOPE, Metered, StepScope
from orchestration.runs.engine.records import CallEnded, CallStarted, Record, StepKind, StepRecord
from orchestration.runs.engine.types import RunEvent
from tests.support.clock import SkippingLoop
from tests.support.logs import MemoryLog, context_on
from tests.support.models import ScriptedModel, prompt_of

LOOP_FACTORY = SkippingLoop
PROMPT = prompt_of("How many?")


class SlowToClose(WrappedModel):
    """Takes a moment to close after the answer, or breaks."""

    def __init__(self, inner: Metered, *, fails: bool = False) -> None:
        super().__init__(inner)
        self.fails = fails

    async def stream(self, prompt: Prompt) -> AnswerStream:
        try:
            async for piece in self.inner.stream(prompt):
                yield piece
        finally:
            await asyncio.sleep(1)
            if self.fails:
                raise ProviderUnavailable("It broke while it was closed.")


@dataclass
class WritesLog(MemoryLog):
    """Remembers what was written together."""

    writes: list[set[type]] = field(default_factory=list)

    def write(self, *records: Record) -> Awaitable[None]:
        self.writes.append({type(record) for record in records})
        return super().write(*records)


async def test_the_end_of_an_answered_call_is_written_together_with_the_end_of_its_step() -> None:
    log = WritesLog()
    await context_on(log).ask(Metered(ScriptedModel("a", ["four"])), PROMPT, "ask/a")
    assert log.writes == [{CallStarted, RunEvent}, {CallEnded, StepRecord, RunEvent}]
    assert log.event_kinds == ["call_started", "call_finished", "step_ended"]


async def test_an_answer_that_a_stop_overtook_is_kept_with_its_cost() -> None:
    log = MemoryLog()
    context = context_on(log)
    model = SlowToClose(Metered(ScriptedModel("a", ["four"])))
    task: asyncio.Task[object] = asyncio.ensure_future(context.ask(model, PROMPT, "ask/a"))
    context.control.attach(task)
    await asyncio.sleep(0.5)
    context.control.stop(StopReason.STOPPING)
    await asyncio.wait([task])
    assert (log.steps, [call.status for call in log.ended]) == ({}, ["done"])


async def test_an_answer_whose_step_failed_after_it_is_kept_with_its_cost() -> None:
    log, model = MemoryLog(), SlowToClose(Metered(ScriptedModel("a", ["four"])), fails=True)
    with pytest.raises(ProviderUnavailable):
        await context_on(log).ask(model, PROMPT, "ask/a")
    assert (log.steps["ask/a"].status, [call.status for call in log.ended]) == ("failed", ["done"])


async def test_an_answer_that_outlives_its_step_is_written_by_itself() -> None:
    log, ledger = MemoryLog(), Ledger(Limits(), NOTHING_SPENT)
    scope = StepScope(
        step="ask/a", log=log, ledger=ledger, now=lambda: 0.0, new_id=str, stopping=lambda: False
    )
    assert scope.close() == []
    token = SCOPE.set(scope)
    await Metered(ScriptedModel("a", ["four"])).complete(PROMPT)
    SCOPE.reset(token)
    assert [call.status for call in log.ended] == ["done"]


async def test_a_record_is_written_once_without_being_waited_for_and_never_read_back() -> None:
    log = MemoryLog()
    context_on(log).record("mapping", {"cost": "0.5"})
    step = log.steps["mapping"]
    assert (step.kind, step.result) == (StepKind.RECORD, {"cost": "0.5"})
    again = context_on(log, replay=log.replay())
    again.record("mapping", {"cost": "another"})
    assert again.recall("mapping") is None
    assert (len(log.records), log.steps["mapping"].result) == (1, {"cost": "0.5"})
