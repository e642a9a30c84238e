"""When a model is asked: limited concurrency, the circuit's permission, and the one retry loop."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from random import Random

from orchestration.llm.engine.errors import Consequence, ModelError, RateLimited
from orchestration.llm.engine.model import AnswerStream, ChatModel, WrappedModel
from orchestration.llm.engine.resilience.circuit import PROVIDER_FAULTS, Circuit
from orchestration.llm.engine.types import Completion, Prompt


class Limiter:
    """Slots for `limit` calls of one model, shared by the runs of an event loop.

    Runs take turns, so that one with many calls keeps no other waiting; of the calls of a run the first to
    come is the first served. `busy` counts the slots in use, `waiting` has the queue of each run, the run
    whose turn it is first.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.busy = 0
        self.waiting: dict[Hashable, deque[asyncio.Future[None]]] = {}

    def resize(self, limit: int) -> None:
        """Change the number of slots; calls under way keep theirs."""
        self._limit = limit
        self._admit()

    @asynccontextmanager
    async def slot(self, run: Hashable = None) -> AsyncIterator[None]:
        """Use a slot for a call of `run`, after waiting for one in the queue."""
        if self.waiting or self.busy >= self._limit:
            await self._wait_in_queue(run)
        else:
            self.busy += 1
        try:
            yield
        finally:
            self._release()

    async def _wait_in_queue(self, run: Hashable) -> None:
        slot = asyncio.get_running_loop().create_future()
        self.waiting.setdefault(run, deque()).append(slot)
        try:
            await slot
        except asyncio.CancelledError:
            if slot.cancelled():
                self._remove(run, slot)
                self._admit()
            else:  # the slot was given in the same moment: pass it on
                self._release()
            raise

    def _release(self) -> None:
        self.busy -= 1
        self._admit()

    def _admit(self) -> None:
        """Give free slots to waiting calls; a cancelled one removes itself from its queue."""
        while self.busy < self._limit:
            open_slots = (
                (run, slot) for run, queue in self.waiting.items() for slot in queue if not slot.done()
            )
            chosen = next(open_slots, None)
            if chosen is None:
                return
            self._remove(*chosen)
            self.busy += 1
            chosen[1].set_result(None)

    def _remove(self, run: Hashable, slot: asyncio.Future[None]) -> None:
        """Take a call out of the queue of its run, whose turn comes again after all others."""
        queue = self.waiting.pop(run)
        queue.remove(slot)
        if queue:
            self.waiting[run] = queue


class Admitted(WrappedModel):
    """Asks once a slot of the model's limiter is free, and only while the model's circuit permits it."""

    def __init__(self, inner: ChatModel, limiter: Limiter, circuit: Circuit, run: Hashable = None) -> None:
        super().__init__(inner)
        self._limiter = limiter
        self._circuit = circuit
        self._run = run

    async def stream(self, prompt: Prompt) -> AnswerStream:
        """Pass the inner stream on and report to the circuit how it ended. Raises `CircuitOpen`."""
        async with self._limiter.slot(self._run):
            permit = self._circuit.admit(self.spec.name)
            try:
                async with aclosing(self.inner.stream(prompt)) as pieces:
                    async for piece in pieces:
                        if isinstance(piece, Completion):
                            self._circuit.succeeded(permit)
                        yield piece
            except PROVIDER_FAULTS as error:
                self._circuit.failed(permit, error)
                raise
            finally:
                self._circuit.abandoned(permit)


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryPolicy:
    """How often to try, and how long to wait in between. Times in seconds.

    The wait before attempt n + 1 is drawn evenly from 0 to `base_s` * 2^(n-1), at most `cap_s` ("full
    jitter", Amazon Builders' Library). A provider's own Retry-After, at most `retry_after_cap_s`, is waited
    for in full.
    """

    attempts: int = 3
    base_s: float = 0.5
    cap_s: float = 20.0
    retry_after_cap_s: float = 30.0

    def wait_s(self, error: ModelError, attempt: int, random: Random) -> float:
        """Return how long to wait after the `attempt`th attempt (from 1) failed with `error`."""
        asked = error.retry_after_s if isinstance(error, RateLimited) else None
        if asked is not None and math.isfinite(asked):
            return min(max(asked, 0.0), self.retry_after_cap_s) + random.uniform(0.0, self.base_s)
        return random.uniform(0.0, self.longest_s(attempt))

    def longest_s(self, attempt: int) -> float:
        """Return the longest wait after the `attempt`th attempt (from 1)."""
        return min(self.cap_s, self.base_s * 2.0 ** min(attempt - 1, 60))


class Retrying(WrappedModel):
    """Asks again after errors that may pass; never starts a wait that outlasts the run's deadline.

    A new attempt streams from offset 0, so that its text replaces what a broken one had shown.
    """

    def __init__(
        self,
        inner: ChatModel,
        policy: RetryPolicy,
        *,
        sleep: Callable[[float], Awaitable[object]],
        random: Random,
        time_left: Callable[[], float | None],
    ) -> None:
        super().__init__(inner)
        self._policy = policy
        self._sleep = sleep
        self._random = random
        self._time_left = time_left

    async def stream(self, prompt: Prompt) -> AnswerStream:
        """Pass the inner stream on, from its start again after each retryable error."""
        attempt = 1
        while True:
            try:
                async with aclosing(self.inner.stream(prompt)) as pieces:
                    async for piece in pieces:
                        yield piece
            except ModelError as error:
                wait = self._wait_before_next(error, attempt)
                if wait is None:
                    raise
            else:
                return
            await self._sleep(wait)
            attempt += 1

    def _wait_before_next(self, error: ModelError, attempt: int) -> float | None:
        if error.consequence is not Consequence.RETRYABLE or attempt >= self._policy.attempts:
            return None
        wait = self._policy.wait_s(error, attempt, self._random)
        left = self._time_left()
        return None if left is not None and wait >= left else wait
