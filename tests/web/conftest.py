"""What tests of pages share: the kinds of run that each page has to serve."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.second_kind import second_kind


@pytest.fixture(params=["strategy", "second"])
def kind(request: pytest.FixtureRequest) -> Iterator[str]:
    """Try a test with a strategy's run, and with a run of a kind that only tests bring."""
    with second_kind():
        yield request.param
