"""What a run leaves behind: its records, the log that keeps them, their plain JSON, what a replay reads."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from orchestration.llm.engine.types import (
    NO_USAGE,
    Completion,
    Delta,
    FinishReason,
    Json,
    ModelSpec,
    Purpose,
    ToolCall,
    Usage,
    digest,
)
from orchestration.runs.engine.errors import ChildFailed, RecordedFailure
from orchestration.runs.engine.types import EventKind, Person, Question, Received, RunEvent, StepStatus
from orchestration.tools.engine.tool import ToolFailed, ToolFault

LONGEST = 200
_DIGEST = 16


class StepKind(StrEnum):
    """What sort of work a step was."""

    ASK = "ask"
    DECISION = "decision"
    HUMAN = "human"
    CHILD = "child"
    RECORD = "record"
    RECEIVE = "receive"
    WAIT = "wait"
    TOOL = "tool"


@dataclass(kw_only=True, slots=True)
class StepRecord:
    """How a step ended. It brings the event of that with it, to whose data `event_data` is added.

    `result` is plain JSON, `error` is `{code, message, billed}`, times are run seconds.
    """

    key: str
    kind: StepKind
    status: StepStatus = StepStatus.DONE
    input_hash: str = ""
    result: Json = None
    error: Mapping[str, Json] | None = None
    started_s: float = 0.0
    seconds: float = 0.0
    event_data: Mapping[str, Json] | None = None

    @property
    def event(self) -> RunEvent:
        """That it ended."""
        named = {"key": self.key, "kind": str(self.kind), "status": str(self.status)}
        data = {**self.event_data, **named} if self.event_data else named
        return RunEvent(kind=EventKind.STEP_ENDED, step=self.key, data=data)


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


Record = StepRecord | CallStarted | CallEnded | QuestionAsked | TimerSet | RunEvent


class RunLog(Protocol):
    """Where a run's records go. Records become durable in the order in which they were written."""

    def write(self, *records: Record) -> Awaitable[None]:
        """Queue records; the awaitable is done once they are committed.

        Awaiting raises `LeaseLost` when another process owns the run by now. It need not be awaited.
        """

    def show(self, call: str, delta: Delta) -> None:
        """Show a piece of text of a call that is under way on the pages; it may lag or be dropped."""


def bounded(key: str) -> str:
    """Return `key`, its end replaced by a digest of the whole where it is longer than 200 characters."""
    if len(key) <= LONGEST:
        return key
    end = hashlib.sha256(key.encode()).hexdigest()[:_DIGEST]
    return f"{key[: LONGEST - _DIGEST - 1]}~{end}"


def step_key(*parts: str) -> str:
    """Join `parts` with slashes into the key of a step, at most 200 characters long."""
    return bounded("/".join(parts))


def completion_from_json(stored: dict[str, Json]) -> Completion:
    """Return the completion that is stored as plain JSON."""
    cost = stored["cost_usd"]
    return Completion(
        **{
            **stored,
            "usage": Usage(**stored["usage"]),
            "finish": FinishReason(stored["finish"]),
            "cost_usd": None if cost is None else Decimal(cost),
            "tool_calls": tuple(ToolCall(**call) for call in stored.get("tool_calls", ())),
        }
    )


def received_from_json(stored: dict[str, Json] | None) -> Received | None:
    """Return the message that a step stored, None where it stored that none came."""
    if stored is None:
        return None
    return Received(number=stored["number"], by=Person(**stored["by"]), payload=stored["payload"])


def replayed(record: StepRecord) -> Json:
    """Return what a step returned when it ended. Raises what it raised."""
    if record.status is StepStatus.CANCELLED:
        raise asyncio.CancelledError
    if record.status is StepStatus.FAILED and record.error is not None:
        code, message = record.error["code"], record.error["message"]
        if record.kind is StepKind.CHILD:
            raise ChildFailed(message, code=code)
        if record.kind is StepKind.TOOL:
            raise ToolFailed(message, fault=ToolFault(code))
        raise RecordedFailure(message, code=code, billed=record.error["billed"])
    return record.result


def event_digest(event: RunEvent) -> str:
    """Return the identity of an event with plain data: each is emitted once."""
    return digest(event.kind, event.step, event.data)
