"""Claiming a run: the lease, its fence, and the replay state that earlier claims left."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Max
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

READ_AT_ONCE = 500
"""Steps in one query: databases take only so many parameters."""
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
    kind = KINDS.get(run.kind)
    finished = frozenset(kind.finished_parts(run) if kind else ())
    calls = list(run.calls.values_list("cost_usd", "started_s", "latency_s"))
    timers = dict(run.timers.values_list("step", "due_at"))
    open_messages = run.commands.filter(kind=CommandKind.MESSAGE, handled_at__isnull=True)
    last_step = run.steps.aggregate(ended=Max(F("started_s") + F("seconds")))["ended"]
    return ReplayState(
        steps={row.key: _record(row) for row in _needed(run, finished)},
        emitted=frozenset(_emitted(run, finished)),
        answers=_answers(run),
        timers=timers | dict(run.questions.values_list("step", "deadline_at")),
        messages=[received(command) for command in open_messages.select_related("by").order_by("id")],
        spent=Spent(
            money=sum((cost for cost, _, _ in calls if cost), Decimal(0)),
            unknown=_unknown(run),
            calls=len(calls),
        ),
        seconds=max([last_step or 0.0, *(started + (latency or 0.0) for _, started, latency in calls)]),
    )


def _needed(run: Run, finished: Collection[str]) -> Iterator[Step]:
    """Yield the steps of a run but those of finished parts, and below a child that has ended.

    Such a child replays as a whole. What is not needed is not read: results are long.
    """
    keys = list(run.steps.values_list("id", "key", "kind", "status"))
    cancelled, child = StepStatus.CANCELLED.value, StepKind.CHILD.value
    children = {key for _, key, kind, status in keys if kind == child and status != cancelled}
    wanted = [
        pk
        for pk, key, _, _ in keys
        if _part(key) not in finished and not any(above in children for above in _above(key))
    ]
    for start in range(0, len(wanted), READ_AT_ONCE):
        yield from run.steps.filter(pk__in=wanted[start : start + READ_AT_ONCE])


def _part(key: str) -> str:
    return key.partition("/")[0]


def _above(key: str) -> Iterator[str]:
    """Yield the keys of the steps that a step may be below."""
    parts = key.split("/")
    return ("/".join(parts[:place]) for place in range(1, len(parts)))


def _emitted(run: Run, finished: Collection[str]) -> Iterator[str]:
    """Yield the digests of what was emitted; steps bring their events with them, none is emitted."""
    rows = run.events.exclude(kind=EventKind.STEP_ENDED).values_list("kind", "step", "data")
    for kind, step, data in rows.iterator():
        if _part(step) not in finished:
            yield event_digest(RunEvent(kind=kind, step=step, data=data))


def _unknown(run: Run) -> Decimal:
    """Return what was reserved for calls that may have been billed, by an amount that nobody reported."""
    open_bills = run.calls.filter(cost_usd=None).exclude(maybe_billed=False, status__in=ENDED)
    steps = dict(open_bills.values_list("id", "step"))
    started = run.events.filter(kind=EventKind.CALL_STARTED, step__in=set(steps.values()))
    ids = set(map(str, steps))
    data = [each for each in started.values_list("data", flat=True) if each.get("call") in ids]
    return sum((Decimal(each.get("reserved_usd", "0")) for each in data), Decimal(0))


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
