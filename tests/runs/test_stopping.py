"""An engine that stops: nobody is left waiting, and what it does not do is left for others."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import CancelledError

import pytest

from orchestra_site.web.threads import in_database_thread
from orchestration.llm.services.resources import LoopThread
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.types import Outcome
from orchestration.runs.services.execution import execute_run
from tests.support.engines import Engine, until
from tests.support.kinds import kind_that, queued_run


async def forever(_context: RunContext) -> Outcome:
    await asyncio.sleep(600)
    return Outcome(answer="")


def test_a_run_that_is_given_back_is_to_be_queued_again(engine: Engine, loop_thread: LoopThread) -> None:
    with kind_that(forever) as kind:
        run = queued_run(kind)
        future = engine.start(run)
        until(lambda: engine.runtime.room < 32)
        loop_thread.wait_for(engine.runtime.stop(), 10)
    run.refresh_from_db()
    assert (future.result(0), run.status) == (True, "queued")


def test_a_run_that_is_being_claimed_while_the_engine_stops_is_released(
    engine: Engine, loop_thread: LoopThread
) -> None:
    busy = threading.Event()
    with kind_that(forever) as kind:
        run = queued_run(kind)
        engine.runtime.submit(in_database_thread(busy.wait))
        future = engine.start(run)
        stopped = asyncio.run_coroutine_threadsafe(engine.runtime.stop(), engine.runtime.loop)
        until(lambda: engine.runtime.stopping)
        busy.set()
        stopped.result(10)
    run.refresh_from_db()
    assert (future.result(0), run.status, run.fence, run.lease_owner) == (True, "queued", 1, "")


def test_who_waits_for_work_that_will_not_be_done_is_let_go(engine: Engine, loop_thread: LoopThread) -> None:
    waiting = engine.runtime.submit(asyncio.Event().wait())
    loop_thread.wait_for(engine.runtime.stop(), 10)
    with pytest.raises(CancelledError):
        waiting.result(1)


def test_a_stopped_engine_takes_nothing_more(engine: Engine, loop_thread: LoopThread) -> None:
    with kind_that(forever) as kind:
        run = queued_run(kind)
        loop_thread.wait_for(engine.runtime.stop(), 10)
        assert loop_thread.wait_for(execute_run(engine.runtime, run.id), 5)
        with pytest.raises(CancelledError):
            engine.start(run).result(1)
    run.refresh_from_db()
    assert run.status == "queued"
