"""The context of a run: steps end once, replay for free, and stay inside their limits."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from decimal import Decimal

import pytest

from orchestration.engine.context import Question, RunContext
from orchestration.engine.context.budget import (
    Ledger,
    Limits,
    Spent,
    estimate_tokens,
    most_it_can_cost,
    price,
)
from orchestration.engine.context.codec import plain
from orchestration.engine.context.control import StopReason
from orchestration.engine.context.journaled import JournaledContext
from orchestration.engine.context.metering import Metered
from orchestration.engine.errors import (
    InvalidRequest,
    LimitReached,
    ModelError,
    ProviderUnavailable,
    RecordedFailure,
    ReplayMismatch,
)
from orchestration.engine.events import Event, EventKind
from orchestration.engine.types import Completion, Json, StepStatus, Usage
from tests.support.clock import SkippingLoop
from tests.support.logs import MemoryLog, context_on
from tests.support.models import ScriptedModel, prompt_of, spec_named

LOOP_FACTORY = SkippingLoop
PROMPT = prompt_of("How many?")


async def stopped(context: JournaledContext, work: asyncio.Task[object], reason: StopReason) -> None:
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


async def test_a_done_step_replays_without_asking_and_gives_the_same_completion() -> None:
    log, model = MemoryLog(), ScriptedModel("a", ["four"])
    first = await context_on(log).ask(Metered(model), PROMPT, "ask/a")
    again = await context_on(log, past=log.past()).ask(Metered(model), PROMPT, "ask/a")
    assert (again, model.count.started, len(log.started)) == (first, 1, 1)


async def test_a_failed_step_replays_its_error_with_code_and_words() -> None:
    log, model = MemoryLog(), ScriptedModel("a", [ProviderUnavailable("It is down.")])
    with pytest.raises(ProviderUnavailable):
        await context_on(log).ask(Metered(model), PROMPT, "ask/a")
    with pytest.raises(RecordedFailure, match=r"It is down\.") as again:
        await context_on(log, past=log.past()).ask(Metered(model), PROMPT, "ask/a")
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
        await context_on(log, past=log.past()).ask(Metered(model), PROMPT, "ask/a")
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
        await context_on(log, past=log.past()).ask(Metered(model), prompt_of("Who?"), "ask/a")


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
    again = context_on(log, past=log.past())
    assert again.recall("winner") == {"model": "a", "cost": "0.5"}
    assert await again.decide("winner", {"model": "b"}) == {"model": "a", "cost": "0.5"}


async def test_what_cannot_be_journaled_says_so() -> None:
    with pytest.raises(TypeError, match="object cannot be journaled"):
        await context_on(MemoryLog()).decide("winner", object())


async def test_an_event_is_told_once_whatever_replays() -> None:
    log = MemoryLog()
    event = Event(kind=EventKind.PHASE_STARTED, step="ask", data={"name": "asking"})
    context = context_on(log)
    await context.emit(event)
    await context.emit(event)
    await context_on(log, past=log.past()).emit(event)
    assert len(log.events) == 1


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
    answer = await Metered(ScriptedModel("a", ["four"])).complete(PROMPT)
    assert (answer.text, answer.cost_usd) == ("four", None)


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
    assert context_on(log, past=log.past()).now() == 3.0


async def test_calls_are_limited() -> None:
    context = context_on(MemoryLog(), limits=Limits(calls=1))
    await context.ask(Metered(ScriptedModel("a")), PROMPT, "ask/a")
    with pytest.raises(LimitReached, match="1 calls"):
        await context.ask(Metered(ScriptedModel("b")), PROMPT, "ask/b")


async def test_steps_are_limited() -> None:
    context = context_on(MemoryLog(), limits=Limits(steps=1))
    await context.decide("one", 1)
    with pytest.raises(LimitReached, match="1 steps"):
        await context.decide("two", 2)


async def test_draws_are_the_same_on_replay() -> None:
    first, second = context_on(MemoryLog()), context_on(MemoryLog())
    assert [first.random.random() for _ in range(3)] == [second.random.random() for _ in range(3)]


async def test_a_hundred_calls_against_a_budget_of_ten_never_reserve_more() -> None:
    spec = spec_named("a")
    most = most_it_can_cost(spec, PROMPT)
    context = context_on(MemoryLog(), limits=Limits(money=most * 10))
    models = [ScriptedModel(spec, ["four"], first_s=1) for _ in range(100)]
    asked = [context.ask(Metered(m), PROMPT, f"ask/{n}") for n, m in enumerate(models)]
    results = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(model.count.started for model in models) == 10
    assert sum(isinstance(result, LimitReached) for result in results) == 90


def test_what_is_not_used_goes_back_into_the_budget() -> None:
    spec = spec_named("a")
    ledger = Ledger(Limits(money=Decimal(1), calls=9), Spent(money=Decimal("0.25"), calls=4))
    reserved = ledger.reserve(spec, PROMPT)
    assert ledger.money_left == Decimal("0.75") - reserved
    ledger.settle(reserved, Decimal("0.1"))
    assert (ledger.money_left, ledger.calls_left) == (Decimal("0.65"), 4)


def test_a_model_without_a_price_costs_nothing_known() -> None:
    spec = spec_named("a", prices=None)
    assert price(spec, Usage(input_tokens=9)) is None
    assert most_it_can_cost(spec, PROMPT) == 0
    assert (Ledger(Limits(), Spent()).money_left, Ledger(Limits(), Spent()).calls_left) == (None, None)


@pytest.mark.parametrize(("text", "tokens"), [("", 0), ("a", 1), ("abcd", 1), ("abcde", 2)])
def test_tokens_are_estimated_at_four_characters_each(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens


async def test_a_question_parks_the_run_and_its_answer_replays() -> None:
    log = MemoryLog()
    context = context_on(log)
    task: asyncio.Task[object] = asyncio.ensure_future(context.ask_human(Question(text="Go on?"), "human/a"))
    context.control.attach(task)
    await asyncio.wait([task])
    assert (context.control.reason, len(log.questions), log.steps) == (StopReason.PARKED, 1, {})
    again = context_on(log, past=log.past({"human/a": "yes"}))
    assert await again.ask_human(Question(text="Go on?"), "human/a") == "yes"
    assert await context_on(log, past=log.past()).ask_human(Question(text="Go on?"), "human/a") == "yes"
    assert log.event_kinds == ["question_asked", "step_ended"]


async def test_a_question_is_put_once_however_often_the_run_comes_back() -> None:
    log = MemoryLog()
    for _ in range(2):
        context = context_on(log, past=log.past())
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


async def test_a_stop_before_the_task_is_there_takes_effect_with_it() -> None:
    context = context_on(MemoryLog())
    context.control.stop(StopReason.CANCELLED)
    context.control.stop(StopReason.STOPPING)
    task: asyncio.Task[object] = asyncio.ensure_future(asyncio.sleep(60))
    context.control.attach(task)
    await asyncio.wait([task])
    assert (task.cancelled(), context.control.reason) == (True, StopReason.CANCELLED)


async def test_a_child_shares_budget_and_journal_below_its_parents_key() -> None:
    log, model = MemoryLog(), ScriptedModel("a", ["four"])

    async def child(payload: Mapping[str, Json], context: RunContext) -> Json:
        await context.emit(Event(kind=EventKind.PHASE_STARTED, step="x", data={}))
        answer = await context.ask(Metered(model), prompt_of(payload["text"]), "ask/a")
        return {"said": answer.text, "left": context.budget.calls_left}

    context = context_on(log, limits=Limits(calls=3), child=lambda *_: child)
    assert await context.run_child("strategy", "parallel", {"text": "?"}, "child/1") == {
        "said": "four",
        "left": 2,
    }
    assert list(log.steps) == ["child/1/ask/a", "child/1"]
    assert log.events[0].step == "child/1/x"
    again = context_on(log, past=log.past())
    assert await again.run_child("strategy", "parallel", {"text": "?"}, "child/1") == {
        "said": "four",
        "left": 2,
    }


async def test_children_of_children_stop_at_the_depth_limit() -> None:
    async def deeper(payload: Mapping[str, Json], context: RunContext) -> Json:
        return await context.run_child("k", "r", payload, "child")

    context = context_on(MemoryLog(), limits=Limits(depth=3), child=lambda *_: deeper)
    with pytest.raises(LimitReached, match="3 deep") as refused:
        await context.run_child("k", "r", {}, "child")
    assert refused.value.limit == "depth"


def test_an_error_names_its_code_and_its_field() -> None:
    error = InvalidRequest("No.", field="models")
    assert (error.code, error.field, plain({"a": Decimal("0.10")})) == (
        "invalid_request",
        "models",
        {"a": "0.10"},
    )
