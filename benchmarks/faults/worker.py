"""`python -m benchmarks.faults.worker`: another worker on the same data, in a process of its own.

`sweep` executes the runs that others left until none is open; `deliver RUN TIMES` delivers one run's
message to this worker so many times at once.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from uuid import UUID

from orchestration.llm.services.resources import LoopThread, close_resources
from orchestration.runs.models import TERMINAL, Run
from orchestration.runs.services.execution import execute_run
from orchestration.runs.services.runtime import Runtime
from orchestration.runs.services.sweeping import sweep

SWEEP_EVERY_S = 0.5


def sweep_all(runtime: Runtime) -> None:
    """Execute the runs that no other process executes, until none is left."""
    while Run.objects.exclude(status__in=TERMINAL).exists():
        for future in [runtime.submit(execute_run(runtime, run)) for run in sweep()]:
            future.result()
        time.sleep(SWEEP_EVERY_S)


def deliver(runtime: Runtime, run: UUID, times: int) -> None:
    """Receive the same message that many times at once, as soon as a line comes in."""
    print("ready", flush=True)
    sys.stdin.readline()
    for future in [runtime.submit(execute_run(runtime, run)) for _ in range(times)]:
        future.result()


def with_runtime(work: Callable[[Runtime], None]) -> None:
    """Give `work` an engine of this process and end it afterwards."""
    thread = LoopThread()
    thread.start()
    runtime = Runtime(thread.loop)
    runtime.start()
    work(runtime)
    thread.wait_for(runtime.stop(), 10)
    thread.wait_for(close_resources(), 10)
    thread.stop()


if __name__ == "__main__":
    verb, *given = sys.argv[1:]
    if verb == "sweep":
        with_runtime(sweep_all)
    else:
        with_runtime(lambda runtime: deliver(runtime, UUID(given[0]), int(given[1])))
