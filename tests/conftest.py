"""For every test: no network outside this machine, a data folder of its own, the event loop it names."""

from __future__ import annotations

import shutil
import signal
from asyncio import AbstractEventLoop, new_event_loop
from collections.abc import Callable, Mapping

import pytest
from django.conf import settings as django_settings
from hypothesis import settings

from orchestration.wiring.loops import stop_pages
from orchestration.wiring.resources import close_resources
from tests.support.network import forbid_outside

forbid_outside()
signal.signal(
    signal.SIGINT, signal.default_int_handler
)  # ignored in a shell's background job, and in its children
settings.register_profile("house", deadline=None, print_blob=True)
settings.load_profile("house")


def pytest_configure() -> None:
    """Make this process's data folder."""
    django_settings.DATA_DIR.mkdir(mode=0o700, parents=True)


def pytest_unconfigure() -> None:
    """Remove it again, and close what pages asked providers with."""
    stop_pages(close_resources)
    shutil.rmtree(django_settings.DATA_DIR, ignore_errors=True)


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], AbstractEventLoop]]:
    """Run the coroutines of a module on the event loop that it names as `LOOP_FACTORY`."""
    return {"of the module": getattr(getattr(item, "module", None), "LOOP_FACTORY", new_event_loop)}
