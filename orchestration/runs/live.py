"""What goes over the channel layer: doorbells that say where to look, and pieces of streaming text.

Tables are the truth. A lost message costs a moment, never an event.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Literal, TypedDict
from uuid import UUID

from channels.layers import BaseChannelLayer, get_channel_layer

from orchestra_site.web.logs import ThrottledWarning

_AWAY = ThrottledWarning(
    logging.getLogger(__name__), "The channel layer is away (%r); live pages follow every few seconds."
)

REACH_WITHIN_S = 0.5
FRAMES_A_SECOND = 10.0
MOST_FRAMES_A_SECOND = 1500.0
"""What one process fans out with room to spare (Daphne: about 2,600 websocket frames a second)."""


class RunChanged(TypedDict):
    """The run has new events."""

    type: Literal["run.changed"]
    run: str


class RunText(TypedDict):
    """A call's text goes on: from character `offset` on it reads `text`."""

    type: Literal["run.text"]
    call: str
    offset: int
    text: str


class TeamChanged(TypedDict):
    """A run of the team changed its status."""

    type: Literal["team.changed"]


_viewers: Counter[str] = Counter()


def run_group(run: UUID | str) -> str:
    """Return the channel group of those who watch a run."""
    return f"run.{run}"


def team_group(team: UUID | str) -> str:
    """Return the channel group of those who watch a team's top bar."""
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


async def notify_run(run: UUID | str) -> None:
    """Tell a run's viewers to look."""
    await _send(run_group(run), RunChanged(type="run.changed", run=str(run)))


async def notify_team(team: UUID | str) -> None:
    """Tell a team's members to look."""
    await _send(team_group(team), TeamChanged(type="team.changed"))


async def send_text(run: UUID | str, *, call: str, offset: int, text: str) -> None:
    """Send a piece of a call's text to the run's viewers."""
    await _send(run_group(run), RunText(type="run.text", call=call, offset=offset, text=text))


async def join_group(group: str, channel: str) -> bool:
    """Have a channel hear what is sent to a group; False while the layer is away or hangs."""
    return await _reach(lambda layer: layer.group_add(group, channel))


async def leave_group(group: str, channel: str) -> None:
    """Have a channel hear no more of a group; a layer that is away forgets it in time."""
    await _reach(lambda layer: layer.group_discard(group, channel))


async def _send(group: str, message: RunChanged | RunText | TeamChanged) -> None:
    """Send a message; while the layer is away or hangs it is lost, and pages look by themselves."""
    await _reach(lambda layer: layer.group_send(group, dict(message)))


async def _reach(act: Callable[[BaseChannelLayer], Awaitable[None]]) -> bool:
    """Do something with the layer; False when it is away or hangs, which the log says."""
    layer = get_channel_layer()
    if layer is None:
        return False
    try:
        async with asyncio.timeout(REACH_WITHIN_S):
            await act(layer)
    except _layer_errors() as error:
        _AWAY.warn(error)
        return False
    return True


def _layer_errors() -> tuple[type[Exception], ...]:
    """Return what goes wrong with a layer that is away."""
    from redis.exceptions import RedisError  # noqa: PLC0415  # costs memory, and one process alone has no Redis

    return (OSError, TimeoutError, RedisError)
