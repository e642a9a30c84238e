"""Background work: the engine of a process, its sweeper, and the task that executes a run on it."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import CancelledError
from uuid import UUID

from celery import shared_task
from celery.signals import worker_init, worker_shutdown, worker_shutting_down
from django.db import Error, connections

from orchestra_site.web.logs import ThrottledWarning
from orchestration.llm.services.resources import LoopThread, close_resources
from orchestration.runs.services.execution import execute_run
from orchestration.runs.services.queueing import EXECUTE_RUN, queue_run
from orchestration.runs.services.runtime import Runtime
from orchestration.runs.services.sweeping import has_dead_owners, seconds_to_next, sweep, wake_ready
from orchestration.runs.services.watchdog import Watchdog

_AWAY = ThrottledWarning(logging.getLogger(__name__), "The database cannot be swept (%s); trying again.")

SWEEP_EVERY_S = 15.0
LOOK_EVERY_S = 5.0
"""How often a process looks whether another one of this machine has ended: that needs no lease to lapse."""
SHORTEST_PAUSE_S = 0.1
STOP_WITHIN_S = 10.0
HAND_OVER_S = 0.2
"""Until a process that stops receives no more messages, and so not the one it sends."""

_started: list[EngineProcess] = []
_engines: list[WorkerEngine] = []


class EngineProcess:
    """A runtime with its sweeper; at most one a process."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        sweep_every_s: float = SWEEP_EVERY_S,
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        self.runtime = Runtime(loop)
        self._watchdog = Watchdog(loop)
        self._sweep_every_s = sweep_every_s
        self._look_every_s = look_every_s
        self._over = False
        self._wake = threading.Event()
        self.runtime.parked = self._wake.set
        self._sweeper = threading.Thread(target=self._sweep, name="sweeper", daemon=True)

    def start(self) -> None:
        """Start, and queue what an earlier process left behind."""
        _started.append(self)
        self._watchdog.start()
        self.runtime.start()
        self._sweeper.start()

    async def stop(self) -> None:
        """Release all runs and end within a few seconds."""
        self._over = True
        self._wake.set()
        await _stop(self.runtime)
        await self._watchdog.stop()
        if self in _started:
            _started.remove(self)

    def _sweep(self) -> None:
        """Sweep regularly, and when a process has died; in between wake runs that have waited long enough."""
        sweep_at, first = time.monotonic(), True
        while not self._over:
            self._wake.clear()
            pause = self._look_every_s
            try:
                if time.monotonic() < sweep_at and not has_dead_owners():
                    self._queue(wake_ready())
                else:
                    # What this process works on does not lapse: a lock may have kept it from renewing.
                    self.runtime.heartbeat.renew()
                    sweep_at = time.monotonic() + self._sweep_every_s
                    # At the start no other process may be there to claim what is queued.
                    self._queue(sweep(picked_up_within_s=0.0) if first else sweep())
                    first = False
                due = [seconds for seconds in (seconds_to_next(),) if seconds is not None]
                pause = max(SHORTEST_PAUSE_S, min([pause, sweep_at - time.monotonic(), *due]))
            except Error as error:
                _AWAY.warn(error)
            connections.close_all()
            self._wake.wait(pause)

    def _queue(self, runs: Sequence[UUID]) -> None:
        """Queue runs; while the broker is away, execute here as many as this process has room for."""
        for place, run in enumerate(runs):
            if not queue_run(run):
                for left in runs[place : place + self.runtime.room]:
                    self.runtime.submit(execute_run(self.runtime, left))
                return


class WorkerEngine:
    """The engine of a process that has no loop of its own."""

    def __init__(self) -> None:
        self.thread = LoopThread()
        self.process = EngineProcess(self.thread.loop)

    def start(self) -> None:
        """Start the loop and the engine on it."""
        self.thread.start()
        self.process.start()

    def stop(self) -> None:
        """Release all runs and end."""
        self.thread.wait_for(self.process.stop(), STOP_WITHIN_S)
        self.thread.stop()


@worker_init.connect
def _start_engine(**_: object) -> None:
    """Start the engine of a worker's process, unless the process has one: `up` has it on its own loop."""
    if _started:
        return
    engine = WorkerEngine()
    engine.start()
    _engines.append(engine)


@worker_shutting_down.connect
def _release(**_: object) -> None:
    """Release the runs as soon as the signal comes: Celery itself would wait until every one is over."""
    threading.Thread(target=_stop_engine, name="stopping").start()


@worker_shutdown.connect
def _stop_engine(**_: object) -> None:
    while _engines:
        _engines.pop().stop()


def execute_here(run_id: UUID) -> None:
    """Execute a run and wait until it is over or parked. Ctrl-C releases it to the workers."""
    thread = LoopThread()
    thread.start()
    runtime = Runtime(thread.loop)
    runtime.start()
    try:
        while runtime.submit(execute_run(runtime, run_id)).result():
            pass  # what it waited for came while it was parking
    finally:
        thread.wait_for(_stop(runtime), STOP_WITHIN_S)
        thread.stop()


async def _stop(runtime: Runtime) -> None:
    await runtime.stop()
    await close_resources()


@shared_task(name=EXECUTE_RUN)
def execute(run_id: str) -> None:
    """Execute a run on the engine of this process, and wait for it.

    A process that stops releases it: another claims it, or this one after its next start. Raises
    `RuntimeError` where no engine was started.
    """
    if not _started:
        raise RuntimeError("No engine was started in this process.")
    runtime = _started[-1].runtime
    try:
        again = runtime.submit(execute_run(runtime, UUID(run_id))).result()
    except CancelledError:
        again = True
    if again:
        if runtime.stopping:
            time.sleep(HAND_OVER_S)
        queue_run(UUID(run_id))
