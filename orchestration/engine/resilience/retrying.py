"""The one retry loop of the system."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from random import Random

from orchestration.engine.errors import Consequence, ModelError, RateLimited
from orchestration.engine.model import AnswerStream, ChatModel, WrappedModel
from orchestration.engine.types import Prompt


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryPolicy:
    """How often and how patiently to try again. Times in seconds.

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
        return random.uniform(0.0, min(self.cap_s, self.base_s * 2.0 ** min(attempt - 1, 60)))


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
