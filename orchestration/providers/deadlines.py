"""How long a provider may take, and the clock that holds it to that."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

import httpx

from orchestration.engine.errors import ModelTimeout

Value = TypeVar("Value")


@dataclass(frozen=True, kw_only=True, slots=True)
class Deadlines:
    """Seconds: to connect, to the first token, between two signs of life after it, and for everything."""

    connect_s: float = 10.0
    first_token_s: float = 60.0
    idle_s: float = 60.0
    total_s: float = 300.0

    def for_connecting(self) -> httpx.Timeout:
        """Return what the client below must watch itself: looking up, connecting, TLS."""
        return httpx.Timeout(None, connect=self.connect_s, pool=self.connect_s)


class Patience:
    """One call's deadlines, counted on the event loop's clock from when this is made."""

    def __init__(self, deadlines: Deadlines, host: str) -> None:
        self._deadlines = deadlines
        self._host = host
        self._started = self._now()
        self._heard: float | None = None

    def heard(self) -> None:
        """Note a sign of life: a token, or anything after the first one."""
        self._heard = self._now()

    async def wait(self, step: Awaitable[Value], *, at_most: float | None = None) -> Value:
        """Return what `step` gives. Raises `ModelTimeout`, naming the deadline that passed."""
        left, sentence = self._left()
        try:
            async with asyncio.timeout(left if at_most is None else min(left, at_most)):
                return await step
        except TimeoutError as error:
            raise ModelTimeout(sentence) from error

    def _left(self) -> tuple[float, str]:
        """Return the seconds to the nearest deadline, and what to say once it has passed."""
        limits, now = self._deadlines, self._now()
        total = self._started + limits.total_s - now
        if self._heard is None:
            next_sign = self._started + limits.first_token_s - now
            sentence = f"{self._host} did not start to answer within {limits.first_token_s:g} seconds."
        else:
            next_sign = self._heard + limits.idle_s - now
            sentence = f"{self._host} fell silent for {limits.idle_s:g} seconds in mid-answer."
        if next_sign <= total:
            return next_sign, sentence
        return total, f"{self._host} did not finish its answer within {limits.total_s:g} seconds."

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
