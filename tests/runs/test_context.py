"""The context of a run: steps end once, replay for free, and stay inside their limits."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from types import MappingProxyType
from uuid import UUID

import pytest

from orchestration.llm.engine.errors import ModelError, ProviderUnavailable
from orchestration.llm.engine.types import Completion, FinishReason, Usage, plain
from orchestration.runs.engine.budget import Limits, price
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.control import StopReason
from orchestration.runs.engine.errors import LimitReached, RecordedFailure, ReplayMismatch
from orchestration.runs.engine.metering import Metered
from orchestration.runs.engine.types import EventKind, RunEvent, StepStatus
from orchestration.strategies.engine.types import Candidate, StrategyOutcome
from tests.support.clock import SkippingLoop
from tests.support.logs import MemoryLog, context_on
from tests.support.models import ScriptedModel, prompt_of

LOOP_FACTORY = SkippingLoop
PROMPT = prompt_of("How many?")


async def stopped(context: RunContext, work: asyncio.Task[object], reason: StopReason) -> None:
    """Stop a run's task as its owner would, and wait for its end."""
    context.control.attach(work)
    context.control.stop(reason)
    await asyncio.wait([work])


async def test_an_answer_is_journaled_metered_and_priced() -> None:
    log, model = MemoryLog(), ScriptedModel("a", ["four of them"])
    answer = await context_on(log).ask(Metered(model), PROMPT, "ask/a")
    assert answer.cost_usd == price(model.spec, answer.usage)
    assert log.steps["ask/a"].result["text"] == "four of them"
    assert (log.started[0].attempt, log.ended[0].text, log.ended[0].cost_usd) == (
        1,
        "four of them",
        answer.cost_usd,
    )
    assert log.event_kinds == ["call_started", "call_finished", "step_ended"]
    assert log.shown[-1][1].text


async def test_an_answer_that_was_cut_off_at_twice_its_limit_is_remarked_and_priced() -> None:
    log = MemoryLog()
    whole = Completion(
        text="abcd" * 20,
        usage=Usage(output_tokens=20, estimated=True),
        finish=FinishReason.LENGTH,
        overran=True,
    )
    answer = await context_on(log).ask(Metered(ScriptedModel("a", [whole])), PROMPT, "ask/a")
    [finished] = [event for event in log.events if event.kind == "call_finished"]
    assert (finished.data["overran"], finished.data["estimated"]) == (True, True)
    assert log.ended[0].cost_usd == answer.cost_usd == Decimal(80) / 1_000_000


async def test_a_done_step_replays_without_asking_and_gives_the_same_completion() -> None:
    log, model = MemoryLog(), ScriptedModel("a", ["four"])
    first = await context_on(log).ask(Metered(model), PROMPT, "ask/a")
    again = await context_on(log, replay=log.replay()).ask(Metered(model), PROMPT, "ask/a")
    assert (again, model.count.started, len(log.started)) == (first, 1, 1)


async def test_a_failed_step_replays_its_error_with_code_and_words() -> None:
    log, model = MemoryLog(), ScriptedModel("a", [ProviderUnavailable("It is down.")])
    with pytest.raises(ProviderUnavailable):
        await context_on(log).ask(Metered(model), PROMPT, "ask/a")
    with pytest.raises(RecordedFailure, match=r"It is down\.") as again:
        await context_on(log, replay=log.replay()).ask(Metered(model), PROMPT, "ask/a")
    assert (again.value.code, model.count.started) == ("provider_unavailable", 1)
    assert log.event_kinds == ["call_started", "call_failed", "step_ended"]


async def test_a_step_that_the_run_cancelled_replays_as_cancelled() -> None:
    log, model = MemoryLog(), ScriptedModel("a", ["four"], first_s=60)
    task = asyncio.ensure_future(context_on(log).ask(Metered(model), PROMPT, "ask/a"))
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.wait([task])
    assert log.steps["ask/a"].status is StepStatus.CANCELLED
    assert (log.ended[0].status, log.ended[0].maybe_billed) == ("cancelled", True)
    with pytest.raises(asyncio.CancelledError):
        await context_on(log, replay=log.replay()).ask(Metered(model), PROMPT, "ask/a")
    assert model.count.started == 1


async def test_a_cancel_that_a_shutdown_caused_is_not_journaled_and_the_call_is_lost() -> None:
    log, model = MemoryLog(), ScriptedModel("a", ["four"], first_s=60)
    context = context_on(log)
    task: asyncio.Task[object] = asyncio.ensure_future(context.ask(Metered(model), PROMPT, "ask/a"))
    await asyncio.sleep(1)
    await stopped(context, task, StopReason.STOPPING)
    assert (log.steps, log.ended[0].status, log.event_kinds[-1]) == ({}, "lost", "call_lost")
    assert context.cancelled


async def test_another_prompt_under_the_same_key_fails_the_run_loudly() -> None:
    log, model = MemoryLog(), ScriptedModel("a", ["four"])
    await context_on(log).ask(Metered(model), PROMPT, "ask/a")
    with pytest.raises(ReplayMismatch, match="another input"):
        await context_on(log, replay=log.replay()).ask(Metered(model), prompt_of("Who?"), "ask/a")


