"""What every run is made of: keyword-only values that nobody changes, and its events.

Time is float seconds, scores run from 0 to 1. What is made for every step is not frozen: making a frozen
value takes three times as long.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from orchestration.llm.engine.types import Json


class StepStatus(StrEnum):
    """How a journaled step ended."""

    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(kw_only=True, slots=True)
class PathStep:
    """One stretch of the path an outcome took, seconds since the run's start."""

    step: str
    started_s: float
    seconds: float
    ok: bool
    detail: str = ""

    @property
    def row(self) -> dict[str, Json]:
        """The stretch as plain JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """A choice with its options, their scores (where there are any) and the reason in words.

    `remarks` say more about single options.
    """

    kind: str
    chosen: str
    reason: str
    options: tuple[str, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)
    remarks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a run leaves: `answer` for people, `output` as plain JSON, `score` from 0 to 1 where there is one.

    `data` is the kind's own plain JSON, which its page reads. `path` is the stretches that it took. `caveat`
    is the code of what the answer falls short of, empty for nothing; the run has succeeded all the same.
    """

    answer: str
    output: Json = None
    score: float | None = None
    path: tuple[PathStep, ...] = ()
    data: Mapping[str, Json] = field(default_factory=dict)
    caveat: str = ""


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
    TOOL_CALLED = "tool_called"
    TOOL_ENDED = "tool_ended"
    DECISION_MADE = "decision_made"
    STEP_ENDED = "step_ended"
    QUESTION_ASKED = "question_asked"
    QUESTION_ANSWERED = "question_answered"
    ANSWER_WITHDRAWN = "answer_withdrawn"
    COMMAND_RECEIVED = "command_received"
    MESSAGE_RECEIVED = "message_received"
    RUN_RATED = "run_rated"


@dataclass(kw_only=True, slots=True)
class RunEvent:
    """One thing that happened.

    `kind` is an `EventKind` or a name of the run kind's own; one of more than 60 characters, which its column
    could not store, raises `ValueError`. `data` is plain JSON; `step` is the key of the event's step, if any.
    """

    kind: str
    step: str = ""
    data: Mapping[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.kind) > LONGEST_KIND:
            raise ValueError(f"The name of an event has at most {LONGEST_KIND} characters: {self.kind}.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Audience:
    """Who may answer: members with one of the roles, and users by id. Empty: anyone who may run."""

    roles: tuple[str, ...] = ()
    users: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What a person is asked: the words, a form as JSON Schema, what counts as the answer at the deadline.

    One that `fails` then has no answer: what asks it fails.
    """

    text: str
    schema: Mapping[str, Json] = field(default_factory=dict)
    deadline_s: float | None = None
    default: Json = None
    fails: bool = False
    audience: Audience = Audience()


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Who sent something: the user's id as text, "" for one who was removed, and the name that is shown."""

    id: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """Something that a person said or did in a run; numbers grow, with gaps."""

    number: int
    by: Person
    payload: Json


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """When something began and how long it took, in seconds of run time."""

    started_s: float
    seconds: float
