"""Claiming a run: the lease, its fence, and the replay state that earlier claims left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from orchestration.runs.engine.budget import Limits, Spent
from orchestration.runs.engine.claim import ReplayState
from orchestration.runs.engine.records import StepKind, StepRecord, event_digest
from orchestration.runs.engine.types import EventKind, Person, Received, RunEvent, StepStatus
from orchestration.runs.kinds import KINDS, FrozenRun, RunKind
from orchestration.runs.models import (
    CallStatus,
    Command,
    CommandKind,
    HumanQuestion,
    Run,
    RunStatus,
    Step,
)
from orchestration.runs.services.commands import end_cancelled
from orchestration.runs.services.events import emit_events
from orchestration.runs.services.leases import LEASE_S
from orchestration.runs.services.recording.tables import COMMANDS, STEPS, queued_run

ENDED = (CallStatus.DONE, CallStatus.FAILED, CallStatus.CANCELLED, CallStatus.LOST)


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """A run that this process may work on until the fence is raised."""

    run: FrozenRun
    fence: int
    limits: Limits
    replay: ReplayState


def claim_run(run_id: UUID, owner: str) -> Claim | None:
    """Claim a queued run for `owner`; None when it is not queued (any more).

    One that was cancelled before its worker died is not claimed again: it ends.
    """
    with transaction.atomic():
        run = queued_run(run_id)
        if run is None:
            return None
        first = run.fence == 0
        if not first and run.commands.filter(kind=CommandKind.CANCEL).exists():
            end_cancelled(run)
            return None
        now = timezone.now()
        event = RunEvent(
            kind=EventKind.RUN_STARTED if first else EventKind.RUN_RESUMED, data={"claim": run.fence + 1}
        )
        changes: dict[str, Any] = {
            "status": RunStatus.RUNNING,
            "fence": run.fence + 1,
            "lease_owner": owner,
            "lease_until": now + timedelta(seconds=LEASE_S),
            "waiting_since": None,
        }
        if run.started_at is None:
            changes["started_at"] = now
        emit_events(run, [event], **changes)
        # A first claim may start from the steps of another run.
        is_new = first and not STEPS.with_rows(run_id) and not COMMANDS.with_rows(run_id)
    return Claim(
        run=_frozen(run),
        fence=run.fence,
        limits=_limits(run.request.get("constraints", {}), KINDS.get(run.kind)),
        replay=ReplayState() if is_new else _replay_state(run),
    )


def _frozen(run: Run) -> FrozenRun:
    return FrozenRun(
        run=run.id,
        team=run.team_id,
        kind=run.kind,
        ref=run.ref,
        request=run.request,
        panel=run.panel,
        seed=run.seed,
    )


def _limits(constraints: dict[str, Any], kind: RunKind | None) -> Limits:
    money = constraints.get("max_cost_usd")
    return Limits(
        steps_in_all=RunKind.most_steps if kind is None else kind.most_steps,
        money=None if money is None else Decimal(money),
        calls=constraints.get("max_calls"),
        seconds=constraints.get("max_latency_s"),
    )


def _replay_state(run: Run) -> ReplayState:
    """Read what ended, what was emitted, what people answered, what was spent and how long it took."""
    steps = {row.key: _record(row) for row in _needed(run)}
    calls = list(run.calls.values_list("cost_usd", "started_s", "latency_s"))
    rows = run.events.exclude(kind=EventKind.STEP_ENDED)  # steps bring these with them; none is emitted
    events = [RunEvent(kind=e.kind, step=e.step, data=e.data) for e in rows]
    timers = dict(run.timers.values_list("step", "due_at"))
    open_messages = run.commands.filter(kind=CommandKind.MESSAGE, handled_at__isnull=True)
    ends = [step.started_s + step.seconds for step in steps.values()]
    ends += [started + (latency or 0.0) for _, started, latency in calls]
    return ReplayState(
        steps=steps,
        emitted=frozenset(event_digest(event) for event in events),
        answers=_answers(run),
        timers=timers | dict(run.questions.values_list("step", "deadline_at")),
        messages=[received(command) for command in open_messages.select_related("by").order_by("id")],
        spent=Spent(
            money=sum((cost for cost, _, _ in calls if cost), Decimal(0)),
            unknown=_unknown(run, events),
            calls=len(calls),
        ),
        seconds=max(ends, default=0.0),
    )


def _needed(run: Run) -> Iterator[Step]:
    """Yield the steps of a run but those below a child that has ended: it replays as a whole."""
    rows = run.steps.exclude(status=StepStatus.CANCELLED.value)
    children = set(rows.filter(kind=StepKind.CHILD.value).values_list("key", flat=True))
    for row in run.steps.iterator():
        parts = row.key.split("/")
        if not children or not any("/".join(parts[:place]) in children for place in range(1, len(parts))):
            yield row


def _unknown(run: Run, events: Iterable[RunEvent]) -> Decimal:
    """Return what was reserved for calls that may have been billed, by an amount that nobody reported."""
    open_bills = run.calls.filter(cost_usd=None).exclude(maybe_billed=False, status__in=ENDED)
    ids = {str(call) for call in open_bills.values_list("id", flat=True)}
    started = (e.data for e in events if e.kind == EventKind.CALL_STARTED and e.data.get("call") in ids)
    return sum((Decimal(data.get("reserved_usd", "0")) for data in started), Decimal(0))


def _record(row: Step) -> StepRecord:
    return StepRecord(
        key=row.key,
        kind=StepKind(row.kind),
        status=StepStatus(row.status),
        input_hash=row.input_hash,
        result=row.result,
        error=row.error,
        started_s=row.started_s,
        seconds=row.seconds,
    )


def received(command: Command) -> Received:
    """Return a message as a run receives it."""
    name = str(command.by or "somebody")
    person = Person(id="" if command.by is None else str(command.by.id), name=name)
    return Received(number=command.id, by=person, payload=command.payload)


def _answers(run: Run) -> dict[str, Any]:
    """Return people's answers, and the default where the deadline passed without one."""
    now = timezone.now()
    return {
        question.step: question.answer if question.answered_at else question.default
        for question in HumanQuestion.objects.filter(run=run)
        if question.answered_at or (question.deadline_at and question.deadline_at <= now)
    }
