"""The engine of this process: started once, swept regularly, stopped when the process ends."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Sequence
from uuid import UUID

from django.db import Error, connections

from orchestration.dispatch import queue_run
from orchestration.services.execution import execute_run
from orchestration.services.runtime import Runtime
from orchestration.services.sweeping import seconds_to_next, sweep, wake_ready
from orchestration.wiring.resources import close_resources

logger = logging.getLogger(__name__)

SWEEP_EVERY_S = 15.0
SHORTEST_PAUSE_S = 0.1

_started: list[EngineProcess] = []


class EngineProcess:
    """A runtime with its sweeper; at most one a process."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.runtime = Runtime(loop)
        self._over = False
        self._wake = threading.Event()
        self.runtime.parked = self._wake.set
        self._sweeper = threading.Thread(target=self._sweep, name="sweeper", daemon=True)

    def start(self) -> None:
        """Start, and queue what an earlier process left behind."""
        _started.append(self)
        self.runtime.start()
        self._sweeper.start()

    async def stop(self) -> None:
        """Give all runs back and end within a few seconds."""
        self._over = True
        self._wake.set()
        await self.runtime.stop()
        await close_resources()

    def _sweep(self) -> None:
        """Sweep regularly; in between wake the runs that have waited long enough."""
        sweep_at, first = time.monotonic(), True
        while not self._over:
            self._wake.clear()
            pause = SWEEP_EVERY_S
            try:
                if time.monotonic() < sweep_at:
                    self._see_to(wake_ready())
                else:
                    sweep_at = time.monotonic() + SWEEP_EVERY_S
                    # At the start nobody else is there to pick up what waits.
                    self._see_to(sweep(picked_up_within_s=0.0) if first else sweep())
                    first = False
                due = [seconds for seconds in (seconds_to_next(),) if seconds is not None]
                pause = max(SHORTEST_PAUSE_S, min([sweep_at - time.monotonic(), *due]))
            except Error as error:
                logger.warning("The database cannot be swept (%s); trying again.", error)
            connections.close_all()
            self._wake.wait(pause)

    def _see_to(self, runs: Sequence[UUID]) -> None:
        """Queue runs; while the broker is away, carry out here as many as this process has room for."""
        for place, run in enumerate(runs):
            if not queue_run(run):
                for left in runs[place : place + self.runtime.room]:
                    self.runtime.submit(execute_run(self.runtime, left))
                return


def this_runtime() -> Runtime:
    """Return the engine of this process, which may be stopping. Raises `RuntimeError` when there is none."""
    if not _started:
        message = "No engine was started in this process."
        raise RuntimeError(message)
    return _started[-1].runtime
