"""What a run leaves behind: the records its context writes, and the log that keeps them."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from orchestration.engine.context.protocol import Question
from orchestration.engine.events import Event
from orchestration.engine.types import NO_USAGE, Delta, Json, ModelSpec, Purpose, StepStatus, Usage


class StepKind(StrEnum):
    """What sort of work a step was."""

    ASK = "ask"
    DECISION = "decision"
    HUMAN = "human"
    CHILD = "child"
    RECORD = "record"
    RECEIVE = "receive"
    WAIT = "wait"


@dataclass(frozen=True, kw_only=True, slots=True)
class StepRecord:
    """How a step ended.

    `result` is plain JSON, `error` is `{code, message, billed}`, times are run seconds.
    """

    key: str
    kind: StepKind
    status: StepStatus
    input_hash: str = ""
    result: Json = None
    error: Mapping[str, Json] | None = None
    started_s: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class CallStarted:
    """An attempt at a model is about to go out."""

    id: str
    step: str
    attempt: int
    spec: ModelSpec
    purpose: Purpose
    started_s: float


class CallEnding(StrEnum):
    """How an attempt ended. A lost one was cut off by the process's own end: the provider may bill it."""

    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"


@dataclass(frozen=True, kw_only=True, slots=True)
class CallEnded:
    """An attempt is over. `maybe_billed` marks what a provider may charge although no answer was kept."""

    id: str
    step: str
    model: str
    status: CallEnding
    text: str = ""
    usage: Usage = NO_USAGE
    cost_usd: Decimal | None = None
    finish: str = ""
    error_code: str = ""
    error: str = ""
    latency_s: float = 0.0
    first_token_s: float | None = None
    maybe_billed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class QuestionAsked:
    """A person is needed; at `due_at`, if there is such a moment, the question's default is the answer."""

    step: str
    question: Question
    due_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TimerSet:
    """A step is pending: until `due_at` if there is such a moment, or until a message arrives."""

    step: str
    due_at: datetime | None
    for_message: bool = False


Record = StepRecord | CallStarted | CallEnded | QuestionAsked | TimerSet | Event


class RunLog(Protocol):
    """Where a run's records go. Records become durable in the order in which they were written."""

    def write(self, *records: Record) -> Awaitable[None]:
        """Queue records; the awaitable is done once they are committed.

        Awaiting raises `LeaseLost` when another process owns the run by now. Nobody has to await it.
        """

    def show(self, call: str, delta: Delta) -> None:
        """Show a piece of text of a call that is under way to whoever watches; it may lag or be dropped."""
