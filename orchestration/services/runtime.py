"""The engine of a process: its loop, its writer, its leases, and the runs it is carrying out."""

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
from orchestration import live
from orchestration.engine.context.control import LINGER_S, RunControl, StopReason
from orchestration.engine.events import Event, EventKind
from orchestration.engine.types import Json
from orchestration.models import Command, CommandKind
from orchestration.services.claims import received
from orchestration.services.events import subscribe, unsubscribe
from orchestration.services.leases import Keeper, this_process
from orchestration.services.observer import Observer
from orchestration.services.recording import DatabaseRunLog, Recorder

logger = logging.getLogger(__name__)

Result = TypeVar("Result")
GIVE_BACK_WITHIN_S, WRITE_WITHIN_S = 1.5, 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ActiveRun:
    """A run that this process is carrying out."""

    control: RunControl
    log: DatabaseRunLog
    over: asyncio.Event


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
        self.keeper = Keeper(owner=self.owner, active=self._held, lost=self._lost, told=self._told)
        self.observer = Observer()
        self.stopping = False
        self._active: dict[UUID, ActiveRun] = {}
        self._waited_for: set[Future[Any]] = set()
        self._over = False
        self._lock = threading.Lock()
        self._ringing: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Start the writer, the keeper and the observer."""
        self.recorder.start()
        self.keeper.start()
        self.observer.start()
        subscribe(self._changed)

    def submit(self, work: Coroutine[Any, Any, Result]) -> Future[Result]:
        """Run `work` on the loop, from any other thread.

        The future is cancelled when the engine stops before the work is done.
        """
        with self._lock:
            if self._over:
                work.close()
                return _cancelled()
            future = asyncio.run_coroutine_threadsafe(work, self.loop)
            self._waited_for.add(future)
        future.add_done_callback(self._waited_for.discard)
        return future

    @property
    def room(self) -> int:
        """How many more runs this process should take up."""
        return max(0, int(settings.CELERY_WORKER_CONCURRENCY) - len(self._active))

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
        """Give all runs back and write what is left, within three seconds at the most.

        What is not written by then is taken up after the next start like after a power cut. Nobody is left
        waiting for work that will not be done.
        """
        self.stopping = True
        unsubscribe(self._changed)
        running = list(self._active.values())
        for active in running:
            active.control.stop(StopReason.STOPPING)
        if running:
            waits = [asyncio.ensure_future(active.over.wait()) for active in running]
            _, late = await asyncio.wait(waits, timeout=GIVE_BACK_WITHIN_S)
            for wait in late:
                wait.cancel()
        await asyncio.gather(
            asyncio.to_thread(self.keeper.stop),
            asyncio.to_thread(self.recorder.stop, WRITE_WITHIN_S),
            asyncio.to_thread(self.observer.stop),
        )
        await asyncio.to_thread(close_database_thread)
        self._let_everybody_go()

    def _let_everybody_go(self) -> None:
        with self._lock:
            self._over = True
            waited_for = list(self._waited_for)
        for future in waited_for:
            future.cancel()

    def _held(self) -> list[UUID]:
        return list(self._active)

    def _lost(self, run: UUID) -> None:
        active = self._active.get(run)
        if active is not None:
            self.loop.call_soon_threadsafe(active.control.stop, StopReason.STOPPING)

    def _told(self, command: Command) -> None:
        active = self._active.get(command.run_id)
        if active is not None:
            self.loop.call_soon_threadsafe(_obey, active, command)

    def _changed(self, runs: set[UUID], teams: set[UUID]) -> None:
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._ring, runs, teams)

    def _ring(self, runs: set[UUID], teams: set[UUID]) -> None:
        for bell in (*map(live.ring_run, runs), *map(live.ring_team, teams)):
            task = self.loop.create_task(bell)
            self._ringing.add(task)
            task.add_done_callback(self._ringing.discard)


def _obey(active: ActiveRun, command: Command) -> None:
    """Carry a person's command out; what had no event when it was sent gets one."""
    kind = CommandKind(command.kind)
    if kind is CommandKind.MESSAGE:
        active.control.deliver(received(command))
        return
    if kind is CommandKind.ANSWER:
        given: dict[str, Json] = command.payload or {}
        active.control.answer(given["step"], given["answer"])
        return
    data = {"kind": kind.value, "by": str(command.by or "somebody")}
    active.log.write(Event(kind=EventKind.COMMAND_RECEIVED, data=data))
    if kind is CommandKind.CANCEL:
        active.control.stop(StopReason.CANCELLED)
    elif kind is CommandKind.PAUSE:
        active.control.pause()


def _cancelled() -> Future[Any]:
    future: Future[Any] = Future()
    future.cancel()
    return future
