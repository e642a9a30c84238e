"""How far a judge agrees with people: exact figures, and properties of the intervals."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.strategies.engine.quality.agreement import (
    LEAST_EACH,
    agreement_with_people,
    auroc_interval,
    mean_difference,
    midranks,
    rank_correlation,
)

SCORES = st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), min_size=1, max_size=40)


def rated(good: list[float], bad: list[float]) -> list[tuple[float, float]]:
    return [*((score, 1.0) for score in good), *((score, 0.0) for score in bad)]


def test_equal_values_share_their_ranks() -> None:
    assert midranks([0.5, 0.1, 0.5, 0.9]) == [2.5, 1.0, 2.5, 4.0]
    assert midranks([]) == []


@given(SCORES, SCORES)
def test_the_area_is_the_share_of_pairs_in_order(good: list[float], bad: list[float]) -> None:
    pairs = [(1.0 if a > b else 0.5 if a == b else 0.0) for a in good for b in bad]
    found = auroc_interval(good, bad)
    assert found.value == pytest.approx(sum(pairs) / len(pairs))
    assert -1e-9 <= found.low <= found.value + 1e-9
    assert found.value - 1e-9 <= found.high <= 1 + 1e-9


def test_a_perfect_judge_of_few_answers_is_not_said_to_be_sure() -> None:
    few, many = auroc_interval([1.0] * 10, [0.0] * 10), auroc_interval([1.0] * 100, [0.0] * 100)
    assert [few.value, few.high] == pytest.approx([1.0, 1.0])
    assert 0.6 < few.low < many.low < 1.0


def test_the_interval_is_that_of_the_paper_in_the_middle() -> None:
    found = auroc_interval([0.0, 1.0] * 10, [0.0, 1.0] * 10)
    assert found.value == 0.5
    assert found.low == pytest.approx(1 - found.high)
    assert 0.3 < found.low < 0.36


def test_the_correlation_of_ranks() -> None:
    found = rank_correlation([1, 2, 3, 4, 5, 6, 7, 8], [2, 1, 4, 3, 6, 5, 8, 7])
    assert found is not None
    assert found.value == pytest.approx(1 - 6 * 8 / (8 * 63))
    assert found.low < found.value < found.high <= 1
    assert rank_correlation([1, 1, 1, 1], [1, 2, 3, 4]) is None


def test_the_mean_difference_says_whether_a_judge_is_kinder_than_people() -> None:
    found = mean_difference([0.9, 0.7, 0.8, 0.6], [1.0, 0.0, 1.0, 0.0])
    assert found.value == pytest.approx(0.25)
    assert found.low < 0.25 < found.high


def test_with_too_few_of_one_sort_nothing_is_said_but_how_many_are_missing() -> None:
    found = agreement_with_people(rated([0.9] * 12, [0.2] * (LEAST_EACH - 3)))
    assert (found.liked, found.disliked, found.missing) == (12, LEAST_EACH - 3, (0, 3))
    assert (found.auroc, found.correlation, found.difference) == (None, None, None)


def test_a_split_vote_counts_for_neither_side() -> None:
    split = [(0.5, 0.5)] * 30
    found = agreement_with_people([*rated([0.9] * 10, [0.2] * 10), *split])
    assert (found.liked, found.disliked) == (10, 10)
    assert found.auroc is not None
    assert found.auroc.value == 1.0
    assert found.correlation is not None
    assert found.correlation.value == pytest.approx(1.0)
