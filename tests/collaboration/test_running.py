"""Sessions at work in memory: what is asked, taken, recorded and paid, and what ends them."""

from __future__ import annotations

import asyncio

import pytest

from orchestration.llm.engine.errors import AuthenticationRejected, BadAnswer, ModelError
from orchestration.llm.engine.types import Prompt
from orchestration.runs.engine.budget import Limits
from orchestration.runs.engine.control import StopReason
from orchestration.runs.engine.errors import ReplayMismatch
from tests.support.clock import SkippingLoop
from tests.support.logs import context_on
from tests.support.rooms import ANA, JUDGE, LED, QUIET, SAGE, SCOUT, line_up
from tests.support.sessions import Session, bookkeeper
from tests.support.tools import CountingTool

LOOP_FACTORY = SkippingLoop


def messages(session: Session, kind: str) -> list[str]:
    return [each["text"] for each in session.shown["messages"] if each["kind"] == kind]


async def test_a_session_runs_to_its_result_and_says_what_everything_cost() -> None:
    session = Session()
    assert await session.lives.run() == "completed"
    assert [each["status"] for each in session.shown["subtasks"]] == ["accepted"] * 3
    assert session.shown["ending"]["consensus"] == 1.0
    assert session.asked == {"m-judge": 5, "m-lead": 2, "m-sage": 2, "m-scout": 3}
    costs = [step.result["cost"] for key, step in session.lives.log.steps.items() if key.startswith("log/")]
    assert sum(map(float, costs)) == pytest.approx(0.012)


async def test_subtasks_that_need_nothing_of_each_other_are_done_at_the_same_time() -> None:
    session = Session(line_up(LED, SCOUT, SAGE, negotiation=QUIET))
    await session.lives.run()
    plan, first, second = (each for each in session.lives.log.started if each.step in FIRST_THREE)
    assert plan.started_s < first.started_s == second.started_s


FIRST_THREE = {"action/1/ask", "action/2/ask", "action/3/ask"}


async def test_a_participant_whose_model_is_down_is_lost_and_another_does_its_work() -> None:
    refuses = [AuthenticationRejected("The key was refused.")]
    session = Session(line_up(LED, SCOUT, SAGE, negotiation=QUIET), {"m-sage": refuses})
    assert await session.lives.run() == "completed"
    lost = next(each for each in session.shown["participants"] if each["id"] == "sage")
    assert (lost["status"], lost["why"]) == ("lost", "The key was refused.")


async def test_an_answer_that_fails_is_missed_and_the_session_goes_on() -> None:
    answers: list[ModelError] = [BadAnswer("It was HTML.")]
    session = Session(line_up(LED, SCOUT, JUDGE, negotiation=QUIET), {"m-judge": answers})
    assert await session.lives.run() == "completed"
    assert "judge did not answer: It was HTML." in messages(session, "error")


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (Limits(calls=3), "The limit of 3 calls is used up."),
        (Limits(seconds=9), "The time limit of 9 s has passed."),
        (Limits(steps_in_all=14), "A run may have 14 steps"),
        (Limits(steps_in_all=15), "A run may have 15 steps"),
        (Limits(steps_in_all=16), "A run may have 16 steps"),
    ],
)
async def test_a_limit_of_the_run_ends_the_session_in_words(limits: Limits, words: str) -> None:
    session = Session(line_up(LED, SCOUT, negotiation=QUIET))
    assert await session.story(context_on(session.lives.log, limits=limits)) in {"completed", "failed"}
    assert session.shown["ending"]["caveat"] == "run_limit"
    assert session.shown["ending"]["words"].startswith(words)


async def test_the_limit_on_the_money_of_a_session_ends_it_with_what_there_is() -> None:
    session = Session(line_up(LED, SCOUT, negotiation=QUIET, limits={"money": 0.004}))
    assert await session.lives.run() == "completed"
    assert session.shown["ending"]["words"] == "The session has used $0.004 of $0.004."
    assert len(session.lives.log.started) == 5  # two reviews were under way


