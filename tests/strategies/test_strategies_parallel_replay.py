"""The parallel strategy cut off: by cancelling, by an error, by being killed."""

from __future__ import annotations

import asyncio

import pytest

from orchestration.llm.engine.errors import ProviderUnavailable
from orchestration.llm.engine.types import Json
from orchestration.runs.engine.errors import ReplayMismatch
from orchestration.runs.engine.types import EventKind, StepStatus
from tests.support.clock import SkippingLoop
from tests.support.context import Stage
from tests.support.crashes import crash_points
from tests.support.judges import by_text
from tests.support.models import FailingModel, ScriptedModel, SlowModel, saying

LOOP_FACTORY = SkippingLoop
DOWN = ProviderUnavailable("503")
FIRST: dict[str, Json] = {"select": "first_good_enough"}


def stage(*members: ScriptedModel, helpers: tuple[ScriptedModel, ...] = ()) -> Stage:
    return Stage(strategy="parallel", members=members, helpers=helpers)


async def test_an_error_of_the_run_comes_out_by_itself_and_ends_the_others() -> None:
    slow, run = SlowModel("slow", 50), stage(*saying("a"))
    await run.run()
    run.question = "Another question?"
    run.members = [*run.members, slow]
    with pytest.raises(ReplayMismatch):
        await run.run()
    assert slow.count.under_way == 0


async def test_cancelling_the_run_leaves_no_call_open() -> None:
    models = [SlowModel(name, 50) for name in "abc"]
    task = asyncio.create_task(stage(*models).run())
    await asyncio.sleep(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [model.count.closed_early for model in models] == [1, 1, 1]
    assert len(asyncio.all_tasks()) == 1


async def test_an_answer_cancelled_in_an_earlier_attempt_is_not_asked_again() -> None:
    slow = SlowModel("slow", 50)
    run = stage(*saying("a"), slow)
    task = asyncio.create_task(run.run())
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    outcome = await run.run()
    assert outcome.candidates[1].state == "cancelled"
    assert slow.count.started == 1


def race() -> Stage:
    return stage(FailingModel("down", DOWN), *saying("quick"), SlowModel("slow", 50), SlowModel("slower", 60))


@pytest.mark.parametrize("dies_at", crash_points(race, **FIRST))
async def test_wherever_it_is_killed_losers_and_what_ended_are_not_asked_again(dies_at: int) -> None:
    run = race()
    assert await run.run_until_death(dies_at, **FIRST)
    steps, before = dict(run.log.steps), run.calls
    outcome = await run.run(**FIRST)
    assert outcome.chosen == "ask/quick"
    again = [name for name, calls in run.calls.items() if calls > before[name] > 0]
    assert not [name for name in again if f"ask/{name}" in steps]
    assert "stop" not in steps or run.calls == before
    assert all(calls <= 2 for calls in run.calls.values())


def judged() -> Stage:
    return stage(*saying("fair", "good"), helpers=(ScriptedModel("judge", by_text(fair=5, good=9)),))


@pytest.mark.parametrize("dies_at", crash_points(judged, judge="judge"))
async def test_wherever_it_is_killed_the_judged_choice_is_the_same_and_paid_for_once(dies_at: int) -> None:
    run = judged()
    assert await run.run_until_death(dies_at, judge="judge")
    done = {key for key, step in run.log.steps.items() if step.status is StepStatus.DONE}
    outcome = await run.run(judge="judge")
    assert outcome.chosen == "ask/good"
    assert run.calls["fair"] == 1 or "ask/fair" not in done
    assert run.calls["judge"] <= 4 - len(done & {"judge/judge/1", "judge/judge/2"})
    orders = [event.data for event in run.emitted(EventKind.DECISION_MADE)]
    assert len(orders) == 1
