"""What pages offer to people: everything that is offered is taken, all that their role can do is offered."""

from __future__ import annotations

import pytest

from collaboration.engine.offers import OF_SUBTASKS, may_judge, offers, pending, seat, subtask_offers
from collaboration.engine.people import COMMANDS
from collaboration.engine.records import gathered
from collaboration.engine.roles import ParticipantRole
from orchestration.llm.engine.types import Json
from tests.support.rooms import TASK, Room, line_up

USER = "u-eve"
FIELDS: dict[str, Json] = {
    "text": "Sail on.",
    "role": "observer",
    "proposal": "P1",
    "stance": "oppose",
    "option": "P1",
    "title": "Pack",
    "assignee": "scout",
}
NO = {"stances": [{"proposal": "P1", "stance": "oppose", "reason": "No."}], "counter": ""}
SPLIT = {("sage", "stance"): NO}


def shown(room: Room) -> dict[str, Json]:
    return gathered(TASK, room.rows())


def joined(role: str, until: str = "", answers: int = 0) -> Room:
    """Return a session at a phase, some answers later, in which Eve has a role."""
    room = Room(line_up()).play(until) if until else Room(line_up())
    room.act(USER, "join", role=role)
    for _ in range(answers):
        room.answer_next()
    return room


def refused(role: str, until: str, answers: int, name: str, **more: Json) -> bool:
    """Tell whether Eve is refused a command."""
    room = joined(role, until, answers)
    required = {each: FIELDS[each] for each in COMMANDS[name].required if each != "subtask"}
    room.act(USER, name, **required, **more)
    return bool(room.state.refused)


@pytest.mark.parametrize("role", ParticipantRole)
@pytest.mark.parametrize(
    ("until", "answers"),
    [("", 0), ("negotiating", 0), ("executing", 0), ("executing", 1), ("executing", 2), ("reviewing", 0)],
)
def test_nothing_that_is_offered_is_refused(role: str, until: str, answers: int) -> None:
    session = shown(joined(role, until, answers))
    me = seat(session, USER)
    offered = offers(session, me)
    for name in offered - set(OF_SUBTASKS):
        assert not refused(role, until, answers, name), name
    for subtask in session["subtasks"]:
        for name in subtask_offers(session, me, subtask, offered):
            assert not refused(role, until, answers, name, subtask=subtask["id"]), (name, subtask["id"])
    if may_judge(session, me, "", session["assembled_by"]) and "approve" in offered:
        assert not refused(role, until, answers, "approve")


def test_who_does_not_take_part_can_join_until_the_session_has_ended() -> None:
    begun, ended = shown(Room()), shown(Room().play())
    assert offers(begun, seat(begun, USER)) == {"join"}
    assert offers(ended, seat(ended, USER)) == frozenset()
    assert offers(gathered(TASK, []), None) == frozenset()


def test_who_has_left_can_join_again() -> None:
    room = joined("leader")
    room.act(USER, "leave")
    assert seat(shown(room), USER) is None


def test_an_observer_can_only_leave() -> None:
    session = shown(joined("observer", "executing"))
    assert offers(session, seat(session, USER)) == {"leave"}


def test_a_paused_session_is_resumed_and_a_running_one_paused() -> None:
    room = joined("leader", "executing")
    assert {"pause", "resume"} & offers(shown(room), seat(shown(room), USER)) == {"pause"}
    room.act(USER, "pause")
    assert {"pause", "resume"} & offers(shown(room), seat(shown(room), USER)) == {"resume"}


def test_a_vote_is_offered_to_whoever_is_asked_for_one() -> None:
    room = Room(line_up(negotiation={"rounds": 1, "threshold": 1.0}), SPLIT).play("negotiating")
    room.act(USER, "join", role="specialist")
    while room.pending("stance"):
        room.answer_next()
    session = shown(room)
    assert {each["kind"] for each in pending(session)} == {"vote"}
    assert "vote" in offers(session, seat(session, USER))
    assert not {"stance", "propose"} & offers(session, seat(session, USER))


def test_nobody_is_offered_to_review_their_own_work() -> None:
    room = joined("executor", "executing")
    room.act(USER, "take", subtask="s1")
    session = shown(room)
    me, (first, *_) = seat(session, USER), session["subtasks"]
    assert "return" in subtask_offers(session, me, first, offers(session, me))
    room.answer({"text": "By Eve."}, "work", "person-5")
    reviewed = shown(room)
    assert not may_judge(reviewed, me, "s1", "person-5")
    assert may_judge(reviewed, {**(me or {}), "id": "lead"}, "s1", "person-5")
