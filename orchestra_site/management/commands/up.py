"""Start everything in one process."""

from __future__ import annotations

from argparse import ArgumentParser

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from orchestra_site.management.embedded import AlreadyRunning, DataFolderLock, EmbeddedServer, leave_soon
from orchestration.services.registry.seeding import prepare_installation


class Command(BaseCommand):
    """`manage.py up`: prepare the database, then serve the site and carry out runs until Ctrl-C."""

    help = "Start Orchestra: database, web server and worker in one process."
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Say where to listen, and whether an empty installation gets a demo team."""
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
        parser.add_argument("--port", type=int, default=8000, help="port (8000); 0 picks a free one")
        parser.add_argument("--no-demo", action="store_true", help="make no demo team on the first start")

    def handle(self, *, host: str, port: int, no_demo: bool, **_: object) -> None:
        """Prepare and serve."""
        self._lock()
        for line in prepare_installation(demo=not no_demo):
            self.stdout.write(line)
        from orchestra_site.asgi import application  # noqa: PLC0415  # builds the site

        shown = f"[{host}]" if ":" in host else host
        server = EmbeddedServer(
            application, host=host, port=port, ready=lambda bound: self._say_ready(f"http://{shown}:{bound}/")
        )
        if not server.run():
            raise CommandError(f"Port {port} on {host} is taken. Choose another one with --port.")
        self.stdout.write("Stopped. Runs that were under way go on after the next start.")
        self.stdout.flush()
        leave_soon()

    def _lock(self) -> None:
        try:
            self._held = DataFolderLock(settings.DATA_DIR)
            self._held.take()
        except AlreadyRunning as running:
            raise CommandError(
                f"Orchestra already runs on {settings.DATA_DIR} (process {running})."
                " Stop that one first, or set ORCHESTRA_DATA_DIR to another folder."
            ) from None

    def _say_ready(self, address: str) -> None:
        self.stdout.write(f"Orchestra is ready at {address} (Ctrl-C stops it)")
        self.stdout.flush()
