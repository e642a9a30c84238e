"""Storing a run, frozen, and queueing it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from django.db import transaction
from django.db.models import Q

from orchestra_site.accounts.models import Membership
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.runs.engine.records import bounded
from orchestration.runs.engine.types import EventKind, RunEvent
from orchestration.runs.kinds import get_kind
from orchestration.runs.models import Run, Step
from orchestration.runs.services.events import emit_events
from orchestration.runs.services.queueing import queue_run
from orchestration.runs.services.recording.batches import QueueReason


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """The run that another comes from, if it comes from one.

    Of `replaying`, the steps under `keys` (and below them, where a key ends in "/") are copied with what they
    returned, each under the key of the new run that `keys` has for it: the new run replays them and goes on
    from there. They cost it nothing.
    """

    rerun_of: Run | None = None
    replaying: Run | None = None
    keys: Mapping[str, str] = field(default_factory=dict)


FROM_NOTHING = Origin()


def start_run(
    *, membership: Membership, kind: str, payload: Mapping[str, Json], origin: Origin = FROM_NOTHING
) -> Run:
    """Store a run and queue it once the transaction is through.

    Raises `InvalidRequest`; then nothing is stored.
    """
    run = store_run(membership=membership, kind=kind, payload=payload, origin=origin)
    transaction.on_commit(partial(queue_run, run.id))
    return run


@transaction.atomic
def store_run(
    *, membership: Membership, kind: str, payload: Mapping[str, Json], origin: Origin = FROM_NOTHING
) -> Run:
    """Store a run for a worker or a command to execute. Raises `InvalidRequest`; then nothing is stored."""
    checked = get_kind(kind).check(membership, payload)
    source = origin.replaying
    if source is not None and (source.team_id, source.kind) != (membership.team_id, kind):
        raise InvalidRequest("Only a run of the same kind and team can be gone on from.", field="replaying")
    run = Run.objects.create(
        team_id=membership.team_id,
        created_by=membership.user,
        rerun_of=origin.rerun_of or source,
        kind=kind,
        ref=checked.ref,
        prompt=checked.prompt,
        request=dict(checked.request),
        panel=list(checked.panel),
        seed=source.seed if source is not None else secrets.randbits(62),
    )
    get_kind(kind).record_start(membership, run)
    if source is not None:
        _take_over(source, origin.keys, run)
    emit_events(run, [RunEvent(kind=EventKind.RUN_QUEUED, data={"reason": QueueReason.NEW.value})])
    return run


def _take_over(source: Run, keys: Mapping[str, str], run: Run) -> None:
    """Copy ended steps of `source` into the journal of `run`, in their order. Raises `InvalidRequest`."""
    wanted = Q(key__in=keys)
    folders = [key for key in keys if key.endswith("/")]
    for folder in folders:
        wanted |= Q(key__startswith=folder)
    steps = list(source.steps.filter(wanted).order_by("id"))
    missing = keys.keys() - folders - {step.key for step in steps}
    if missing:
        raise InvalidRequest(f"That run has no ended step {min(missing)}.", field="replaying")
    for step in steps:
        part = step.key if step.key in keys else next(each for each in folders if step.key.startswith(each))
        step.key = bounded(keys[part] + step.key.removeprefix(part))
        step.pk, step.run, step.started_s, step.seconds = None, run, 0.0, 0.0
    Step.objects.bulk_create(steps)
