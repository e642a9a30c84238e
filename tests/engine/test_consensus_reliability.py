"""How far each voter can be trusted."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from orchestration.engine.consensus.logit import Choice, fit_logit, solve
from orchestration.engine.consensus.reliability import (
    LARGEST,
    PastVote,
    accuracy_weights,
    fit_weights,
    fit_weights_by_type,
    unlabelled_weights,
)

SKILL = {"good": 0.9, "fair": 0.7, "poor": 0.4}


def past(count: int, *, seed: int = 1, labelled: bool = True) -> Iterator[PastVote]:
    random = Random(seed)
    for number in range(count):
        answers: dict[str, str | None] = {
            voter: "right" if random.random() < skill else f"wrong {random.randrange(6)}"
            for voter, skill in SKILL.items()
        }
        answers["silent"] = None
        yield PastVote(answers=answers, right="right" if labelled else None, task_type=f"t{number % 2}")


@pytest.mark.parametrize("learn", [fit_weights, accuracy_weights, unlabelled_weights])
def test_who_is_right_more_often_weighs_more(learn: object) -> None:
    assert callable(learn)
    weights = learn(list(past(600)))
    assert weights["good"] > weights["fair"] > weights["poor"] >= 0


def test_without_labels_nothing_is_learned_from_labels() -> None:
    bare = list(past(600, labelled=False))
    assert unlabelled_weights(bare) == unlabelled_weights(list(past(600)))
    assert set(fit_weights(bare).values()) == {1}
    assert accuracy_weights(bare) == {}


def test_two_who_err_together_count_less_than_their_accuracy_says() -> None:
    said = [("a", "a"), ("b", "a"), ("a", "c"), ("a", "d"), ("b", "a"), ("a", "e"), ("b", "a")] * 20
    votes = [PastVote(answers={"one": key, "twin": key, "other": other}, right="a") for key, other in said]
    together, alone = fit_weights(votes), accuracy_weights(votes)
    assert together["one"] == together["twin"]
    assert alone["one"] == alone["other"]
    assert together["one"] < together["other"]


def test_a_task_type_has_weights_of_its_own_close_to_all_where_little_is_known() -> None:
    votes = [
        *(PastVote(answers={"x": "a", "y": "b"}, right="a", task_type="often") for _ in range(50)),
        PastVote(answers={"x": "a", "y": "b"}, right="b", task_type="once"),
    ]
    weights = fit_weights_by_type(votes)
    assert weights.keys() == {"", "often", "once"}
    assert weights["often"]["x"] > weights[""]["x"] > weights["once"]["x"]
    assert weights["once"]["x"] > 1


def test_weights_have_bounds_and_nobody_counts_against_an_answer() -> None:
    votes = [PastVote(answers={"x": "a", "y": "b"}, right="a") for _ in range(50)]
    assert fit_weights(votes, pull=1e-9)["x"] <= LARGEST
    assert fit_weights(votes, pull=0.1)["y"] == 0


def test_no_votes_teach_nothing() -> None:
    assert fit_weights([]) == accuracy_weights([]) == unlabelled_weights([]) == {}
    assert fit_weights_by_type([]) == {"": {}}


def test_the_fit_is_where_the_slope_is_level() -> None:
    choices = [Choice(groups=(("x",), ("y", "z")), right=right) for right in (0, 0, 1)]
    prior = {"x": 0.5, "y": 0.0, "z": 0.0}
    best = fit_logit(choices, list(prior), prior, pull=0.5)
    again = fit_logit(choices, list(prior), best, pull=1e9)
    assert again == pytest.approx(best, abs=1e-6)
    assert best["x"] - 0.5 == pytest.approx(-best["y"])
    assert best["y"] == pytest.approx(best["z"])


def test_a_system_of_equations_is_solved() -> None:
    assert solve([[4.0, 1.0], [1.0, 3.0]], [1.0, 2.0]) == pytest.approx([1 / 11, 7 / 11])
    assert solve([], []) == []
