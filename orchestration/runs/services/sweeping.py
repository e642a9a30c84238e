"""Finding runs that no process works on although one should."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from django.db import transaction
from django.db.models import Case, Exists, Min, OuterRef, Q, QuerySet, Value, When
from django.utils import timezone

from orchestration.runs.engine.types import EventKind, RunEvent
from orchestration.runs.models import (
    Call,
    CallStatus,
    Command,
    CommandKind,
    HumanQuestion,
    Run,
    RunStatus,
    Timer,
)
from orchestration.runs.services.events import emit_events
from orchestration.runs.services.leases import is_dead
from orchestration.runs.services.recording.batches import QueueReason
from orchestration.runs.services.watchdog import StoppedProcess, stopped_processes

MOST_LAPSES = 3
PICKED_UP_WITHIN_S = 15.0
RENEWED_WITHIN_S = 2.0
WORKER_LOST = (
    f"The worker executing this run stopped {MOST_LAPSES} times without getting any further."
    " It is not tried again; see the worker's log, then run it again."
)
BLOCKED = (
    f"Work on this run's text made its worker stand still {MOST_LAPSES} times, and its process was ended."
    " It is not tried again; the worker's log shows what it was doing."
)
FAILURES = {
    QueueReason.LAPSED: ("lapses", "worker_lost", WORKER_LOST),
    QueueReason.BLOCKED: ("blocks", "blocked", BLOCKED),
}
"""By the reason why a lease lapsed: what counts it, and how a run fails that it happened to too often."""
MOST_AT_ONCE = 1000


class RunSchedule(Protocol):
    """Starts runs at set times; an app registers one in `SCHEDULES` when Django starts."""

    def start_due(self) -> None:
        """Start what is due, each once however many processes call this at the same time."""

    def seconds_to_next(self) -> float | None:
        """Return how long it is until something is due, None when nothing is."""


SCHEDULES: list[RunSchedule] = []


def sweep(
    *, picked_up_within_s: float = PICKED_UP_WITHIN_S, renewed_within_s: float = RENEWED_WITHIN_S
) -> list[UUID]:
    """Return the runs that must be queued (again), oldest first.

    Those whose lease lapsed or whose owner on this machine is dead, those that no worker picked up, and
    those that have waited long enough. After three lapses without a step in between a run fails with the
    reason. A lease whose owner may live is given `renewed_within_s` seconds with a database that can be
    written: what delayed its renewal may have been a lock.
    """
    for stopped in stopped_processes():
        _lapse_stopped(stopped)
    now = timezone.now()
    running = Run.objects.filter(status=RunStatus.RUNNING).values_list("id", "lease_owner", "lease_until")
    lapsed = [(run, is_dead(owner)) for run, owner, until in running if _is_over(owner, until, now)]
    if not all(dead for _, dead in lapsed):
        _wait_for_a_write()
        time.sleep(renewed_within_s)
    for run, _ in lapsed:
        lapse_run(run, QueueReason.LAPSED)
    now = timezone.now()
    wake_ready()
    stale = Run.objects.filter(
        status=RunStatus.QUEUED, queued_at__lte=now - timedelta(seconds=picked_up_within_s)
    )
    return list(stale.order_by("queued_at").values_list("id", flat=True)[:MOST_AT_ONCE])


def has_dead_owners() -> bool:
    """Return whether a process of this machine has ended with runs leased, or because of one."""
    owners = Run.objects.filter(status=RunStatus.RUNNING).order_by().values_list("lease_owner", flat=True)
    return bool(stopped_processes()) or any(map(is_dead, owners.distinct()))


def _is_over(owner: str, until: datetime | None, now: datetime) -> bool:
    return until is None or until < now or is_dead(owner)


def _wait_for_a_write() -> None:
    """Return as soon as the table of runs can be written."""
    with transaction.atomic():
        Run.objects.select_for_update().filter(status=RunStatus.RUNNING).first()


def _lapse_stopped(stopped: StoppedProcess) -> None:
    """End the leases of a process that a run's code had stopped: of its runs, only that one is to blame."""
    its = Run.objects.filter(status=RunStatus.RUNNING, lease_owner=stopped.owner)
    for run in its.values_list("id", flat=True):
        lapse_run(run, QueueReason.BLOCKED if run == stopped.run else QueueReason.RESTART)
    stopped.file.unlink(missing_ok=True)


def wake_ready() -> list[UUID]:
    """Start what is due and queue the waiting runs that can go on; return the latter."""
    for schedule in SCHEDULES:
        schedule.start_due()
    ready = _ready(timezone.now())[:MOST_AT_ONCE]
    return [run for run, reason in ready if wake_run(run, QueueReason(reason))]


