"""A RabbitMQ of its own for a test, on free loopback ports, gone afterwards."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from tests.support.engines import until
from tests.support.pausing import pause_group

PROGRAMS = Path("/usr/lib/rabbitmq/bin")
"""Where Debian keeps the programs that do not insist on a user of their own."""
needs_rabbitmq = pytest.mark.skipif(
    not (PROGRAMS / "rabbitmq-server").exists() or shutil.which("erl") is None,
    reason="rabbitmq-server is not installed; .ci/run installs it",
)
READY_WITHIN_S = 60.0


class RabbitServer:
    """One node without plugins, with its files in `folder`. End it with `kill`."""

    def __init__(self, folder: Path) -> None:
        self._port, distribution, self._names_port = free_ports(3)
        self._folder = folder / "rabbitmq"
        self._folder.mkdir()
        (self._folder / "enabled_plugins").write_text("[].\n", encoding="ascii")
        (self._folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self._port}\nlog.console = true\n", encoding="ascii"
        )
        ours = {
            "HOME": str(self._folder),
            "RABBITMQ_NODENAME": f"orchestra-{secrets.token_hex(4)}@localhost",
            "RABBITMQ_CONFIG_FILE": str(self._folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(self._folder / "data"),
            "RABBITMQ_LOG_BASE": str(self._folder / "log"),
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._names_port),
        }
        self._environment = os.environ | ours
        self._processes: list[subprocess.Popen[bytes]] = []

    @property
    def url(self) -> str:
        """Where programs find it."""
        return f"amqp://guest:guest@127.0.0.1:{self._port}//"

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        self._start("epmd")  # Erlang's own name server: one that RabbitMQ starts would stay for ever
        self._start(str(PROGRAMS / "rabbitmq-server"))
        until(self._is_ready, READY_WITHIN_S)

    def _start(self, program: str) -> None:
        with (self._folder / "console.log").open("ab") as log:
            process = subprocess.Popen(
                [program], env=self._environment, stdout=log, stderr=log, start_new_session=True
            )
        self._processes.append(process)

    def _is_ready(self) -> bool:
        said = (self._folder / "console.log").read_text(encoding="utf-8", errors="replace")
        assert [process.poll() for process in self._processes] == [None, None], said
        return "Server startup complete" in said

    def freeze(self) -> None:
        """Let it answer nothing, its connections left open."""
        pause_group(self._processes[-1].pid)

    def kill(self) -> None:
        """End it as a power cut would, with the programs that it started."""
        while self._processes:
            process = self._processes.pop()
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


def free_ports(count: int) -> list[int]:
    """Return ports on which nothing listens."""
    with ExitStack() as open_ones:
        found = [open_ones.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [server.getsockname()[1] for server in found]


@contextmanager
def running_rabbitmq(folder: Path) -> Iterator[RabbitServer]:
    """Run RabbitMQ with its files in `folder`."""
    server = RabbitServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()
