"""A separate Celery worker: its engine lives on a loop thread of its own."""

from __future__ import annotations

import threading

from celery.signals import worker_init, worker_shutdown, worker_shutting_down

from orchestration.tasks.process import EngineProcess
from orchestration.wiring.resources import LoopThread

STOP_WITHIN_S = 10.0


class WorkerEngine:
    """The engine of a process that has no loop of its own."""

    def __init__(self) -> None:
        self.thread = LoopThread()
        self.process = EngineProcess(self.thread.loop)

    def start(self) -> None:
        """Start the loop and the engine on it."""
        self.thread.start()
        self.process.start()

    def stop(self) -> None:
        """Give all runs back and end."""
        self.thread.wait_for(self.process.stop(), STOP_WITHIN_S)
        self.thread.stop()


_engines: list[WorkerEngine] = []


@worker_init.connect
def _start_engine(**_: object) -> None:
    engine = WorkerEngine()
    engine.start()
    _engines.append(engine)


@worker_shutting_down.connect
def _give_back(**_: object) -> None:
    """Give the runs back as soon as the signal comes: Celery itself would wait until every one is over."""
    threading.Thread(target=_stop_engine, name="leaving").start()


@worker_shutdown.connect
def _stop_engine(**_: object) -> None:
    while _engines:
        _engines.pop().stop()
