"""Whether anybody is there to carry out runs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from orchestration.runs.models import Run, RunStatus

PATIENCE = timedelta(seconds=20)


def any_alive(now: datetime) -> bool:
    """Tell whether some worker holds a lease that has not run out."""
    return Run.objects.filter(status=RunStatus.RUNNING, lease_until__gt=now).exists()


class Queued(Protocol):
    """What tells whether a run waits for a worker, and since when."""

    @property
    def status(self) -> str:
        """The run's status."""

    @property
    def queued_at(self) -> datetime:
        """When it was put into the queue."""


def is_overdue(run: Queued, now: datetime) -> bool:
    """Tell whether a run has been queued for longer than a worker takes to pick one up."""
    return run.status == RunStatus.QUEUED and now - run.queued_at > PATIENCE
