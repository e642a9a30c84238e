"""A real engine on a loop thread, with its writer and its heartbeat, on a database in a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from orchestration.llm.services.resources import LoopThread
from orchestration.runs.services.runtime import Runtime
from tests.support.engines import Engine


@pytest.fixture
def loop_thread() -> Iterator[LoopThread]:
    thread = LoopThread()
    thread.start()
    yield thread
    thread.stop()


@pytest.fixture
def engine(transactional_db: None, loop_thread: LoopThread) -> Iterator[Engine]:
    runtime = Runtime(loop_thread.loop)
    runtime.start()
    yield Engine(runtime)
    if not runtime.stopping:
        loop_thread.wait_for(runtime.stop(), 10)
