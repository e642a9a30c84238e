"""For every test: no network outside this machine, a data folder of its own, the event loop it names."""

from __future__ import annotations

import gc
import shutil
import signal
from asyncio import AbstractEventLoop, new_event_loop
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import _lru_cache_wrapper, cache

import pytest
from django.conf import settings as django_settings
from django.contrib.contenttypes.management import create_contenttypes
from django.db import connection
from django.db.backends.base.operations import BaseDatabaseOperations
from django.db.models.signals import post_migrate
from django.template import Context, Template
from django.test import Client
from hypothesis import settings

from orchestra_site.accounts.models import Membership, Role, Team
from orchestration.llm.providers.addresses import Endpoint
from orchestration.llm.services.resources import LoopThread, stop_pages
from orchestration.runs.services.runtime import Runtime
from tests.support.engines import Engine
from tests.support.history import a_member, signed_in
from tests.support.mcp_process import mcp_process
from tests.support.network import forbid_outside
from tests.support.second_kind import second_kind

forbid_outside()
# A shell's background job ignores it, and so do the processes that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)
settings.register_profile("house", deadline=None, print_blob=True, max_examples=60)
settings.load_profile("house")

LONG_FIRST = ("tests/e2e/", "tests/house/")


def pytest_configure() -> None:
    """Create this process's data folder."""
    django_settings.DATA_DIR.mkdir(mode=0o700, parents=True)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take long: none of them is left to one process at the end.

    Lines that only examples of chance reach do not count as covered: the next run may miss them.
    """
    items.sort(key=lambda item: [not item.nodeid.startswith(folder) for folder in LONG_FIRST])
    for item in items:
        if item.get_closest_marker("hypothesis"):
            item.add_marker("no_cover")


def pytest_unconfigure() -> None:
    """Close the clients with which pages ask providers, and remove the data folder."""
    stop_pages()
    shutil.rmtree(django_settings.DATA_DIR, ignore_errors=True)


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], AbstractEventLoop]]:
    """Run the coroutines of a module on the event loop that it names as `LOOP_FACTORY`."""
    return {"of the module": getattr(getattr(item, "module", None), "LOOP_FACTORY", new_event_loop)}


ENGINES = (".engine.", ".expressions.", ".graphs.")
COMPUTED = pytest.StashKey[Mapping[int, int]]()
"""How often each cache of the engines had to compute, before a test that is not measured."""


@cache
def _caches() -> Sequence[_lru_cache_wrapper[object]]:
    """Return where engines keep what they computed."""
    found = [each for each in gc.get_objects() if type(each) is _lru_cache_wrapper]
    return [each for each in found if any(part in f"{each.__module__}." for part in ENGINES)]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Remember how much was computed before a test that is not measured."""
    if item.get_closest_marker("no_cover"):
        item.stash[COMPUTED] = {id(each): each.cache_info().misses for each in _caches()}


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Forget what a test computed without being measured: a later one would not compute it again."""
    before = item.stash.get(COMPUTED, None)
    if before is None:
        return
    for each in _caches():
        if each.cache_info().misses > before.get(id(each), 0):
            each.cache_clear()


@pytest.fixture(scope="session", autouse=True)
def _plain_rendering(django_test_environment: None) -> None:
    """Render templates as a site does.

    Django would copy the context of every template for tests to look at: a tenth of a page's time, and no
    test looks.
    """

    def render(self: Template, context: Context) -> str:
        return self.nodelist.render(context)

    Template._render = render  # type: ignore[attr-defined]  # which the stubs do not know


@pytest.fixture(scope="session", autouse=True)
def _quick_flush(django_test_environment: None) -> None:
    """Empty the tables quickly after each test that commits.

    Django would write the permissions of all models anew, which nothing here uses: nine tenths of the time.
    On PostgreSQL it would truncate all tables, where a test fills a few of them with a few rows.
    """

    def deletions(self: BaseDatabaseOperations, _: object, tables: Sequence[str], **__: bool) -> list[str]:
        return [f"DELETE FROM {self.quote_name(table)}" for table in tables]

    assert post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")
    assert post_migrate.disconnect(create_contenttypes)
    if connection.vendor == "postgresql":
        type(connection.ops).sql_flush = deletions  # type: ignore[assignment]  # it names its parameters


@pytest.fixture(scope="session")
def mcp_server() -> Iterator[Endpoint]:
    """Run an MCP server of the SDK in a process of its own."""
    with mcp_process() as endpoint:
        yield endpoint


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
def team(db: None) -> Team:
    """Store a team without members."""
    return Team.objects.create(name="Ravens")


@pytest.fixture
def browser(member: Membership) -> Client:
    """Return a browser in which `member` is signed in."""
    return signed_in(member)


@pytest.fixture
def loop_thread() -> Iterator[LoopThread]:
    thread = LoopThread()
    thread.start()
    yield thread
    thread.stop()


@pytest.fixture
def engine(transactional_db: None, loop_thread: LoopThread) -> Iterator[Engine]:
    runtime = Runtime(loop_thread.loop)
    runtime.start()
    yield Engine(runtime)
    if not runtime.stopping:
        loop_thread.wait_for(runtime.stop(), 10)


@pytest.fixture(params=["strategy", "second"])
def kind(request: pytest.FixtureRequest) -> Iterator[str]:
    """Try a test with a strategy's run, and with a run of a kind that only tests bring."""
    with second_kind():
        yield request.param
