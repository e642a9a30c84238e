"""Reads for sockets and async code, off the event loop.

Django's own `sync_to_async` runs everything in one thread: a slow write would hold up every read.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import connections

P = ParamSpec("P")
R = TypeVar("R")

THREADS = 4
_POOL = ThreadPoolExecutor(THREADS, thread_name_prefix="reads")


async def in_thread(fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run `fn` in the pool and return what it returns; its database connections are closed afterwards."""
    context = contextvars.copy_context()
    return await asyncio.get_running_loop().run_in_executor(
        _POOL, lambda: context.run(_run_and_close, lambda: fn(*args, **kwargs))
    )


def _run_and_close(work: Callable[[], R]) -> R:
    try:
        return work()
    finally:
        connections.close_all()
