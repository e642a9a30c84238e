"""Storing a run, frozen, and queueing it."""

from __future__ import annotations

import secrets

from django.db import transaction

from orchestra_site.accounts.models import Membership
from orchestration.dispatch.queueing import queue_run
from orchestration.dispatch.requests import (
    RunRequest,
    check_constraints,
    check_words,
    checked_options,
    frozen_panel,
)
from orchestration.engine.events import EventKind, RunEvent
from orchestration.models import Run
from orchestration.services.events import emit_events
from orchestration.services.recording import QueueReason


def start_run(*, membership: Membership, request: RunRequest, rerun_of: Run | None = None) -> Run:
    """Store a run and queue it once the transaction is through.

    Raises `InvalidRequest`; then nothing is stored.
    """
    run = store_run(membership=membership, request=request, rerun_of=rerun_of)
    transaction.on_commit(lambda: queue_run(run.id))
    return run


@transaction.atomic
def store_run(*, membership: Membership, request: RunRequest, rerun_of: Run | None = None) -> Run:
    """Store a run for somebody else to carry out. Raises `InvalidRequest`; then nothing is stored."""
    check_words(request)
    check_constraints(request)
    options, helpers = checked_options(request)
    panel = frozen_panel(membership, request, helpers)
    run = Run.objects.create(
        team_id=membership.team_id,
        created_by=membership.user,
        rerun_of=rerun_of,
        kind="strategy",
        ref=request.strategy,
        prompt=request.text,
        request={
            "text": request.text,
            "system": request.system,
            "options": options,
            "constraints": {
                "max_cost_usd": None if request.max_cost_usd is None else str(request.max_cost_usd),
                "max_latency_s": request.max_latency_s,
                "min_quality": request.min_quality,
                "max_calls": request.max_calls,
            },
        },
        panel=panel,
        seed=secrets.randbits(62),
    )
    emit_events(run, [RunEvent(kind=EventKind.RUN_QUEUED, data={"reason": QueueReason.NEW.value})])
    return run
