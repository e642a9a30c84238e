"""What another policy would have brought on past traffic."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

import pytest

from orchestration.routing.engine.off_policy import (
    FEWEST_DECISIONS,
    MOST_WEIGHT,
    LoggedDecision,
    Outlook,
    self_normalised,
    what_if,
)

RATES = {"a": 0.6, "b": 0.8}


def outlook(quality: float) -> Outlook:
    return Outlook(utility=quality, quality=quality, cost_usd=0.001, seconds=1.0)


def traffic(number: int, shares: Mapping[str, float], believed: float = 0.7) -> list[LoggedDecision]:
    """Return decisions drawn by `shares`; both arms are believed to be equally good."""
    drawn, found = Random(0), []
    for _ in range(number):
        chosen = drawn.choices(list(shares), weights=list(shares.values()))[0]
        right = float(drawn.random() < RATES[chosen])
        expected = dict.fromkeys(RATES, outlook(believed))
        found.append(
            LoggedDecision(chosen=chosen, propensities=shares, expected=expected, brought=outlook(right))
        )
    return found


def always(ref: str) -> Mapping[str, float]:
    return {ref: 1.0}


@pytest.mark.parametrize("ref", ["a", "b"])
def test_both_estimates_find_what_another_policy_would_have_brought(ref: str) -> None:
    found = what_if(traffic(4000, {"a": 0.7, "b": 0.3}), lambda _: always(ref))
    assert found.refusal == ""
    for each in (found.utility, found.quality, found.reweighted_utility):
        assert each is not None
        assert each.low < RATES[ref] < each.high
        assert each.high - each.low < 0.15
    assert found.before.quality == pytest.approx(0.66, abs=0.03)


def test_the_same_policy_changes_nothing_and_needs_no_weights() -> None:
    logged = traffic(400, {"a": 0.7, "b": 0.3})
    found = what_if(logged, lambda each: each.propensities)
    assert found.effective == pytest.approx(400)
    assert found.quality is not None
    assert found.quality.mean == pytest.approx(found.before.quality)


def test_how_many_decisions_change_is_counted() -> None:
    logged = traffic(400, {"a": 0.5, "b": 0.5})
    share = sum(each.chosen == "a" for each in logged) / 400
    assert what_if(logged, lambda _: always("b")).changed == pytest.approx(share)


@pytest.mark.parametrize(
    ("number", "shares", "words"),
    [
        (0, {"a": 0.5, "b": 0.5}, "it takes 30"),
        (FEWEST_DECISIONS - 1, {"a": 0.5, "b": 0.5}, "it takes 30"),
        (400, {"a": 1.0, "b": 0.0}, "never tried there"),
        (400, {"a": 0.99, "b": 0.01}, "Allow more exploring"),
    ],
)
def test_too_little_overlap_is_refused_in_words(number: int, shares: Mapping[str, float], words: str) -> None:
    found = what_if(traffic(number, shares), lambda _: always("b"))
    assert words in found.refusal
    assert (found.utility, found.quality, found.cost_usd, found.seconds) == (None,) * 4


def test_weights_are_capped() -> None:
    logged = traffic(4000, {"a": 0.995, "b": 0.005})
    found = what_if(logged, lambda _: always("b"))
    chosen = sum(each.chosen == "b" for each in logged)
    assert found.effective == pytest.approx(chosen)
    assert MOST_WEIGHT < 1 / 0.005


def test_the_weighted_mean_is_computed_by_hand() -> None:
    found = self_normalised([1.0, 3.0], [0.0, 1.0])
    assert found.mean == 0.75
    half = 1.959963984540054 * ((1 * 0.75) ** 2 + (3 * 0.25) ** 2) ** 0.5 / 4
    assert found.high - found.mean == pytest.approx(half)
