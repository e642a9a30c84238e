"""The writer thread of a process, and the log of one claim that hands it records."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from asyncio import AbstractEventLoop
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import InterfaceError, OperationalError, connections

from orchestra_site.web.logs import ThrottledWarning
from orchestration.llm.engine.types import Delta
from orchestration.runs import live
from orchestration.runs.engine.budget import Spent
from orchestration.runs.engine.errors import LeaseLost
from orchestration.runs.engine.records import CallEnded, CallStarted, StepKind, StepRecord
from orchestration.runs.services.recording.batches import MOST_COST, CallText, Entry, WriteBatch
from orchestration.runs.services.recording.commit import Committed, commit_batches, is_written

logger = logging.getLogger(__name__)
_AWAY = ThrottledWarning(logger, "The database cannot be written (%s); trying again every two seconds.")

LARGEST_GROUP = 400
FIRST_WAIT_S, LONGEST_WAIT_S = 0.05, 2.0
SAVE_TEXT_EVERY_S = 1.0
LONGEST_LAG_S = 0.02
"""Seconds for which the records of pure steps wait for something that is written with them."""

Changed = Callable[[set[UUID], set[UUID]], None]
Commit = Callable[[Sequence[WriteBatch]], Committed]


class Recorder:
    """Accepts batches from any thread and commits them in groups, in order, through a connection of its own.

    While the database is locked, full or away, writes wait; `changed` is called with the runs that have new
    events and the teams whose runs changed status. `commit` writes batches in one transaction.
    """

    def __init__(self, changed: Changed, commit: Commit = commit_batches) -> None:
        self._changed = changed
        self._commit_batches = commit
        self._queue: queue.SimpleQueue[WriteBatch | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="recorder", daemon=True)
        self._given_up = threading.Event()

    def start(self) -> None:
        """Start writing."""
        self._thread.start()

    def put(self, batch: WriteBatch) -> None:
        """Queue a batch."""
        self._queue.put(batch)

    def stop(self, timeout: float) -> None:
        """Write what was queued before this call, for at most `timeout` seconds, and end."""
        self._queue.put(None)
        self._thread.join(timeout)
        self._given_up.set()

    def _work(self) -> None:
        try:
            while True:
                group, last = self._next_group()
                if group:
                    self._commit(group)
                if last:
                    return
        finally:
            connections.close_all()

    def _next_group(self) -> tuple[list[WriteBatch], bool]:
        """Return what has come in, waiting for the first, and whether it is the end."""
        group: list[WriteBatch] = []
        item = self._queue.get()
        while item is not None:
            group.append(item)
            if len(group) >= LARGEST_GROUP:
                return group, False
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return group, False
        return group, True

    def _commit(self, group: list[WriteBatch]) -> None:
        """Commit a group; one that cannot be written is split, so that a faulty batch fails alone."""
        try:
            committed = self._commit_retrying(group)
        except Exception as error:  # the writer goes on, whatever is wrong with one run's records
            if len({batch.run for batch in group}) > 1:
                for run in dict.fromkeys(batch.run for batch in group):
                    self._commit([batch for batch in group if batch.run == run])
                return
            logger.exception("Records of run %s cannot be written.", group[0].run)
            _acknowledge(group, dict.fromkeys(map(id, group), error))
            return
        refused = dict.fromkeys(
            map(id, committed.refused), LeaseLost("This process lost its lease on the run.")
        )
        _acknowledge(group, refused)
        kept = [batch for batch in group if id(batch) not in refused]
        self._changed({batch.run for batch in kept}, committed.teams)

    def _commit_retrying(self, group: list[WriteBatch]) -> Committed:
        """Commit, waiting for a database that is locked or away."""
        wait, tried = FIRST_WAIT_S, False
        while True:
            try:
                if tried and is_written(group):
                    return Committed(teams={batch.team for batch in group})
                return self._commit_batches(group)
            except (OperationalError, InterfaceError) as error:
                tried = True
                if self._given_up.is_set():
                    raise
                _AWAY.warn(error)
                connections.close_all()
                time.sleep(wait)
                wait = min(wait * 2, LONGEST_WAIT_S)


def _acknowledge(batches: Iterable[WriteBatch], reasons: Mapping[int, BaseException]) -> None:
    """Acknowledge batches, once a loop: `reasons` of refusals by ids. A closed loop is skipped."""
    by_loop: dict[AbstractEventLoop, list[WriteBatch]] = {}
    for batch in batches:
        by_loop.setdefault(batch.loop, []).append(batch)
    for loop, its in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_settle, its, reasons)


def _settle(batches: Iterable[WriteBatch], reasons: Mapping[int, BaseException]) -> None:
    for batch in batches:
        batch.acknowledge(reasons.get(id(batch)))


@dataclass(slots=True)
class _Lane:
    """The text of one call: how far it was sent, when it was last saved."""

    text: str = ""
    sent: int = 0
    saved: int = 0
    saved_at: float = 0.0
    changed: bool = False


class _Written:
    """What was written together; whoever awaits it can be cancelled without the others."""

    def __init__(self, loop: AbstractEventLoop) -> None:
        self.done: asyncio.Future[None] = loop.create_future()
        # A write that is not awaited counts as retrieved when it fails: `lost` has been called.
        self.done.add_done_callback(lambda ended: ended.cancelled() or ended.exception())

    def __await__(self) -> Generator[Any, None, None]:
        return asyncio.shield(self.done).__await__()


class DatabaseRunLog:
    """The `RunLog` of one claim. Lives on the engine's loop."""

    def __init__(self, *, recorder: Recorder, run: UUID, team: UUID, fence: int, spent: Spent) -> None:
        self._recorder = recorder
        self._run, self._team, self._fence = run, team, fence
        self._cost, self._calls = spent.money, spent.calls
        self._loop = asyncio.get_running_loop()
        self._lanes: dict[str, _Lane] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._sending: set[asyncio.Task[None]] = set()
        self._entries: list[Entry] = []
        self._written: _Written | None = None
        self._sending_soon: asyncio.TimerHandle | None = None
        self.lost: Callable[[], None] = lambda: None

    def write(self, *records: Entry) -> Awaitable[None]:
        """Queue records; the awaitable is done once they are committed. Raises `LeaseLost` when awaited.

        What is written in one turn of the loop goes to the writer together; what only pages need of a pure
        step, with what is written next.
        """
        for record in records:
            if isinstance(record, CallStarted):
                self._calls += 1
            elif isinstance(record, CallEnded):
                self._cost = min(self._cost + (record.cost_usd or 0), MOST_COST)
                self._lanes.pop(record.id, None)
        if self._written is None:
            self._written = _Written(self._loop)
            self._sending_soon = self._loop.call_later(LONGEST_LAG_S, self._send)
        first = records[0]
        may_lag = isinstance(first, StepRecord) and first.kind is StepKind.RECORD
        if not may_lag and self._sending_soon is not None:
            self._sending_soon.cancel()
            self._sending_soon = None
            self._loop.call_soon(self._send)
        self._entries += records
        return self._written

    def _send(self) -> None:
        """Hand what was written to the writer."""
        written, self._written = self._written, None
        assert written is not None  # noqa: S101  # it is called once for each
        entries, self._entries = tuple(self._entries), []
        batch = WriteBatch(
            run=self._run,
            team=self._team,
            fence=self._fence,
            entries=entries,
            cost_usd=self._cost,
            calls=self._calls,
            loop=self._loop,
            acknowledge=lambda reason: self._settle(written.done, reason),
        )
        self._recorder.put(batch)

    def show(self, call: str, delta: Delta) -> None:
        """Show a piece of text soon, together with what else comes until then."""
        lane = self._lanes.setdefault(call, _Lane(saved_at=time.monotonic()))
        lane.text = delta.text
        lane.sent = min(lane.sent, delta.offset)
        lane.changed = True
        interval = live.frame_interval(self._run, len(self._lanes))
        due = self._loop.time() + interval
        if self._timer is None or self._timer.when() > due:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_at(due, self._flush)

    async def close(self) -> None:
        """Stop showing text."""
        if self._timer is not None:
            self._timer.cancel()
        if self._sending:
            await asyncio.wait(self._sending)

    def _settle(self, done: asyncio.Future[None], reason: BaseException | None) -> None:
        if not done.done():
            if reason is None:
                done.set_result(None)
            else:
                done.set_exception(reason)
        if isinstance(reason, LeaseLost):
            self.lost()

    def _flush(self) -> None:
        self._timer = None
        now = time.monotonic()
        for call, lane in self._lanes.items():
            if lane.changed:
                lane.changed = False
                start, lane.sent = lane.sent, len(lane.text)
                if start < live.LONGEST_SENT:
                    news = lane.text[start : live.LONGEST_SENT]
                    more = live.send_text(self._run, call=call, offset=start, text=news)
                    task = self._loop.create_task(more)
                    self._sending.add(task)
                    task.add_done_callback(self._sending.discard)
            if lane.saved != len(lane.text) and now - lane.saved_at >= SAVE_TEXT_EVERY_S:
                lane.saved, lane.saved_at = len(lane.text), now
                self.write(CallText(id=call, text=lane.text))
        if any(lane.saved != len(lane.text) for lane in self._lanes.values()):
            self._timer = self._loop.call_later(SAVE_TEXT_EVERY_S, self._flush)
