"""What can happen in a run, in the past tense.

Events are stored numbered without gaps; pages and the socket are made of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from orchestration.llm.engine.types import Json

LONGEST_KIND = 60


class EventKind(StrEnum):
    """The engine's own kinds of events; a kind of run adds names of its own."""

    RUN_QUEUED = "run_queued"
    RUN_STARTED = "run_started"
    RUN_RESUMED = "run_resumed"
    RUN_WAITED = "run_waited"
    RUN_SUCCEEDED = "run_succeeded"
    RUN_FAILED = "run_failed"
    RUN_CANCELLED = "run_cancelled"
    PHASE_STARTED = "phase_started"
    CALL_STARTED = "call_started"
    CALL_FINISHED = "call_finished"
    CALL_FAILED = "call_failed"
    CALL_CANCELLED = "call_cancelled"
    CALL_LOST = "call_lost"
    ANSWER_REUSED = "answer_reused"
    DECISION_MADE = "decision_made"
    STEP_ENDED = "step_ended"
    QUESTION_ASKED = "question_asked"
    QUESTION_ANSWERED = "question_answered"
    COMMAND_RECEIVED = "command_received"
    MESSAGE_RECEIVED = "message_received"
    RUN_RATED = "run_rated"


@dataclass(frozen=True, kw_only=True, slots=True)
class RunEvent:
    """One thing that happened.

    `kind` is an `EventKind` or a name of the run kind's own; a name of more than 60 characters raises
    `ValueError`, because its column could not store it. `data` is plain JSON; `step` is the key of the step
    that the event belongs to, if any.
    """

    kind: str
    step: str = ""
    data: Mapping[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.kind) > LONGEST_KIND:
            message = f"The name of an event has at most {LONGEST_KIND} characters: {self.kind}."
            raise ValueError(message)
