"""Ringing for changes that were made outside a claim: a page's own words reach other viewers at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.layers import InMemoryChannelLayer, get_channel_layer

from orchestration import live

Bell = Callable[[set[UUID], set[UUID]], None]

_bells: list[Bell] = []


def hang(bell: Bell) -> None:
    """Let an engine of this process ring: it knows the loop on which the pages' sockets live."""
    _bells.append(bell)


def take_down(bell: Bell) -> None:
    """Stop ringing through an engine that ends."""
    _bells.remove(bell)


def ring(run: UUID, team: UUID) -> None:
    """Tell the run's viewers and the team to look, from any thread without a running loop.

    Without an engine here the message goes over the network; an in-memory layer then has no listeners.
    """
    if _bells:
        _bells[-1]({run}, {team})
    elif not isinstance(get_channel_layer(), InMemoryChannelLayer):
        async_to_sync(_ring)(run, team)


async def _ring(run: UUID, team: UUID) -> None:
    await asyncio.gather(live.ring_run(run), live.ring_team(team))
