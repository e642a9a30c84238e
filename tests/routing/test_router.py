"""What a router learns and how it chooses between arms."""

from __future__ import annotations

from random import Random

import pytest

from orchestration.routing.engine.arms import Arm, Expected, Result, RouterContext, Utility
from orchestration.routing.engine.learning import RouterState
from orchestration.routing.engine.router import Exploration, choose
from orchestration.strategies.engine.classification import TaskType

NUMBER = RouterContext(kind="number", task=TaskType.REASONING, length=0.5)
BEST = Utility.from_dial(1.0)


def arm(ref: str, quality: float, cost: float = 0.001) -> Arm:
    return Arm(ref=ref, models=(ref,), prior=Expected(quality=quality, cost_usd=cost, seconds=1.0))


def test_a_router_learns_that_another_arm_is_better_than_its_prior_says() -> None:
    arms, state = [arm("model/a", 0.8), arm("model/b", 0.6)], RouterState()
    for _ in range(30):
        state = state.observe(NUMBER, "model/b", Result(quality=1.0, cost_usd=0.001, seconds=1.0))
    found = choose(state, NUMBER, arms, BEST, explore=Exploration(), random=Random(0))
    assert (found.chosen, found.explored, found.propensity) == ("model/b", False, 1.0)


def test_a_state_survives_a_round_trip() -> None:
    state = RouterState().observe(NUMBER, "model/b", Result(quality=1.0, cost_usd=0.001, seconds=1.0))
    assert RouterState.from_json(state.to_json()) == state


@pytest.mark.parametrize("dial", [0.0, 0.5, 1.0])
def test_propensities_sum_to_one(dial: float) -> None:
    arms = [arm("model/a", 0.8, 0.002), arm("model/b", 0.6), arm("model/c", 0.7)]
    explore = Exploration(remaining_usd=1.0, uniform=0.02)
    found = choose(RouterState(), NUMBER, arms, Utility.from_dial(dial), explore=explore, random=Random(1))
    assert sum(each.propensity for each in found.ranking) == pytest.approx(1.0)
