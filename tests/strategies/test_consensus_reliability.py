"""How far each voter can be trusted."""

from __future__ import annotations

from collections.abc import Iterator
from math import exp
from random import Random

import pytest

from orchestration.strategies.engine.consensus.reliability import (
    LARGEST,
    PastVote,
    fit_weights,
    solve,
)

SKILL = {"good": 0.9, "fair": 0.7, "poor": 0.4}


def past(count: int, *, labelled: bool = True) -> Iterator[PastVote]:
    random = Random(1)
    for _ in range(count):
        answers: dict[str, str | None] = {
            voter: "right" if random.random() < skill else f"wrong {random.randrange(6)}"
            for voter, skill in SKILL.items()
        }
        answers["silent"] = None
        yield PastVote(answers=answers, right="right" if labelled else None)


def test_a_voter_who_is_right_more_often_weighs_more() -> None:
    weights = fit_weights(list(past(600)))
    assert weights["good"] > weights["fair"] > weights["poor"] >= 0


def test_without_labels_nothing_is_learned() -> None:
    assert set(fit_weights(list(past(600, labelled=False))).values()) == {1}


def test_two_voters_who_err_together_weigh_less_than_one_who_is_right_as_often() -> None:
    said = [("a", "a"), ("b", "a"), ("a", "c"), ("a", "d"), ("b", "a"), ("a", "e"), ("b", "a")] * 20
    votes = [PastVote(answers={"one": key, "twin": key, "other": other}, right="a") for key, other in said]
    weights = fit_weights(votes)
    assert weights["one"] == weights["twin"]
    assert weights["one"] < weights["other"]


def test_weights_have_bounds_and_nobody_counts_against_an_answer() -> None:
    votes = [PastVote(answers={"x": "a", "y": "b"}, right="a") for _ in range(50)]
    assert fit_weights(votes, strength=1e-9)["x"] <= LARGEST
    assert fit_weights(votes, strength=0.1)["y"] == 0


def test_no_votes_teach_nothing() -> None:
    assert fit_weights([]) == {}


def test_the_fit_is_where_the_slope_is_level() -> None:
    votes = [PastVote(answers={"x": "a", "y": "b", "z": "b"}, right=right) for right in "aab"]
    x, y, z = fit_weights(votes, strength=0.5).values()
    assert x - 1 == pytest.approx(1 - y, abs=1e-5)
    assert y == z
    share = exp(x) / (exp(x) + exp(y + z))
    assert 0.5 * (1 - x) + 2 - 3 * share == pytest.approx(0, abs=1e-5)


def test_a_system_of_equations_is_solved() -> None:
    assert solve([[4.0, 1.0], [1.0, 3.0]], [1.0, 2.0]) == pytest.approx([1 / 11, 7 / 11])
    assert solve([], []) == []
