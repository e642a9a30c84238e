"""An arm that got worse is found, with where that began."""

from __future__ import annotations

from random import Random

import pytest

from orchestration.routing.engine.drift import Observed, drifts


def results(ref: str, chances: list[float], seed: int = 0) -> list[Observed]:
    """Return a judged result for each chance of a right answer; 0.8 was expected."""
    drawn = Random(seed)
    return [Observed(ref=ref, expected=0.8, quality=float(drawn.random() < chance)) for chance in chances]


def test_an_arm_that_got_worse_is_found_with_where_it_began() -> None:
    [found] = drifts(results("model/a", [0.8] * 300 + [0.4] * 100))
    assert found.ref == "model/a"
    assert 280 <= found.since <= 320
    assert found.shortfall == pytest.approx(0.4, abs=0.15)


@pytest.mark.parametrize("seed", range(10))
def test_an_arm_that_stays_as_it_is_is_not_reported(seed: int) -> None:
    assert drifts(results("model/a", [0.8] * 1000, seed)) == ()


def test_an_arm_that_recovers_is_no_longer_reported() -> None:
    changes = results("model/a", [0.8] * 100 + [0.3] * 60)
    assert drifts(changes)
    assert drifts([*changes, *results("model/a", [1.0] * 300)]) == ()


def test_arms_do_not_affect_each_other() -> None:
    good, bad = results("model/a", [0.8] * 200), results("model/b", [0.3] * 200)
    both = [each for pair in zip(good, bad, strict=True) for each in pair]
    assert [each.ref for each in drifts(both)] == ["model/b"]
    assert drifts([]) == ()
