"""A test module with `LOOP_FACTORY` runs its coroutines on that event loop."""

from __future__ import annotations

from asyncio import AbstractEventLoop, new_event_loop
from collections.abc import Callable, Mapping

import pytest


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], AbstractEventLoop]]:
    return {"of the module": getattr(getattr(item, "module", None), "LOOP_FACTORY", new_event_loop)}
