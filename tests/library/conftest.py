"""For every test of the library: recipes, a kind of definition that no app brings."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.recipes import recipes


@pytest.fixture(autouse=True)
def _recipes() -> Iterator[None]:
    """Have the kind for as long as the test lasts."""
    with recipes():
        yield
