"""Reads for sockets and async code, off the event loop.

Django's own `sync_to_async` runs everything in one thread: a slow write would hold up every read.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import ParamSpec, TypeVar

from django.db import Error, connections

P = ParamSpec("P")
R = TypeVar("R")

THREADS = 4
CLOSE_WITHIN_S = 0.5
_POOL = ThreadPoolExecutor(THREADS, thread_name_prefix="reads")
_KEPT = ThreadPoolExecutor(1, thread_name_prefix="database")


async def in_thread(fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run `fn` in the pool and return what it returns; its database connections are closed afterwards."""
    context = contextvars.copy_context()
    return await asyncio.get_running_loop().run_in_executor(
        _POOL, lambda: context.run(_run_and_close, lambda: fn(*args, **kwargs))
    )


async def in_database_thread(fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run `fn` in the thread that keeps its connection: for the engine's own short reads and writes, in turn.

    A connection that went stale or saw an error is opened anew.
    """
    return await asyncio.get_running_loop().run_in_executor(
        _KEPT, lambda: _run_and_keep(lambda: fn(*args, **kwargs))
    )


def close_database_thread() -> None:
    """Close the kept connection, or soon if the thread waits for the database; the next use opens another."""
    wait([_KEPT.submit(connections.close_all)], CLOSE_WITHIN_S)


def _run_and_keep(work: Callable[[], R]) -> R:
    for connection in connections.all(initialized_only=True):
        if connection.connection is not None and not connection.is_usable():
            connection.close()
    try:
        return work()
    except Error:
        connections.close_all()
        raise


def _run_and_close(work: Callable[[], R]) -> R:
    try:
        return work()
    finally:
        connections.close_all()
