"""Waiting for something to come about in another process."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


def until(look: Callable[[], Value], within_s: float, what: str) -> Value:
    """Return the first true value that `look` gives. Raises `TimeoutError` naming `what` did not happen."""
    deadline = time.monotonic() + within_s
    while not (value := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"Within {within_s:g} seconds, {what} did not happen.")
        time.sleep(0.02)
    return value
