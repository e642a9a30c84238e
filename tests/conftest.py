"""What holds for every test: the outside world is out of reach, and data lives in a folder that goes away."""

from __future__ import annotations

import shutil
import signal

from django.conf import settings as django_settings
from hypothesis import settings

from orchestration.wiring.resources import stop_pages
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
    stop_pages()
    shutil.rmtree(django_settings.DATA_DIR, ignore_errors=True)
