"""How a run's owner steers it: cancel, stop, pause; and how the run says that only people can go on."""

from __future__ import annotations

import asyncio
from enum import StrEnum

SETTLING_S = 0.02


class StopReason(StrEnum):
    """Why a run's task was cancelled."""

    CANCELLED = "cancelled"  # a person cancelled the run
    STOPPING = "stopping"  # this process stops, or lost the run
    PARKED = "parked"  # only people's steps are pending, or a person paused the run


class RunControl:
    """The switch between a run's task and its owner. `reason` is set before the task is cancelled."""

    def __init__(self) -> None:
        self.reason: StopReason | None = None
        self._gate = asyncio.Event()
        self._gate.set()
        self._task: asyncio.Task[object] | None = None
        self._active = 0
        self._waiting = 0

    @property
    def paused(self) -> bool:
        """True while no new work may start."""
        return not self._gate.is_set()

    @property
    def keeps_journal(self) -> bool:
        """False when a cut-off step must be repeated later: its cancellation was not the run's own choice."""
        return self.reason in {None, StopReason.CANCELLED}

    def attach(self, task: asyncio.Task[object]) -> None:
        """Name the task that runs the run; a stop that was asked for before takes effect at once."""
        self._task = task
        if self.reason is not None:
            task.cancel()

    def stop(self, reason: StopReason) -> None:
        """End the run's task for `reason`; the first reason stays."""
        if self.reason is None:
            self.reason = reason
            if self._task is not None:
                self._task.cancel()

    def pause(self) -> None:
        """Let what is under way end, start nothing new, then park."""
        self._gate.clear()
        self._look_again()

    async def enter(self) -> None:
        """Count one piece of work as under way, waiting while the run is paused."""
        while self.paused:
            self._waiting += 1
            self._look_again()
            try:
                await self._gate.wait()
            finally:
                self._waiting -= 1
        self._active += 1

    def leave(self) -> None:
        """Count one piece of work as over."""
        self._active -= 1
        self._look_again()

    async def wait_for_people(self) -> None:
        """Wait until the run parks; never returns."""
        self._waiting += 1
        self._look_again()
        try:
            await asyncio.Event().wait()
        finally:
            self._waiting -= 1

    def _look_again(self) -> None:
        """Park once nothing but waiting is left for a moment: work about to start gets its turn."""
        if self._active == 0 and (self._waiting or self.paused):
            asyncio.get_running_loop().call_later(SETTLING_S, self._park_if_idle)

    def _park_if_idle(self) -> None:
        if self._active == 0 and self._waiting:
            self.stop(StopReason.PARKED)
