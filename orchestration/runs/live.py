"""Messages over the channel layer: notifications that a run or a team has changed, and streamed text.

Tables are the truth: a lost message delays a page by a moment, and no event is lost with it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal, TypedDict
from uuid import UUID

from channels import DEFAULT_CHANNEL_LAYER
from channels.layers import BaseChannelLayer, InMemoryChannelLayer, channel_layers

from orchestra_site.web.logs import ThrottledWarning

_AWAY = ThrottledWarning(
    logging.getLogger(__name__), "The channel layer does not answer (%r); live pages query every few seconds."
)

ANSWERS_WITHIN_S = 0.5
FRAMES_A_SECOND = 10.0
LONGEST_SENT = 200_001
"""Characters of a text that are sent: as many as a page shows, and one that tells that there is more."""
MOST_FRAMES_A_SECOND = 1500.0
"""Well below what one process can send (Daphne: about 2,600 websocket frames a second)."""


class RunChanged(TypedDict):
    """The run has new events."""

    type: Literal["run.changed"]


class RunText(TypedDict):
    """A call's text has grown: from character `offset` on it is `text`."""

    type: Literal["run.text"]
    call: str
    offset: int
    text: str


class TeamChanged(TypedDict):
    """A run of the team changed its status."""

    type: Literal["team.changed"]


_viewers: Counter[str] = Counter()


def run_group(run: UUID | str) -> str:
    """Return the channel group of a run's viewers."""
    return f"run.{run}"


def team_group(team: UUID | str) -> str:
    """Return the channel group of the pages that show a team's top bar."""
    return f"team.{team}"


def viewer_joined(run: UUID | str) -> None:
    """Count one more viewer of a run in this process."""
    _viewers[str(run)] += 1


def viewer_left(run: UUID | str) -> None:
    """Count one viewer of a run less."""
    _viewers[str(run)] -= 1
    if _viewers[str(run)] <= 0:
        del _viewers[str(run)]


def frame_interval(run: UUID | str, lanes: int) -> float:
    """Return the seconds between two frames of a lane: ten a second, fewer as lanes times viewers grow."""
    return max(1 / FRAMES_A_SECOND, _viewers[str(run)] * lanes / MOST_FRAMES_A_SECOND)


def has_members(group: str) -> bool:
    """Return whether somebody may be subscribed to a group: in memory, all who are stand in this process."""
    layer = channel_layers[DEFAULT_CHANNEL_LAYER]
    return not isinstance(layer, InMemoryChannelLayer) or group in layer.groups


async def notify_run(run: UUID | str) -> None:
    """Notify a run's viewers of new events."""
    message = RunChanged(type="run.changed")
    async with _layer() as layer:
        await layer.group_send(run_group(run), dict(message))


async def notify_team(team: UUID | str) -> None:
    """Notify a team's pages that a run changed its status."""
    message = TeamChanged(type="team.changed")
    async with _layer() as layer:
        await layer.group_send(team_group(team), dict(message))


async def send_text(run: UUID | str, *, call: str, offset: int, text: str) -> None:
    """Send the new part of a call's text to the run's viewers."""
    message = RunText(type="run.text", call=call, offset=offset, text=text)
    async with _layer() as layer:
        await layer.group_send(run_group(run), dict(message))


async def join_group(group: str, channel: str) -> bool:
    """Subscribe a channel to what is sent to a group; False while the layer does not answer."""
    async with _layer() as layer:
        await layer.group_add(group, channel)
        return True
    return False


async def leave_group(group: str, channel: str) -> None:
    """End a channel's subscription; a layer that does not answer drops it when it expires."""
    async with _layer() as layer:
        await layer.group_discard(group, channel)


@asynccontextmanager
async def _layer() -> AsyncIterator[BaseChannelLayer]:
    """Give the channel layer for at most half a second.

    While it does not answer, messages are lost, which the log says; pages then query by themselves.
    """
    try:
        async with asyncio.timeout(ANSWERS_WITHIN_S):
            yield channel_layers[DEFAULT_CHANNEL_LAYER]
    except _layer_errors() as error:
        _AWAY.warn(error)


def _layer_errors() -> tuple[type[Exception], ...]:
    """Return what goes wrong with a layer that is away."""
    from redis.exceptions import RedisError  # noqa: PLC0415  # costs memory, and one process alone has no Redis

    return (OSError, TimeoutError, RedisError)
