"""A Redis of its own for a test, on a free loopback port, gone afterwards."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PROGRAM = shutil.which("redis-server")
needs_redis = pytest.mark.skipif(PROGRAM is None, reason="redis-server is not installed; .ci/run installs it")


@contextmanager
def running_redis(folder: Path) -> Iterator[str]:
    """Run Redis with its files in `folder` and yield its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    arguments = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    with subprocess.Popen([str(PROGRAM), *arguments], stdout=subprocess.PIPE, text=True) as server:
        try:
            _wait_until_ready(server)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.terminate()


def _wait_until_ready(server: subprocess.Popen[str]) -> None:
    for line in server.stdout or ():
        if "eady to accept connections" in line:
            return
    pytest.fail("redis-server ended before it was ready")
