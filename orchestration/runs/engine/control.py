"""How a run's owner steers it, what arrives for it meanwhile, and when it only waits and can be parked."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from orchestration.llm.engine.types import Json
from orchestration.runs.engine.types import Received

SETTLING_S = 0.02
"""How long a run is idle before it is parked: work about to start gets its turn."""
TICK_S = 0.001
"""By how much a timer may be early."""
STAY_S = 3.0
"""A run that has to go on within this many seconds is not parked."""
LINGER_S = 60.0
"""How long a run that receives messages is idle before it is parked."""


class StopReason(StrEnum):
    """Why a run's task was cancelled."""

    CANCELLED = "cancelled"  # a person cancelled the run
    STOPPING = "stopping"  # this process stops, or lost the run
    PARKED = "parked"  # nothing but waiting is pending, or a person paused the run


@dataclass(kw_only=True, slots=True, eq=False)
class _Wait:
    """A pending wait: until when, by the control's clock, and whether for a person."""

    for_people: bool
    due: float | None = None


class RunControl:
    """The switch between a run's task and its owner. `reason` is set before the task is cancelled.

    `clock` gives monotonic seconds; `answers` are people's, by the key of the step that asks; `newest` is the
    number of the newest message that was received before.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        linger_s: float = LINGER_S,
        answers: Mapping[str, Json],
        messages: Iterable[Received],
        newest: int = 0,
    ) -> None:
        self.reason: StopReason | None = None
        self.paused = False
        self.for_people = False
        self.answers: dict[str, Json] = dict(answers)
        self._clock = clock
        self._linger_s = linger_s
        self._newest = newest
        self._messages: deque[Received] = deque()
        self._linger_from: float | None = None
        self._task: asyncio.Task[object] | None = None
        self._active = 0
        self._waits: set[_Wait] = set()
        self._idle_since: float | None = None
        self._idle_s = 0.0
        self._arrived: asyncio.Future[None] | None = None
        for message in messages:
            self.deliver(message)

    @property
    def keeps_journal(self) -> bool:
        """False when a cut-off step must be repeated later: its cancellation was not the run's own choice."""
        return self.reason in {None, StopReason.CANCELLED}

    @property
    def idle_s(self) -> float:
        """Seconds in which nothing but waiting was pending."""
        return self._idle_s + (0.0 if self._idle_since is None else self._clock() - self._idle_since)

    def attach(self, task: asyncio.Task[object]) -> None:
        """Set the task that executes the run; a stop that was requested before takes effect at once."""
        self._task = task
        if self.reason is not None:
            task.cancel()

    def stop(self, reason: StopReason) -> None:
        """End the run's task for `reason`; the first reason stays."""
        if self.reason is None:
            self.reason = reason
            if self._task is not None:
                self._task.cancel()

    def pause(self) -> None:
        """Let what is under way end, start nothing new, then park."""
        self.paused = True
        self._update()

    def deliver(self, message: Received) -> None:
        """Queue a message that arrived. One that is known already is ignored."""
        if message.number > self._newest:
            self._newest = message.number
            self._messages.append(message)
            self._linger_from = self._clock()
            self._notify()

    def answer(self, step: str, answer: Json) -> None:
        """Give a person's answer to the question that `step` asks; the first one stays."""
        self.answers.setdefault(step, answer)
        self._notify()

    @property
    def has_message(self) -> bool:
        """True while a message is there to be received."""
        return bool(self._messages)

    def take_message(self) -> Received | None:
        """Return the next message, in the order of their numbers, None when there is none."""
        return self._messages.popleft() if self._messages else None

    async def enter(self) -> None:
        """Count one piece of work as under way. Does not return while the run is paused."""
        if self.paused:
            await self.wait(lambda: False)
        self.hold()

    def hold(self) -> None:
        """Count one piece of work as under way that no call stands for, paused or not, until `release`."""
        self._active += 1
        self._update()

    def release(self) -> None:
        """Count one piece of work that was held as over."""
        self._active -= 1
        self._update()

    def leave(self) -> None:
        """Count one piece of work as over."""
        self._active -= 1
        if self._linger_from is not None:
            self._linger_from = self._clock()
        self._update()

    async def wait(
        self,
        ready: Callable[[], bool],
        seconds_left: Callable[[], float | None] = lambda: None,
        *,
        for_people: bool = True,
    ) -> bool:
        """Wait until `ready`; False once no seconds are left. The run may be parked meanwhile."""
        pending = _Wait(for_people=for_people)
        try:
            while not ready():
                seconds = seconds_left()
                if seconds is not None and seconds <= 0:
                    return False
                pending.due = None if seconds is None else self._clock() + seconds
                self._waits.add(pending)
                self._update()
                if self._arrived is None or self._arrived.done():
                    self._arrived = asyncio.get_running_loop().create_future()
                await asyncio.wait([self._arrived], timeout=seconds)
            return True
        finally:
            self._waits.discard(pending)
            self._update()

    def _notify(self) -> None:
        if self._arrived is not None and not self._arrived.done():
            self._arrived.set_result(None)

    def _update(self) -> None:
        """Start or stop the count of idle seconds, and see soon whether the run can be parked."""
        idle = self._active == 0 and bool(self._waits)
        if idle and self._idle_since is None:
            self._idle_since = self._clock()
        elif not idle and self._idle_since is not None:
            self._idle_s += self._clock() - self._idle_since
            self._idle_since = None
        if idle:
            asyncio.get_running_loop().call_later(SETTLING_S, self._park_if_idle)

    def _park_if_idle(self) -> None:
        if self._idle_since is None:
            return
        now = self._clock()
        early = self._idle_since + SETTLING_S - now  # an earlier idle time has asked for this
        if early > TICK_S:
            asyncio.get_running_loop().call_later(early, self._park_if_idle)
            return
        if not self.paused:
            if any(wait.due is not None and wait.due - now <= STAY_S for wait in self._waits):
                return
            if self._linger_from is not None and now < self._linger_from + self._linger_s:
                later = self._linger_from + self._linger_s - now
                asyncio.get_running_loop().call_later(later, self._park_if_idle)
                return
        self.for_people = any(wait.for_people for wait in self._waits)
        self.stop(StopReason.PARKED)
