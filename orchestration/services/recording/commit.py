"""One transaction for many parcels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from orchestration.engine.context.records import CallEnded, CallStarted, QuestionAsked, StepRecord
from orchestration.engine.events import Event, EventKind
from orchestration.models import Call, CallStatus, HumanQuestion, Run, RunStatus, Step
from orchestration.models import Event as EventRow
from orchestration.services.recording.parcels import (
    CallText,
    Entry,
    Parcel,
    QueueReason,
    RunEnded,
    RunParked,
    RunReleased,
)

ENDINGS = {
    RunStatus.SUCCEEDED: EventKind.RUN_SUCCEEDED,
    RunStatus.FAILED: EventKind.RUN_FAILED,
    RunStatus.CANCELLED: EventKind.RUN_CANCELLED,
}


@dataclass(slots=True)
class Committed:
    """What a transaction did: parcels that were refused, teams whose runs changed status."""

    refused: list[Parcel] = field(default_factory=list)
    teams: set[UUID] = field(default_factory=set)


def commit_parcels(parcels: Sequence[Parcel]) -> Committed:
    """Write all parcels in one transaction; those of a run that somebody else claimed since are refused."""
    committed = Committed()
    with transaction.atomic():
        held = _held({parcel.run for parcel in parcels})
        rows = _Rows()
        for (run, fence), group in groupby(sorted(parcels, key=_owner), key=_owner):
            taken = list(group)
            if run in held and held[run].fence == fence:
                _take(taken, held[run], rows, committed)
            else:
                committed.refused.extend(taken)
        rows.save()
    return committed


def _held(runs: set[UUID]) -> dict[UUID, Run]:
    """Return those of the runs that somebody is carrying out, locked until the transaction ends."""
    running = Run.objects.select_for_update().filter(id__in=runs, status=RunStatus.RUNNING)
    return {run.id: run for run in running.only("id", "fence", "last_seq").order_by("id")}


def _owner(parcel: Parcel) -> tuple[UUID, int]:
    return parcel.run, parcel.fence


def _take(parcels: list[Parcel], run: Run, rows: _Rows, committed: Committed) -> None:
    """Advance one run and collect the rows of its parcels."""
    last = parcels[-1]
    entries = [entry for parcel in parcels for entry in parcel.entries]
    events = list(_events(entries, last))
    changes = _run_changes(entries, last)
    Run.objects.filter(id=run.id).update(**changes, last_seq=run.last_seq + len(events))
    if "status" in changes:
        committed.teams.add(last.team)
    rows.number(run, events)
    for entry in entries:
        rows.add(run.id, entry)


def _events(entries: Iterable[Entry], last: Parcel) -> Iterable[Event]:
    """Return the events that the entries are or bring with them, in order."""
    totals = {"cost_usd": format(last.cost_usd, "f"), "calls": last.calls}
    for entry in entries:
        if isinstance(entry, Event):
            yield entry
        elif isinstance(entry, RunEnded):
            told = {**totals, "error": entry.error} if entry.error else totals
            yield Event(kind=ENDINGS[entry.status], data=told)
        elif isinstance(entry, RunParked):
            yield Event(kind=EventKind.RUN_WAITED, data={"paused": entry.paused})
        elif isinstance(entry, RunReleased):
            yield Event(kind=EventKind.RUN_QUEUED, data={"reason": QueueReason.RESTART.value})


def _run_changes(entries: Iterable[Entry], last: Parcel) -> dict[str, Any]:
    """Return the columns of the run that the entries change."""
    now = timezone.now()
    changes: dict[str, Any] = {"cost_usd": last.cost_usd, "calls_started": last.calls}
    free: dict[str, Any] = {"lease_owner": "", "lease_until": None}
    for entry in entries:
        if isinstance(entry, StepRecord):
            changes["lapses"] = 0
        elif isinstance(entry, RunEnded):
            changes |= free | {
                "status": entry.status,
                "finished_at": now,
                "outcome": entry.outcome,
                "answer": entry.answer,
                "quality": entry.quality,
                "error": entry.error,
                "error_code": entry.error_code,
            }
        elif isinstance(entry, RunParked):
            changes |= free | {"status": RunStatus.WAITING, "waiting_since": now}
        elif isinstance(entry, RunReleased):
            changes |= free | {"status": RunStatus.QUEUED, "queued_at": now}
    return changes


class _Rows:
    """Rows of a whole transaction, gathered so that each table is written once."""

    def __init__(self) -> None:
        self._events: list[EventRow] = []
        self._steps: list[Step] = []
        self._calls: dict[str, Call] = {}
        self._changes: dict[str, dict[str, Any]] = {}
        self._questions: list[HumanQuestion] = []

    def number(self, run: Run, events: list[Event]) -> None:
        """Turn a run's events into rows that go on from its newest number."""
        now = timezone.now()
        self._events += [
            EventRow(run_id=run.id, seq=seq, kind=event.kind, step=event.step, data=dict(event.data), at=now)
            for seq, event in enumerate(events, start=run.last_seq + 1)
        ]

    def add(self, run: UUID, entry: Entry) -> None:
        """Turn an entry into its row."""
        if isinstance(entry, StepRecord):
            self._steps.append(_step(run, entry))
        elif isinstance(entry, CallStarted):
            self._calls[entry.id] = _call(run, entry)
        elif isinstance(entry, CallText):
            self._changes.setdefault(entry.id, {})["text"] = entry.text
        elif isinstance(entry, CallEnded):
            self._changes.setdefault(entry.id, {}).update(_ending(entry))
        elif isinstance(entry, QuestionAsked):
            self._questions.append(_question(run, entry))

    def save(self) -> None:
        """Write everything."""
        for call, changes in self._changes.items():
            if call in self._calls:
                for name, value in changes.items():
                    setattr(self._calls[call], name, value)
            else:
                Call.objects.filter(id=call).update(**changes)
        Call.objects.bulk_create(self._calls.values())
        Step.objects.bulk_create(self._steps)
        HumanQuestion.objects.bulk_create(self._questions, ignore_conflicts=True)
        EventRow.objects.bulk_create(self._events)


