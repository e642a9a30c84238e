"""A PostgreSQL of its own for a test, on a free loopback port, gone afterwards."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.engines import until

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
INITDB = str(PROGRAMS[-1] / "initdb") if PROGRAMS else shutil.which("initdb")
needs_postgres = pytest.mark.skipif(INITDB is None, reason="PostgreSQL is not installed; .ci/run installs it")
USER = "orchestra"


class PostgresServer:
    """Keeps its data and its port however often it is started again. End it with `crash`, then `discard`.

    It begins with an empty database, or with a copy of the data of one that is shut down.
    """

    def __init__(self, like: PostgresServer | None = None) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self._folder = Path(tempfile.mkdtemp(prefix="orchestra-pg-"))
        if os.geteuid() == 0:
            shutil.chown(self._folder, "postgres")
        self._server: subprocess.Popen[bytes] | None = None
        if like is None:
            self._run("initdb", "-U", USER, "--auth=trust", "-N", "--encoding=UTF8", check=True)
        else:
            subprocess.run(["cp", "-a", like._folder / "data", self._folder], check=True)

    @property
    def url(self) -> str:
        """Where programs find its database."""
        return f"postgresql://{USER}@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        place = {"port": self._port, "listen_addresses": "127.0.0.1", "unix_socket_directories": self._folder}
        options = [word for name, value in place.items() for word in ("-c", f"{name}={value}")]
        self._server = subprocess.Popen(
            self._command("postgres", "-F", *options),
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        ready = [self._program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self._port)]
        until(lambda: subprocess.run(ready, check=False).returncode == 0)

    def crash(self) -> None:
        """End it at once: every connection breaks, and the next start recovers what was committed."""
        self._stop("immediate")

    def shut_down(self) -> None:
        """End it with everything written, so that its data can be copied."""
        self._stop("fast")

    def _stop(self, how: str) -> None:
        self._run("pg_ctl", "stop", "-m", how, check=False)
        if self._server is not None:
            self._server.wait(20)
            self._server = None

    def discard(self) -> None:
        """Remove its data."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str, check: bool) -> None:
        command = self._command(program, *arguments)
        subprocess.run(command, check=check, capture_output=True, cwd=self._folder)

    def _command(self, program: str, *arguments: str) -> list[str]:
        """Return a command on the data, as a user PostgreSQL agrees to run as: it refuses root."""
        command = [self._program(program), "-D", str(self._folder / "data"), *arguments]
        return ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else command

    def _program(self, name: str) -> str:
        return str(Path(str(INITDB)).parent / name)


@contextmanager
def running_postgres(like: PostgresServer | None = None) -> Iterator[PostgresServer]:
    """Run PostgreSQL with an empty database, or a copy of another."""
    server = PostgresServer(like)
    try:
        server.start()
        yield server
    finally:
        server.crash()
        server.discard()
