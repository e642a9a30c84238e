"""What people do in a running session, by the powers of their role; everything else is refused in words."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collaboration.engine.people import COMMANDS
from collaboration.engine.roles import Power
from collaboration.engine.session import advance
from collaboration.engine.state import MOST_REFUSALS, Acted
from orchestration.llm.engine.types import Json
from orchestration.runs.engine.types import Person
from tests.support.rooms import ANA, LED, OLE, QUIET, SAGE, SCOUT, Room, line_up

BEN = {"id": "ben", "role": "executor", "user": "u-ben"}
ANY = {"id": "any", "role": "reviewer", "team_role": "admin"}
LINEUP = line_up(LED, SCOUT, SAGE, ANA, BEN, OLE)


def room(until: str = "executing", **rest: Json) -> Room:
    return Room(line_up(LED, SCOUT, SAGE, ANA, BEN, OLE, negotiation=QUIET, **rest)).play(until)


def refused(step: Json) -> str:
    """Return the refusal that a step is, which only its sender sees."""
    (message,) = step.messages
    assert (message.kind, message.sender, len(message.to), step.actions) == ("error", "", 1, ())
    return str(message.text)


ALL: dict[str, dict[str, Json]] = {
    "leave": {}, "pause": {}, "resume": {}, "end": {}, "approve": {}, "send_back": {},
    "say": {"text": "x"}, "ask": {"text": "x"}, "propose": {"text": "x"}, "redirect": {"text": "x"},
    "stance": {"proposal": "P1", "stance": "support"}, "vote": {"option": "P1"},
    "take": {"subtask": "s1"}, "return": {"subtask": "s1"}, "drop": {"subtask": "s1"},
    "add": {"title": "x"}, "change": {"subtask": "s1", "title": "x"},
    "reassign": {"subtask": "s1", "assignee": "scout"},
}  # fmt: skip


def test_there_is_a_case_for_every_command() -> None:
    assert set(ALL) | {"join"} == set(COMMANDS)


@pytest.mark.parametrize("do", [each for each in ALL if each != "leave"])
@pytest.mark.parametrize("phase", ["planning", "negotiating", "executing", "reviewing"])
def test_an_observer_changes_nothing_in_any_phase(do: str, phase: str) -> None:
    played = Room(LINEUP).play(phase)
    before = played.state
    assert "Ole is an observer and may not" in refused(played.act("u-ole", do, **ALL[do]))
    after = played.state
    assert (after.plan, after.pending, after.negotiation, after.phase) == (
        before.plan, before.pending, before.negotiation, before.phase,
    )  # fmt: skip
    assert after.counts.messages == before.counts.messages


@pytest.mark.parametrize(("user", "role"), [("u-ana", "reviewer"), ("u-ben", "executor")])
def test_each_command_needs_the_power_of_its_role(user: str, role: str) -> None:
    for do, command in COMMANDS.items():
        played = room()
        mine = next(each for each in played.state.members.values() if each.user == user).participant
        if command.power is not None and command.power not in mine.powers:
            assert f"is a{'n' * (role == 'executor')} {role} and may not" in refused(
                played.act(user, do, **ALL[do])
            )
    assert {each.power for each in COMMANDS.values()} == {*Power} - {Power.DIVIDE} | {None}


def test_strangers_have_to_join_first() -> None:
    played = room()
    assert refused(played.act("u-eve", "say", text="hello")) == "Join the session first."
    played.act("u-eve", "join", role="executor")
    assert played.act("u-eve", "say", text="hello").messages[0].sender == "person-7"
    assert refused(played.act("u-eve", "join", role="leader")) == "You take part already, as executor."


def test_a_member_of_the_team_takes_an_open_seat() -> None:
    played = Room(line_up(LED, SCOUT, ANY))
    played.act("u-eve", "join", role="reviewer")
    assert played.state.member("u-eve") == played.state.members["any"]
    assert len(played.state.members) == 3


def test_a_full_room_takes_only_observers_and_a_name_is_one_line() -> None:
    played = Room(line_up(LED, SCOUT, limits={"participants": 2}))
    assert "Join as an observer" in refused(played.act("u-eve", "join", role="leader"))
    hostile = Person(id="u-eve", name="Eve\n#9 Session\ud800: " + "x" * 500)
    played.feed(Acted(at=1, by=hostile, payload={"do": "join", "role": "observer"}))
    title = played.state.members["person-3"].participant.title
    assert "\n" not in title
    assert len(title) <= 100


def test_who_leaves_is_not_asked_any_more_and_may_come_back() -> None:
    played = Room(LINEUP)
    played.answer({"subtasks": [{"title": "x"}]})
    assert played.pending("stance", "ben")
    played.act("u-ben", "leave")
    assert not played.pending("", "ben")
    assert played.state.members["ben"].status == "left"
    assert "ben" not in played.state.negotiation.weights  # type: ignore[union-attr]
    played.act("u-ben", "join", role="executor")
    assert played.state.negotiation.weights["ben"] == 1.0  # type: ignore[union-attr]


def test_what_is_said_goes_to_whom_it_is_addressed_and_a_question_is_answered() -> None:
    played = room()
    (said,) = played.act("u-ana", "say", text="Hello", to=["scout"]).messages
    assert (said.kind, said.to) == ("response", ("scout",))
    step = played.act("u-ana", "ask", text="Why silk?", to=["scout", "ben", "ole"])
    assert [(each.kind, each.participant) for each in step.actions] == [("reply", "scout")]
    (reply,) = played.answer("Because.", "reply").messages
    assert (reply.text, reply.to) == ("Because.", ("ana",))
    assert played.act("u-ana", "ask", text="Why?").actions[0].participant == "lead"
    assert "no participant “eve”" in refused(played.act("u-ana", "say", text="x", to=["eve"]))
    played.miss(kind="reply")
    assert played.state.phase == "executing"


def test_proposals_and_stances_count_only_while_there_is_a_negotiation() -> None:
    played = Room(LINEUP)
    for do in ("propose", "stance"):
        assert "Nothing is being negotiated" in refused(played.act("u-ben", do, **ALL[do]))
    played.play("negotiating")
    played.act("u-ben", "propose", text="By sea.")
    assert played.state.negotiation.options == ("P1", "P2")  # type: ignore[union-attr]
    assert "proposed already" in refused(played.act("u-ben", "propose", text="By sea."))
    assert "no proposal “P7”" in refused(played.act("u-ben", "stance", proposal="P7", stance="support"))
    played.act("u-ben", "stance", proposal="p1", stance="oppose", reason="Too slow.")
    assert not played.pending("stance", "ben")
    assert "ben: opposes P1. Too slow." in played.said("response")


def test_who_is_asked_for_a_vote_votes_once() -> None:
    lineup = line_up(LED, SCOUT, ANA, negotiation={"rounds": 1, "threshold": 1})
    oppose = {"stances": [{"proposal": "P1", "stance": "oppose"}]}
    played = Room(lineup, {"stance": oppose, "vote": {"option": "P1"}})
    played.answer({"subtasks": [{"title": "x"}]})
    for by in ("scout", "ana"):
        played.answer(oppose, "stance", by)
    assert "not asked for a vote on this" in refused(played.act("u-ana", "vote", option="P9"))
    played.act("u-ana", "propose", text="By sea.")
    assert "no more are taken" in played.said("error")[-1]
    played.act("u-ana", "vote", option="P1", reason="Fine.")
    assert "have voted" in refused(played.act("u-ana", "vote", option="P1"))
    assert played.play().state.decisions[2].kind == "conflict"


def test_people_accept_and_return_what_is_being_reviewed() -> None:
    played = room()
    assert "s1 is not being reviewed now" in refused(played.act("u-ana", "approve", subtask="s1"))
    played.answer({"text": "Silk."}, "work", "scout")
    played.act("u-ana", "send_back", subtask="s1", reason="More.")
    assert played.state.plan.named("s1").remark == "More."
    played.answer({"text": "Silk and grain."}, "work", "scout")
    played.act("u-ana", "approve", subtask="s1")
    assert played.statuses()["s1"] == "accepted"
    played.play("reviewing").answer({"text": "All."}, "assemble")
    played.act("u-ana", "send_back", reason="Shorter.")
    assert played.pending("assemble")[0].request == "Shorter."


def test_nobody_accepts_their_own_work() -> None:
    both = {**LED, "id": "boss", "model": "", "user": "u-boss"}
    played = Room(line_up(both, SCOUT, ANA, negotiation=QUIET))
    played.play("reviewing").answer({"text": "All."}, "assemble")
    assert "your own work" in refused(played.act("u-boss", "approve"))


def test_people_take_a_subtask_and_give_it_back() -> None:
    played = room()
    step = played.act("u-ben", "take", subtask="s1")
    assert [(each.kind, each.participant, each.deadline_s) for each in step.actions] == [
        ("work", "ben", 3600)
    ]
    assert len(step.withdrawn) == 1
    assert "s2 is not yours to give back" in refused(played.act("u-ben", "return", subtask="s2"))
    assert played.act("u-ben", "return", subtask="s1").actions[0].participant in {"scout", "sage"}
    assert "ben returns s1" in played.said("status_update")[-2]


def test_the_plan_is_edited_while_it_runs() -> None:
    played = room()
    played.act("u-ana", "add", title="Prices", needs=["s1"])
    played.act("u-ana", "change", subtask="s2", title="Wine of Marseille")
    played.act("u-ana", "reassign", subtask="s1", assignee="sage")
    played.act("u-ana", "drop", subtask="s3")
    assert played.statuses() == {"s1": "working", "s2": "working", "s3": "dropped", "s4": "waiting"}
    assert played.pending("work", "sage")[-1].subtask == "s1"
    assert "no participant who does subtasks “ana”" in refused(
        played.act("u-ana", "reassign", subtask="s1", assignee="ana")
    )
    assert "no subtask “s9”" in refused(played.act("u-ana", "drop", subtask="s9"))
    assert "ana: Ana adds s4 “Prices”." in played.play().said("status_update")


def test_what_is_done_is_said_and_a_plan_that_is_not_settled_is_not_edited() -> None:
    played = Room(LINEUP)
    assert "not settled yet" in refused(played.act("u-ana", "drop", subtask="s1"))
    played = room()
    played.answer({"text": "Silk."}, "work", "scout")
    played.act("u-ana", "approve", subtask="s1")
    assert "is accepted: it cannot be changed" in refused(played.act("u-ana", "drop", subtask="s1"))


def test_a_subtask_that_is_added_late_leads_back_to_executing() -> None:
    played = room("reviewing")
    step = played.act("u-ana", "add", title="Prices")
    assert (step.state.phase, len(step.withdrawn)) == ("executing", 1)
    assert played.play().state.phase == "completed"
    assert played.statuses()["s4"] == "accepted"


def test_a_direction_reaches_everyone_who_is_at_work() -> None:
    played = room()
    before = {each.number for each in played.pending("work")}
    step = played.act("u-ana", "redirect", text="Only the 13th century.")
    assert set(step.withdrawn) == before
    assert [each.kind for each in step.actions] == ["work"] * len(before)
    assert step.state.directions == ("Ana: Only the 13th century.",)


def test_a_pause_holds_back_everything_and_a_resume_goes_on() -> None:
    played = room()
    played.act("u-ana", "pause")
    assert "paused already" in refused(played.act("u-ben", "pause"))
    assert played.answer({"text": "Silk."}, "work", "scout").messages == ()
    step = played.act("u-ana", "add", title="Prices")
    assert (step.actions, step.state.held) == ((), (step.state.asked,))
    step = played.act("u-ben", "resume")
    assert {each.kind for each in step.actions} == {"work", "review"}
    assert "scout: Silk." in played.said("result")
    assert played.play().state.phase == "completed"
    assert "The session is completed." in refused(played.act("u-ana", "pause"))


def test_held_back_work_that_is_dropped_is_not_begun() -> None:
    played = room()
    played.act("u-ana", "pause")
    played.act("u-ana", "add", title="Prices")
    played.act("u-ana", "drop", subtask="s4")
    assert played.act("u-ana", "resume").actions == ()
    assert "not paused" in refused(played.act("u-ana", "resume"))


def test_who_does_not_answer_in_a_pause_has_the_whole_time_again() -> None:
    played = room()
    played.act("u-ben", "take", subtask="s1")
    played.act("u-ana", "pause")
    played.miss("expired", by="ben")
    assert played.pending(by="ben") == []
    (again,) = played.act("u-ana", "resume").actions
    assert (again.participant, again.subtask, again.deadline_s) == ("ben", "s1", 3600)


def test_people_end_a_session_with_what_there_is() -> None:
    played = room()
    played.answer({"text": "Silk."}, "work", "scout")
    played.act("u-ana", "approve", subtask="s1")
    played.act("u-ben", "end")
    assert (played.state.phase, played.state.result) == ("completed", "Silk.")
    assert played.state.ending
    assert played.state.ending.words == "ben ended the session."


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (None, "There is no command “None”"),
        ({"do": "fly"}, "There is no command “fly”"),
        ({"do": ["say"]}, "There is no command"),
        ({"do": "say"}, "has no “text”"),
        ({"do": "say", "text": ""}, "text has 0 characters"),
        ({"do": "say", "text": "x", "as": "lead"}, "has “as”, which is not expected"),
        ({"do": "join", "role": "king"}, "role is “king”"),
        ({"do": "say", "text": "x" * 60_000}, "cannot be read: "),
        ({"do": "say", "text": float("inf")}, "cannot be read: "),
    ],
)
def test_a_payload_of_any_form_is_refused_in_words(payload: Json, words: str) -> None:
    played = room()
    assert words in refused(played.feed(Acted(at=1, by=Person(id="u-ana", name="Ana"), payload=payload)))


def test_refusals_are_recorded_only_so_often() -> None:
    played = room()
    for _ in range(MOST_REFUSALS + 5):
        played.act("u-ole", "end")
    assert len(played.said("error")) == MOST_REFUSALS
    assert played.state.refused["ole"] == MOST_REFUSALS + 5
    assert played.play().state.phase == "completed"


def test_after_the_end_strangers_leave_no_trace() -> None:
    played = room("completed")
    assert played.act("u-eve", "say", text="hello").messages == ()


KEYS = st.sampled_from(["do", "text", "to", "subtask", "role", "title", "needs"])
PAYLOADS = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=9) | st.sampled_from([*COMMANDS, "s1", "P1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
)


BEGUN = room().state


@settings(max_examples=50)
@given(st.lists(st.tuples(st.sampled_from(["u-ana", "u-ole", "u-eve"]), PAYLOADS), max_size=6))
def test_no_payload_raises(moves: list[tuple[str, Json]]) -> None:
    state = BEGUN
    for user, payload in moves:
        state = advance(state, Acted(at=9, by=Person(id=user, name="N"), payload=payload)).state
    assert state.members["ole"].participant.role == "observer"


def test_who_proposes_by_themselves_is_not_waited_for() -> None:
    rules = {"rounds": 1, "proposals": "everyone"}
    room = Room(line_up(LED, SCOUT, {**ANA, "role": "specialist"}, negotiation=rules)).play("negotiating")
    room.act("u-ana", "propose", text="By sea.")
    assert not room.pending("propose", "ana")
    room.play("executing")
    assert room.said("proposal")[1] == "ana: By sea."
