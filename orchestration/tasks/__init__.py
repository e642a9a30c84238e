"""Background work: an id comes in, a service is called."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from orchestration.dispatch import queue_run
from orchestration.dispatch.queueing import EXECUTE_RUN
from orchestration.services.execution import execute_run
from orchestration.tasks import worker
from orchestration.tasks.process import this_runtime

__all__ = ["carry_out", "worker"]


@shared_task(name=EXECUTE_RUN)
def carry_out(run_id: str) -> None:
    """Carry out a run on this process's engine, and wait for it."""
    runtime = this_runtime()
    if runtime.submit(execute_run(runtime, UUID(run_id))).result():
        queue_run(UUID(run_id))