async def test_a_key_used_twice_is_an_error() -> None:
    context = context_on(MemoryLog())
    await context.decide("winner", "a")
    with pytest.raises(ReplayMismatch, match="twice"):
        await context.decide("winner", "b")


async def test_a_decision_is_stored_once_and_can_be_recalled() -> None:
    log = MemoryLog()
    context = context_on(log)
    assert context.recall("winner") is None
    assert await context.decide("winner", {"model": "a", "cost": Decimal("0.5")}) == {
        "model": "a",
        "cost": "0.5",
    }
    again = context_on(log, replay=log.replay())
    assert again.recall("winner") == {"model": "a", "cost": "0.5"}
    assert await again.decide("winner", {"model": "b"}) == {"model": "a", "cost": "0.5"}


async def test_what_cannot_be_journaled_says_so() -> None:
    with pytest.raises(TypeError, match="object cannot be journaled"):
        await context_on(MemoryLog()).decide("winner", object())


def test_an_outcome_is_stored_as_plain_json_with_money_as_text() -> None:
    outcome = StrategyOutcome(
        answer="4", candidates=(Candidate(model="a", step="ask/a", cost_usd=Decimal("0.10")),)
    )
    stored = plain(outcome)
    assert (stored["answer"], stored["candidates"][0]["cost_usd"]) == ("4", "0.10")


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (MappingProxyType({"a": 1}), {"a": 1}),
        (frozenset({"b", "a"}), ["a", "b"]),
        (UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        (Usage(input_tokens=1), {"input_tokens": 1, "output_tokens": 0, "estimated": False}),
    ],
)
def test_values_are_journaled_as_plain_json(value: object, kept: object) -> None:
    assert plain(value) == kept


async def test_an_event_is_told_once_whatever_replays() -> None:
    log = MemoryLog()
    event = RunEvent(kind=EventKind.PHASE_STARTED, step="ask", data={"name": "asking"})
    context = context_on(log)
    await context.emit(event)
    await context.emit(event)
    await context_on(log, replay=log.replay()).emit(event)
    assert len(log.events) == 1


async def test_an_event_of_a_kind_that_the_engine_does_not_know_is_told_once() -> None:
    log = MemoryLog()
    event = RunEvent(kind="stage_skipped", step="stage/1")
    await context_on(log).emit(event)
    await context_on(log, replay=log.replay()).emit(event)
    assert log.event_kinds == ["stage_skipped"]


async def test_each_attempt_is_a_call_of_its_own() -> None:
    log = MemoryLog()
    model = Metered(ScriptedModel("a", [ProviderUnavailable("no"), "four"]))

    class Twice(Metered):
        async def complete(self, _prompt: object) -> Completion:
            try:
                return await self.inner.complete(PROMPT)
            except ModelError:
                return await self.inner.complete(PROMPT)

    await context_on(log).ask(Twice(model), PROMPT, "ask/a")
    assert [call.attempt for call in log.started] == [1, 2]
    assert [call.status for call in log.ended] == ["failed", "done"]


async def test_outside_a_run_metering_only_passes_through() -> None:
    pieces = [piece async for piece in Metered(ScriptedModel("a", ["four"])).stream(PROMPT)]
    assert isinstance(pieces[-1], Completion)
    assert (pieces[-1].text, pieces[-1].cost_usd) == ("four", None)


async def test_a_reused_answer_is_told_as_such() -> None:
    log = MemoryLog()
    model = ScriptedModel("a", [Completion(text="four", cached=True)])
    await context_on(log).ask(model, PROMPT, "ask/a")
    assert log.event_kinds == ["answer_reused", "step_ended"]
    assert log.events[0].data == {"model": "a"}


async def test_a_write_that_is_refused_keeps_the_call_from_going_out() -> None:
    log, model = MemoryLog(refuses=LimitReached("x", limit="x")), ScriptedModel("a")
    context = context_on(log, limits=Limits(money=Decimal(1)))
    with pytest.raises(LimitReached):
        await context.ask(Metered(model), PROMPT, "ask/a")
    assert (model.count.started, context.budget.money_left) == (0, Decimal(1))


async def test_a_deadline_ends_a_call_after_a_grace() -> None:
    log, model = MemoryLog(), ScriptedModel("a", ["four"], first_s=60)
    context = context_on(log, limits=Limits(seconds=5))
    with pytest.raises(LimitReached, match="5 s") as passed:
        await context.ask(Metered(model), PROMPT, "ask/a")
    assert (passed.value.limit, context.now(), context.time_left()) == ("seconds", 6.0, -1.0)
    assert context_on(log).time_left() is None


async def test_a_timeout_of_the_model_itself_stays_one() -> None:
    class Impatient(ScriptedModel):
        async def complete(self, _prompt: object) -> Completion:
            raise TimeoutError("mine")

    with pytest.raises(TimeoutError, match="mine"):
        await context_on(MemoryLog()).ask(Impatient("a"), PROMPT, "ask/a")


async def test_run_time_goes_on_where_the_journal_ends() -> None:
    log = MemoryLog()
    await context_on(log).ask(ScriptedModel("a", ["four"], first_s=3), PROMPT, "ask/a")
    assert context_on(log, replay=log.replay()).now() == 3.0
