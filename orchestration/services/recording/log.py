"""A run's log on the database: durable records through the writer thread, text through the channel layer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from orchestration import live
from orchestration.engine.context.budget import Spent
from orchestration.engine.context.records import CallEnded, CallStarted
from orchestration.engine.errors import LeaseLost
from orchestration.engine.types import Delta
from orchestration.services.recording.parcels import CallText, Entry, Parcel
from orchestration.services.recording.recorder import Recorder

SAVE_TEXT_EVERY_S = 1.0


@dataclass(slots=True)
class _Lane:
    """The text of one call: how far it was sent, when it was last saved."""

    text: str = ""
    sent: int = 0
    saved: int = 0
    saved_at: float = 0.0
    changed: bool = False


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
        self.lost: Callable[[], None] = lambda: None

    @property
    def spent(self) -> Decimal:
        """US dollars that the run's calls have cost so far, all claims together."""
        return self._cost

    def write(self, *records: Entry) -> Awaitable[None]:
        """Queue records; the awaitable is done once they are committed. Raises `LeaseLost` when awaited."""
        for record in records:
            self._account(record)
        done: asyncio.Future[None] = self._loop.create_future()
        done.add_done_callback(_retrieve)
        parcel = Parcel(
            run=self._run,
            team=self._team,
            fence=self._fence,
            entries=records,
            cost_usd=self._cost,
            calls=self._calls,
            loop=self._loop,
            told=lambda reason: self._settle(done, reason),
        )
        self._recorder.put(parcel)
        return done

    def show(self, call: str, delta: Delta) -> None:
        """Show a piece of text soon, together with what else comes until then."""
        lane = self._lanes.setdefault(call, _Lane(saved_at=time.monotonic()))
        lane.text = lane.text[: delta.offset] + delta.text
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

    def _account(self, record: Entry) -> None:
        if isinstance(record, CallStarted):
            self._calls += 1
        elif isinstance(record, CallEnded):
            self._cost += record.cost_usd or Decimal(0)
            self._lanes.pop(record.id, None)

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
                self._send(call, lane)
            if lane.saved != len(lane.text) and now - lane.saved_at >= SAVE_TEXT_EVERY_S:
                lane.saved, lane.saved_at = len(lane.text), now
                self.write(CallText(id=call, text=lane.text))
        if any(lane.saved != len(lane.text) for lane in self._lanes.values()):
            self._timer = self._loop.call_later(SAVE_TEXT_EVERY_S, self._flush)

    def _send(self, call: str, lane: _Lane) -> None:
        piece = live.send_text(self._run, call=call, offset=lane.sent, text=lane.text[lane.sent :])
        lane.sent = len(lane.text)
        task = self._loop.create_task(piece)
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)


def _retrieve(done: asyncio.Future[None]) -> None:
    """Mark the exception of a write that nobody awaits as seen: `lost` has told the owner."""
    if not done.cancelled():
        done.exception()
