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


def _as_nobody_special(*command: str) -> list[str]:
    """Return the command as a user PostgreSQL agrees to run as: it refuses root."""
    return ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else [*command]


@contextmanager
def running_postgres() -> Iterator[str]:
    """Run PostgreSQL and yield the address of an empty database."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="orchestra-pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    programs = Path(str(INITDB)).parent
    data = str(folder / "data")
    made = _as_nobody_special(str(INITDB), "-D", data, "-U", USER, "--auth=trust", "-N", "--encoding=UTF8")
    subprocess.run(made, check=True, capture_output=True, cwd=folder)
    options = [
        "-c",
        f"port={port}",
        "-c",
        "listen_addresses=127.0.0.1",
        "-c",
        f"unix_socket_directories={folder}",
    ]
    server = subprocess.Popen(
        _as_nobody_special(str(programs / "postgres"), "-D", data, "-F", *options),
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        ready = [str(programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
        until(lambda: subprocess.run(ready, check=False).returncode == 0)
        yield f"postgresql://{USER}@127.0.0.1:{port}/postgres"
    finally:
        stop = _as_nobody_special(str(programs / "pg_ctl"), "stop", "-D", data, "-m", "immediate")
        subprocess.run(stop, check=False, capture_output=True, cwd=folder)
        server.wait(20)
        shutil.rmtree(folder, ignore_errors=True)
