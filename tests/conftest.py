"""For every test: no network outside this machine, a data folder of its own, the event loop it names."""

from __future__ import annotations

import shutil
import signal
from asyncio import AbstractEventLoop, new_event_loop
from collections.abc import Callable, Mapping

import pytest
from django.conf import settings as django_settings
from django.test import Client
from hypothesis import settings

from orchestra_site.accounts.models import Membership, Role
from orchestration.llm.services.resources import stop_pages
from tests.support.history import a_member, signed_in
from tests.support.network import forbid_outside

forbid_outside()
# A shell's background job ignores it, and so do the processes that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)
settings.register_profile("house", deadline=None, print_blob=True)
settings.load_profile("house")


def pytest_configure() -> None:
    """Create this process's data folder."""
    django_settings.DATA_DIR.mkdir(mode=0o700, parents=True)


def pytest_unconfigure() -> None:
    """Close the clients with which pages ask providers, and remove the data folder."""
    stop_pages()
    shutil.rmtree(django_settings.DATA_DIR, ignore_errors=True)


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], AbstractEventLoop]]:
    """Run the coroutines of a module on the event loop that it names as `LOOP_FACTORY`."""
    return {"of the module": getattr(getattr(item, "module", None), "LOOP_FACTORY", new_event_loop)}


@pytest.fixture
def member(db: None) -> Membership:
    """Store an operator in a team of their own."""
    return a_member(name="Ada")


@pytest.fixture
def owner(db: None) -> Membership:
    """Store the owner of a team."""
    return a_member(Role.OWNER)


@pytest.fixture
def admin(db: None) -> Membership:
    """Store an admin of a team."""
    return a_member(Role.ADMIN)


@pytest.fixture
def browser(member: Membership) -> Client:
    """Return a browser in which `member` is signed in."""
    return signed_in(member)
