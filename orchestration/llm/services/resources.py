"""What the runs and pages of a process share: event loops, HTTP client, circuits, limiters, answer cache."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Coroutine
from functools import cache
from typing import Any, TypeVar
from uuid import UUID
from weakref import WeakKeyDictionary

import httpx
from django.conf import settings

from orchestration.llm.engine.resilience.attempts import Limiter
from orchestration.llm.engine.resilience.caching import AnswerCache
from orchestration.llm.engine.resilience.circuit import Circuit, CircuitPolicy, CircuitSnapshot, CircuitState
from orchestration.llm.providers.addresses import AddressGuard
from orchestration.llm.providers.exchange import Deadlines
from orchestration.llm.providers.transport import build_client

CACHE_BYTES = 64 * 1024 * 1024
DEADLINES = Deadlines()
CLOSE_WITHIN_S = 0.5
Returned = TypeVar("Returned")


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
        """Return a model's limiter; the newest run's limit applies to all."""
        limiter = self._limiters.setdefault(model, Limiter(limit))
        limiter.resize(limit)
        return limiter

    def snapshot(self, model: UUID) -> CircuitSnapshot | None:
        """Return the state of a model's circuit, None when the model was not asked on this loop."""
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
    """Return the state of a model's circuit in this process, None when the model was not asked here.

    Runs and pages ask on loops of their own; the circuit that stays open longest is returned.
    """
    snapshots = [shared.snapshot(model) for shared in list(_by_loop.values())]
    return max(
        filter(None, snapshots),
        key=lambda each: (each.state is not CircuitState.CLOSED, each.retry_in_s, each.failures_in_a_row),
        default=None,
    )


def reset_circuit(model: UUID) -> None:
    """Close a model's circuit in this process, from any thread."""
    for loop, shared in list(_by_loop.items()):
        if not loop.is_closed():
            loop.call_soon_threadsafe(shared.reset, model)


@cache
def address_guard() -> AddressGuard:
    """Return the guard that the settings ask for."""
    return AddressGuard.from_entries(
        settings.ALLOWED_ADDRESSES, allow_loopback=settings.PROFILE == "embedded"
    )


async def close_resources() -> None:
    """Close what the running loop's models shared."""
    found = _by_loop.pop(asyncio.get_running_loop(), None)
    if found is not None:
        await found.client.aclose()


class LoopThread:
    """An event loop that runs in a thread."""

    def __init__(self, name: str = "engine") -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name=name, daemon=True)

    def start(self) -> None:
        """Run the loop."""
        self._thread.start()

    def wait_for(self, work: Coroutine[Any, Any, Returned], timeout: float) -> Returned:
        """Run `work` on the loop and return its result. Raises `TimeoutError`, after cancelling the work."""
        future = asyncio.run_coroutine_threadsafe(work, self.loop)
        try:
            return future.result(timeout)
        except TimeoutError:
            future.cancel()
            raise

    def stop(self) -> None:
        """End the loop and its thread."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


@cache
def _pages() -> LoopThread:
    thread = LoopThread("pages")
    thread.start()
    return thread


def stop_pages() -> None:
    """Close what the pages' loop shares and end the loop, if any page ever used it."""
    if _pages.cache_info().currsize:
        thread = _pages()
        thread.wait_for(close_resources(), CLOSE_WITHIN_S)
        thread.stop()
        _pages.cache_clear()


def run_async(work: Coroutine[Any, Any, Returned], *, timeout: float = 60.0) -> Returned:
    """Run a page's provider call from a sync view, on a loop that all pages share. Raises `TimeoutError`."""
    return _pages().wait_for(work, timeout)