def _step(run: UUID, record: StepRecord) -> Step:
    return Step(
        run_id=run,
        key=record.key,
        kind=record.kind,
        status=record.status,
        input_hash=record.input_hash,
        result=record.result,
        error=None if record.error is None else dict(record.error),
        started_s=record.started_s,
        seconds=record.seconds,
    )


def _call(run: UUID, started: CallStarted) -> Call:
    prices = started.spec.prices
    return Call(
        id=UUID(started.id),
        run_id=run,
        step=started.step,
        attempt=started.attempt,
        model=started.spec.name,
        provider=started.spec.provider,
        purpose=started.purpose,
        input_price=prices.input_per_million if prices else None,
        output_price=prices.output_per_million if prices else None,
        started_s=started.started_s,
    )


def _ending(ended: CallEnded) -> dict[str, Any]:
    return {
        "status": CallStatus(ended.status.value),
        "text": ended.text,
        "input_tokens": ended.usage.input_tokens,
        "output_tokens": ended.usage.output_tokens,
        "usage_estimated": ended.usage.estimated,
        "cost_usd": ended.cost_usd,
        "maybe_billed": ended.maybe_billed,
        "finish": ended.finish,
        "error": ended.error,
        "error_code": ended.error_code,
        "latency_s": ended.latency_s,
        "first_token_s": ended.first_token_s,
    }


def _question(run: UUID, asked: QuestionAsked) -> HumanQuestion:
    question = asked.question
    deadline = (
        None if question.deadline_s is None else timezone.now() + timedelta(seconds=question.deadline_s)
    )
    return HumanQuestion(
        run_id=run,
        step=asked.step,
        text=question.text,
        schema=dict(question.schema),
        default=question.default,
        deadline_at=deadline,
    )
