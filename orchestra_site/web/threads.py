"""Database access for sockets and async code, in threads beside the event loop.

Django's own `sync_to_async` runs everything in one thread: a slow write would block every read.
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
CLOSE_TIMEOUT_S = 0.5
_READ_THREADS = ThreadPoolExecutor(THREADS, thread_name_prefix="reads")
_DATABASE_THREAD = ThreadPoolExecutor(1, thread_name_prefix="database")


async def in_thread(fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run `fn` in a pool of threads and return its result; its database connections are closed afterwards."""

    def run() -> R:
        try:
            return fn(*args, **kwargs)
        finally:
            connections.close_all()

    context = contextvars.copy_context()
    return await asyncio.get_running_loop().run_in_executor(_READ_THREADS, lambda: context.run(run))


async def in_database_thread(fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run `fn` in the one thread that keeps its connection open, for short reads and writes of the engine.

    A connection that is unusable or raised an error is replaced.
    """

    def run() -> R:
        for connection in connections.all(initialized_only=True):
            if connection.connection is not None and not connection.is_usable():
                connection.close()
        try:
            return fn(*args, **kwargs)
        except Error:
            connections.close_all()
            raise

    return await asyncio.get_running_loop().run_in_executor(_DATABASE_THREAD, run)


def close_database_thread() -> None:
    """Close the connection of the database thread, at the latest when its current query ends."""
    wait([_DATABASE_THREAD.submit(connections.close_all)], CLOSE_TIMEOUT_S)
