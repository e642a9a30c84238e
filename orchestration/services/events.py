"""Events that are told from outside a claim: queueing, lapsing, a person's word."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.db.models import F

from orchestration.engine.events import Event
from orchestration.models import Event as EventRow
from orchestration.models import Run
from orchestration.services.doorbell import ring


def tell(run: Run, events: Sequence[Event], **changes: object) -> None:
    """Change the run's columns, append numbered events, and ring once that is committed.

    Call it in a transaction that locked the run.
    """
    Run.objects.filter(id=run.id).update(last_seq=F("last_seq") + len(events), **changes)
    run.refresh_from_db(fields=["last_seq", *changes])
    first = run.last_seq - len(events) + 1
    EventRow.objects.bulk_create(
        EventRow(run=run, seq=seq, kind=event.kind, step=event.step, data=dict(event.data))
        for seq, event in enumerate(events, start=first)
    )
    transaction.on_commit(lambda: ring(run.id, run.team_id))
