"""One transaction for many write batches, each table written once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from orchestration.runs.engine.budget import LARGEST_COST
from orchestration.runs.engine.records import (
    CallEnded,
    CallStarted,
    QuestionAsked,
    StepKind,
    StepRecord,
    TimerSet,
)
from orchestration.runs.engine.types import EventKind, RunEvent
from orchestration.runs.models import CallStatus, Run, RunStatus, Timer
from orchestration.runs.services.recording.batches import (
    MOST_COST,
    CallText,
    Entry,
    QueueReason,
    RunEnded,
    RunParked,
    RunReleased,
    WriteBatch,
)
from orchestration.runs.services.recording.tables import (
    CALLS,
    COMMANDS,
    EVENTS,
    QUESTIONS,
    RUNS,
    STEPS,
    TIMERS,
    Row,
    locked_runs,
)

ENDINGS = {
    RunStatus.SUCCEEDED: EventKind.RUN_SUCCEEDED,
    RunStatus.FAILED: EventKind.RUN_FAILED,
    RunStatus.CANCELLED: EventKind.RUN_CANCELLED,
}


@dataclass(slots=True)
class Committed:
    """What a transaction did: batches that were refused, teams whose runs or questions changed status."""

    refused: list[WriteBatch] = field(default_factory=list)
    teams: set[UUID] = field(default_factory=set)


def commit_batches(batches: Sequence[WriteBatch]) -> Committed:
    """Write all batches in one transaction; those whose run was claimed anew since are refused."""
    committed = Committed()
    with transaction.atomic():
        newest = locked_runs({batch.run for batch in batches})
        rows = _Rows()
        for (run, fence), group in groupby(sorted(batches, key=_owner), key=_owner):
            accepted = list(group)
            last_seq = newest.get((run, fence))
            if last_seq is not None:
                _collect(accepted, last_seq, rows, committed)
            else:
                committed.refused.extend(accepted)
        rows.save()
    return committed


def is_written(batches: Sequence[WriteBatch]) -> bool:
    """Return whether batches whose commit failed were written: the acknowledgement can get lost.

    They are written together or not at all, and each step, call and end once: the first one decides.
    Where there is none of these, only events for display, they may come twice.
    """
    for batch in batches:
        claimed = Run.objects.filter(id=batch.run, fence=batch.fence)
        for entry in batch.entries:
            if isinstance(entry, StepRecord):
                return claimed.filter(steps__key=entry.key).exists()
            if isinstance(entry, CallStarted):
                return claimed.filter(calls__id=entry.id).exists()
            if isinstance(entry, RunEnded):
                return claimed.filter(status=entry.status).exists()
    return False


def _owner(batch: WriteBatch) -> tuple[UUID, int]:
    return batch.run, batch.fence


def _collect(batches: list[WriteBatch], last_seq: int, rows: _Rows, committed: Committed) -> None:
    """Advance one run and collect the rows of its batches."""
    last = batches[-1]
    entries = [entry for batch in batches for entry in batch.entries]
    events = list(_events(entries, last))
    changes = _run_changes(entries, last)
    if "status" in changes or any(map(_changes_inbox, entries)):
        committed.teams.add(last.team)
    rows.advance(last.run, changes, last_seq, events)
    for entry in entries:
        rows.add(last.run, entry)


def _changes_inbox(entry: Entry) -> bool:
    """Return whether a question was asked, or waits no more."""
    return isinstance(entry, QuestionAsked) or (
        isinstance(entry, StepRecord) and entry.kind is StepKind.HUMAN
    )


def _events(entries: Iterable[Entry], last: WriteBatch) -> Iterable[RunEvent]:
    """Return the events that the entries are or bring with them, in order."""
    totals = {"cost_usd": format(last.cost_usd, "f"), "calls": last.calls}
    for entry in entries:
        if isinstance(entry, RunEvent):
            yield entry
        elif isinstance(entry, StepRecord):
            yield entry.event
        elif isinstance(entry, RunEnded):
            ended = {**totals, "error": entry.error} if entry.error else totals
            yield RunEvent(kind=ENDINGS[entry.status], data=ended)
        elif isinstance(entry, RunParked):
            waits = {"paused": entry.paused, "for_people": entry.for_people}
            yield RunEvent(kind=EventKind.RUN_WAITED, data=waits)
        elif isinstance(entry, RunReleased):
            yield RunEvent(kind=EventKind.RUN_QUEUED, data={"reason": QueueReason.RESTART.value})


def _run_changes(entries: Iterable[Entry], last: WriteBatch) -> dict[str, Any]:
    """Return the columns of the run that the entries change."""
    now = timezone.now()
    changes: dict[str, Any] = {
        "cost_usd": min(last.cost_usd, LARGEST_COST),
        "calls_started": last.calls,
    }
    free: dict[str, Any] = {"lease_owner": "", "lease_until": None}
    for entry in entries:
        if isinstance(entry, StepRecord):
            changes["lapses"] = 0
        elif isinstance(entry, RunEnded):
            changes |= free | _columns(entry) | {"finished_at": now}
        elif isinstance(entry, RunParked):
            changes |= free | {"status": RunStatus.WAITING, "waiting_since": now}
        elif isinstance(entry, RunReleased):
            changes |= free | {"status": RunStatus.QUEUED, "queued_at": now}
    return changes


class _Rows:
    """Rows of a whole transaction, gathered so that each table is written once."""

    def __init__(self) -> None:
        self._runs: dict[UUID, Row] = {}
        self._events: list[Row] = []
        self._steps: list[Row] = []
        self._calls: dict[UUID, dict[str, Any]] = {}
        self._changes: dict[UUID, dict[str, Any]] = {}
        self._questions: list[Row] = []
        self._timers: dict[tuple[UUID, str], Row] = {}
        self._waited: dict[UUID, list[str]] = {}
        self._received: dict[int, Row] = {}

    def advance(self, run: UUID, changes: dict[str, Any], last_seq: int, events: list[RunEvent]) -> None:
        """Change a run's columns, and turn its events into rows that go on from its newest number."""
        self._runs[run] = changes | {"last_seq": last_seq + len(events)}
        now = timezone.now()
        self._events += [
            {"run_id": run, "seq": seq, "kind": e.kind, "step": e.step, "data": e.data, "at": now}
            for seq, e in enumerate(events, start=last_seq + 1)
        ]

    def add(self, run: UUID, entry: Entry) -> None:
        """Turn an entry into its row."""
        if isinstance(entry, StepRecord):
            self._steps.append({"run_id": run, **_columns(entry)})
            self._end_waiting(run, entry)
        elif isinstance(entry, CallStarted):
            self._calls[UUID(entry.id)] = _call(run, entry)
        elif isinstance(entry, CallText):
            self._changes.setdefault(UUID(entry.id), {})["text"] = entry.text
        elif isinstance(entry, CallEnded):
            self._changes.setdefault(UUID(entry.id), {}).update(_ending(entry))
        elif isinstance(entry, QuestionAsked):
            self._questions.append(_question(run, entry))
        elif isinstance(entry, TimerSet):
            until = {"due_at": entry.due_at, "for_message": entry.for_message}
            self._timers[run, entry.step] = {"run_id": run, "step": entry.step, **until}

    def _end_waiting(self, run: UUID, record: StepRecord) -> None:
        """Remove the timer of a step that ended; the message that it received is handled."""
        if record.kind not in {StepKind.RECEIVE, StepKind.WAIT}:
            return
        if self._timers.pop((run, record.key), None) is None:
            self._waited.setdefault(run, []).append(record.key)
        if record.result is not None:
            self._received[record.result["number"]] = {"handled_at": timezone.now()}

    def save(self) -> None:
        """Write everything."""
        for new in self._calls.keys() & self._changes.keys():
            self._calls[new] |= self._changes.pop(new)
        RUNS.update(self._runs)
        CALLS.update(self._changes)
        CALLS.insert(list(self._calls.values()))
        STEPS.insert(self._steps)
        QUESTIONS.insert(self._questions, once=True)
        TIMERS.insert(list(self._timers.values()), once=True)
        COMMANDS.update(self._received)
        for run, steps in self._waited.items():
            Timer.objects.filter(run_id=run, step__in=steps).delete()
        EVENTS.insert(self._events)


