"""Real processes: an installation of its own, a provider that survives it, a browser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, StorageState

from tests.support.browser import Visit, chromium, chromium_path, sign_in, visit
from tests.support.installation import Installation
from tests.support.production import Production, production
from tests.support.provider_process import ProviderProcess

UNHURRIED = "4"
"""Simulated models write four times as slowly: text is seen to grow on a busy machine, too."""


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of an installation with every table and no team: migrating takes most of a first start."""
    first = Installation(tmp_path_factory.mktemp("migrated") / "var")
    done = first.manage("migrate", "--verbosity", "0")
    assert (done.returncode, done.stderr) == (0, "")
    return first.folder


@pytest.fixture
def empty_folder(tmp_path: Path) -> Iterator[Installation]:
    """An installation that has never been started."""
    installation = Installation(tmp_path / "var")
    yield installation
    installation.stop()


@pytest.fixture
def installation(empty_folder: Installation, migrated: Path) -> Installation:
    """An installation whose first start finds its tables."""
    empty_folder.begin_with(migrated)
    return empty_folder


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production]:
    """The production profile with tables, static files and a team, shut down: others begin as its copies."""
    with production(tmp_path_factory.mktemp("prepared"), provider_port=9) as site:
        site.postgres.shut_down()
        yield site


@pytest.fixture
def provider() -> Iterator[ProviderProcess]:
    provider = ProviderProcess()
    yield provider
    provider.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if chromium_path() is None:
        pytest.skip("There is no Chromium on this machine: install it (apt-get install chromium).")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright's sync API keeps a loop in this thread
    with chromium() as found:
        yield found
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(scope="module")
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, migrated: Path
) -> Iterator[Installation]:
    """One installation for all tests of a file that leave it as it is.

    The file may set its own `PACE`, and the `PROGRAM` that is started instead of manage.py.
    """
    pace = getattr(request.module, "PACE", UNHURRIED)
    site = Installation(tmp_path_factory.mktemp("site"), ORCHESTRA_SIMULATED_PACE=pace)
    site.program = getattr(request.module, "PROGRAM", site.program)
    site.begin_with(migrated)
    site.up()
    yield site
    site.stop()


@pytest.fixture(scope="module")
def signed_in(browser: Browser, site: Installation) -> StorageState:
    return sign_in(browser, site.address, site.sign_in)


@pytest.fixture
def window(browser: Browser, site: Installation, signed_in: StorageState) -> Iterator[Visit]:
    context = browser.new_context(storage_state=signed_in)
    yield visit(context, site.address)
    context.close()


@pytest.fixture
def plain_window(browser: Browser, site: Installation, signed_in: StorageState) -> Iterator[Visit]:
    """A browser that runs no scripts."""
    context = browser.new_context(storage_state=signed_in, java_script_enabled=False)
    yield visit(context, site.address)
    context.close()
