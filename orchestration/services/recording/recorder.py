"""The writer thread of a process: it commits whatever has come in since its last commit."""

from __future__ import annotations

import logging
import queue
import threading
import time
from asyncio import AbstractEventLoop
from collections.abc import Callable, Iterable, Mapping, Sequence
from uuid import UUID

from django.db import InterfaceError, OperationalError, connections

from orchestration.engine.errors import LeaseLost
from orchestration.services.recording.commit import Committed, commit_parcels, is_written
from orchestration.services.recording.parcels import Parcel

logger = logging.getLogger(__name__)

MOST_PARCELS = 400
FIRST_WAIT_S, LONGEST_WAIT_S = 0.05, 2.0

Changed = Callable[[set[UUID], set[UUID]], None]
Commit = Callable[[Sequence[Parcel]], Committed]


class Recorder:
    """Takes parcels from any thread and commits them in groups, in order, through a connection of its own.

    While the database is locked, full or away, writes wait; `changed` hears which runs have news and which
    teams have runs that changed status. `commit` writes parcels in one transaction.
    """

    def __init__(self, changed: Changed, commit: Commit = commit_parcels) -> None:
        self._changed = changed
        self._commit_parcels = commit
        self._queue: queue.SimpleQueue[Parcel | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="recorder", daemon=True)
        self._given_up = threading.Event()

    def start(self) -> None:
        """Start writing."""
        self._thread.start()

    def put(self, parcel: Parcel) -> None:
        """Queue a parcel."""
        self._queue.put(parcel)

    def stop(self, timeout: float) -> None:
        """Write what was queued before this call, for at most `timeout` seconds, and end."""
        self._queue.put(None)
        self._thread.join(timeout)
        self._given_up.set()

    def _work(self) -> None:
        try:
            while True:
                batch, last = self._next_batch()
                if batch:
                    self._commit(batch)
                if last:
                    return
        finally:
            connections.close_all()

    def _next_batch(self) -> tuple[list[Parcel], bool]:
        """Return what has come in, waiting for the first, and whether it is the end."""
        batch: list[Parcel] = []
        item = self._queue.get()
        while item is not None:
            batch.append(item)
            if len(batch) >= MOST_PARCELS:
                return batch, False
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return batch, False
        return batch, True

    def _commit(self, batch: list[Parcel]) -> None:
        """Commit a batch; one that cannot be written is split, so that a bad parcel fails alone."""
        try:
            committed = self._commit_patiently(batch)
        except Exception as error:  # the writer goes on, whatever is wrong with one run's records
            if len({parcel.run for parcel in batch}) > 1:
                for run in dict.fromkeys(parcel.run for parcel in batch):
                    self._commit([parcel for parcel in batch if parcel.run == run])
                return
            logger.exception("Records of run %s cannot be written.", batch[0].run)
            _tell(batch, dict.fromkeys(map(id, batch), error))
            return
        refused = dict.fromkeys(
            map(id, committed.refused), LeaseLost("Another process has taken this run over.")
        )
        _tell(batch, refused)
        kept = [parcel for parcel in batch if id(parcel) not in refused]
        self._changed({parcel.run for parcel in kept}, committed.teams)

    def _commit_patiently(self, batch: list[Parcel]) -> Committed:
        """Commit, waiting for a database that is locked or away."""
        wait, tried = FIRST_WAIT_S, False
        while True:
            try:
                if tried and is_written(batch):
                    return Committed(teams={parcel.team for parcel in batch})
                return self._commit_parcels(batch)
            except (OperationalError, InterfaceError) as error:
                tried = True
                if self._given_up.is_set():
                    raise
                logger.warning("The database cannot be written (%s); trying again in %.1f s.", error, wait)
                connections.close_all()
                time.sleep(wait)
                wait = min(wait * 2, LONGEST_WAIT_S)


def _tell(parcels: Iterable[Parcel], reasons: Mapping[int, BaseException]) -> None:
    """Tell each loop, once, how its parcels fared: `reasons` by their ids. One that is gone needs no word."""
    by_loop: dict[AbstractEventLoop, list[Parcel]] = {}
    for parcel in parcels:
        by_loop.setdefault(parcel.loop, []).append(parcel)
    for loop, its in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_settle, its, reasons)


def _settle(parcels: Iterable[Parcel], reasons: Mapping[int, BaseException]) -> None:
    for parcel in parcels:
        parcel.told(reasons.get(id(parcel)))
