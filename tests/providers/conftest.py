"""A test module with `LOOP_FACTORY` runs its coroutines on that event loop, as the engine's tests do."""

from tests.engine.conftest import pytest_asyncio_loop_factories

__all__ = ["pytest_asyncio_loop_factories"]
