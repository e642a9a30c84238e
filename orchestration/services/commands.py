"""What people tell runs: cancel, pause, go on."""

from __future__ import annotations

from django.db import transaction

from orchestra_site.accounts.models import Membership
from orchestration.engine.errors import InvalidRequest
from orchestration.models import Command, CommandKind, Run, RunStatus
from orchestration.services.cancelling import end_cancelled
from orchestration.services.recording import QueueReason
from orchestration.services.sweeping import wake_run


def cancel_run(*, membership: Membership, run: Run) -> None:
    """End a run: at once when nobody works on it, through its lease holder otherwise.

    Raises `InvalidRequest` when it is over already.
    """
    _send(membership, run, CommandKind.CANCEL)


def pause_run(*, membership: Membership, run: Run) -> None:
    """Let a running run finish what is under way and then wait.

    Raises `InvalidRequest` when it is not running.
    """
    _send(membership, run, CommandKind.PAUSE)


def resume_run(*, membership: Membership, run: Run) -> bool:
    """Put a paused run back into the queue; False when it was not waiting.

    A run that waits for an answer waits again.
    """
    held = Run.objects.visible_to(membership).get(id=run.id)
    return wake_run(held.id, QueueReason.RESUMED)


@transaction.atomic
def _send(membership: Membership, run: Run, kind: CommandKind) -> None:
    held = Run.objects.visible_to(membership).select_for_update().get(id=run.id)
    if held.is_over:
        raise InvalidRequest(f"This run is over already: it {held.status}.")
    if held.status == RunStatus.RUNNING:
        Command.objects.create(run=held, kind=kind, by=membership.user)
        return
    if kind is not CommandKind.CANCEL:
        raise InvalidRequest(f"Only a running run can be paused; this one is {held.status}.")
    end_cancelled(held, str(membership.user))
