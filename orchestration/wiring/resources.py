"""What all runs of a process share: the HTTP client, circuits, limiters, the answer cache."""

from __future__ import annotations

import asyncio
import time
from functools import cache
from uuid import UUID
from weakref import WeakKeyDictionary

import httpx
from django.conf import settings

from orchestration.engine.resilience.circuit import Circuit, CircuitPolicy, CircuitSnapshot, CircuitState
from orchestration.engine.resilience.limiting import Limiter
from orchestration.engine.resilience.store import AnswerCache
from orchestration.providers.deadlines import Deadlines
from orchestration.providers.guard import AddressGuard
from orchestration.providers.transport import build_client

CACHE_BYTES = 64 * 1024 * 1024
DEADLINES = Deadlines()


class Resources:
    """Shared state, by model; belongs to one event loop."""

    def __init__(self, deadlines: Deadlines = DEADLINES) -> None:
        self.deadlines = deadlines
        self.client: httpx.AsyncClient = build_client(guard=address_guard())
        seconds = settings.ANSWER_CACHE_SECONDS
        self.cache = (
            AnswerCache(max_bytes=CACHE_BYTES, ttl_s=seconds, clock=time.monotonic) if seconds else None
        )
        self._circuits: dict[UUID, Circuit] = {}
        self._limiters: dict[UUID, Limiter] = {}

    def circuit(self, model: UUID) -> Circuit:
        """Return a model's circuit."""
        return self._circuits.setdefault(model, Circuit(CircuitPolicy(), time.monotonic))

    def limiter(self, model: UUID, limit: int) -> Limiter:
        """Return a model's limiter; the newest run's limit holds for all."""
        limiter = self._limiters.setdefault(model, Limiter(limit))
        limiter.resize(limit)
        return limiter

    def snapshot(self, model: UUID) -> CircuitSnapshot | None:
        """Return how a model's circuit stands, None when it was not asked in this process."""
        circuit = self._circuits.get(model)
        return None if circuit is None else circuit.snapshot()

    def reset(self, model: UUID) -> None:
        """Close a model's circuit."""
        if model in self._circuits:
            self._circuits[model].reset()


_by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, Resources] = WeakKeyDictionary()


def resources() -> Resources:
    """Return the shared state of the running loop."""
    loop = asyncio.get_running_loop()
    found = _by_loop.get(loop)
    if found is None:
        found = _by_loop[loop] = Resources()
    return found


def circuit_snapshot(model: UUID) -> CircuitSnapshot | None:
    """Return how a model's circuit stands in this process, None when the model was not asked here.

    Runs and pages ask on loops of their own; the circuit that is open longest is the one that matters.
    """
    snapshots = [shared.snapshot(model) for shared in list(_by_loop.values())]
    return max(filter(None, snapshots), key=_unwellness, default=None)


def _unwellness(circuit: CircuitSnapshot) -> tuple[bool, float, int]:
    return circuit.state is not CircuitState.CLOSED, circuit.retry_in_s, circuit.failures_in_a_row


def reset_circuit(model: UUID) -> None:
    """Close a model's circuit in this process, from any thread."""
    for loop, shared in list(_by_loop.items()):
        if not loop.is_closed():
            loop.call_soon_threadsafe(shared.reset, model)


@cache
def address_guard() -> AddressGuard:
    """Return the guard that the settings ask for."""
    return AddressGuard.of(settings.ALLOWED_ADDRESSES, allow_loopback=settings.PROFILE == "embedded")


async def close_resources() -> None:
    """Close what the running loop's models shared."""
    found = _by_loop.pop(asyncio.get_running_loop(), None)
    if found is not None:
        await found.client.aclose()
