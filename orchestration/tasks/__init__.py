"""Background work: an id comes in, a service is called."""

from __future__ import annotations

import time
from concurrent.futures import CancelledError
from uuid import UUID

from celery import shared_task

from orchestration.dispatch import queue_run
from orchestration.dispatch.queueing import EXECUTE_RUN
from orchestration.services.execution import execute_run
from orchestration.tasks import worker
from orchestration.tasks.process import this_runtime

__all__ = ["carry_out", "worker"]

HAND_OVER_S = 0.2
"""Until a process that stops takes no more messages, and so not its own."""


@shared_task(name=EXECUTE_RUN)
def carry_out(run_id: str) -> None:
    """Carry out a run on this process's engine, and wait for it.

    A process that stops gives it back: another takes it up, or this one after its next start.
    """
    runtime = this_runtime()
    try:
        again = runtime.submit(execute_run(runtime, UUID(run_id))).result()
    except CancelledError:
        again = True
    if again:
        if runtime.stopping:
            time.sleep(HAND_OVER_S)
        queue_run(UUID(run_id))
