"""Ending a run that was cancelled while nobody works on it."""

from __future__ import annotations

from django.utils import timezone

from orchestration.engine.events import Event, EventKind
from orchestration.models import Command, CommandKind, Run, RunStatus
from orchestration.services.events import tell


def was_cancelled(run: Run) -> bool:
    """Tell whether a person has cancelled the run: a worker may have died before it got round to it."""
    return run.commands.filter(kind=CommandKind.CANCEL).exists()


def end_cancelled(run: Run, *by: str) -> None:
    """End the run, telling who wants it (`by`, and who was not heard yet).

    Call it in a transaction that locked the run.
    """
    waiting = run.commands.filter(kind=CommandKind.CANCEL, handled_at__isnull=True).select_related("by")
    names = [*by, *(str(command.by or "somebody") for command in waiting)]
    Command.objects.filter(id__in=[command.id for command in waiting]).update(handled_at=timezone.now())
    told = [
        Event(kind=EventKind.COMMAND_RECEIVED, data={"kind": CommandKind.CANCEL.value, "by": name})
        for name in names
    ]
    ended = Event(
        kind=EventKind.RUN_CANCELLED,
        data={"cost_usd": format(run.cost_usd, "f"), "calls": run.calls_started},
    )
    now = timezone.now()
    tell(run, [*told, ended], status=RunStatus.CANCELLED, finished_at=now, waiting_since=None)
