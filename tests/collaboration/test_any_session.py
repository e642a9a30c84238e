"""Whatever happens in whatever order: nothing raises, the rules hold, the session ends."""

from __future__ import annotations

import json
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from collaboration.engine.phases import TRANSITIONS, Phase
from collaboration.engine.plan import SubtaskStatus
from collaboration.engine.session import advance, open_session
from orchestration.llm.engine.types import Json
from tests.support.rooms import ANA, JUDGE, LED, OLE, SAGE, SCOUT, Room, agreeable, line_up

BEN = {"id": "ben", "role": "executor", "user": "u-ben"}
LINEUPS = [
    line_up(LED, {**SCOUT, "tools": ["clock"]}, SAGE, JUDGE, ANA, BEN, OLE, limits={"idle": 9}),
    line_up(LED, SCOUT, SAGE, ANA, protocol="structured", negotiation={"proposals": "everyone"}),
    line_up(LED, SCOUT, BEN, ANA, protocol="natural", conflict={"rule": "hierarchy"}),
    line_up(
        LED, {**LED, "id": "second"}, SCOUT, SAGE, JUDGE, choose="best", limits={"participants": 4},
        negotiation={"threshold": 1, "seconds": 9}, conflict={"rule": "arbitration", "arbiter": "judge"},
    ),
]  # fmt: skip
ACTS: list[dict[str, Json]] = [
    {"do": "join", "role": "executor"}, {"do": "join", "role": "observer"}, {"do": "leave"}, {"do": "pause"},
    {"do": "resume"}, {"do": "redirect", "text": "Shorter."}, {"do": "propose", "text": "By sea."},
    {"do": "stance", "proposal": "P1", "stance": "oppose"}, {"do": "vote", "option": "P1"},
    {"do": "take", "subtask": "s1"}, {"do": "return", "subtask": "s1"}, {"do": "drop", "subtask": "s2"},
    {"do": "add", "title": "Prices", "needs": ["s1"]}, {"do": "change", "subtask": "s3", "needs": ["s2"]},
    {"do": "reassign", "subtask": "s1", "assignee": "scout"}, {"do": "approve", "subtask": "s1"},
    {"do": "send_back", "subtask": "s2"}, {"do": "approve"}, {"do": "ask", "text": "Why?"},
]  # fmt: skip
WORDS = ["", "I oppose P1.", "{broken", '{"text": "Done."}', '{"verdict": "return"}', '{"stances": []}']
DELEGATED = [
    {"status": "delegate", "to": to, "request": '{"n": 1}'} for to in ("sage", "scout", "ben", "tool:clock")
]
EVENTS = st.one_of(
    st.tuples(st.just("agree"), st.integers(0, 9)),
    st.tuples(st.just("agree"), st.integers(0, 9)),
    st.tuples(st.sampled_from([*WORDS, *map(json.dumps, DELEGATED)]), st.integers(0, 9)),
    st.tuples(st.sampled_from(["failed", "down", "expired"]), st.integers(0, 9)),
    st.tuples(st.sampled_from(ACTS).map(json.dumps), st.sampled_from(["u-ana", "u-ben", "u-ole", "u-eve"])),
    st.tuples(st.just("wait"), st.integers(1, 20)),
)


def happen(room: Room, what: str, which: Json) -> None:
    """Let something happen to one of the pending actions, or by somebody."""
    if isinstance(which, str):
        room.act(which, **json.loads(what))
    elif what == "wait":
        room.wait(which)
    elif pending := room.pending():
        action = pending[which % len(pending)]
        if what in {"failed", "down", "expired"}:
            room.miss(what, action.kind, action.participant)
        else:
            content = agreeable(action, room.state) if what == "agree" else what
            room.answer(content, action.kind, action.participant)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(LINEUPS), st.lists(EVENTS, max_size=40))
def test_nothing_raises_the_rules_hold_and_the_session_ends(
    lineup: Json, events: list[tuple[str, Json]]
) -> None:
    room = Room(lineup)
    for what, which in events:
        happen(room, what, which)
    room.act("u-ana", "resume")
    room.play()
    if room.state.phase not in {"completed", "failed"}:  # it waits for somebody who has left a pause behind
        room.end("The end.")
    check(room)


def check(room: Room) -> None:
    """Check what holds in every session."""
    says = {f"The session is {phase}.": phase for phase in Phase}
    told = [each.text for each in room.state.log if each.kind == "status_update" and not each.sender]
    entered = [Phase.PLANNING, *(says[text] for text in told if text in says)]
    assert all(to in TRANSITIONS[phase] for phase, to in pairwise(entered))
    state = room.state
    assert [each.number for each in state.log] == list(range(1, len(state.log) + 1))
    observers = {id for id, each in state.members.items() if each.participant.is_observer}
    assert not observers & {each.sender for each in state.log}
    assert (state.pending, state.ending is not None) == ({}, True)
    if state.phase == "completed":
        assert state.ending is not None
        assert abs(sum(each.impact for each in state.ending.contributions) - 1) < 1e-9
        assert state.result


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(LINEUPS), st.lists(EVENTS, max_size=30))
def test_nothing_starts_before_what_it_needs_and_a_replay_is_the_same(
    lineup: Json, events: list[tuple[str, Json]]
) -> None:
    room = Room(lineup)
    for what, which in events:
        happen(room, what, which)
    step = open_session(*room.begun)
    for entry in room.entries:
        step = advance(step.state, entry)
    assert step.state == room.state
    ended = {each.id for each in room.state.plan.subtasks if each.status.has_ended}
    begun = [each for each in room.state.plan.subtasks if each.status is not SubtaskStatus.WAITING]
    assert all(ended.issuperset(each.needs) for each in begun if each.status is not SubtaskStatus.DROPPED)
