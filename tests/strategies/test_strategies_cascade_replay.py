"""The cascade strategy killed at every write, and opened again."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from orchestration.llm.engine.errors import ProviderUnavailable
from orchestration.llm.engine.types import Json
from orchestration.runs.engine.budget import Limits
from orchestration.strategies.engine.belief.model import AnswerRecord
from orchestration.strategies.engine.belief.shipped import shipped_belief
from tests.support.clock import SkippingLoop
from tests.support.context import Stage
from tests.support.crashes import crash_points
from tests.support.judges import by_text
from tests.support.models import FailingModel, ScriptedModel, SlowModel

LOOP_FACTORY = SkippingLoop


def answering(**said: str) -> list[ScriptedModel]:
    return [ScriptedModel(name, [f"Answer: {text}"]) for name, text in said.items()]


async def asked_again(run: Stage, dies_at: int, **options: Json) -> list[str]:
    """Kill the run and open it again; return who was asked anew although the step had ended."""
    assert await run.run_until_death(dies_at, **options)
    ended, before = set(run.log.steps), run.calls
    await run.run(**options)
    return [name for name, calls in run.calls.items() if calls > before[name] and f"ask/{name}" in ended]


def differing(limits: Limits | None = None) -> Stage:
    return Stage(strategy="cascade", members=answering(a="4", b="3", dear="5"), limits=limits or Limits())


def agreeing() -> Stage:
    return Stage(strategy="cascade", members=answering(a="4", b="4", dear="5"))


def judged() -> Stage:
    members = [
        FailingModel("down", ProviderUnavailable("503")),
        ScriptedModel("fair", ["fair"]),
        ScriptedModel("fine", ["fine"]),
    ]
    judge = ScriptedModel("judge", by_text(fair=1, fine=9))
    return Stage(strategy="cascade", members=members, helpers=(judge,))


@pytest.mark.parametrize("dies_at", crash_points(differing))
async def test_wherever_it_is_killed_nobody_who_answered_is_asked_again(dies_at: int) -> None:
    run = differing()
    assert await asked_again(run, dies_at) == []
    outcome = await run.run()
    assert outcome.chosen == "ask/dear"
    assert [decision.kind for decision in outcome.decisions] == ["escalate", "select"]


@pytest.mark.parametrize("dies_at", crash_points(agreeing))
async def test_wherever_it_is_killed_an_accepted_answer_stays_accepted(dies_at: int) -> None:
    run = agreeing()
    assert await asked_again(run, dies_at) == []
    assert (await run.run()).chosen == "ask/a"
    assert run.calls["dear"] == 0


@pytest.mark.parametrize("dies_at", crash_points(judged, judge="judge"))
async def test_wherever_it_is_killed_judges_and_failures_are_paid_once(dies_at: int) -> None:
    run = judged()
    assert await asked_again(run, dies_at, judge="judge") == []
    assert (await run.run(judge="judge")).chosen == "ask/fine"


@pytest.mark.parametrize("dies_at", crash_points(lambda: differing(Limits(calls=2))))
async def test_whom_a_limit_left_out_is_left_out_after_a_crash(dies_at: int) -> None:
    run = differing(Limits(calls=2))
    assert await run.run_until_death(dies_at)
    stopped = "stop" in run.log.steps
    run.limits = Limits()
    outcome = await run.run()
    assert not stopped or (run.calls["dear"], outcome.chosen) == (0, "ask/a")


async def test_an_answer_cut_off_in_an_earlier_attempt_is_not_asked_again() -> None:
    run = Stage(strategy="cascade", members=[*answering(a="4"), SlowModel("b", 50), *answering(dear="5")])
    attempt = asyncio.create_task(run.run(threshold=0.95))
    await asyncio.sleep(1)
    attempt.cancel()
    await asyncio.gather(attempt, return_exceptions=True)
    outcome = await run.run(threshold=0.95)
    assert (run.calls["b"], outcome.candidates[1].state) == (1, "cancelled")
    assert outcome.chosen == "ask/dear"


async def test_a_run_that_began_before_the_next_model_was_journaled_goes_on_by_price() -> None:
    run = Stage(strategy="cascade", members=answering(a="4", b="3", c="5", dear="6"))
    good = AnswerRecord(prior=0.95)
    run.belief = replace(shipped_belief(), records={"dear": good})
    await run.run()
    assert (run.log.steps["accept/1"].result or {})["next"] == "dear"
    older = run.log.steps["accept/1"]
    kept = {name: value for name, value in (older.result or {}).items() if name != "next"}
    first = (run.log.steps["ask/a"], run.log.steps["ask/b"])
    run.log.records = [*first, replace(older, result=kept)]
    before = run.calls
    await run.run()
    assert (run.calls["a"], run.calls["b"]) == (before["a"], before["b"])
    assert run.calls["c"] == before["c"] + 1
