"""A session that goes on differently from a point: what is kept, what is asked anew, what is refused."""

from __future__ import annotations

from decimal import Decimal

import pytest

from collaboration.engine.plan import NotPossible
from collaboration.engine.session import wake_at
from collaboration.engine.state import Action, SessionState
from orchestration.llm.engine.types import Json
from tests.support.rooms import ANA, JUDGE, LED, QUIET, SAGE, SCOUT, Room, line_up

ALL = (LED, SCOUT, SAGE, JUDGE)


def executing(**rest: Json) -> Room:
    return Room(line_up(*ALL, negotiation=QUIET, **rest)).play("executing")


def test_what_was_pending_is_asked_anew_and_nothing_else_has_changed() -> None:
    room = executing()
    before, pending = room.state, room.pending()
    step = room.fork()
    assert [each.number for each in pending] == list(step.withdrawn)
    asked = [(each.kind, each.participant, each.subtask) for each in step.actions]
    assert asked == [(each.kind, each.participant, each.subtask) for each in pending]
    assert (step.state.plan, step.state.members, step.state.decisions) == (
        before.plan,
        before.members,
        before.decisions,
    )
    assert room.said()[-1] == ": Ana forks the session here."


def test_a_fork_comes_to_a_result_and_says_where_it_came_from() -> None:
    room = executing()
    room.fork(words="The limit is lower.")
    assert room.play().state.phase == "completed"
    assert room.state.fork is not None
    assert (room.state.fork.of, room.state.fork.entry, room.state.fork.words) == (
        "run-1",
        1,
        "The limit is lower.",
    )


def test_limits_count_what_the_fork_itself_uses() -> None:
    room = Room(line_up(*ALL, negotiation=QUIET, limits={"money": 0.5, "seconds": 100}))
    room.answer(room.replies.get("plan") or {"subtasks": [{"title": "Trade of Genoa"}]}, cost="0.4")
    room.clock = 90.0
    room.fork()
    assert room.state.counts.cost == 0
    assert room.state.fork is not None
    assert room.state.fork.cost_usd == Decimal("0.4")
    assert wake_at(room.state) == 190.0
    room.answer({"text": "Done."}, cost="0.4")
    assert (room.state.phase, room.state.counts.seconds) == ("executing", 1.0)
    room.fork()
    assert room.state.fork.cost_usd == Decimal("0.8")


def test_a_direction_is_known_to_all_that_is_asked_from_then_on() -> None:
    room = executing()
    step = room.fork(direction="Only ships.")
    assert step.state.directions == ("Ana: Only ships.",)
    assert [each.text for each in step.messages if each.pinned] == ["Direction: Only ships."]


def test_the_plan_can_be_edited_at_the_fork() -> None:
    room = executing()
    edits = (
        {"do": "drop", "subtask": "s2"},
        {"do": "add", "title": "Wine of Genoa"},
        {"do": "reassign", "subtask": "s1", "assignee": "sage"},
        {"do": "change", "subtask": "s3", "instructions": "Compare briefly."},
    )
    step = room.fork(plan=edits)
    assert [each.title for each in step.state.plan.subtasks][-1] == "Wine of Genoa"
    assert step.state.plan.named("s3").instructions == "Compare briefly."
    working = {each.subtask: each.participant for each in step.actions if each.kind == "work"}
    assert (working["s1"], "s2" in working) == ("sage", False)
    assert ": Ana drops s2 “Trade of Marseille”." in room.said()


def test_a_pause_ends_and_what_came_in_it_counts() -> None:
    room = Room(line_up(LED, SCOUT, ANA, negotiation=QUIET)).play("executing")
    room.act("u-ana", "pause")
    paid = room.pending("work")[0]
    room.answer({"text": "Genoa traded."}, "work", paid.participant)
    step = room.fork()
    assert step.state.paused_at is None
    assert step.state.plan.named(paid.subtask).result == "Genoa traded."
    assert paid.number not in {each.number for each in step.actions}


