"""Events that are told from outside a claim: queueing, lapsing, a person's word."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from orchestration.engine.events import Event
from orchestration.models import Event as EventRow
from orchestration.models import Run
from orchestration.services.doorbell import ring


def tell(run: Run, events: Sequence[Event], **changes: object) -> None:
    """Change the run's columns, append numbered events, and ring once that is committed.

    Call it in the transaction that locked (or made) the run, with the run as it was read there.
    """
    EventRow.objects.bulk_create(
        EventRow(run=run, seq=seq, kind=event.kind, step=event.step, data=dict(event.data))
        for seq, event in enumerate(events, start=run.last_seq + 1)
    )
    changes["last_seq"] = run.last_seq + len(events)
    Run.objects.filter(id=run.id).update(**changes)
    for name, value in changes.items():
        setattr(run, name, value)
    transaction.on_commit(lambda: ring(run.id, run.team_id), robust=True)
