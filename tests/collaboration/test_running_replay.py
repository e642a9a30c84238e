"""Sessions after a crash: from any write on the same session comes out, and nothing is repeated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from orchestration.llm.engine.types import Json
from orchestration.runs.engine.records import CallStarted, StepRecord
from tests.support.clock import SkippingLoop
from tests.support.rooms import ANA, JUDGE, LED, QUIET, SAGE, SCOUT, line_up
from tests.support.sessions import Session, bookkeeper, one_part
from tests.support.tools import CountingTool

LOOP_FACTORY = SkippingLoop
BY_STRATEGY = {**SCOUT, "strategy": "voting"}
BY_PIPELINE = {**SAGE, "pipeline": "survey"}
WITH_TOOL = {**SCOUT, "tools": ["book"]}
ACCEPTED = {"verdict": "accept", "score": 0.8, "reason": "Good."}
SMALL = {"m-lead": one_part}
CASES: dict[str, Callable[[], Session]] = {
    "models": Session,
    "children": lambda: Session(line_up(LED, BY_STRATEGY, BY_PIPELINE, negotiation=QUIET)),
    "a tool": lambda: Session(
        line_up(LED, WITH_TOOL, negotiation=QUIET),
        {"m-scout": bookkeeper} | SMALL,
        tool=CountingTool(repeatable=True).find,
    ),
    "a person who reviews": lambda: Session(
        line_up(LED, SCOUT, ANA, negotiation=QUIET), SMALL, answers={500.0: (3, ACCEPTED)}
    ),
    "a person who never answers": lambda: Session(
        line_up(LED, SCOUT, ANA, negotiation=QUIET, limits={"answer_seconds": 600}), SMALL
    ),
    "a person who steers": lambda: Session(
        line_up(LED, SCOUT, SAGE, JUDGE, ANA),
        acts={
            4.0: {"do": "redirect", "text": "Shorter."},
            5.0: {"do": "pause"},
            400.0: {"do": "resume"},
            404.5: {"do": "end"},
        },
    ),
    "a time limit": lambda: Session(
        line_up(LED, SCOUT, ANA, negotiation=QUIET, limits={"seconds": 300}), SMALL
    ),
    "a negotiation in time": lambda: Session(
        line_up(LED, SCOUT, ANA, negotiation={"seconds": 60}, limits={"answer_seconds": 500}), SMALL
    ),
}


def told(session: Session) -> Json:
    """Return what of a session does not depend on when things happened."""
    shown = session.shown
    people = {each["id"]: each["status"] for each in shown["participants"]}
    subtasks = {each["id"]: each["status"] for each in shown["subtasks"]}
    decisions = [each["kind"] for each in shown["decisions"]]
    numbers = [each["number"] for each in shown["messages"]]
    assert numbers == list(range(1, len(numbers) + 1))
    return [shown["phase"], shown["ending"]["caveat"], people, subtasks, decisions]


def repeated(session: Session) -> list[str]:
    """Return the steps that were recorded twice, and those whose model was asked after they had ended."""
    ended: set[str] = set()
    found = []
    for record in session.lives.log.records:
        if isinstance(record, StepRecord):
            found += [record.key] if record.key in ended else []
            ended.add(record.key)
        elif isinstance(record, CallStarted) and record.step in ended:
            found.append(record.step)
    return found


@pytest.mark.parametrize("case", CASES)
async def test_a_crash_at_any_write_changes_nothing_and_repeats_nothing(case: str) -> None:
    whole = CASES[case]()
    await whole.lives.run()
    for dies_at in range(whole.lives.log.writes):
        session = CASES[case]()
        await session.lives.run(dies_at)
        assert told(session) == told(whole), dies_at
        assert repeated(session) == [], dies_at
        assert session.open_waits == set(), dies_at


@pytest.mark.parametrize("case", CASES)
async def test_a_session_that_has_ended_asks_nobody_when_it_is_replayed(case: str) -> None:
    session = CASES[case]()
    await session.lives.run()
    asked, shown = dict(session.asked), session.shown
    await session.lives.run()
    assert (session.asked, session.shown) == (asked, shown)


async def test_each_voter_has_one_vote_whatever_was_interrupted() -> None:
    whole = Session()
    await whole.lives.run()
    for dies_at in range(0, whole.lives.log.writes, 3):
        session = Session()
        await session.lives.run(dies_at)
        votes = session.shown["decisions"][2]["votes"]
        assert set(Counter(each["voter"] for each in votes).values()) == {1}