def test_a_lost_participant_comes_back_with_another_model() -> None:
    room = executing()
    room.miss("down", by="scout")
    assert room.state.members["scout"].status == "lost"
    room.fork(line_up(LED, {**SCOUT, "model": "m-new"}, {**SAGE, "weight": 2}, JUDGE, negotiation=QUIET))
    seats = room.state.members
    assert (seats["scout"].status, seats["scout"].reason) == ("active", "Back, with the model m-new.")
    assert (seats["sage"].participant.weight, seats["sage"].status) == (2, "active")
    assert room.play().state.phase == "completed"


def test_a_lost_participant_with_its_old_model_stays_lost() -> None:
    room = executing()
    room.miss("down", by="scout")
    room.fork(line_up(LED, {**SCOUT, "instructions": "Try."}, SAGE, JUDGE, negotiation=QUIET))
    assert room.state.members["scout"].status == "lost"


def test_somebody_new_takes_part_and_can_be_given_a_subtask() -> None:
    room = executing()
    new = {"id": "wine", "role": "specialist", "specialty": "wine", "model": "m-wine"}
    edit = {"do": "reassign", "subtask": "s3", "assignee": "wine"}
    room.fork(line_up(*ALL, new, negotiation=QUIET), plan=(edit,))
    assert room.state.members["wine"].reason == "Added by the fork."
    assert room.play().state.plan.named("s3").author == "wine"


def against(action: Action, _: SessionState) -> Json:
    said = [{"proposal": each, "stance": "oppose", "reason": "No."} for each in action.choices]
    return {"stances": said, "counter": ""}


def test_rules_of_a_fork_hold_in_a_negotiation_that_is_under_way() -> None:
    room = Room(line_up(*ALL, negotiation={"rounds": 5}), {"stance": against}).play("negotiating")
    room.fork(line_up(*ALL, negotiation={"rounds": 1}, conflict={"rule": "hierarchy"}))
    room.play("executing")
    assert room.state.negotiation is not None
    assert (room.state.negotiation.outcome, room.state.negotiation.round) == ("resolved", 1)


WRONG: list[tuple[dict[str, Json], str]] = [
    ({"lineup": line_up(LED, SCOUT, SAGE)}, "judge took part until here"),
    ({"lineup": line_up(LED, {**SCOUT, "role": "reviewer"}, SAGE, JUDGE)}, "scout was executor until here"),
    (
        {"lineup": line_up(*ALL, {**SCOUT, "id": "person-5"})},
        "“person-5” has joined already",
    ),
    (
        {"lineup": line_up(*ALL, limits={"participants": 4})},
        "5 would take part, at most 4 may",
    ),
    ({"plan": ({"do": "pause"},)}, "A fork can add, change, drop, reassign subtasks, not pause"),
    ({"plan": ({"do": "drop", "subtask": "s9"},)}, "There is no subtask “s9”"),
    ({"plan": ({"do": "change", "subtask": "s1", "needs": ["s3"]},)}, "wait for itself"),
    ({"plan": ({"title": "x"},)}, "There is no command"),
]


@pytest.mark.parametrize(("changes", "words"), WRONG)
def test_what_the_state_does_not_bear_is_refused_in_words(changes: dict[str, Json], words: str) -> None:
    room = executing()
    room.act("u-eve", "join", role="specialist")
    with pytest.raises(NotPossible, match=words):
        room.fork(**changes)


def test_a_specialist_that_is_lost_cannot_be_required() -> None:
    room = executing()
    room.miss("down", by="sage")
    with pytest.raises(NotPossible, match="specialist for marseille"):
        room.fork(line_up(*ALL, constraints={"specialist": "marseille"}))


def test_a_plan_that_is_not_settled_cannot_be_edited() -> None:
    room = Room(line_up(*ALL))
    with pytest.raises(NotPossible, match="not settled yet"):
        room.fork(plan=({"do": "drop", "subtask": "s1"},))


def test_a_session_that_has_ended_does_not_fork() -> None:
    with pytest.raises(NotPossible, match="completed at this point"):
        executing().play().fork()
