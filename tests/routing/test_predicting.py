"""What is expected of panels from their models."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.routing.engine.predicting import (
    ModelOutlook,
    PanelWork,
    expected_of,
    expected_of_steps,
    panel_quality,
)

RIGHTS = st.lists(st.floats(0.5, 0.99), min_size=1, max_size=6)


def outlook(name: str, right: float, cost_usd: float | None = 0.001, seconds: float = 1.0) -> ModelOutlook:
    return ModelOutlook(name=name, right=right, cost_usd=cost_usd, seconds=seconds)


ADA, BOB, EVE = outlook("ada", 0.6), outlook("bob", 0.6, 0.01, 5.0), outlook("eve", 0.6)


def test_a_panel_of_one_is_as_good_as_its_model_and_one_of_none_as_nothing() -> None:
    assert panel_quality([0.7]) == 0.7
    assert panel_quality([]) == 0.0


def test_equals_gain_by_a_vote_and_one_that_is_much_better_does_not_lose() -> None:
    assert panel_quality([0.6, 0.6, 0.6]) > 0.6
    assert panel_quality([0.9, 0.5, 0.5]) == pytest.approx(0.9, abs=0.02)


@given(RIGHTS)
def test_a_vote_is_a_probability_in_no_order(rights: list[float]) -> None:
    found = panel_quality(rights)
    assert 0 <= found <= 1
    assert found == pytest.approx(panel_quality(sorted(rights)))


def test_those_beyond_the_counted_add_nothing() -> None:
    assert panel_quality([0.6] * 9) == panel_quality([0.6] * 40)


def test_all_at_once_cost_the_sum_and_take_as_long_as_the_slowest() -> None:
    found = expected_of(PanelWork(first=(ADA, BOB)))
    assert found.cost_usd == pytest.approx(0.011)
    assert found.seconds == 5.0


def test_in_turn_costs_little_more_than_the_first_and_mends_some_of_its_mistakes() -> None:
    found = expected_of(PanelWork(first=(ADA,), rest=(BOB, EVE)))
    assert 0.6 < found.quality < 0.8
    assert 0.001 < found.cost_usd < 0.006


def test_reviews_and_helpers_are_paid_for() -> None:
    plain = expected_of(PanelWork(first=(ADA, EVE)))
    reviewed = expected_of(PanelWork(first=(ADA, EVE), reviews=True, helpers=(outlook("judge", 0.5, None),)))
    assert reviewed.cost_usd == pytest.approx(2 * plain.cost_usd)
    assert reviewed.seconds == 2 * plain.seconds + 1.0
    assert plain.quality < reviewed.quality < plain.quality + 0.02


def test_steps_of_unknown_models_cost_what_earlier_runs_did_else_so_many_mean_calls() -> None:
    known = expected_of_steps(3, [ADA, BOB], 0.5, 20.0)
    assert (known.cost_usd, known.seconds) == (0.5, 20.0)
    guessed = expected_of_steps(4, [ADA, BOB], None, None)
    assert guessed.cost_usd == pytest.approx(0.022)
    assert guessed.seconds == 12.0
    assert guessed.strength < known.strength
    assert expected_of_steps(4, [], None, None).cost_usd == 0.0


def test_those_who_answer_again_cost_and_take_as_much_again() -> None:
    once, twice = (
        expected_of(PanelWork(first=(ADA, EVE))),
        expected_of(PanelWork(first=(ADA, EVE), rounds=2.0)),
    )
    assert (twice.cost_usd, twice.seconds) == pytest.approx((2 * once.cost_usd, 2 * once.seconds))
    assert twice.quality == once.quality
