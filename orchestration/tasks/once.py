"""Carrying one run out in a process that is no worker: a command's own."""

from __future__ import annotations

from uuid import UUID

from orchestration.services.execution import execute_run
from orchestration.services.runtime import Runtime
from orchestration.wiring.loops import LoopThread
from orchestration.wiring.resources import close_resources

STOP_WITHIN_S = 10.0


def carry_out_here(run_id: UUID) -> None:
    """Carry a run out and wait until it is over or parked. Ctrl-C gives it back to the workers."""
    thread = LoopThread()
    thread.start()
    runtime = Runtime(thread.loop)
    runtime.start()
    try:
        while runtime.submit(execute_run(runtime, run_id)).result():
            pass  # what it waited for came while it was parking
    finally:
        thread.wait_for(_leave(runtime), STOP_WITHIN_S)
        thread.stop()


async def _leave(runtime: Runtime) -> None:
    await runtime.stop()
    await close_resources()
