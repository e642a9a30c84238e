"""The entries of a session: read from the journal of its run, kept as plain JSON, and worked in again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from functools import cache
from itertools import count
from typing import Any, Literal, get_args

from pydantic import TypeAdapter, ValidationError

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
from orchestration.llm.engine.types import Json
from orchestration.runs.engine.records import StepKind, StepRecord
from orchestration.runs.engine.types import Person, StepStatus

LOG, ACTION, MESSAGE, TIME, LIMIT = "log", "action", "message", "time", "limit"
"""Parts of the journal, and sources of entries beside actions, whose names are their numbers."""
WAYS = ("ask", "tool", "strategy", "pipeline")
"""Names of the steps in which actions are done."""
KINDS: Mapping[str, Any] = {kind.__name__.lower(): kind for kind in get_args(Entry)}
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
class Replay:
    """A session after entries that are known: the last step, the state before it, a row for each step."""

    before: SessionState | None
    step: SessionStep
    rows: Sequence[Row]
    at: float


def replay(
    lineup: LineUp, task: str, records: Records, seed: int = 0, entries: Iterable[Entry] = ()
) -> Replay:
    """Open a session and work in what is known of it. Raises `NotPossible` for a fork that cannot be."""
    before, step, at = None, open_session(lineup, task, records, seed), 0.0
    rows = [session_row(before, step, at)]
    for entry in entries:
        before, step, at = step.state, advance(step.state, entry), entry.at
        rows.append(session_row(before, step, at))
    return Replay(before=before, step=step, rows=rows, at=at)


@cache
def _adapter(kind: type) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def frozen_entry(entry: Entry) -> dict[str, Json]:
    """Return an entry as plain JSON."""
    kind = type(entry)
    return {"is": kind.__name__.lower(), **_adapter(kind).dump_python(entry, mode="json")}


def read_entry(frozen: Json) -> Entry:
    """Return the entry that is kept as plain JSON. Raises `NotPossible`."""
    kind = KINDS.get(str(frozen.get("is"))) if isinstance(frozen, dict) else None
    if kind is None:
        raise NotPossible("An entry of the session cannot be read.")
    try:
        given = {each.name: frozen[each.name] for each in fields(kind) if each.name in frozen}
        found: Entry = _adapter(kind).validate_python(given)
    except ValidationError:
        raise NotPossible("An entry of the session cannot be read.") from None
    return found


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
    match step.kind:
        case StepKind.HUMAN if content is None:
            return Missed(at=at, action=action, why="expired", cost_usd=cost)
        case StepKind.ASK:
            content = content["text"]
        case StepKind.CHILD:
            content = {"text": content["answer"]}
    return Answered(at=at, action=action, content=content, cost_usd=cost)


def missed_by(code: str) -> Literal["down", "failed"]:
    """Return why an action that failed has no answer, by the code of its error."""
    return "down" if code in DOWN else "failed"
