"""The server of the embedded profile: where it can listen, and the site, engine and worker in one process."""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
from collections.abc import Callable

from celery.platforms import EX_OK
from celery.worker import state
from daphne.server import Server, twisted_loop
from twisted.internet import defer, reactor

from orchestra_site.celery import app as celery_app
from orchestra_site.web.sockets import Application
from orchestration.llm.services.resources import stop_pages
from orchestration.runs.tasks import EngineProcess

PORTS = range(65_536)
CHOOSE_HOST = "Choose another with --host: 127.0.0.1 for this machine alone, 0.0.0.0 for all its addresses."


def listening_fault(host: str, port: int) -> str | None:
    """Return why a server cannot listen there, in a sentence that says what to do; None where it can."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            probe.listen(1)
    except (socket.gaierror, ValueError):
        return f"{host} is not an address, nor a name that this machine knows. {CHOOSE_HOST}"
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:
            return f"{host} is not an address of this machine. {CHOOSE_HOST}"
        if error.errno == errno.EACCES:
            return f"This user may not listen on port {port}. Choose one above 1023 with --port."
        if error.errno == errno.EADDRINUSE:
            return in_use(host, port)
        return f"Nothing can listen on {host}, port {port}: {error.strerror}. {CHOOSE_HOST}"
    return None


def in_use(host: str, port: int) -> str:
    """Return the sentence for a port that another program listens on."""
    return f"Port {port} on {host} is in use. Choose another one with --port."


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
