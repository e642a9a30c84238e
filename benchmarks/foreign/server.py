"""The foreign server: its environment, made once, and its process, which can be killed and started again."""

from __future__ import annotations

import secrets
import socket
import subprocess
from pathlib import Path

from benchmarks.environments import python_with
from benchmarks.foreign.babbler import write_model

HERE = Path(__file__).parent
REQUIREMENTS = HERE / "requirements.txt"
LISTENING = "listening at "


class ForeignServer:
    """One model behind llama.cpp's server on one port of this machine."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.key = f"key-{secrets.token_hex(12)}"
        self.port = _free_port()
        self._file = folder / f"{name}.gguf"
        self._log = folder / f"{name}.log"
        self._process: subprocess.Popen[str] | None = None
        write_model(self._file, name)

    @property
    def base_url(self) -> str:
        """Where its API is."""
        return f"http://127.0.0.1:{self.port}/v1"

    def up(self) -> None:
        """Start it and wait until it answers."""
        command = [
            str(python_with(REQUIREMENTS, "foreign")),
            str(HERE / "serve.py"),
            str(self._file),
            self.name,
        ]
        command += [str(self.port), self.key]
        with self._log.open("a", encoding="utf-8") as log:
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(LISTENING):
                return
        raise RuntimeError(f"{self.name} did not start: {self._log.read_text(encoding='utf-8')[-2000:]}")

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            if self._process.stdout is not None:
                self._process.stdout.close()
            self._process = None


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
