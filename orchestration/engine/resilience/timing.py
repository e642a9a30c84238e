"""Deadlines of one attempt: first token, idle, total."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass

from orchestration.engine.errors import ModelTimeout
from orchestration.engine.model import AnswerStream, ChatModel, WrappedModel
from orchestration.engine.types import Completion, Delta, Prompt


@dataclass(frozen=True, kw_only=True, slots=True)
class TimeLimits:
    """Seconds an attempt may take: to its first piece, between two pieces, in all."""

    first_token_s: float = 60.0
    idle_s: float = 30.0
    total_s: float = 300.0


class TimeLimited(WrappedModel):
    """Gives up on an attempt that keeps its asker waiting. Time is the event loop's."""

    def __init__(self, inner: ChatModel, limits: TimeLimits) -> None:
        super().__init__(inner)
        self._limits = limits

    async def stream(self, prompt: Prompt) -> AnswerStream:
        """Pass the inner stream on. Raises `ModelTimeout`, billed once anything had come."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self._limits.total_s
        heard = False
        async with aclosing(self.inner.stream(prompt)) as pieces:
            while True:
                patience = self._limits.idle_s if heard else self._limits.first_token_s
                piece = await self._next(pieces, patience, end - loop.time(), heard=heard)
                if piece is None:
                    return
                heard = True
                yield piece

    async def _next(
        self, pieces: AnswerStream, patience: float, left: float, *, heard: bool
    ) -> Delta | Completion | None:
        if left <= 0:
            raise self._late(patience, left, heard=heard)
        timeout = asyncio.timeout(min(patience, left))
        try:
            async with timeout:
                return await anext(pieces, None)
        except TimeoutError:
            if not timeout.expired():
                raise
            raise self._late(patience, left, heard=heard) from None

    def _late(self, patience: float, left: float, *, heard: bool) -> ModelTimeout:
        if left <= patience:
            why = f"did not finish within {self._limits.total_s:g} s"
        elif heard:
            why = f"fell silent in mid-answer for {patience:g} s"
        else:
            why = f"did not begin to answer within {patience:g} s"
        error = ModelTimeout(f"{self.spec.name} {why}.")
        error.billed = heard
        return error
