"""The loopback provider as a process, so that it outlives what is killed."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import httpx

from orchestra_site.settings.environment import ROOT


class ProviderProcess:
    """Starts at once; end it with `stop`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.openai_server", "--port", "0"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline().split()[-1])
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=10)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def behave(self, **by_model: dict[str, Any]) -> None:
        """Set how models answer from now on; `every` stands for all the others."""
        named = {"*" if name == "every" else name: fields for name, fields in by_model.items()}
        self._client.post("/_behave", json=named)

    def asked(self) -> dict[str, int]:
        """Return how often each model has been asked."""
        counted: dict[str, int] = self._client.get("/_stats").json()["by_model"]
        return counted

    def open_calls(self) -> int:
        """Return how many calls are under way."""
        return int(self._client.get("/_stats").json()["open"])

    def stop(self) -> None:
        self._client.close()
        self._process.terminate()
        self._process.wait(10)
        if self._process.stdout is not None:
            self._process.stdout.close()
