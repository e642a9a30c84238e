"""Who may do what, and where a session can go: both are whole tables."""

from __future__ import annotations

from itertools import product

import pytest

from collaboration.engine.phases import TRANSITIONS, Phase, moved, steering_fault
from collaboration.engine.roles import ParticipantRole, Power, powers, refusal

DEBATES = {Power.SPEAK, Power.PROPOSE, Power.VOTE}
MODELS = {
    "leader": DEBATES | {Power.DIVIDE, Power.EDIT, Power.REVIEW},
    "specialist": DEBATES | {Power.WORK},
    "executor": DEBATES | {Power.WORK},
    "reviewer": DEBATES | {Power.REVIEW},
    "observer": set(),
}
WAYS = {
    ("planning", "negotiating"), ("planning", "executing"), ("planning", "failed"),
    ("negotiating", "executing"), ("negotiating", "failed"),
    ("executing", "reviewing"), ("executing", "completed"), ("executing", "failed"),
    ("reviewing", "executing"), ("reviewing", "completed"), ("reviewing", "failed"),
}  # fmt: skip


@pytest.mark.parametrize("role", ParticipantRole)
def test_each_role_has_its_powers_and_people_may_steer_in_all_but_one(role: ParticipantRole) -> None:
    people = MODELS[role] | {Power.SPEAK, Power.EDIT, Power.STEER} if role != "observer" else set()
    assert powers(role, is_person=False) == MODELS[role]
    assert powers(role, is_person=True) == people


def test_only_a_leader_divides_the_task() -> None:
    able = {
        role
        for role in ParticipantRole
        for person in (True, False)
        if Power.DIVIDE in powers(role, is_person=person)
    }
    assert able == {ParticipantRole.LEADER}


def test_a_refusal_says_who_may_not_do_what() -> None:
    assert (
        refusal("Ole", ParticipantRole.OBSERVER, Power.VOTE)
        == "Ole is an observer and may not take a stance or vote."
    )
    assert (
        refusal("Ana", ParticipantRole.REVIEWER, Power.WORK) == "Ana is a reviewer and may not do subtasks."
    )


@pytest.mark.parametrize(("phase", "to"), list(product(Phase, Phase)))
def test_a_session_goes_only_where_the_table_says(phase: Phase, to: Phase) -> None:
    if (phase, to) in WAYS:
        assert moved(phase, to) is to
    else:
        with pytest.raises(ValueError, match=f"does not go from {phase} to {to}"):
            moved(phase, to)


def test_only_what_leads_nowhere_has_ended() -> None:
    assert {phase for phase in TRANSITIONS if phase.has_ended} == {Phase.COMPLETED, Phase.FAILED}


@pytest.mark.parametrize("phase", Phase)
def test_every_phase_that_has_not_ended_can_be_paused_resumed_ended_and_cancelled(phase: Phase) -> None:
    running = [steering_fault(phase, each, paused=False) for each in ("pause", "end", "cancel")]
    paused = [steering_fault(phase, each, paused=True) for each in ("resume", "end", "cancel")]
    said = f"The session is {phase}: nothing can be changed any more." if phase.has_ended else ""
    assert {*running, *paused} == {said}


def test_nothing_is_paused_or_resumed_twice() -> None:
    assert steering_fault(Phase.PLANNING, "pause", paused=True) == "The session is paused already."
    assert steering_fault(Phase.PLANNING, "resume", paused=False) == "The session is not paused."