def _columns(record: StepRecord | RunEnded) -> dict[str, Any]:
    """Return the values of a record whose fields are called like the columns of its table."""
    return {name: getattr(record, name) for name in record.__slots__}


def _call(run: UUID, started: CallStarted) -> dict[str, Any]:
    prices = started.spec.prices
    return {
        "id": UUID(started.id),
        "run_id": run,
        "step": started.step,
        "attempt": started.attempt,
        "model": started.spec.name,
        "provider": started.spec.provider,
        "purpose": started.purpose,
        "input_price": prices.input_per_million if prices else None,
        "output_price": prices.output_per_million if prices else None,
        "cached_input_price": prices.cached_input_per_million if prices else None,
        "started_s": started.started_s,
    }


def _ending(ended: CallEnded) -> dict[str, Any]:
    return {
        "status": CallStatus(ended.status.value),
        "text": ended.text,
        "input_tokens": ended.usage.input_tokens,
        "output_tokens": ended.usage.output_tokens,
        "cached_input_tokens": ended.usage.cached_input_tokens,
        "usage_estimated": ended.usage.estimated,
        "cost_usd": None if ended.cost_usd is None else min(ended.cost_usd, MOST_COST),
        "maybe_billed": ended.maybe_billed,
        "finish": ended.finish,
        "error": ended.error,
        "error_code": ended.error_code,
        "latency_s": ended.latency_s,
        "first_token_s": ended.first_token_s,
    }


def _question(run: UUID, asked: QuestionAsked) -> Row:
    question, audience = asked.question, asked.question.audience
    return {
        "run_id": run,
        "step": asked.step,
        "text": question.text,
        "schema": dict(question.schema),
        "default": question.default,
        "fails": question.fails,
        "audience": {"roles": list(audience.roles), "users": list(audience.users)},
        "deadline_at": asked.due_at,
    }
