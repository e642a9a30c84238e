"""Entries of sessions: read from a journal, kept as JSON, replayed in a fork that repeats nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from itertools import islice
from typing import get_args

import pytest
from pydantic import ValidationError

from collaboration.engine.plan import NotPossible
from collaboration.engine.replaying import STARTS, SessionStart, Steps, journal_entries, missed_by, replay
from collaboration.engine.state import Ended, Entry, Missed, TimePassed
from orchestration.llm.engine.errors import ProviderUnavailable
from orchestration.llm.engine.types import Json
from orchestration.runs.engine.records import StepKind, StepRecord
from orchestration.runs.engine.types import StepStatus
from tests.collaboration.test_running_replay import repeated, told
from tests.support.clock import SkippingLoop
from tests.support.rooms import ANA, JUDGE, LED, QUIET, SAGE, SCOUT, Room, line_up
from tests.support.sessions import Session, bookkeeper, one_part
from tests.support.tools import CountingTool

LOOP_FACTORY = SkippingLoop
SMALL = {"m-lead": one_part}
ACCEPTED = {"verdict": "accept", "score": 0.8, "reason": "Good."}
CASES: dict[str, Callable[[], Session]] = {
    "models": Session,
    "a pipeline": lambda: Session(line_up(LED, {**SAGE, "pipeline": "survey"}, negotiation=QUIET), SMALL),
    "a tool": lambda: Session(
        line_up(LED, {**SCOUT, "tools": ["book"]}, negotiation=QUIET),
        {"m-scout": bookkeeper} | SMALL,
        tool=CountingTool(repeatable=True).find,
    ),
    "a person": lambda: Session(
        line_up(LED, SCOUT, ANA, negotiation=QUIET), SMALL, answers={500.0: (3, ACCEPTED)}
    ),
    "nobody answers": lambda: Session(
        line_up(LED, SCOUT, ANA, negotiation=QUIET, limits={"answer_seconds": 60}), SMALL
    ),
    "a person who steers": lambda: Session(
        line_up(LED, SCOUT, SAGE, JUDGE, ANA), acts={4.0: {"do": "redirect", "text": "Short."}}
    ),
    "a time limit": lambda: Session(
        line_up(LED, SCOUT, ANA, negotiation=QUIET, limits={"seconds": 300}), SMALL
    ),
    "a model that is down": lambda: Session(
        line_up(LED, SCOUT, SAGE, negotiation=QUIET),
        {"m-sage": lambda _: ProviderUnavailable("Down."), **SMALL},
    ),
}


@pytest.mark.parametrize("case", CASES)
async def test_the_journal_gives_the_entries_by_which_the_session_is_the_same_again(case: str) -> None:
    session = CASES[case]()
    await session.lives.run()
    found = replay(
        kept(SessionStart(task=session.task, lineup=session.lineup, records={}, entries=journal(session)))
    )
    stored = [session.lives.log.steps[f"session/{number}"].result for number in range(len(found.rows))]
    assert [*found.rows] == stored
    assert found.step.state.phase.has_ended


def kept(start: SessionStart) -> SessionStart:
    """Return the start of a session as it comes back from the request that it is frozen in."""
    return STARTS.validate_python(json.loads(json.dumps(STARTS.dump_python(start, mode="json"))))


def journal(session: Session) -> tuple[Entry, ...]:
    return tuple(journal_entries(session.lives.log.steps, 1 + len(session.entries)))


async def test_a_fork_from_any_entry_comes_to_a_result_and_asks_nothing_that_was_known() -> None:
    whole = Session()
    await whole.lives.run()
    entries = journal(whole)
    for known in range(1, len(entries)):
        fork = Session().forks(entries[:known])
        await fork.lives.run()
        assert fork.shown["phase"] == "completed"
        assert sum(fork.asked.values()) == sum(whole.asked.values()) - known
        before = [row for row in whole.shown["messages"] if row["entry"] <= known]
        assert fork.shown["messages"][: len(before)] == before


async def test_a_crash_of_a_fork_repeats_nothing() -> None:
    first = Session()
    await first.lives.run()
    known = journal(first)[:6]
    changed = line_up(LED, {**SCOUT, "model": "m-new"}, SAGE, JUDGE)
    whole = Session().forks(known, changed)
    await whole.lives.run()
    for dies_at in range(0, whole.lives.log.writes, 2):
        fork = Session().forks(known, changed)
        await fork.lives.run(dies_at)
        assert repeated(fork) == [], dies_at
        assert told(fork) == told(whole), dies_at


async def test_a_fork_of_a_fork_is_forked_by_all_entries_of_both() -> None:
    first = Session()
    await first.lives.run()
    second = Session().forks(journal(first)[:3])
    await second.lives.run()
    entries = (*second.entries, *journal(second))
    third = Session().forks(islice(entries, 8))
    await third.lives.run()
    assert third.shown["phase"] == "completed"
    assert third.shown["messages"][:10] == second.shown["messages"][:10]


async def test_a_fork_pays_only_for_what_it_asks_itself() -> None:
    first = Session(line_up(LED, SCOUT, SAGE, JUDGE, limits={"money": 0.008}))
    await first.lives.run()
    fork = Session(first.lineup).forks(journal(first)[:6])
    await fork.lives.run()
    point = fork.shown["fork"]
    assert (float(point["cost_usd"]), fork.shown["ending"]["caveat"]) == (0.006, "")


def test_an_entry_of_each_kind_is_kept_as_json() -> None:
    room = Room(line_up(LED, SCOUT, ANA, negotiation=QUIET)).play("executing")
    room.act("u-ana", "say", text="Hm.")
    room.miss("failed", by="scout")
    room.wait(3)
    room.fork(line_up(LED, SCOUT, ANA), plan=({"do": "drop", "subtask": "s3"},), words="Shorter.")
    room.end("Enough.")
    lineup, task, records, seed = room.begun
    start = SessionStart(task=task, lineup=lineup, records=records, seed=seed, entries=tuple(room.entries))
    assert kept(start) == start
    assert {type(each) for each in start.entries} == set(get_args(Entry))


WRONG: list[Json] = [
    None,
    [],
    {},
    {"entry_kind": "odd"},
    {"entry_kind": "answered"},
    {"entry_kind": "missed", "why": "odd"},
]


@pytest.mark.parametrize("entry", WRONG)
def test_what_is_no_entry_is_refused(entry: Json) -> None:
    start = SessionStart(task="x", lineup=line_up(), records={})
    with pytest.raises(ValidationError):
        STARTS.validate_python({**STARTS.dump_python(start, mode="json"), "entries": [entry]})


def steps(source: str, **records: Json) -> Steps:
    note = {"from": source, "at": 2.0, "cost": "0.1", "words": "The limit."}
    found = {
        f"action/1/{name}": StepRecord(key=name, kind=StepKind(name), **rest)
        for name, rest in records.items()
    }
    return {"log/1": StepRecord(key="log/1", kind=StepKind.DECISION, result=note), **found}


def test_the_end_by_a_limit_and_passed_time_are_entries() -> None:
    assert list(journal_entries(steps("limit"))) == [Ended(at=2.0, words="The limit.")]
    assert list(journal_entries(steps("time"))) == [TimePassed(at=2.0)]


def test_a_failure_says_whether_the_participant_is_down() -> None:
    error = {"code": "circuit_open", "message": "It is down."}
    failed = {"status": StepStatus.FAILED, "error": error}
    (entry,) = journal_entries(steps("1", ask=failed))
    assert entry == Missed(at=2.0, action=1, why="down", words="It is down.", cost_usd=Decimal("0.1"))
    assert missed_by("timeout") == "failed"


def test_a_journal_that_lacks_a_step_is_refused() -> None:
    for source in ("1", "message"):
        with pytest.raises(NotPossible, match="lacks what came of a step"):
            list(journal_entries(steps(source)))
