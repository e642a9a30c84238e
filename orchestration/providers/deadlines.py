"""How long a provider may take: the one place where a call's time is limited."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace

import httpx

from orchestration.engine.errors import ModelTimeout
from orchestration.engine.model import AnswerStream, ChatModel, WrappedModel
from orchestration.engine.types import Prompt


@dataclass(frozen=True, kw_only=True, slots=True)
class Deadlines:
    """Seconds: to connect, to the first event of an answer, from one event to the next, and in all.

    An event is anything that arrives in the body: text, reasoning, a role, usage, a comment that keeps the
    connection open. A model that thinks aloud before its answer is therefore waited for.
    """

    connect_s: float = 10.0
    first_event_s: float = 60.0
    idle_s: float = 45.0
    total_s: float = 300.0

    def within(self, total_s: float) -> Deadlines:
        """Return the deadlines of a model whose calls may take `total_s` seconds."""
        return replace(
            self,
            first_event_s=min(self.first_event_s, total_s),
            idle_s=min(self.idle_s, total_s),
            total_s=total_s,
        )

    def for_connecting(self) -> httpx.Timeout:
        """Return what the HTTP client watches itself: looking up, connecting, TLS."""
        return httpx.Timeout(None, connect=self.connect_s, pool=self.connect_s)


class CallTimer:
    """The deadlines of one call, counted on the event loop's clock from when this is made.

    `name` stands in the sentences of errors: a host, or a model.
    """

    def __init__(self, deadlines: Deadlines, name: str) -> None:
        self._deadlines = deadlines
        self._name = name
        self._started = self._requested = self._now()
        self._has_event = False

    def request_sent(self) -> None:
        """Wait for a first event again: the call is made with another request."""
        self._requested = self._now()
        self._has_event = False

    def event(self) -> None:
        """Note that the provider sent something."""
        self._has_event = True

    @asynccontextmanager
    async def waiting(self, *, at_most: float | None = None) -> AsyncIterator[None]:
        """Limit what is awaited inside, to `at_most` seconds, too.

        Raises `ModelTimeout`, naming the deadline that passed; billed once anything was received.
        """
        left, sentence = self._left()
        if left <= 0:
            raise self._timeout(sentence)
        limit = asyncio.timeout(left if at_most is None else min(left, at_most))
        try:
            async with limit:
                yield
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise self._timeout(sentence) from error

    def _left(self) -> tuple[float, str]:
        """Return the seconds to the nearest deadline, and what to say once it has passed.

        The idle deadline counts from now: the time that a reader takes between two events is not the
        provider's.
        """
        limits, now = self._deadlines, self._now()
        total = self._started + limits.total_s - now
        if self._has_event:
            next_event = limits.idle_s
            sentence = f"{self._name} fell silent for {limits.idle_s:g} seconds in mid-answer."
        else:
            next_event = self._requested + limits.first_event_s - now
            sentence = f"{self._name} did not start to answer within {limits.first_event_s:g} seconds."
        if next_event <= total:
            return next_event, sentence
        return total, f"{self._name} did not finish its answer within {limits.total_s:g} seconds."

    def _timeout(self, sentence: str) -> ModelTimeout:
        error = ModelTimeout(sentence)
        error.billed = self._has_event
        return error

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


class Timed(WrappedModel):
    """A model inside this process under the same deadlines as one behind a network: a piece is an event."""

    def __init__(self, inner: ChatModel, deadlines: Deadlines) -> None:
        super().__init__(inner)
        self._deadlines = deadlines

    async def stream(self, prompt: Prompt) -> AnswerStream:
        """Pass the inner stream on. Raises `ModelTimeout`."""
        timer = CallTimer(self._deadlines, self.spec.name)
        async with aclosing(self.inner.stream(prompt)) as pieces:
            while True:
                async with timer.waiting():
                    piece = await anext(pieces, None)
                if piece is None:
                    return
                timer.event()
                yield piece
