"""What goes over the channel layer: doorbells that say where to look, and pieces of streaming text.

Tables are the truth. A lost message costs a moment, never an event.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from typing import Literal, TypedDict
from uuid import UUID

from channels.layers import get_channel_layer

logger = logging.getLogger(__name__)

SEND_WITHIN_S = 0.5
QUIET_S = 10.0
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


async def ring_run(run: UUID | str) -> None:
    """Tell a run's viewers to look."""
    await _send(run_group(run), RunChanged(type="run.changed", run=str(run)))


async def ring_team(team: UUID | str) -> None:
    """Tell a team's members to look."""
    await _send(team_group(team), TeamChanged(type="team.changed"))


async def send_text(run: UUID | str, *, call: str, offset: int, text: str) -> None:
    """Send a piece of a call's text to the run's viewers."""
    await _send(run_group(run), RunText(type="run.text", call=call, offset=offset, text=text))


async def _send(group: str, message: RunChanged | RunText | TeamChanged) -> None:
    """Send a message; while the layer is away or hangs it is lost, and pages look by themselves."""
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        async with asyncio.timeout(SEND_WITHIN_S):
            await layer.group_send(group, dict(message))
    except _layer_errors() as error:
        _LOST.tell(error)


class _Lost:
    """Says in the log, not too often, that messages are lost."""

    def __init__(self) -> None:
        self._quiet_until = 0.0

    def tell(self, error: Exception) -> None:
        """Warn, unless that was done a moment ago."""
        now = time.monotonic()
        if now >= self._quiet_until:
            self._quiet_until = now + QUIET_S
            logger.warning(
                "The channel layer is away (%s); live pages follow every few seconds.", repr(error)
            )


_LOST = _Lost()


def _layer_errors() -> tuple[type[Exception], ...]:
    """Return what goes wrong with a layer that is away."""
    from redis.exceptions import RedisError  # noqa: PLC0415  # costs memory, and one process alone has no Redis

    return (OSError, TimeoutError, RedisError)
