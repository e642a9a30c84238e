"""Everything in one process: web server, worker and engine on one event loop."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO

from celery.platforms import EX_OK
from celery.worker import WorkController, state
from daphne.server import Server, twisted_loop
from twisted.internet import defer, reactor

from orchestra_site.celery import app as celery_app
from orchestra_site.web.limits import Application
from orchestration.tasks import EngineProcess
from orchestration.wiring.loops import stop_pages
from orchestration.wiring.resources import close_resources

logger = logging.getLogger(__name__)

LEAVE_WITHIN_S = 0.5


class AlreadyRunning(Exception):
    """Another process serves this data folder."""


class DataFolderLock:
    """Held by the one process that serves a data folder; the kernel gives it back when the process ends."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "up.lock"
        self._file: IO[str] | None = None

    def take(self) -> None:
        """Take the lock. Raises `AlreadyRunning` naming the process that holds it."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = self._path.open("a+", encoding="ascii")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            holder = file.read().strip()
            file.close()
            raise AlreadyRunning(holder) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        self._file = file


class EmbeddedServer:
    """Daphne, with the engine on its loop and a Celery worker in a thread."""

    def __init__(
        self, application: Application, *, host: str, port: int, ready: Callable[[int], None]
    ) -> None:
        self._engine = EngineProcess(twisted_loop)
        self._worker = _worker()
        self._ready = ready
        self._listening = False
        self._server = Server(
            application,
            endpoints=[f"tcp:port={port}:interface={host.replace(':', chr(92) + ':')}"],
            server_name="orchestra",
            application_close_timeout=1,
            ready_callable=self._start,
            verbosity=0,
        )

    def run(self) -> bool:
        """Serve until Ctrl-C or SIGTERM; False when the port was taken."""
        reactor.addSystemEventTrigger("before", "shutdown", self._stop)  # type: ignore[arg-type]  # its stub shifts them
        self._server.run()
        return self._listening

    def _start(self) -> None:
        reactor.callWhenRunning(self._started)

    def _started(self) -> None:
        """Start the engine once the port is ours."""
        self._listening = bool(self._server.listening_addresses)
        if self._listening:
            self._engine.start()
            threading.Thread(target=self._worker.start, name="worker", daemon=True).start()
            self._ready(self._server.listening_addresses[0][1])

    def _stop(self) -> defer.Deferred[None]:
        """Give the runs back before the loop ends; the threads that wait for them end with them."""
        if not self._listening:
            return defer.succeed(None)
        state.should_stop = EX_OK  # type: ignore[assignment]  # the worker's thread looks at it between two messages
        return defer.Deferred.fromFuture(twisted_loop.create_task(self._end()))

    async def _end(self) -> None:
        await self._engine.stop()
        await asyncio.to_thread(stop_pages, close_resources)


def leave_soon() -> None:
    """End the process even if one of its threads still waits for the database when it should be over."""
    watchdog = threading.Timer(LEAVE_WITHIN_S, os._exit, [EX_OK])
    watchdog.daemon = True
    watchdog.start()


def _worker() -> WorkController:
    """Return a Celery worker that can live in a thread."""
    celery_app.set_default()
    return celery_app.WorkController(
        pool="threads",
        concurrency=celery_app.conf.worker_concurrency,
        loglevel="WARNING",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        send_events=False,
    )
