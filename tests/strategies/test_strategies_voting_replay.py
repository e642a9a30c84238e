"""Voting cut off: by being killed, by a person who has to decide."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from orchestration.llm.engine.types import Json, Purpose
from orchestration.runs.engine.metering import Metered
from orchestration.runs.engine.records import StepKind, StepRecord
from orchestration.runs.engine.types import EventKind, StepStatus
from orchestration.strategies.engine.strategy import Panel, get_strategy
from orchestration.strategies.engine.types import Request, StrategyEvent, StrategyOutcome
from tests.support.clock import SkippingLoop
from tests.support.context import Stage
from tests.support.crashes import crash_points
from tests.support.judges import answers_in
from tests.support.logs import context_on
from tests.support.models import SlowModel
from tests.support.votes import QUESTION, answering, poll, reviewer

LOOP_FACTORY = SkippingLoop
JURY = ("best", "good", "fair", "poor")


def jury() -> Stage:
    return poll(*(reviewer(name, *JURY) for name in JURY))


def orders(run: Stage) -> dict[str, list[list[str]]]:
    """Return the orders in which each reviewer has seen the others' answers, call by call."""
    return {
        model.spec.name: [answers_in(p) for p in model.count.prompts if p.purpose is Purpose.RANK]
        for model in run.members
    }


REVIEW: dict[str, Json] = {"ballot": "review", "rule": "borda"}
OPEN: dict[str, Json] = {"ballot": "auto", "rule": "plurality"}


@pytest.mark.parametrize(
    ("options", "dies_at"),
    [(options, point) for options in (REVIEW, OPEN) for point in crash_points(jury, **options)],
)
async def test_wherever_a_review_is_killed_nobody_is_asked_twice_and_the_order_stays(
    options: dict[str, Json], dies_at: int
) -> None:
    run = jury()
    assert await run.run_until_death(dies_at, **options)
    done = {key for key, step in run.log.steps.items() if step.status is StepStatus.DONE}
    before = run.calls
    outcome = await run.run(**options)
    assert outcome.chosen == "ask/best"
    left = sum(1 for name in before for phase in ("ask", "review") if f"{phase}/{name}" not in done)
    assert sum(run.calls.values()) == sum(before.values()) + left
    assert all(seen[0] == again for seen in orders(run).values() for again in seen)
    voters = [event.data["voter"] for event in run.emitted(StrategyEvent.BALLOT_CAST)]
    assert sorted(voters) == ["best", "fair", "good", "poor"]


def in_waves(ballot: str) -> Stage:
    return poll(*answering(a="12", b="12", c="12", d="7", e="7"), usual={"ballot": ballot, "waves": 1})


@pytest.mark.parametrize(
    ("ballot", "dies_at"),
    [(b, point) for b in ("answers", "auto") for point in crash_points(partial(in_waves, b))],
)
async def test_wherever_waves_are_killed_whom_the_stop_left_out_is_never_asked(
    ballot: str, dies_at: int
) -> None:
    run = in_waves(ballot)
    assert await run.run_until_death(dies_at)
    outcome = await run.run()
    assert outcome.chosen == "ask/a"
    assert (run.calls["d"], run.calls["e"]) == (0, 0)
    assert len(run.emitted(StrategyEvent.VOTE_TALLIED)) == 1


@pytest.mark.parametrize("dies_at", crash_points(jury))
async def test_wherever_an_open_vote_is_killed_it_goes_the_same_way(dies_at: int) -> None:
    run = jury()
    assert await run.run_until_death(dies_at)
    first = run.log.steps.get("ballot")
    await run.run()
    again = run.log.steps["ballot"]
    assert again.result == (first or again).result
    assert {event.data["ballot"] for event in run.emitted(StrategyEvent.BALLOT_CAST)} == {"review"}
    assert [event.step for event in run.emitted(EventKind.DECISION_MADE)] == ["ballot", "vote", "select"]


async def test_what_was_journaled_is_voted_with_whatever_would_be_chosen_now() -> None:
    run = poll(
        *(reviewer(name, "Answer: 1", "Answer: 2", says=f"Answer: {n}") for n, name in enumerate("abc"))
    )
    result = {"kind": "review", "reason": "An earlier version thought so."}
    kept = StepRecord(key="ballot", kind=StepKind.DECISION, status=StepStatus.DONE, result=result)
    run.log.records.append(kept)
    outcome = await run.run()
    assert outcome.decisions[0].reason == "An earlier version thought so."
    assert outcome.chosen == "ask/b"


async def test_an_answer_cancelled_in_an_earlier_attempt_is_not_asked_again() -> None:
    slow = SlowModel("slow", 50, "Answer: 7")
    run = poll(*answering(a="12"), slow)
    attempt = asyncio.create_task(run.run())
    await asyncio.sleep(1)
    attempt.cancel()
    await asyncio.gather(attempt, return_exceptions=True)
    outcome = await run.run()
    assert (outcome.chosen, outcome.candidates[1].state, slow.count.started) == ("ask/a", "cancelled", 1)


async def test_a_tie_waits_for_a_person_and_takes_the_answer() -> None:
    run = poll(*answering(a="1", b="2"))
    assert await _lived(run, {}) is None
    [asked] = run.log.questions
    assert asked.question.schema["enum"] == ["1", "2"]
    assert asked.question.text == (
        "The vote is tied between “1” (a) and “2” (b). Which answer is to be chosen?"
    )
    outcome = await _lived(run, {"tie": "2"})
    assert outcome is not None
    assert (outcome.chosen, sum(run.calls.values())) == ("ask/b", 2)
    assert outcome.decisions[-2].reason == "“1” and “2” were tied; a person chose “2”."


async def _lived(run: Stage, answers: dict[str, Json]) -> StrategyOutcome | None:
    """Return the outcome, None when the run parks."""
    context = context_on(run.log, replay=run.log.replay(answers))
    panel = Panel(members=tuple(Metered(model) for model in run.members))
    request = Request(text=QUESTION, options={"tie": "human"})
    task = asyncio.ensure_future(get_strategy("voting").run(request, panel, context))
    context.control.attach(task)
    await asyncio.wait([task])
    return None if task.cancelled() else task.result()
