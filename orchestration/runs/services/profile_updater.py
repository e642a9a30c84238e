"""The thread that updates profiles from runs that are over, in batches and apart from the runs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from django.db import Error, connections

from orchestration.runs.services.learning import learn_from_ended_runs

logger = logging.getLogger(__name__)

GATHER_S = 0.25
LEAVE_WITHIN_S = 0.5


class ProfileUpdater:
    """Looks once at its start, for what an earlier process left, and whenever a run has ended.

    `learn` processes some runs and returns how many.
    """

    def __init__(self, learn: Callable[[], int] = learn_from_ended_runs) -> None:
        self._learn_from_ended_runs = learn
        self._wake = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="observer", daemon=True)

    def start(self) -> None:
        """Start watching."""
        self._wake.set()
        self._thread.start()

    def wake(self) -> None:
        """Say that a run has ended."""
        self._wake.set()

    def stop(self) -> None:
        """Take in what has ended, and stop."""
        self._over.set()
        self._wake.set()
        self._thread.join(LEAVE_WITHIN_S)

    def _work(self) -> None:
        while not self._over.is_set():
            self._wake.wait()
            self._over.wait(GATHER_S)
            self._wake.clear()
            self._learn()
        connections.close_all()

    def _learn(self) -> None:
        try:
            while self._learn_from_ended_runs() and not self._over.is_set():
                self._over.wait(GATHER_S)
        except Error as error:
            logger.warning("The profiles cannot be updated (%s); trying again after the next run.", error)
            connections.close_all()
