"""Real processes: an installation of its own and a provider that outlives it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.installation import Installation
from tests.support.provider_process import ProviderProcess

pytestmark = pytest.mark.e2e


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    installation = Installation(tmp_path / "var")
    yield installation
    installation.stop()


@pytest.fixture
def provider() -> Iterator[ProviderProcess]:
    provider = ProviderProcess()
    yield provider
    provider.stop()
