"""What people send to runs: cancel, pause, go on, answers, messages."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

from django.db import transaction
from django.utils import timezone

from orchestra_site.accounts.models import Membership
from orchestra_site.web.patterns import Pattern
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.runs.engine.types import EventKind, RunEvent
from orchestration.runs.kinds import KINDS
from orchestration.runs.models import Command, CommandKind, HumanQuestion, Run, RunStatus
from orchestration.runs.services.events import emit_events
from orchestration.runs.services.queueing import queue_run
from orchestration.runs.services.recording.batches import QueueReason
from orchestration.runs.services.sweeping import wake_if_ready, wake_run

LARGEST_PAYLOAD = 64_000
NUL = Pattern(r"(?:^|[^\\])(?:\\\\)*\\u0000")
"""An escaped NUL in JSON text: PostgreSQL cannot store one."""
MessageCheck = Callable[[Run, Json], Json]


@transaction.atomic
def cancel_run(*, membership: Membership, run: Run) -> None:
    """End a run: at once when no process works on it, through its lease holder otherwise.

    Raises `InvalidRequest` when it is over already.
    """
    locked = _going_on(membership, run)
    if locked.status == RunStatus.RUNNING:
        _send(locked, CommandKind.CANCEL, membership)
    else:
        end_cancelled(locked, str(membership.user))


@transaction.atomic
def pause_run(*, membership: Membership, run: Run) -> None:
    """Let a running run finish what is under way and then wait.

    Raises `InvalidRequest` when it is not running, and for a kind that is paused by messages.
    """
    locked = _going_on(membership, run)
    if locked.kind in KINDS and KINDS[locked.kind].pauses_itself:
        raise InvalidRequest("This is paused on its page by those who take part.")
    if locked.status != RunStatus.RUNNING:
        raise InvalidRequest(f"Only a running run can be paused; this one is {locked.status}.")
    _send(locked, CommandKind.PAUSE, membership)


def _send(run: Run, kind: CommandKind, membership: Membership) -> None:
    """Store a command for the lease holder, with its event, unless the same one waits for it already."""
    if run.commands.filter(kind=kind, handled_at__isnull=True).exists():
        return
    Command.objects.create(run=run, kind=kind, by=membership.user)
    data = {"kind": kind.value, "by": str(membership.user)}
    emit_events(run, [RunEvent(kind=EventKind.COMMAND_RECEIVED, data=data)])


def _going_on(membership: Membership, run: Run) -> Run:
    """Return the run, locked. Raises `InvalidRequest` when it is over."""
    locked: Run = Run.objects.visible_to(membership).select_for_update().get(id=run.id)
    if locked.is_over:
        raise InvalidRequest(f"This run is over already: it {locked.status}.")
    return locked


def resume_run(*, membership: Membership, run: Run) -> None:
    """Put a paused run back into the queue. One that waits for an answer waits again."""
    locked = Run.objects.visible_to(membership).get(id=run.id)
    if wake_run(locked.id, QueueReason.RESUMED):
        transaction.on_commit(partial(queue_run, locked.id))


@transaction.atomic
def send_message(*, membership: Membership, run: Run, payload: Json, check: MessageCheck) -> Command:
    """Store what a member says or does in a run, for a step of the run to receive.

    `check`, the run kind's own, returns the payload as the run gets it. The command's run is as it is then:
    `queued` when it waited for the message. Raises `InvalidRequest` when the run is over, and for a payload
    that is not JSON, too large or refused by `check`.
    """
    locked = _going_on(membership, run)
    _check_size(payload)
    command = Command.objects.create(
        run=locked, kind=CommandKind.MESSAGE, by=membership.user, payload=check(locked, payload)
    )
    data = {"number": command.id, "by": str(membership.user)}
    emit_events(locked, [RunEvent(kind=EventKind.MESSAGE_RECEIVED, data=data)])
    if wake_if_ready(locked.id):
        locked.refresh_from_db()
        transaction.on_commit(partial(queue_run, locked.id))
    return command


def _check_size(payload: Json) -> None:
    try:
        text = json.dumps(payload, allow_nan=False, ensure_ascii=False)
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError):
        raise InvalidRequest("This cannot be sent: it is not JSON.", field="payload") from None
    if size > LARGEST_PAYLOAD:
        too_large = f"This has {size:,} bytes; at most {LARGEST_PAYLOAD:,} can be sent. Shorten it."
        raise InvalidRequest(too_large, field="payload")
    if NUL.search(text):
        raise InvalidRequest("This has a NUL character, which cannot be stored.", field="payload")


def end_cancelled(run: Run, *by: str) -> None:
    """End the run, with an event for each member who cancelled it now; commands sent before have theirs.

    Call it in a transaction that locked the run.
    """
    now = timezone.now()
    run.commands.filter(kind=CommandKind.CANCEL, handled_at__isnull=True).update(handled_at=now)
    received = [
        RunEvent(kind=EventKind.COMMAND_RECEIVED, data={"kind": CommandKind.CANCEL.value, "by": name})
        for name in by
    ]
    totals = {"cost_usd": format(run.cost_usd, "f"), "calls": run.calls_started}
    ended = RunEvent(kind=EventKind.RUN_CANCELLED, data=totals)
    run.timers.all().delete()
    emit_events(run, [*received, ended], status=RunStatus.CANCELLED, finished_at=now, waiting_since=None)


@transaction.atomic
def answer_question(*, membership: Membership, question: HumanQuestion, answer: Json) -> None:
    """Keep a person's answer and let the run go on.

    Of several answers the first one counts. Raises `InvalidRequest` when the question was answered already,
    is for others, does not wait any more, or its run is over; and for an answer that is too large.
    """
    run = Run.objects.visible_to(membership).select_for_update().get(id=question.run_id)
    if run.is_over:
        raise InvalidRequest(f"The run that asked this is over: it {run.status}.")
    if not question.may_be_answered_by(membership):
        raise InvalidRequest(question.answerable_by or "Viewers cannot answer.")
    _check_size(answer)
    now, asked = timezone.now(), HumanQuestion.objects.filter(id=question.id)
    before = asked.select_related("answered_by").get()
    if before.answered_at is not None:
        who = (
            "You have" if before.answered_by == membership.user else f"{before.answered_by or 'Somebody'} has"
        )
        raise InvalidRequest(f"{who} answered this question already.")
    if before.is_late(now):
        raise InvalidRequest("The time to answer this has passed. The run goes on without it.")
    if not asked.unsettled().update(answer=answer, answered_at=now, answered_by=membership.user):
        raise InvalidRequest("The run does not wait for this answer any more.")
    data = {"question": str(question.id), "by": str(membership.user)}
    emit_events(run, [RunEvent(kind=EventKind.QUESTION_ANSWERED, step=question.step, data=data)])
    if run.status == RunStatus.RUNNING:
        payload = {"step": question.step, "answer": answer}
        Command.objects.create(run=run, kind=CommandKind.ANSWER, by=membership.user, payload=payload)
    if wake_run(run.id, QueueReason.ANSWERED):
        transaction.on_commit(partial(queue_run, run.id))


@transaction.atomic
def withdraw_answer(*, membership: Membership, question: HumanQuestion) -> None:
    """Take the member's answer back: possible until a process takes the run up again.

    Raises `InvalidRequest` when the run has the answer already, and for an answer of somebody else.
    """
    run = Run.objects.visible_to(membership).select_for_update().get(id=question.run_id)
    if run.status != RunStatus.QUEUED:
        raise InvalidRequest("The run has gone on with this answer already.")
    given = HumanQuestion.objects.unsettled().filter(id=question.id, answered_by=membership.user)
    if not given.update(answer=None, answered_at=None, answered_by=None):
        raise InvalidRequest("Only an answer of yours that the run has not used can be taken back.")
    unread = run.commands.filter(kind=CommandKind.ANSWER, handled_at__isnull=True)
    unread.filter(payload__step=question.step).delete()
    data = {"question": str(question.id), "by": str(membership.user)}
    emit_events(run, [RunEvent(kind=EventKind.ANSWER_WITHDRAWN, step=question.step, data=data)])