async def test_a_session_that_a_person_cancels_says_so_in_its_record() -> None:
    session = Session()
    context = context_on(session.lives.log)
    session.lives.log.before_commit = lambda record: (
        context.control.stop(StopReason.CANCELLED) if getattr(record, "key", "") == "log/2" else None
    )
    task = asyncio.ensure_future(session.story(context))
    context.control.attach(task)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (session.shown["phase"], session.shown["ending"]["caveat"]) == ("failed", "cancelled")
    assert session.shown["ending"]["words"] == "The session was cancelled."


async def test_a_strategy_and_a_pipeline_do_the_subtasks_of_their_participants() -> None:
    by_strategy, by_pipeline = {**SCOUT, "strategy": "voting"}, {**SAGE, "pipeline": "survey"}
    session = Session(line_up(LED, by_strategy, by_pipeline, negotiation=QUIET))
    await session.lives.run()
    assert {each["result"] for each in session.shown["subtasks"]} == {"By voting.", "By survey."}
    assert set(session.children) == {"strategy/voting m-scout,m-lead,m-sage", "pipeline/survey"}


async def test_a_tool_is_called_with_what_the_worker_asks_and_its_result_comes_back() -> None:
    tool = CountingTool(repeatable=True)
    lineup = line_up(LED, {**SCOUT, "tools": ["book"]}, negotiation=QUIET)
    session = Session(lineup, {"m-scout": bookkeeper}, tool=tool.find)
    assert await session.lives.run() == "completed"
    assert tool.calls[0] == {"amount": 5}
    assert 'book: {"booked": 3}' in messages(session, "response")


async def test_what_people_do_is_taken_while_models_are_asked() -> None:
    acts = {1.0: {"do": "say", "text": "Think of the prices."}, 4.0: {"do": "say", "text": "And the fish."}}
    session = Session(line_up(LED, SCOUT, ANA, limits={"answer_seconds": 60}), acts=acts)
    assert await session.lives.run() == "completed"
    said = [each["text"] for each in session.shown["messages"] if each["sender"] == "ana"]
    assert said[:2] == ["Think of the prices.", "And the fish."]
    assert session.lives.received[:2] == [1, 2]


async def test_a_person_is_waited_for_in_a_parked_run_and_missed_at_the_deadline() -> None:
    session = Session(line_up(LED, SCOUT, ANA, negotiation=QUIET, limits={"answer_seconds": 600}))
    assert await session.lives.run() == "completed"
    assert len(session.lives.parked_at) == 3
    assert "Ana did not answer in time." in messages(session, "error")
    assert session.lives.seconds > 1_800


async def test_the_time_of_a_session_passes_while_it_waits_for_a_person() -> None:
    session = Session(line_up(LED, SCOUT, ANA, negotiation=QUIET, limits={"seconds": 100}))
    assert await session.lives.run() == "failed"
    assert session.shown["ending"]["words"] == "The time of the session, 100 s, has passed."
    assert session.lives.seconds == pytest.approx(100, abs=2)


async def test_a_pause_keeps_the_time_of_a_session_and_what_is_asked_next() -> None:
    acts = {1.0: {"do": "pause"}, 300.0: {"do": "resume"}}
    lineup = line_up(LED, SCOUT, {**ANA, "role": "specialist"}, negotiation=QUIET, limits={"seconds": 200})
    session = Session(lineup, acts=acts)
    await session.lives.run()
    plan = next(each for each in session.shown["decisions"] if each["kind"] == "task_division")
    assert plan["at"] == pytest.approx(1.0, abs=0.1)
    assert session.lives.seconds > 300


async def test_a_journal_of_another_session_is_refused() -> None:
    session, other = Session(), Session(task="Sail to Crete and come back before the storm.")
    await session.lives.run()
    with pytest.raises(ReplayMismatch):
        await other.story(context_on(session.lives.log, replay=session.lives.log.replay()))


async def test_an_error_of_the_program_ends_the_run() -> None:
    def broken(_: Prompt) -> str:
        raise RuntimeError("a fault")

    with pytest.raises(RuntimeError, match="a fault"):
        await Session(replies={"m-lead": broken}).lives.run()
