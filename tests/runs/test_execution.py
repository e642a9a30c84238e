"""A run from its claim to its one end, on a real database with real threads."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from orchestration.llm.engine.errors import ProviderUnavailable
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.metering import Metered
from orchestration.runs.engine.types import Outcome, Question
from orchestration.runs.models import Command, CommandKind, Run
from orchestration.runs.services.commands import answer_question
from orchestration.runs.services.sweeping import sweep
from tests.support.engines import Engine, until
from tests.support.kinds import kind_that, member, question, queued_run
from tests.support.models import ScriptedModel


def numbers(run: Run) -> list[int]:
    return list(run.events.values_list("seq", flat=True))


def kinds(run: Run) -> list[str]:
    return list(run.events.values_list("kind", flat=True))


def test_a_run_records_its_call_its_step_its_cost_and_its_end(engine: Engine) -> None:
    async def story(context: RunContext) -> Outcome:
        answer = await context.ask(Metered(ScriptedModel("a", ["four"])), question(), "ask/a")
        return Outcome(answer=answer.text)

    with kind_that(story) as kind:
        run = engine.execute(queued_run(kind))
    assert (run.status, run.answer) == ("succeeded", "four")
    assert kinds(run) == ["run_started", "call_started", "call_finished", "step_ended", "run_succeeded"]
    assert numbers(run) == [1, 2, 3, 4, 5]
    call = run.calls.get()
    assert (call.status, call.text, run.cost_usd) == ("done", "four", call.cost_usd)
    assert run.steps.get(result__text="four").status == "done"


def test_a_model_error_ends_the_step_and_the_run_with_its_words(engine: Engine) -> None:
    async def story(context: RunContext) -> Outcome:
        model = Metered(ScriptedModel("a", [ProviderUnavailable("a.example.com is down.")]))
        await context.ask(model, question(), "ask/a")
        return Outcome(answer="")

    with kind_that(story) as kind:
        run = engine.execute(queued_run(kind))
    assert (run.status, run.error, run.error_code) == (
        "failed",
        "a.example.com is down.",
        "provider_unavailable",
    )
    assert run.calls.get().status == "failed"
    assert run.steps.get(error__code="provider_unavailable").status == "failed"


def test_an_error_of_the_program_fails_the_run_without_its_details(engine: Engine) -> None:
    async def story(context: RunContext) -> Outcome:
        raise ZeroDivisionError("secret detail")

    with kind_that(story) as kind:
        run = engine.execute(queued_run(kind))
    assert run.status == "failed"
    assert "secret detail" not in run.error


def test_cancelling_stops_the_call_in_flight_and_records_it(engine: Engine) -> None:
    model = ScriptedModel("a", ["never"], first_s=60)

    async def story(context: RunContext) -> Outcome:
        return Outcome(answer=(await context.ask(Metered(model), question(), "ask/a")).text)

    with kind_that(story) as kind:
        run = queued_run(kind)
        future = engine.start(run)
        until(lambda: model.count.started)
        Command.objects.create(run=run, kind=CommandKind.CANCEL)
        future.result(5)
    run.refresh_from_db()
    assert run.status == "cancelled"
    assert run.calls.get().status == "cancelled"
    assert run.steps.get().status == "cancelled"
    assert model.count.under_way == 0
    assert kinds(run)[-1] == "run_cancelled"


def test_stopping_gives_the_run_back_and_a_second_engine_repeats_only_what_was_in_flight(
    engine: Engine,
) -> None:
    quick, slow = ScriptedModel("quick", ["one"]), ScriptedModel("slow", ["two"], first_s=60)
    second = ScriptedModel("slow", ["two"])
    turns = [slow, second]

    async def story(context: RunContext) -> Outcome:
        turn = turns.pop(0)
        answers = await asyncio.gather(
            context.ask(Metered(quick), question(), "ask/quick"),
            context.ask(Metered(turn), question(), "ask/slow"),
        )
        return Outcome(answer=" ".join(answer.text for answer in answers))

    with kind_that(story) as kind:
        run = queued_run(kind)
        future = engine.start(run)
        until(lambda: run.steps.filter(key="ask/quick").exists() and slow.count.started)
        asyncio.run_coroutine_threadsafe(engine.runtime.stop(), engine.runtime.loop).result(5)
        future.result(5)
        run.refresh_from_db()
        assert (run.status, run.lapses, run.lease_owner) == ("queued", 0, "")
        again = Engine(type(engine.runtime)(engine.runtime.loop))
        again.runtime.start()
        again.execute(run)
        asyncio.run_coroutine_threadsafe(again.runtime.stop(), again.runtime.loop).result(5)
    assert (run.status, run.answer, quick.count.started) == ("succeeded", "one two", 1)
    assert sorted(run.calls.values_list("model", "status", "maybe_billed")) == [
        ("quick", "done", False),
        ("slow", "done", False),
        ("slow", "lost", True),
    ]
    assert numbers(run) == list(range(1, len(numbers(run)) + 1))


def test_a_limit_on_money_ends_the_run_before_the_call_that_could_break_it(engine: Engine) -> None:
    model = ScriptedModel("a", ["four"])

    async def story(context: RunContext) -> Outcome:
        await context.ask(Metered(model), question(), "ask/a")
        return Outcome(answer="")

    with kind_that(story) as kind:
        run = engine.execute(queued_run(kind, max_cost_usd="0.000001"))
    assert (run.status, run.error_code, model.count.started) == ("failed", "limit_reached", 0)
    assert run.cost_usd == Decimal(0)


def test_two_questions_park_the_run_until_both_are_answered(engine: Engine) -> None:
    quick = ScriptedModel("quick", ["one"])

    async def story(context: RunContext) -> Outcome:
        first = await context.ask(Metered(quick), question(), "ask/quick")
        replies = await asyncio.gather(
            context.ask_human(Question(text="Go on?"), "human/a"),
            context.ask_human(Question(text="Sure?"), "human/b"),
        )
        return Outcome(answer=f"{first.text} {replies}")

    membership = member()
    with kind_that(story) as kind:
        run = engine.execute(queued_run(kind, membership))
        assert (run.status, run.lease_owner, run.questions.count()) == ("waiting", "", 2)
        answer_question(membership=membership, question=run.questions.get(step="human/a"), answer="yes")
        run = engine.execute(run)
        assert run.status == "waiting"
        answer_question(membership=membership, question=run.questions.get(step="human/b"), answer="no")
        assert sweep(renewed_within_s=0) == [run.id]
        run = engine.execute(run)
    assert (run.status, run.answer, quick.count.started) == ("succeeded", "one ['yes', 'no']", 1)
    assert kinds(run).count("question_asked") == 2
    assert kinds(run).count("question_answered") == 2


@pytest.mark.parametrize("deliveries", [50])
def test_a_message_delivered_many_times_runs_once(engine: Engine, deliveries: int) -> None:
    model = ScriptedModel("a", ["four"])

    async def story(context: RunContext) -> Outcome:
        return Outcome(answer=(await context.ask(Metered(model), question(), "ask/a")).text)

    with kind_that(story) as kind:
        run = queued_run(kind)
        for future in [engine.start(run) for _ in range(deliveries)]:
            future.result(20)
    assert model.count.started == 1
    assert run.calls.count() == 1
