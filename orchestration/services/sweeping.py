"""Finding runs that nobody works on although somebody should."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from orchestration.engine.events import Event, EventKind
from orchestration.models import Call, CallStatus, HumanQuestion, Run, RunStatus, Step
from orchestration.services.events import tell
from orchestration.services.owners import is_dead
from orchestration.services.recording import QueueReason

MOST_LAPSES = 3
PICKED_UP_WITHIN_S = 15.0
MOST_AT_ONCE = 1000


def sweep(now: datetime | None = None, *, picked_up_within_s: float = PICKED_UP_WITHIN_S) -> list[UUID]:
    """Return the runs that must be queued (again), oldest first.

    Those whose lease lapsed or whose owner on this machine is dead, those nobody picked up, and those whose
    wait is over. After three lapses without a step in between a run fails with the reason.
    """
    now = now or timezone.now()
    for run_id in _abandoned(now):
        lapse_run(run_id, now)
    for run_id in _answered(now)[:MOST_AT_ONCE]:
        wake_run(run_id, QueueReason.ANSWERED)
    stale = Run.objects.filter(
        status=RunStatus.QUEUED, queued_at__lte=now - timedelta(seconds=picked_up_within_s)
    )
    return list(stale.order_by("queued_at").values_list("id", flat=True)[:MOST_AT_ONCE])


def _abandoned(now: datetime) -> list[UUID]:
    """Return the running runs whose lease is void."""
    running = Run.objects.filter(status=RunStatus.RUNNING).values_list("id", "lease_owner", "lease_until")
    return [run for run, owner, until in running if until is None or until < now or is_dead(owner)]


def _answered(now: datetime) -> QuerySet[Run, UUID]:
    """Return the waiting runs that have an answer, or a deadline that passed, not yet taken up."""
    taken_up = Step.objects.filter(run=OuterRef("run"), key=OuterRef("step"))
    over = Q(answered_at__isnull=False) | Q(deadline_at__lte=now)
    questions = HumanQuestion.objects.filter(over, ~Exists(taken_up), run=OuterRef("pk"))
    waiting = Run.objects.filter(Exists(questions), status=RunStatus.WAITING)
    return waiting.values_list("id", flat=True)


@transaction.atomic
def lapse_run(run_id: UUID, now: datetime) -> None:
    """Take a run from an owner that is gone: its calls are lost, its late writes refused from here on."""
    run = Run.objects.select_for_update().filter(id=run_id, status=RunStatus.RUNNING).first()
    if run is None or not (run.lease_until is None or run.lease_until < now or is_dead(run.lease_owner)):
        return
    calls = list(run.calls.filter(status=CallStatus.RUNNING))
    Call.objects.filter(id__in=[call.id for call in calls]).update(status=CallStatus.LOST, maybe_billed=True)
    events = [
        Event(kind=EventKind.CALL_LOST, step=call.step, data={"call": str(call.id), "model": call.model})
        for call in calls
    ]
    free = {"fence": run.fence + 1, "lapses": run.lapses + 1, "lease_owner": "", "lease_until": None}
    if run.lapses + 1 >= MOST_LAPSES:
        reason = (
            f"The worker carrying this run out stopped {MOST_LAPSES} times without getting any further."
            " It is not tried again; see the worker's log, then run it again."
        )
        failed = Event(kind=EventKind.RUN_FAILED, data={"error": reason, "calls": run.calls_started})
        ended = {"status": RunStatus.FAILED, "error": reason, "error_code": "worker_lost", "finished_at": now}
        tell(run, [*events, failed], **free, **ended)
        return
    queued = Event(kind=EventKind.RUN_QUEUED, data={"reason": QueueReason.LAPSED.value})
    # An old `queued_at` makes the sweep that found the run queue it right away.
    tell(run, [*events, queued], **free, status=RunStatus.QUEUED, queued_at=now - timedelta(days=1))


@transaction.atomic
def wake_run(run_id: UUID, reason: QueueReason) -> bool:
    """Queue a waiting run again; False when it was not waiting."""
    run = Run.objects.select_for_update().filter(id=run_id, status=RunStatus.WAITING).first()
    if run is None:
        return False
    queued = Event(kind=EventKind.RUN_QUEUED, data={"reason": reason.value})
    tell(
        run,
        [queued],
        status=RunStatus.QUEUED,
        queued_at=timezone.now() - timedelta(days=1),
        waiting_since=None,
    )
    return True


def wake_if_answered(run_id: UUID) -> bool:
    """Queue a run again whose answer came while it was parking."""
    return _answered(timezone.now()).filter(id=run_id).exists() and wake_run(run_id, QueueReason.ANSWERED)
