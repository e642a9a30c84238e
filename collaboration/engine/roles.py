"""What each role may do. The engine checks it at every move, whatever a model or a person says.

| role | may |
|---|---|
| leader | divide the task and assemble the result, speak, propose, vote, review where no reviewer can |
| specialist, executor | speak, propose, vote, do subtasks and delegate parts of them |
| reviewer | speak, propose, vote, accept work or send it back |
| observer | watch; it never influences the others |

People may also speak, edit the plan and steer (redirect, pause, resume, end) in every role but observer.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class ParticipantRole(StrEnum):
    """What a participant is in a session; under hierarchy the first of these decides first."""

    LEADER = "leader"
    SPECIALIST = "specialist"
    REVIEWER = "reviewer"
    EXECUTOR = "executor"
    OBSERVER = "observer"


class Power(StrEnum):
    """Something that only some roles may do, as the end of a sentence: "may not …"."""

    DIVIDE = "divide the task"
    EDIT = "change the plan"
    SPEAK = "speak to the others"
    PROPOSE = "make proposals"
    VOTE = "take a stance or vote"
    WORK = "do subtasks"
    REVIEW = "accept work or send it back"
    STEER = "redirect, pause, resume or end the session"


SENTENCES: Mapping[str, str] = {
    ParticipantRole.LEADER: "Divides the task, debates, and puts the result together.",
    ParticipantRole.SPECIALIST: "Debates, and does subtasks in its specialty.",
    ParticipantRole.REVIEWER: "Debates, and accepts work or sends it back.",
    ParticipantRole.EXECUTOR: "Debates, and does subtasks.",
    ParticipantRole.OBSERVER: "Watches, and never influences the others.",
}
"""What each role does, for forms."""
_DEBATES = frozenset({Power.SPEAK, Power.PROPOSE, Power.VOTE})
_OF_ROLES: Mapping[ParticipantRole, frozenset[Power]] = {
    ParticipantRole.LEADER: _DEBATES | {Power.DIVIDE, Power.EDIT, Power.REVIEW},
    ParticipantRole.SPECIALIST: _DEBATES | {Power.WORK},
    ParticipantRole.EXECUTOR: _DEBATES | {Power.WORK},
    ParticipantRole.REVIEWER: _DEBATES | {Power.REVIEW},
    ParticipantRole.OBSERVER: frozenset(),
}
_OF_PEOPLE = frozenset({Power.SPEAK, Power.EDIT, Power.STEER})


def powers(role: ParticipantRole, *, is_person: bool) -> frozenset[Power]:
    """Return what a participant may do."""
    own = _OF_ROLES[role]
    return own | _OF_PEOPLE if is_person and role is not ParticipantRole.OBSERVER else own


def refusal(name: str, role: ParticipantRole, power: Power) -> str:
    """Return the sentence that a participant lacks a power."""
    article = "an" if role in {ParticipantRole.EXECUTOR, ParticipantRole.OBSERVER} else "a"
    return f"{name} is {article} {role} and may not {power}."
