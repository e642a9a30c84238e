"""A Redis of its own for a test, on a free loopback port, gone afterwards."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis

from tests.support.pausing import pause

PROGRAM = shutil.which("redis-server")
needs_redis = pytest.mark.skipif(PROGRAM is None, reason="redis-server is not installed; .ci/run installs it")


class RedisServer:
    """Keeps nothing on disk, and its port however often it is started again. End it with `kill`."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        """Where programs find it."""
        return f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        """Start it empty, and wait until it is ready."""
        place = ["--port", str(self._port), "--bind", "127.0.0.1", "--dir", str(self._folder)]
        self._process = subprocess.Popen(
            [str(PROGRAM), *place, "--save", ""], stdout=subprocess.PIPE, text=True
        )
        for line in self._process.stdout or ():
            if "eady to accept connections" in line:
                return
        pytest.fail("redis-server ended before it was ready")

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate(timeout=10)
            self._process = None

    def freeze(self) -> None:
        """Let it answer nothing, its connections left open."""
        pause(self._running.pid)

    def thaw(self) -> None:
        """Let it go on."""
        self._running.send_signal(signal.SIGCONT)

    def flush(self) -> None:
        """Throw away everything it holds."""
        with Redis.from_url(self.url) as client:
            client.flushall()

    def holds(self, key: str) -> bool:
        """Return whether there is anything under a key."""
        with Redis.from_url(self.url) as client:
            return bool(client.exists(key))

    @property
    def _running(self) -> subprocess.Popen[str]:
        assert self._process is not None, "it is not running"
        return self._process


@contextmanager
def running_redis(folder: Path) -> Iterator[RedisServer]:
    """Run Redis with its files in `folder`."""
    server = RedisServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()
