"""What a router learns, and how it chooses between arms."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.llm.engine.errors import InvalidRequest
from orchestration.routing.engine.arms import Arm, Expected, Hardness, Result, RouterContext, Utility
from orchestration.routing.engine.learning import (
    KEPT,
    MOST_CELLS,
    Cell,
    RouterState,
    Sums,
    increments,
    levels,
    predictions,
)
from orchestration.routing.engine.pooling import Amount, PooledRow, logit, pooled_means, pooled_qualities
from orchestration.routing.engine.router import (
    TINY,
    TOLERATED,
    Choice,
    Exploration,
    choose,
    information_directed,
    propensities,
    regret_and_information,
)
from orchestration.strategies.engine.belief.reading import question_traits
from orchestration.strategies.engine.classification import TaskType

NUMBER = RouterContext(kind="number", task=TaskType.REASONING, length=0.5)
FORMULA = replace(NUMBER, kind="formula")
BEST = Utility.from_dial(1.0)
RIGHT = Result(quality=1.0, cost_usd=0.001, seconds=1.0)
WRONG = replace(RIGHT, quality=0.0)
NO_EXPLORING = Exploration()


def arm(ref: str, quality: float = 0.7, cost: float = 0.001) -> Arm:
    return Arm(ref=ref, models=(ref,), prior=Expected(quality=quality, cost_usd=cost, seconds=1.0))


def after(ref: str, results: list[Result], context: RouterContext = NUMBER) -> RouterState:
    state = RouterState()
    for each in results:
        state = state.observe(context, ref, each)
    return state


def chosen(state: RouterState, arms: list[Arm], explore: Exploration = NO_EXPLORING) -> Choice:
    return choose(state, NUMBER, arms, BEST, explore=explore, random=Random(0))


def quality(state: RouterState, arms: list[Arm], context: RouterContext = NUMBER) -> list[float]:
    return [each.quality for each in predictions(state, context, arms)]


def test_the_context_of_a_question_has_its_traits() -> None:
    context = RouterContext.from_traits(question_traits("How many are 2 and 2?"), difficulty=0.1)
    assert (context.kind, context.hardness) == ("number", Hardness.EASY)
    assert [replace(context, difficulty=d).hardness for d in (0.3, 0.9)] == [Hardness.MEDIUM, Hardness.HARD]


def test_without_results_the_prior_stands() -> None:
    [found] = predictions(RouterState(), NUMBER, [arm("model/a", 0.8, 0.002)])
    assert found.quality == pytest.approx(0.8)
    assert (found.cost_usd, found.evidence) == (0.002, 0.0)


def test_a_router_learns_that_another_arm_is_better_than_its_prior_says() -> None:
    arms = [arm("model/a", 0.8), arm("model/b", 0.6)]
    state = after("model/a", [RIGHT, WRONG] * 15).merged(after("model/b", [RIGHT] * 30))
    found = chosen(state, arms)
    assert (found.chosen, found.explored, found.propensity) == ("model/b", False, 1.0)
    assert "30 judged results" in found.reasons[0]


def test_what_one_arm_shows_of_a_kind_of_question_holds_for_all() -> None:
    arms = [arm("model/a"), arm("model/b")]
    hard = after("model/a", [WRONG] * 30, FORMULA)
    assert quality(hard, arms, FORMULA)[1] < 0.6 < quality(hard, arms)[1]


def test_an_arm_that_was_asked_hard_questions_is_not_taken_for_a_bad_one() -> None:
    arms = [arm("model/a"), arm("model/b")]
    state = after("model/a", [WRONG, WRONG, RIGHT] * 20, FORMULA)
    state = state.merged(after("model/b", [WRONG, WRONG, WRONG, RIGHT] * 20, FORMULA))
    state = state.merged(after("model/b", [RIGHT] * 30))
    by_a, by_b = quality(state, arms)
    assert by_a > by_b - 0.02


def test_deviations_shrink_as_results_come() -> None:
    few, many = (after("model/a", [RIGHT, WRONG] * number) for number in (2, 50))
    assert predictions(many, NUMBER, [arm("model/a")])[0].deviation < 0.5 * (
        predictions(few, NUMBER, [arm("model/a")])[0].deviation
    )


def test_pooled_means_learn_arm_and_kind() -> None:
    amounts = [
        Amount(arm=0, kind="short", counted=100, total=100.0),
        Amount(arm=0, kind="long", counted=100, total=400.0),
        Amount(arm=1, kind="short", counted=100, total=1000.0),
        Amount(arm=2, kind="short", counted=10, total=0.0),
    ]
    found = pooled_means([1.0, 10.0, 0.0], amounts, "long")
    assert found == [pytest.approx(4.0, rel=0.1), pytest.approx(40.0, rel=0.2), 0.0]


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from("ab"), st.floats(0, 1e6), st.floats(0, 1))))
def test_pooled_qualities_are_probabilities_whatever_the_rows(
    drawn: list[tuple[int, str, float, float]],
) -> None:
    rows = [PooledRow(arm=a, kind=k, cell=k, seen=seen, right=seen * share) for a, k, seen, share in drawn]
    found = pooled_qualities([0.0, 0.5, 1.0], [3.0] * 3, rows, ("a", "a"))
    assert all(0 <= each.quality <= 1 and 0 <= each.deviation < 1 for each in found)


def test_the_log_odds_of_certainty_are_bounded() -> None:
    assert logit(1.0) == pytest.approx(-logit(0.0))


@pytest.mark.parametrize("dial", [-1.0, 0.0, 0.5, 1.0, 7.0])
def test_the_dial_says_what_a_point_of_quality_is_worth(dial: float) -> None:
    utility = Utility.from_dial(dial)
    assert 0.03 < utility.point_per_thousand < 32
    one_point_dearer = utility.value(0.71, utility.point_per_thousand / 1000, 0.0)
    assert one_point_dearer == pytest.approx(utility.value(0.70, 0.0, 0.0))
    assert "per 1,000 requests" in utility.sentence


def test_the_dial_decides_between_cheap_and_good() -> None:
    arms = [arm("model/good", 0.85, 0.01), arm("model/cheap", 0.7, 0.0001)]
    picks = [
        choose(RouterState(), NUMBER, arms, Utility.from_dial(d), explore=NO_EXPLORING, random=Random(0))
        for d in (0.1, 1.0)
    ]
    assert [each.chosen for each in picks] == ["model/cheap", "model/good"]


@pytest.mark.parametrize(("remaining", "tried"), [(0.0, ""), (0.0005, "c"), (1.0, "bc")])
def test_propensities_sum_to_one_and_respect_the_limit(remaining: float, tried: str) -> None:
    arms = [arm("model/a", 0.7), arm("model/b", 0.7, 0.003), arm("model/c", 0.69)]
    found = chosen(RouterState(), arms, Exploration(remaining_usd=remaining, uniform=0.1))
    shares = {each.prediction.ref: each.propensity for each in found.ranking}
    assert sum(shares.values()) == pytest.approx(1.0)
    assert [shares[f"model/{name}"] > 0 for name in "bc"] == [name in tried for name in "bc"]


def test_without_a_budget_the_best_is_chosen_for_certain() -> None:
    found = chosen(RouterState(), [arm("model/a", 0.7), arm("model/b", 0.69)])
    assert (found.chosen, found.propensity, found.extra_usd) == ("model/a", 1.0, 0.0)


def test_an_explored_arm_says_so_and_what_it_costs_more() -> None:
    arms, explore = [arm("model/a", 0.7), arm("model/b", 0.7, 0.002)], Exploration(remaining_usd=1.0)
    state = after("model/a", ([RIGHT] * 7 + [WRONG] * 3) * 5)
    picks = [choose(state, NUMBER, arms, BEST, explore=explore, random=Random(seed)) for seed in range(20)]
    explored = next(each for each in picks if each.explored)
    assert explored.chosen == "model/b"
    assert explored.extra_usd == pytest.approx(0.001)
    assert "to learn more" in explored.reasons[0]


def test_nothing_to_choose_from_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="no method"):
        chosen(RouterState(), [])


def test_what_costs_much_utility_is_tried_at_random_in_proportion_less() -> None:
    known = predictions(RouterState(), NUMBER, [arm("model/a"), arm("model/b"), arm("model/c")])
    arms, explore = [arm(each.ref) for each in known], Exploration(remaining_usd=1.0, uniform=0.3)
    sure = [replace(each, deviation=0.001) for each in known]
    shares = propensities(arms, sure, [0.9, 0.9 - TOLERATED / 2, 0.9 - 4 * TOLERATED], explore)
    assert shares == [pytest.approx(0.875, abs=1e-3), pytest.approx(0.1), pytest.approx(0.025)]


ARMS = st.lists(st.tuples(st.floats(-5, 1), st.floats(0.001, 0.5)), min_size=1, max_size=6)


@given(ARMS, st.data())
def test_exploring_has_the_least_squared_regret_for_what_it_teaches(
    drawn: list[tuple[float, float]], data: st.DataObject
) -> None:
    means, deviations = [mean for mean, _ in drawn], [deviation for _, deviation in drawn]
    places = st.lists(st.sampled_from(range(len(drawn))), unique=True)
    shown = [list({place, *data.draw(places)}) for place in range(len(drawn))]
    regrets, moves = regret_and_information(means, deviations)

    def ratio(shares: Sequence[float]) -> float:
        regret = sum(share * each for share, each in zip(shares, regrets, strict=True))
        taught = sum(share * sum(moves[at] for at in each) for share, each in zip(shares, shown, strict=True))
        return regret**2 / (taught + TINY)

    found = information_directed(means, deviations, shown)
    assert sum(found) == pytest.approx(1.0)
    assert min(found) >= 0
    assert sum(share > 0 for share in found) <= 2
    other = [data.draw(st.floats(0.01, 1)) for _ in drawn]
    assert ratio(found) <= ratio([each / sum(other) for each in other]) * (1 + 1e-6)


@pytest.mark.parametrize(
    ("means", "deviations"),
    [([0.6, 0.5], [0.1, 0.2]), ([0.7, 0.69, 0.4], [0.05, 0.1, 0.2]), ([0.5, -0.2], [0.01, 0.01])],
)
def test_regret_and_information_are_those_of_drawn_utilities(
    means: list[float], deviations: list[float]
) -> None:
    drawn = np.random.default_rng(1).normal(means, deviations, (400_000, len(means)))
    best = drawn.argmax(axis=1)
    moved = [
        sum(np.mean(best == other) * (drawn[best == other, place].mean() - mean) ** 2 for other in set(best))
        for place, mean in enumerate(means)
    ]
    regrets, moves = regret_and_information(means, deviations)
    assert regrets == pytest.approx(list(drawn.max(axis=1).mean() - np.array(means)), abs=1e-3)
    assert moves == pytest.approx(moved, rel=0.05, abs=1e-5)


def test_an_arm_that_shows_something_of_others_is_worth_a_loss() -> None:
    means, deviations, own = [0.7, 0.7, 0.68], [0.1, 0.1, 0.01], [[0], [1], [2]]
    assert information_directed(means, deviations, own)[2] == 0.0
    assert information_directed(means, deviations, [[0], [1], [0, 1, 2]])[2] > 0.1


def test_what_is_certainly_best_is_not_explored() -> None:
    assert information_directed([0.9, 0.1], [0.01, 0.01], [[0], [0, 1]]) == [1.0, 0.0]


def test_levels_go_from_all_questions_to_the_hardness_of_a_kind() -> None:
    assert levels(NUMBER) == ("", "task/reasoning", "kind/number", "kind/number/hard")
    assert [Cell(ref="a", level=level).kind for level in levels(NUMBER)] == [None, None, None, "number"]


def test_increments_of_two_workers_add_up() -> None:
    [first, *_], [second, *_] = (increments(NUMBER, "model/a", each) for each in (RIGHT, WRONG))
    state = RouterState().after([first]).after([second])
    expected = first.added.times(KEPT).plus(second.added)
    assert state.cells[Cell(ref="model/a")] == expected
    other_order = RouterState().after([second, first]).cells[Cell(ref="model/a")]
    assert other_order.quality == pytest.approx(expected.quality, rel=0.002)


@pytest.mark.parametrize(
    "bad",
    [
        replace(RIGHT, quality=math.nan),
        replace(RIGHT, quality=1.1),
        replace(RIGHT, weight=math.inf),
        replace(RIGHT, cost_usd=-1.0),
        replace(RIGHT, seconds=math.nan),
    ],
)
def test_results_that_are_no_numbers_are_refused(bad: Result) -> None:
    with pytest.raises(InvalidRequest):
        RouterState().observe(NUMBER, "model/a", bad)


def test_old_results_count_less_and_less() -> None:
    state = after("model/a", [RIGHT] * 100 + [WRONG] * 3000)
    assert state.cells[Cell(ref="model/a")].quality < 0.01 * state.cells[Cell(ref="model/a")].judged


def test_an_arm_can_be_forgotten_whole_or_in_part() -> None:
    state = after("model/a", [RIGHT] * 4).merged(after("model/b", [RIGHT] * 4))
    assert {cell.ref for cell in state.forget("model/a").cells} == {"model/b"}
    half = state.forget("model/a", kept=0.5).cells[Cell(ref="model/a")]
    assert half == state.cells[Cell(ref="model/a")].times(0.5)


def test_a_state_survives_a_round_trip() -> None:
    state = after("model/“a”\ud800\x00", [RIGHT])
    assert RouterState.from_json(state.to_json()) == state


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        '{"version": 2, "cells": []}',
        '{"version": 1, "cells": [["a"]]}',
        '{"version": 1, "cells": [[1, "", 0, 0, 0, 0, 0]]}',
        '{"version": 1, "cells": [["a", "", NaN, 0, 0, 0, 0]]}',
        '{"version": 1, "cells": [["a", "", -1, 0, 0, 0, 0]]}',
        '{"version": 1, "cells": [["a", "", 1e999, 0, 0, 0, 0]]}',
        "[" * 100_000,
    ],
)
def test_what_is_no_stored_state_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="reset"):
        RouterState.from_json(text)


def test_a_state_keeps_the_rows_with_the_most_results() -> None:
    stored = [[f"model/{number}", "", 0, 0, number, 0, 0] for number in range(MOST_CELLS + 3)]
    state = RouterState.from_json(json.dumps({"version": 1, "cells": stored}))
    assert min(sums.counted for sums in state.cells.values()) == 3
    assert len(state.merged(RouterState(cells={Cell(ref="new"): Sums()})).cells) == MOST_CELLS
