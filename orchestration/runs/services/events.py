"""Events that are emitted outside a claim, and the notifications of pages about them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.layers import InMemoryChannelLayer, get_channel_layer
from django.db import transaction

from orchestration.runs import live
from orchestration.runs.engine.types import RunEvent
from orchestration.runs.models import Run
from orchestration.runs.services.recording.tables import EVENTS, RUNS

Notify = Callable[[set[UUID], set[UUID]], None]

_subscribed: list[Notify] = []


def emit_events(run: Run, events: Sequence[RunEvent], **changes: object) -> None:
    """Change the run's columns, append numbered events, and notify pages once that is committed.

    Call it in the transaction that locked (or made) the run, with the run as it was read there.
    """
    rows = [
        {"run_id": run.id, "seq": seq, "kind": event.kind, "step": event.step, "data": dict(event.data)}
        for seq, event in enumerate(events, start=run.last_seq + 1)
    ]
    changes["last_seq"] = run.last_seq + len(events)
    EVENTS.insert(rows)
    RUNS.update({run.id: changes})
    for name, value in changes.items():
        setattr(run, name, value)
    transaction.on_commit(lambda: notify(run.id, run.team_id), robust=True)


def subscribe(engine: Notify) -> None:
    """Notify through an engine of this process: it knows the loop on which the pages' sockets live."""
    _subscribed.append(engine)


def unsubscribe(engine: Notify) -> None:
    """Notify no longer through an engine that ends."""
    _subscribed.remove(engine)


def notify(run: UUID, team: UUID) -> None:
    """Notify the run's viewers and the team, from any thread without a running loop.

    Without an engine here the message goes over the network; an in-memory layer then has no listeners.
    """
    if _subscribed:
        _subscribed[-1]({run}, {team})
    elif not isinstance(get_channel_layer(), InMemoryChannelLayer):
        async_to_sync(_notify)(run, team)


async def _notify(run: UUID, team: UUID) -> None:
    await asyncio.gather(live.notify_run(run), live.notify_team(team))
