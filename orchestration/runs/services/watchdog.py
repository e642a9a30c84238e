"""Ending a process whose event loop has stopped turning, and naming the run whose code stopped it.

A backtracking regular expression or a C call keeps the interpreter lock, so that no thread of the process can
act. A small process beside it can: it expects a byte twice a second, and reads from shared memory which run's
code the loop is executing (`watchdog_process.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import json
import logging
import mmap
import os
import subprocess
import sys
import tempfile
from collections.abc import Coroutine, Generator
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from django.conf import settings

from orchestration.runs.services.leases import this_process

logger = logging.getLogger(__name__)

BEAT_EVERY_S = 0.5
STOP_WITHIN_S = 1.0
PROGRAM = Path(__file__).with_name("watchdog_process.py")
NO_RUN = bytes(36)

current_run: ContextVar[UUID | None] = ContextVar("current_run", default=None)
"""The run whose code a task executes; tasks that it creates inherit it."""


@dataclass(frozen=True, slots=True)
class StoppedProcess:
    """A process that was ended because its loop stood still, and the run whose code it executed, if any."""

    owner: str
    run: UUID | None
    file: Path


def stopped_processes() -> list[StoppedProcess]:
    """Return what watchdogs recorded on this machine and no sweep has dealt with."""
    return [_stopped(file) for file in sorted(_folder().glob("*.json"))]


def _stopped(file: Path) -> StoppedProcess:
    recorded = json.loads(file.read_text(encoding="ascii"))
    return StoppedProcess(
        owner=recorded["owner"], run=UUID(recorded["run"]) if recorded["run"] else None, file=file
    )


def _folder() -> Path:
    return Path(settings.DATA_DIR) / "stopped"


class Watchdog:
    """Watches one event loop. Every task that is created on it while `current_run` is set is attributed."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._process: subprocess.Popen[bytes] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._beats = -1
        self._make_task = loop.get_task_factory()
        self._memory: mmap.mmap | None = None

    def start(self) -> None:
        """Start the process that watches. May be called from any thread."""
        try:
            _folder().mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            logger.warning("A run that blocks this process cannot be recorded in %s: %s.", _folder(), error)
        with _shared_file() as file:
            file.write(NO_RUN)
            file.flush()
            self._memory = mmap.mmap(file.fileno(), len(NO_RUN))
            options = [str(os.getpid()), str(settings.STALL_SECONDS), str(_folder()), this_process()]
            self._process = subprocess.Popen(  # noqa: S603  # our own program
                [sys.executable, "-I", "-S", str(PROGRAM), *options, str(file.fileno())],
                stdin=subprocess.PIPE,
                pass_fds=[file.fileno()],
            )
        if self._process.stdin is not None:
            self._beats = self._process.stdin.fileno()
        faulthandler.enable()  # the signal that ends this process shows what every thread was doing
        self._loop.call_soon_threadsafe(self._begin)

    async def stop(self) -> None:
        """End the process that watches."""
        self._loop.set_task_factory(self._make_task)
        if self._timer is not None:
            self._timer.cancel()
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(self._process.wait, STOP_WITHIN_S)

    def _begin(self) -> None:
        self._loop.set_task_factory(self._task)
        self._beat()

    def _beat(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            os.write(self._beats, b".")
        self._timer = self._loop.call_later(BEAT_EVERY_S, self._beat)

    def _task(
        self,
        loop: asyncio.AbstractEventLoop,
        work: Coroutine[Any, Any, Any] | Generator[Any, None, Any],
        **how: Any,  # noqa: ANN401  # what later versions of Python pass to a task
    ) -> asyncio.Future[Any]:
        run = current_run.get()
        if run is not None and self._memory is not None and isinstance(work, Coroutine):
            work = _Attributed(work, self._memory, str(run).encode())
        if self._make_task is not None:
            return self._make_task(loop, work, **how)
        return asyncio.Task(work, loop=loop, **how)


def _shared_file() -> IO[bytes]:
    """Return a file that two processes can map; in memory where the system can, so that no disk is needed."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("orchestra-run"), "w+b")
    return tempfile.TemporaryFile()


class _Attributed(Coroutine[Any, Any, Any]):
    """A coroutine that names its run in shared memory whenever the loop executes it."""

    __slots__ = ("_memory", "_run", "_work")

    def __init__(self, work: Coroutine[Any, Any, Any], memory: mmap.mmap, run: bytes) -> None:
        self._work, self._memory, self._run = work, memory, run

    def send(self, value: object) -> object:
        """Execute up to the next suspension."""
        self._memory[:] = self._run
        try:
            return self._work.send(value)
        finally:
            self._memory[:] = NO_RUN

    def throw(self, error: BaseException) -> object:  # type: ignore[override]  # the one form that tasks use
        """Raise an error where the coroutine is suspended."""
        self._memory[:] = self._run
        try:
            return self._work.throw(error)
        finally:
            self._memory[:] = NO_RUN

    def close(self) -> None:
        """End the coroutine."""
        self._work.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._work.__await__()
