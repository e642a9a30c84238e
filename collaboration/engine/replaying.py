"""The entries of a session: read from the journal of its run, kept as plain JSON, and worked in again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from collaboration.engine.lineup import LineUp
from collaboration.engine.plan import NotPossible
from collaboration.engine.records import Row, session_row
from collaboration.engine.selection import Records
from collaboration.engine.session import advance, open_session
from collaboration.engine.state import (
    Acted,
    Answered,
    Ended,
    Entry,
    Missed,
    SessionState,
    SessionStep,
    TimePassed,
)
from orchestration.runs.engine.records import StepKind, StepRecord
from orchestration.runs.engine.types import Person, StepStatus

LOG, ACTION, MESSAGE, TIME, LIMIT = "log", "action", "message", "time", "limit"
"""Parts of the journal, and sources of entries beside actions, whose names are their numbers."""
WAYS = ("ask", "tool", "strategy", "pipeline")
"""Names of the steps in which actions are done."""
DOWN = frozenset(
    {
        "provider_unavailable",
        "authentication_rejected",
        "model_not_found",
        "address_refused",
        "circuit_open",
        "model_unavailable",
    }
)
"""Errors by whose code a participant cannot be reached at all."""
Steps = Mapping[str, StepRecord]


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionStart:
    """How a session began, with its first line-up, and those of its entries that are known."""

    task: str
    lineup: LineUp
    records: Records
    seed: int = 0
    entries: tuple[Annotated[Entry, Field(discriminator="entry_kind")], ...] = ()


STARTS = TypeAdapter(SessionStart)
"""Writes the start of a session as plain JSON, and reads it. Raises `ValidationError`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Replay:
    """A session after entries that are known: the last step, the state before it, a row for each step."""

    before: SessionState | None
    step: SessionStep
    rows: Sequence[Row]
    at: float


def replay(start: SessionStart) -> Replay:
    """Open a session and work in what is known of it. Raises `NotPossible` for a fork that cannot be."""
    before, at = None, 0.0
    step = open_session(start.lineup, start.task, start.records, start.seed)
    rows = [session_row(before, step, at)]
    for entry in start.entries:
        before, step, at = step.state, advance(step.state, entry), entry.at
        rows.append(session_row(before, step, at))
    return Replay(before=before, step=step, rows=rows, at=at)


def journal_entries(steps: Steps, first: int = 1) -> Iterator[Entry]:
    """Yield the entries that a run has journaled, from the number `first` on. Raises `NotPossible`."""
    messages, number = count(1), first
    while (note := steps.get(f"{LOG}/{number}")) is not None:
        number += 1
        at, source = float(note.result["at"]), note.result["from"]
        match source:
            case "limit":
                yield Ended(at=at, words=note.result["words"])
            case "time":
                yield TimePassed(at=at)
            case "message":
                sent = _step(steps, f"{MESSAGE}/{next(messages)}").result
                yield Acted(at=at, by=Person(**sent["by"]), payload=sent["payload"])
            case _:
                yield _ended_action(steps, int(source), at, Decimal(note.result["cost"]))


def _step(steps: Steps, *keys: str) -> StepRecord:
    found = next((steps[key] for key in keys if key in steps), None)
    if found is None:
        raise NotPossible("The journal of this session lacks what came of a step: it cannot be forked.")
    return found


def _ended_action(steps: Steps, action: int, at: float, cost: Decimal) -> Answered | Missed:
    """Return how an action ended, as the runner gave it to the reducer."""
    step = _step(steps, *(f"{ACTION}/{action}/{way}" for way in WAYS))
    if step.status is not StepStatus.DONE:
        error = step.error or {}
        why = missed_by(error.get("code", ""))
        return Missed(at=at, action=action, why=why, words=error.get("message", ""), cost_usd=cost)
    content = step.result
    if step.kind is StepKind.HUMAN and content is None:
        return Missed(at=at, action=action, why="expired", cost_usd=cost)
    if step.kind is StepKind.ASK:
        content = content["text"]
    if step.kind is StepKind.CHILD:
        content = {"text": content["answer"]}
    return Answered(at=at, action=action, content=content, cost_usd=cost)


def missed_by(code: str) -> Literal["down", "failed"]:
    """Return why an action that failed has no answer, by the code of its error."""
    return "down" if code in DOWN else "failed"
