"""The engine of a process: its loop, its writer, its leases, and the runs it is carrying out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from orchestra_site.web.threads import close_database_thread
from orchestration import live
from orchestration.engine.context.control import RunControl, StopReason
from orchestration.engine.events import Event, EventKind
from orchestration.models import CommandKind
from orchestration.services import doorbell
from orchestration.services.keeper import Keeper
from orchestration.services.observer import Observer
from orchestration.services.owners import this_process
from orchestration.services.recording import DatabaseRunLog, Recorder

logger = logging.getLogger(__name__)

Result = TypeVar("Result")
LEAVE_WITHIN_S = 1.5


@dataclass(frozen=True, kw_only=True, slots=True)
class ActiveRun:
    """A run that this process is carrying out."""

    control: RunControl
    log: DatabaseRunLog
    over: asyncio.Event


class Runtime:
    """One a process. Everything async happens on `loop`; the threads it starts end with `stop`."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.owner = this_process()
        self.recorder = Recorder(self._changed)
        self.keeper = Keeper(owner=self.owner, active=self._held, lost=self._lost, told=self._told)
        self.observer = Observer()
        self.stopping = False
        self._active: dict[UUID, ActiveRun] = {}
        self._ringing: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Start the writer, the keeper and the observer."""
        self.recorder.start()
        self.keeper.start()
        self.observer.start()
        doorbell.hang(self._changed)

    def submit(self, work: Coroutine[Any, Any, Result]) -> Future[Result]:
        """Run `work` on the loop, from any other thread."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def hold(self, run: UUID, active: ActiveRun) -> None:
        """Start caring for a run; one that is claimed while the process stops is given back at once."""
        self._active[run] = active
        if self.stopping:
            active.control.stop(StopReason.STOPPING)

    def let_go(self, run: UUID) -> None:
        """Stop caring for a run that is over, parked or released."""
        active = self._active.pop(run, None)
        if active is not None:
            active.over.set()

    async def stop(self) -> None:
        """Give all runs back and write what is left, within four seconds at the most.

        What is not written by then is taken up after the next start like after a power cut.
        """
        self.stopping = True
        doorbell.take_down(self._changed)
        running = list(self._active.values())
        for active in running:
            active.control.stop(StopReason.STOPPING)
        if running:
            waits = [asyncio.ensure_future(active.over.wait()) for active in running]
            _, late = await asyncio.wait(waits, timeout=LEAVE_WITHIN_S)
            for wait in late:
                wait.cancel()
        await asyncio.to_thread(self._stop_threads)

    def _stop_threads(self) -> None:
        self.keeper.stop()
        self.recorder.stop(LEAVE_WITHIN_S)
        self.observer.stop()
        close_database_thread()

    def _held(self) -> list[UUID]:
        return list(self._active)

    def _lost(self, run: UUID) -> None:
        active = self._active.get(run)
        if active is not None:
            self.loop.call_soon_threadsafe(active.control.stop, StopReason.STOPPING)

    def _told(self, run: UUID, kind: CommandKind, by: str) -> None:
        active = self._active.get(run)
        if active is not None:
            self.loop.call_soon_threadsafe(_obey, active, kind, by)

    def _changed(self, runs: set[UUID], teams: set[UUID]) -> None:
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._ring, runs, teams)

    def _ring(self, runs: set[UUID], teams: set[UUID]) -> None:
        for bell in (*map(live.ring_run, runs), *map(live.ring_team, teams)):
            task = self.loop.create_task(bell)
            self._ringing.add(task)
            task.add_done_callback(self._ringing.discard)


def _obey(active: ActiveRun, kind: CommandKind, by: str) -> None:
    """Turn a person's command into an event and carry it out."""
    active.log.write(Event(kind=EventKind.COMMAND_RECEIVED, data={"kind": kind.value, "by": by}))
    if kind is CommandKind.CANCEL:
        active.control.stop(StopReason.CANCELLED)
    elif kind is CommandKind.PAUSE:
        active.control.pause()
