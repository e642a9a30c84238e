"""A circuit breaker: a model that keeps failing is left alone for a while."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from enum import StrEnum

from orchestration.engine.errors import (
    BadAnswer,
    CircuitOpen,
    ModelError,
    ModelTimeout,
    ProviderUnavailable,
    StreamBroken,
)
from orchestration.engine.model import AnswerStream, ChatModel, WrappedModel
from orchestration.engine.types import Completion, Prompt

PROVIDERS_FAULT = (ProviderUnavailable, ModelTimeout, StreamBroken, BadAnswer)
"""Failures that say the model is unwell. A refused key or prompt, or a rate limit, is about the asker."""


class CircuitState(StrEnum):
    """Closed lets calls through, open refuses them, half-open lets one through to see."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, kw_only=True, slots=True)
class CircuitPolicy:
    """When to open and for how long.

    Opens after `consecutive` failures in a row, or once `fraction` of the last `window` calls failed. The
    n-th opening in a row lasts `cool_down_s` * `growth`^(n-1) seconds, at most `cool_down_cap_s`.
    """

    consecutive: int = 5
    window: int = 20
    fraction: float = 0.5
    cool_down_s: float = 15.0
    growth: float = 2.0
    cool_down_cap_s: float = 300.0


@dataclass(frozen=True, kw_only=True, slots=True)
class CircuitSnapshot:
    """A circuit as a page shows it. `openings` counts those in a row, `last_error` is the newest failure."""

    state: CircuitState
    failures_in_a_row: int
    openings: int
    retry_in_s: float
    last_error: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Pass:
    """Leave to make one call. What it reports counts only while the circuit is in the same era."""

    era: int


class Circuit:
    """The state of one model's circuit, shared by every run. `clock` gives monotonic seconds."""

    def __init__(self, policy: CircuitPolicy, clock: Callable[[], float]) -> None:
        self._policy = policy
        self._clock = clock
        self._era = 0
        self._openings = 0
        self._last_error = ""
        self._left_alone_until: float | None = None
        self._probing = False
        self._failures_in_a_row = 0
        self._recent: deque[bool] = deque(maxlen=policy.window)

    @property
    def state(self) -> CircuitState:
        """Where the circuit is now."""
        if self._left_alone_until is None:
            return CircuitState.CLOSED
        return CircuitState.OPEN if self._remaining() > 0 else CircuitState.HALF_OPEN

    def admit(self, name: str) -> Pass:
        """Let one call through. Raises `CircuitOpen` with the seconds to wait."""
        if self._left_alone_until is not None:
            remaining = self._remaining()
            if remaining > 0 or self._probing:
                raise CircuitOpen(self._refusal(name, remaining), retry_in_s=remaining)
            self._probing = True
        return Pass(era=self._era)

    def succeeded(self, leave: Pass) -> None:
        """Count a call that was answered."""
        if leave.era != self._era:
            return
        if self._left_alone_until is not None:
            self.reset()
            return
        self._failures_in_a_row = 0
        self._recent.append(True)

    def failed(self, leave: Pass, error: ModelError) -> None:
        """Count a call that failed by the provider's fault."""
        if leave.era != self._era:
            return
        self._last_error = str(error)
        self._failures_in_a_row += 1
        self._recent.append(False)
        if self._left_alone_until is not None or self._is_too_much():
            self._open()

    def abandoned(self, leave: Pass) -> None:
        """Count neither way a call that said nothing about the provider; another may be the probe."""
        if leave.era == self._era:
            self._probing = False

    def reset(self) -> None:
        """Close the circuit and forget what led to its opening."""
        self._begin_era()
        self._left_alone_until = None
        self._openings = 0
        self._failures_in_a_row = 0

    def snapshot(self) -> CircuitSnapshot:
        """Return the circuit as it stands."""
        return CircuitSnapshot(
            state=self.state,
            failures_in_a_row=self._failures_in_a_row,
            openings=self._openings,
            retry_in_s=self._remaining(),
            last_error=self._last_error,
        )

    def _is_too_much(self) -> bool:
        if self._failures_in_a_row >= self._policy.consecutive:
            return True
        failures = self._recent.count(False)
        return len(self._recent) == self._policy.window and failures >= self._policy.fraction * len(
            self._recent
        )

    def _open(self) -> None:
        self._begin_era()
        grown = self._policy.cool_down_s * self._policy.growth ** min(self._openings, 60)
        self._left_alone_until = self._clock() + min(grown, self._policy.cool_down_cap_s)
        self._openings += 1

    def _begin_era(self) -> None:
        self._era += 1
        self._probing = False
        self._recent.clear()

    def _remaining(self) -> float:
        return 0.0 if self._left_alone_until is None else max(0.0, self._left_alone_until - self._clock())

    def _refusal(self, name: str, remaining: float) -> str:
        when = f"in {remaining:.0f} s" if remaining >= 1 else "shortly"
        return (
            f"{name} failed too often lately and is left alone; it is tried again {when}."
            f" Last failure: {self._last_error}"
        )


class CircuitBroken(WrappedModel):
    """Asks only while the model's circuit lets it."""

    def __init__(self, inner: ChatModel, circuit: Circuit) -> None:
        super().__init__(inner)
        self._circuit = circuit

    async def stream(self, prompt: Prompt) -> AnswerStream:
        """Pass the inner stream on and report how it ended. Raises `CircuitOpen`."""
        leave = self._circuit.admit(self.spec.name)
        try:
            async with aclosing(self.inner.stream(prompt)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Completion):
                        self._circuit.succeeded(leave)
                    yield piece
        except PROVIDERS_FAULT as error:
            self._circuit.failed(leave, error)
            raise
        finally:
            self._circuit.abandoned(leave)
