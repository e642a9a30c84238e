"""Where a session is, where it can go from there, and what steers it.

    planning ─→ negotiating ─→ executing ⇄ reviewing ─→ completed
        └────────────────────→ executing      (no negotiation is wanted, or too few can take part)

Any phase can fail, by a cancel, too. A session that is stopped is completed by what has been accepted, if
anything has. It goes from reviewing back to executing where a person changes the plan. Paused is no phase: it
holds back what would be asked next, in any phase that has not ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

Steering = Literal["pause", "resume", "end", "cancel"]


class Phase(StrEnum):
    """Where a session is."""

    PLANNING = "planning"
    NEGOTIATING = "negotiating"
    EXECUTING = "executing"
    REVIEWING = "reviewing"
    COMPLETED = "completed"
    FAILED = "failed"

    @property
    def has_ended(self) -> bool:
        """Whether nothing follows."""
        return not TRANSITIONS[self]


TRANSITIONS: Mapping[Phase, frozenset[Phase]] = {
    Phase.PLANNING: frozenset({Phase.NEGOTIATING, Phase.EXECUTING, Phase.FAILED}),
    Phase.NEGOTIATING: frozenset({Phase.EXECUTING, Phase.FAILED}),
    Phase.EXECUTING: frozenset({Phase.REVIEWING, Phase.COMPLETED, Phase.FAILED}),
    Phase.REVIEWING: frozenset({Phase.EXECUTING, Phase.COMPLETED, Phase.FAILED}),
    Phase.COMPLETED: frozenset(),
    Phase.FAILED: frozenset(),
}


def moved(phase: Phase, to: Phase) -> Phase:
    """Return the next phase. Raises `ValueError` for a transition that does not exist."""
    if to not in TRANSITIONS[phase]:
        raise ValueError(f"A session does not go from {phase} to {to}.")
    return to


def steering_fault(phase: Phase, steering: Steering, *, paused: bool) -> str:
    """Return why a session cannot be steered so now, nothing where it can."""
    if phase.has_ended:
        return f"The session is {phase}: nothing can be changed any more."
    if (steering, paused) in {("pause", True), ("resume", False)}:
        return f"The session is {'paused already' if paused else 'not paused'}."
    return ""
