"""Event loops that live in threads: a worker's engine, and the few provider calls that pages make."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from functools import cache
from typing import Any, TypeVar

Result = TypeVar("Result")
LEAVE_WITHIN_S = 0.5


class LoopThread:
    """An event loop that runs in a thread."""

    def __init__(self, name: str = "engine") -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name=name, daemon=True)

    def start(self) -> None:
        """Run the loop."""
        self._thread.start()

    def wait_for(self, work: Coroutine[Any, Any, Result], timeout: float) -> Result:
        """Run `work` on the loop and return what it gives.

        Raises `TimeoutError`; the work is cancelled then.
        """
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


def stop_pages(goodbye: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Say goodbye on the pages' loop and end it, if any page ever used it."""
    if _pages.cache_info().currsize:
        thread = _pages()
        thread.wait_for(goodbye(), LEAVE_WITHIN_S)
        thread.stop()
        _pages.cache_clear()


def run_async(work: Coroutine[Any, Any, Result], *, timeout: float = 60.0) -> Result:
    """Run a page's provider call from a sync view, on a loop that all pages share. Raises `TimeoutError`."""
    return _pages().wait_for(work, timeout)
