"""Start everything in one process: web server, worker and engine on one event loop."""

from __future__ import annotations

import asyncio
import fcntl
import os
import threading
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import IO

from celery.platforms import EX_OK
from celery.worker import state
from daphne.server import Server, twisted_loop
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from twisted.internet import defer, reactor

from orchestra_site.celery import app as celery_app
from orchestra_site.web.sockets import Application
from orchestration.llm.services.registry.seeding import prepare_installation
from orchestration.llm.services.resources import stop_pages
from orchestration.runs.tasks import EngineProcess

EXIT_TIMEOUT_S = 0.5


class Command(BaseCommand):
    """`manage.py up`: prepare the database, then serve the site and execute runs until Ctrl-C."""

    help = "Start Orchestra: database, web server and worker in one process."
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define where to listen, and whether an empty installation gets a demo team."""
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
        parser.add_argument("--port", type=int, default=8000, help="port (8000); 0 picks a free one")
        parser.add_argument("--no-demo", action="store_true", help="create no demo team on the first start")

    def handle(self, *, host: str, port: int, no_demo: bool, **_: object) -> None:
        """Prepare and serve."""
        try:
            self._lock = lock_folder(settings.DATA_DIR)
        except AlreadyRunning as running:
            raise CommandError(
                f"Orchestra already runs on {settings.DATA_DIR} (process {running})."
                " Stop that one first, or set ORCHESTRA_DATA_DIR to another folder."
            ) from None
        for line in prepare_installation(demo=not no_demo):
            self.stdout.write(line)
        from orchestra_site.asgi import application  # noqa: PLC0415  # builds the site

        shown = f"[{host}]" if ":" in host else host
        server = EmbeddedServer(
            application,
            host=host,
            port=port,
            ready=lambda bound: self._report_ready(f"http://{shown}:{bound}/"),
        )
        if not server.run():
            raise CommandError(f"Port {port} on {host} is in use. Choose another one with --port.")
        self.stdout.write("Stopped. Runs that were under way continue after the next start.")
        self.stdout.flush()
        # End the process soon, even if one of its threads still waits for the database.
        watchdog = threading.Timer(EXIT_TIMEOUT_S, os._exit, [EX_OK])
        watchdog.daemon = True
        watchdog.start()

    def _report_ready(self, address: str) -> None:
        self.stdout.write(f"Orchestra is ready at {address} (Ctrl-C stops it)")
        self.stdout.flush()


class AlreadyRunning(Exception):
    """Another process serves this data folder."""


def lock_folder(folder: Path) -> IO[str]:
    """Return the lock file of the one process that serves a data folder, locked as long as it is open.

    Raises `AlreadyRunning` with the id of the process that has locked it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = (folder / "up.lock").open("a+", encoding="ascii")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.seek(0)
        owner = file.read().strip()
        file.close()
        raise AlreadyRunning(owner) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


class EmbeddedServer:
    """Daphne, with the engine on its loop and a Celery worker in a thread."""

    def __init__(
        self, application: Application, *, host: str, port: int, ready: Callable[[int], None]
    ) -> None:
        self._engine = EngineProcess(twisted_loop)
        self._ready = ready
        self._listening = False
        self._server = Server(
            application,
            endpoints=[f"tcp:port={port}:interface={host.replace(':', chr(92) + ':')}"],
            server_name="orchestra",
            application_close_timeout=1,
            ready_callable=lambda: reactor.callWhenRunning(self._started),
            verbosity=0,
        )

    def run(self) -> bool:
        """Serve until Ctrl-C or SIGTERM; return False if the port is in use."""
        reactor.addSystemEventTrigger("before", "shutdown", self._stop)  # type: ignore[arg-type]  # its stub shifts them
        self._server.run()
        return self._listening

    def _started(self) -> None:
        """Start the engine and the worker once the port is bound."""
        self._listening = bool(self._server.listening_addresses)
        if self._listening:
            self._engine.start()
            celery_app.set_default()
            worker = celery_app.WorkController(
                pool="threads",
                concurrency=celery_app.conf.worker_concurrency,
                loglevel="WARNING",
                without_gossip=True,
                without_mingle=True,
                without_heartbeat=True,
                send_events=False,
            )
            threading.Thread(target=worker.start, name="worker", daemon=True).start()
            self._ready(self._server.listening_addresses[0][1])

    def _stop(self) -> defer.Deferred[None]:
        """Release the runs before the loop ends, which also ends the threads that wait for them."""
        if not self._listening:
            return defer.succeed(None)
        state.should_stop = EX_OK  # type: ignore[assignment]  # read by the worker's thread between two messages
        return defer.Deferred.fromFuture(twisted_loop.create_task(self._end()))

    async def _end(self) -> None:
        await self._engine.stop()
        await asyncio.to_thread(stop_pages)
