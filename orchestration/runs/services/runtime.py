"""The engine of a process: its loop, its writer, its leases, and the runs it is executing."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings

from orchestra_site.web.threads import close_database_thread
from orchestration.llm.engine.types import Json
from orchestration.runs import live
from orchestration.runs.engine.control import LINGER_S, RunControl, StopReason
from orchestration.runs.models import Command, CommandKind
from orchestration.runs.services.claims import received
from orchestration.runs.services.events import subscribe, unsubscribe
from orchestration.runs.services.learning import ProfileUpdater
from orchestration.runs.services.leases import LeaseHeartbeat, this_process
from orchestration.runs.services.recording.recorder import DatabaseRunLog, Recorder

logger = logging.getLogger(__name__)

Result = TypeVar("Result")
RELEASE_WITHIN_S, WRITE_WITHIN_S = 2.0, 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ActiveRun:
    """A claim that this process is executing."""

    run: UUID
    control: RunControl
    log: DatabaseRunLog


class Runtime:
    """One a process. Everything async happens on `loop`; the threads it starts end with `stop`.

    A run that receives messages stays in memory for `linger_s` seconds after one. `parked` is called after a
    run was parked, from any thread.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, *, linger_s: float = LINGER_S) -> None:
        self.loop = loop
        self.linger_s = linger_s
        self.parked: Callable[[], None] = lambda: None
        self.owner = this_process()
        self.recorder = Recorder(self._changed)
        self.heartbeat = LeaseHeartbeat(
            owner=self.owner, active=lambda: list(self._active), lost=self._lost, received=self._received
        )
        self.profile_updater = ProfileUpdater()
        self.stopping = False
        self._active: dict[UUID, ActiveRun] = {}
        self._submitted: set[Future[Any]] = set()
        self._over = False
        self._lock = threading.Lock()
        self._notifying: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Start the writer, the heartbeat and the profile updater."""
        self.recorder.start()
        self.heartbeat.start()
        self.profile_updater.start()
        subscribe(self._changed)

    def submit(self, work: Coroutine[Any, Any, Result]) -> Future[Result]:
        """Run `work` on the loop, from any other thread.

        The future is cancelled when the engine stops before the work is done.
        """
        with self._lock:
            if self._over:
                work.close()
                refused: Future[Result] = Future()
                refused.cancel()
                return refused
            future = asyncio.run_coroutine_threadsafe(work, self.loop)
            self._submitted.add(future)
        future.add_done_callback(self._submitted.discard)
        return future

    @property
    def room(self) -> int:
        """How many more runs this process should take up."""
        return max(0, int(settings.CELERY_WORKER_CONCURRENCY) - len(self._active))

    def add(self, active: ActiveRun) -> None:
        """Add a claim; one that is made while the process stops is released at once.

        An earlier claim of the same run has lost its lease and ends.
        """
        earlier = self._active.get(active.run)
        if earlier is not None:
            earlier.control.stop(StopReason.STOPPING)
        self._active[active.run] = active
        if self.stopping:
            active.control.stop(StopReason.STOPPING)

    def remove(self, active: ActiveRun) -> None:
        """Remove a claim that is over, parked or released; a later claim of the same run stays."""
        if self._active.get(active.run) is active:
            del self._active[active.run]

    async def stop(self) -> None:
        """Release all runs and write what is left, within three seconds at the most.

        What is not written by then is claimed after the next start, as after a crash. Futures of submitted
        work are cancelled.
        """
        self.stopping = True
        unsubscribe(self._changed)
        for active in list(self._active.values()):
            active.control.stop(StopReason.STOPPING)
        with self._lock:
            submitted = [asyncio.wrap_future(future) for future in self._submitted]
        if submitted:
            await asyncio.wait(submitted, timeout=RELEASE_WITHIN_S)
        await asyncio.gather(
            asyncio.to_thread(self.heartbeat.stop),
            asyncio.to_thread(self.recorder.stop, WRITE_WITHIN_S),
            asyncio.to_thread(self.profile_updater.stop),
        )
        await asyncio.to_thread(close_database_thread)
        with self._lock:
            self._over = True
            late = list(self._submitted)
        for future in late:
            future.cancel()

    def _lost(self, run: UUID) -> None:
        active = self._active.get(run)
        if active is not None:
            self.loop.call_soon_threadsafe(active.control.stop, StopReason.STOPPING)

    def _received(self, command: Command) -> None:
        active = self._active.get(command.run_id)
        if active is not None:
            self.loop.call_soon_threadsafe(_apply, active, command)

    def _changed(self, runs: set[UUID], teams: set[UUID]) -> None:
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._notify, runs, teams)

    def _notify(self, runs: set[UUID], teams: set[UUID]) -> None:
        viewed = (run for run in runs if live.has_members(live.run_group(run)))
        shown = (team for team in teams if live.has_members(live.team_group(team)))
        for notification in (*map(live.notify_run, viewed), *map(live.notify_team, shown)):
            task = self.loop.create_task(notification)
            self._notifying.add(task)
            task.add_done_callback(self._notifying.discard)


def _apply(active: ActiveRun, command: Command) -> None:
    """Apply a command; its event was emitted when it was sent."""
    kind = CommandKind(command.kind)
    if kind is CommandKind.MESSAGE:
        active.control.deliver(received(command))
        return
    if kind is CommandKind.ANSWER:
        given: dict[str, Json] = command.payload or {}
        active.control.answer(given["step"], given["answer"])
        return
    if kind is CommandKind.CANCEL:
        active.control.stop(StopReason.CANCELLED)
    elif kind is CommandKind.PAUSE:
        active.control.pause()
