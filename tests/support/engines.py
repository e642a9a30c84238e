"""Driving a real engine from a test's thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from orchestration.runs.models import Run
from orchestration.runs.services.execution import execute_run
from orchestration.runs.services.runtime import Runtime

DEADLINE_S = 20.0


@dataclass(frozen=True)
class Engine:
    """An engine and what a test does with it."""

    runtime: Runtime

    def start(self, run: Run) -> Future[bool]:
        """Let the engine take `run` up."""
        return self.runtime.submit(execute_run(self.runtime, run.id))

    def execute(self, run: Run) -> Run:
        """Let the engine take `run` up, wait until it lets go, and return the row as it is then."""
        self.start(run).result(DEADLINE_S)
        run.refresh_from_db()
        return run


def until(holds: Callable[[], object], deadline_s: float = DEADLINE_S) -> None:
    """Wait until something holds; fail when it does not come to that.

    It looks the less often the longer it waits: looking takes time from what it waits for.
    """
    began = time.monotonic()
    while not holds():
        waited = time.monotonic() - began
        assert waited < deadline_s, "it did not come to that"
        time.sleep(min(0.1, max(0.01, waited / 20)))
