"""At most so many calls to a model at once, first come, first served."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from orchestration.engine.model import AnswerStream, ChatModel, WrappedModel
from orchestration.engine.types import Prompt


class Limiter:
    """Places for `limit` calls of one model, shared by every run of the process's event loop."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._busy = 0
        self._queue: deque[asyncio.Future[None]] = deque()

    @property
    def busy(self) -> int:
        """Places taken."""
        return self._busy

    @property
    def waiting(self) -> int:
        """Askers in the queue."""
        return len(self._queue)

    def resize(self, limit: int) -> None:
        """Change the number of places; calls under way keep theirs."""
        self._limit = limit
        self._admit()

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Hold a place, waiting for one in turn."""
        if self._queue or self._busy >= self._limit:
            await self._queue_up()
        else:
            self._busy += 1
        try:
            yield
        finally:
            self._leave()

    async def _queue_up(self) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._queue.remove(turn)
                self._admit()
            else:  # the place was given in the same moment: pass it on
                self._leave()
            raise

    def _leave(self) -> None:
        self._busy -= 1
        self._admit()

    def _admit(self) -> None:
        """Give free places to those who wait; one who was cancelled removes itself from the queue."""
        for turn in [turn for turn in self._queue if not turn.done()][: max(0, self._limit - self._busy)]:
            self._queue.remove(turn)
            self._busy += 1
            turn.set_result(None)


class Limited(WrappedModel):
    """Waits for a place at the model's limiter before it asks."""

    def __init__(self, inner: ChatModel, limiter: Limiter) -> None:
        super().__init__(inner)
        self._limiter = limiter

    async def stream(self, prompt: Prompt) -> AnswerStream:
        """Pass the inner stream on while holding a place."""
        async with self._limiter.place(), aclosing(self.inner.stream(prompt)) as pieces:
            async for piece in pieces:
                yield piece
