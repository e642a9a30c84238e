"""Start everything in one process: web server, worker and engine on one event loop."""

from __future__ import annotations

import fcntl
import os
import threading
from argparse import ArgumentParser
from pathlib import Path
from typing import IO

from celery.platforms import EX_OK
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection

from orchestra_site.management.embedded import PORTS, EmbeddedServer, in_use, listening_fault
from orchestra_site.web.storage import (
    StorageUnusable,
    check_file,
    database_sentence,
    prepare_folder,
    writing_in,
)
from orchestration.llm.services.registry.seeding import prepare_installation

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
        if port not in PORTS:
            raise CommandError(
                f"There is no port {port}: they go from 1 to {PORTS[-1]}, and 0 picks a free one."
                " Choose one with --port."
            )
        self._prepare(host, port, demo=not no_demo)
        from orchestra_site.asgi import application  # noqa: PLC0415  # builds the site

        shown = f"[{host}]" if ":" in host else host
        server = EmbeddedServer(
            application,
            host=host,
            port=port,
            ready=lambda bound: self._report_ready(f"http://{shown}:{bound}/"),
        )
        if not server.run():
            raise CommandError(in_use(host, port))
        self.stdout.write("Stopped. Runs that were under way continue after the next start.")
        self.stdout.flush()
        # End the process soon, even if one of its threads still waits for the database.
        watchdog = threading.Timer(EXIT_TIMEOUT_S, os._exit, [EX_OK])
        watchdog.daemon = True
        watchdog.start()

    def _prepare(self, host: str, port: int, *, demo: bool) -> None:
        """Check that data can be kept and the address listened on, then bring the database up to date."""
        try:
            prepare_folder(settings.DATA_DIR)
            self._lock = lock_folder(settings.DATA_DIR)
            if fault := listening_fault(host, port):
                raise CommandError(fault)
            if connection.vendor == "sqlite":
                check_file(connection)
            for line in prepare_installation(demo=demo):
                self.stdout.write(line)
        except AlreadyRunning as running:
            raise CommandError(
                f"Orchestra already runs on {settings.DATA_DIR} (process {running})."
                " Stop that one first, or set ORCHESTRA_DATA_DIR to another folder."
            ) from None
        except (StorageUnusable, DatabaseError) as error:
            raise CommandError(database_sentence(connection, error)) from None

    def _report_ready(self, address: str) -> None:
        self.stdout.write(f"Orchestra is ready at {address} (Ctrl-C stops it)")
        self.stdout.flush()


class AlreadyRunning(Exception):
    """Another process serves this data folder."""


def lock_folder(folder: Path) -> IO[str]:
    """Return the lock file of the one process that serves a data folder, locked as long as it is open.

    Raises `AlreadyRunning` with the id of the process that has locked it, or `StorageUnusable`.
    """
    with writing_in(folder):
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