def seconds_to_next() -> float | None:
    """Return how long it is until a waiting run can go on or something is due, None without such a moment."""
    waiting = {"run__status": RunStatus.WAITING}
    timers = Timer.objects.filter(**waiting).aggregate(at=Min("due_at"))
    open_questions = HumanQuestion.objects.unsettled().filter(answered_at=None, **waiting)
    moments = [timers["at"], open_questions.aggregate(at=Min("deadline_at"))["at"]]
    now = timezone.now()
    waits = [(moment - now).total_seconds() for moment in moments if moment is not None]
    waits += [wait for schedule in SCHEDULES if (wait := schedule.seconds_to_next()) is not None]
    return max(0.0, min(waits)) if waits else None


def _ready(now: datetime) -> QuerySet[Run, tuple[UUID, str]]:
    """Return the waiting runs that can go on, with the reason.

    They have an answer or a deadline that passed, a timer that is due, or a message to receive.
    """
    over = Q(answered_at__isnull=False) | Q(deadline_at__lte=now)
    questions = HumanQuestion.objects.unsettled().filter(over, run=OuterRef("pk"))
    timers = Timer.objects.filter(run=OuterRef("pk"))
    messages = Command.objects.filter(run=OuterRef("pk"), kind=CommandKind.MESSAGE, handled_at__isnull=True)
    reason = Case(
        When(Exists(questions), then=Value(QueueReason.ANSWERED.value)),
        When(Exists(timers.filter(due_at__lte=now)), then=Value(QueueReason.DUE.value)),
        When(
            Exists(timers.filter(for_message=True)) & Exists(messages),
            then=Value(QueueReason.MESSAGE.value),
        ),
    )
    waiting = Run.objects.filter(status=RunStatus.WAITING).annotate(reason=reason)
    ready: QuerySet[Run, tuple[UUID, str]] = waiting.filter(reason__isnull=False).values_list("id", "reason")
    return ready


@transaction.atomic
def lapse_run(run_id: UUID, reason: QueueReason) -> None:
    """End the lease of an owner that is gone: its calls are lost, its late writes refused from here on.

    The run counts how often its lease lapsed and how often its own code blocked a process; it fails at the
    third time.
    """
    run = Run.objects.select_for_update().filter(id=run_id, status=RunStatus.RUNNING).first()
    now = timezone.now()
    if run is None or not _is_over(run.lease_owner, run.lease_until, now):
        return
    calls = list(run.calls.filter(status=CallStatus.RUNNING))
    Call.objects.filter(id__in=[call.id for call in calls]).update(status=CallStatus.LOST, maybe_billed=True)
    events = [
        RunEvent(kind=EventKind.CALL_LOST, step=call.step, data={"call": str(call.id), "model": call.model})
        for call in calls
    ]
    free: dict[str, Any] = {"fence": run.fence + 1, "lease_owner": "", "lease_until": None}
    if reason in FAILURES:
        counter, code, error = FAILURES[reason]
        free[counter] = getattr(run, counter) + 1
        if free[counter] >= MOST_LAPSES:
            failed = RunEvent(kind=EventKind.RUN_FAILED, data={"error": error, "calls": run.calls_started})
            ended = {"status": RunStatus.FAILED, "error": error, "error_code": code, "finished_at": now}
            emit_events(run, [*events, failed], **free, **ended)
            return
    queued = RunEvent(kind=EventKind.RUN_QUEUED, data={"reason": reason.value})
    # An old `queued_at` makes the sweep that found the run queue it right away.
    emit_events(run, [*events, queued], **free, status=RunStatus.QUEUED, queued_at=now - timedelta(days=1))


@transaction.atomic
def wake_run(run_id: UUID, reason: QueueReason) -> bool:
    """Queue a waiting run again; False when it was not waiting."""
    run = Run.objects.select_for_update().filter(id=run_id, status=RunStatus.WAITING).first()
    if run is None:
        return False
    queued = RunEvent(kind=EventKind.RUN_QUEUED, data={"reason": reason.value})
    long_ago = timezone.now() - timedelta(days=1)
    emit_events(run, [queued], status=RunStatus.QUEUED, queued_at=long_ago, waiting_since=None)
    return True


def wake_if_ready(run_id: UUID) -> bool:
    """Queue a waiting run again if something that it waits for came; False when nothing has."""
    ready = _ready(timezone.now()).filter(id=run_id).first()
    return ready is not None and wake_run(run_id, QueueReason(ready[1]))
