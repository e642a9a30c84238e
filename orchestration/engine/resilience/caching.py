"""Answers given once are given again; identical requests in flight share one call."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from decimal import Decimal

from orchestration.engine.errors import ModelError
from orchestration.engine.model import AnswerStream, ChatModel, WrappedModel
from orchestration.engine.resilience.store import AnswerCache, Flight, cache_key
from orchestration.engine.types import Completion, Delta, FinishReason, Prompt


class Cached(WrappedModel):
    """Outermost wrapper: looks for an answer, or for somebody who is just getting it, before it asks.

    Only complete answers are kept. The first asker leads: its call serves all who ask the same meanwhile.
    When it leaves, or fails for a reason of its own, one of the others asks instead; a failure of the model
    is everybody's.
    """

    def __init__(self, inner: ChatModel, store: AnswerCache, *, scope: str) -> None:
        super().__init__(inner)
        self._store = store
        self._scope = scope

    async def stream(self, prompt: Prompt) -> AnswerStream:
        """Pass on a kept answer, another asker's stream, or the inner one."""
        key = cache_key(self._scope, self.spec, prompt)
        asked_at = self._store.clock()
        while True:
            kept = self._store.get(key)
            flight = self._store.flight(key)
            if kept is not None:
                pieces = _tell(self._reused(kept, asked_at))
            elif flight is not None:
                pieces = self._follow(flight, asked_at)
            else:
                pieces = self._lead(key, prompt)
            async with aclosing(pieces):
                async for piece in pieces:
                    yield piece
                    if isinstance(piece, Completion):
                        return
            if flight is None:
                return

    async def _lead(self, key: str, prompt: Prompt) -> AnswerStream:
        flight = self._store.begin(key)
        try:
            async with aclosing(self.inner.stream(prompt)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Delta):
                        flight.heard(piece)
                    else:
                        self._land(key, flight, piece)
                    yield piece
        except ModelError as error:
            self._store.end(key, flight, error=error)
            raise
        finally:
            self._store.end(key, flight)

    def _land(self, key: str, flight: Flight, answer: Completion) -> None:
        if answer.finish is FinishReason.STOP:
            self._store.put(key, answer)
        self._store.end(key, flight, answer=answer)

    async def _follow(self, flight: Flight, asked_at: float) -> AnswerStream:
        """Yield what the leader has heard and hears; end without an answer when it leaves."""
        starts, known = flight.starts, 0
        while True:
            news = flight.news
            if flight.starts != starts:
                starts, known = flight.starts, len(flight.text)
                yield Delta(text=flight.text, offset=0)
            elif len(flight.text) > known:
                offset, known = known, len(flight.text)
                yield Delta(text=flight.text[offset:], offset=offset)
            elif flight.over:
                break
            else:
                await news.wait()
        if flight.error is not None:
            raise flight.error
        if flight.answer is not None:
            yield self._reused(flight.answer, asked_at)

    def _reused(self, answer: Completion, asked_at: float) -> Completion:
        """Return an answer that cost its asker nothing but the wait."""
        waited = self._store.clock() - asked_at
        return replace(answer, cached=True, cost_usd=Decimal(0), latency_s=waited, first_token_s=None)


async def _tell(answer: Completion) -> AnswerStream:
    yield Delta(text=answer.text, offset=0)
    yield answer
