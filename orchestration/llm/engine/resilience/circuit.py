"""A circuit breaker: a model that keeps failing is not asked for a while."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from orchestration.llm.engine.errors import (
    BadAnswer,
    CircuitOpen,
    ModelError,
    ModelTimeout,
    ProviderUnavailable,
    StreamBroken,
)

PROVIDER_FAULTS = (ProviderUnavailable, ModelTimeout, StreamBroken, BadAnswer)
"""Failures of the model. A refused key or prompt, or a rate limit, concerns the request instead."""


class CircuitState(StrEnum):
    """Closed lets calls through, open refuses them, half-open lets one through as a probe."""

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
    """A circuit as a page shows it; `last_error` is the newest failure."""

    state: CircuitState
    failures_in_a_row: int
    retry_in_s: float
    last_error: str


CallPermit = NewType("CallPermit", int)
"""Permission for one call: the circuit's generation, the only one in which the call's result counts."""


class Circuit:
    """The state of one model's circuit, shared by every run. `clock` gives monotonic seconds."""

    def __init__(self, policy: CircuitPolicy, clock: Callable[[], float]) -> None:
        self._policy = policy
        self._clock = clock
        self._generation = 0
        self._openings = 0
        self._last_error = ""
        self._open_until: float | None = None
        self._probing = False
        self._failures_in_a_row = 0
        self._recent: deque[bool] = deque(maxlen=policy.window)

    @property
    def state(self) -> CircuitState:
        """The state now."""
        if self._open_until is None:
            return CircuitState.CLOSED
        return CircuitState.OPEN if self._remaining() > 0 else CircuitState.HALF_OPEN

    def admit(self, name: str) -> CallPermit:
        """Permit one call. Raises `CircuitOpen` with the seconds to wait."""
        if self._open_until is not None:
            remaining = self._remaining()
            if remaining > 0 or self._probing:
                raise CircuitOpen(self._open_message(name, remaining), retry_in_s=remaining)
            self._probing = True
        return CallPermit(self._generation)

    def succeeded(self, permit: CallPermit) -> None:
        """Count a call that was answered."""
        if permit != self._generation:
            return
        if self._open_until is not None:
            self.reset()
            return
        self._failures_in_a_row = 0
        self._recent.append(True)

    def failed(self, permit: CallPermit, error: ModelError) -> None:
        """Count a call that failed by the provider's fault."""
        if permit != self._generation:
            return
        self._last_error = str(error)
        self._failures_in_a_row += 1
        self._recent.append(False)
        if self._open_until is not None or self._must_open():
            self._open()

    def abandoned(self, permit: CallPermit) -> None:
        """End a call that says nothing about the provider; another may be the probe."""
        if permit == self._generation:
            self._probing = False

    def reset(self) -> None:
        """Close the circuit and drop its history."""
        self._new_generation()
        self._open_until = None
        self._openings = 0
        self._failures_in_a_row = 0

    def snapshot(self) -> CircuitSnapshot:
        """Return the state as a page shows it."""
        return CircuitSnapshot(
            state=self.state,
            failures_in_a_row=self._failures_in_a_row,
            retry_in_s=self._remaining(),
            last_error=self._last_error,
        )

    def _must_open(self) -> bool:
        if self._failures_in_a_row >= self._policy.consecutive:
            return True
        window, failures = self._policy.window, self._recent.count(False)
        return len(self._recent) == window and failures >= self._policy.fraction * window

    def _open(self) -> None:
        self._new_generation()
        grown = self._policy.cool_down_s * self._policy.growth ** min(self._openings, 60)
        self._open_until = self._clock() + min(grown, self._policy.cool_down_cap_s)
        self._openings += 1

    def _new_generation(self) -> None:
        self._generation += 1
        self._probing = False
        self._recent.clear()

    def _remaining(self) -> float:
        return 0.0 if self._open_until is None else max(0.0, self._open_until - self._clock())

    def _open_message(self, name: str, remaining: float) -> str:
        when = f"in {remaining:.0f} s" if remaining >= 1 else "shortly"
        return (
            f"{name} failed too often lately and is not asked now; it is tried again {when}."
            f" Last failure: {self._last_error}"
        )
