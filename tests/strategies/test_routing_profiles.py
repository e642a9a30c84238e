"""What to expect of a model: the prior, what results make of it, and the ranking that follows."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.llm.engine.types import Capability, ModelSpec, Prices, Tier
from orchestration.strategies.engine.belief.reading import QuestionTraits
from orchestration.strategies.engine.belief.shipped import belief_of_team
from orchestration.strategies.engine.classification import TaskType
from orchestration.strategies.engine.expert import Prefer, rank
from orchestration.strategies.engine.profiles import Evidence, Profile, answer_cost, expectation, profile_for
from tests.support.models import spec_named

TASK = TaskType.REASONING


def spec(name: str = "m", tier: Tier = Tier.MEDIUM, price: str | None = "2", **more: object) -> ModelSpec:
    prices = (
        None if price is None else Prices(input_per_million=Decimal(price), output_per_million=Decimal(price))
    )
    return replace(spec_named(name, prices=prices), tier=tier, **more)  # type: ignore[arg-type]


class Known(NamedTuple):
    """A model, and what results have shown of it."""

    spec: ModelSpec
    profile: Profile


def known(name: str, quality: float, *, cost: str | None = "0.001", **more: float) -> Known:
    money = None if cost is None else Decimal(cost)
    shown = {"evidence": 1e6, "estimated": 1e6 * quality}
    expected = {"success": 1.0, "seconds": 1.0, **shown, **more}
    return Known(spec(name), Profile(task=TASK, quality=quality, cost_usd=money, **expected))  # type: ignore[arg-type]


def order(*models: Known, prefer: Prefer = Prefer.QUALITY) -> list[str]:
    profiles = {model.spec.name: [model.profile] for model in models}
    specs, question = [model.spec for model in models], QuestionTraits(kind="number", task=TASK, length=0.3)
    belief = belief_of_team(specs, profiles)
    return [ranked.model for ranked in rank(specs, question, prefer, belief, profiles)]


def test_a_larger_tier_is_expected_to_be_better_and_slower() -> None:
    small, medium, large = (expectation(spec(tier=tier, price=None), TASK) for tier in Tier)
    assert small.quality < medium.quality < large.quality
    assert small.seconds < medium.seconds < large.seconds
    assert small.success == medium.success == 0.95


@pytest.mark.parametrize(
    ("price", "more"), [("20", 0.03), ("2000", 0.03), ("0.2", -0.03), ("2", 0.0), ("0", 0.0)]
)
def test_the_price_within_a_tier_says_a_little(price: str, more: float) -> None:
    assert expectation(spec(price=price), TASK).quality == pytest.approx(0.72 + more)


def test_a_reasoning_model_is_ahead_only_where_reasoning_is_needed() -> None:
    thinks = spec(capabilities=frozenset({Capability.REASONING}))
    assert expectation(thinks, TASK).quality == pytest.approx(0.76)
    assert expectation(thinks, TaskType.TRANSLATION).quality == pytest.approx(0.72)


def test_results_move_it_as_pseudo_counts_do() -> None:
    shown = Evidence(asked=5, answered=4, timed=4, seconds=4.0, quality=3.6, judged=4.0)
    found = expectation(spec(), TASK, {"": shown})
    assert found.quality == pytest.approx((0.72 * 4 + 3.6) / 8)
    assert found.success == pytest.approx((0.95 * 5 + 4) / 10)
    assert found.seconds == pytest.approx((4.0 * 2 + 4.0) / 6)
    assert (found.evidence, found.asked) == (4.0, 5)


def test_the_cost_is_that_of_its_usual_tokens_at_the_price_of_today() -> None:
    shown = Evidence(timed=2, input_tokens=200, output_tokens=400)
    assert expectation(spec(price="2"), TASK, {"": shown}).cost_usd == Decimal("0.0006")
    assert expectation(spec(price="4"), TASK).cost_usd == Decimal("0.002")
    assert expectation(spec(price=None), TASK).cost_usd is None


@given(st.floats(0, 1), st.integers(0, 1000))
def test_estimates_stay_between_prior_and_evidence(quality: float, times: int) -> None:
    found = expectation(spec(), TASK, {"": Evidence(quality=quality * times, judged=float(times))})
    low, high = sorted([0.72, quality])
    assert low - 1e-9 <= found.quality <= high + 1e-9


def test_a_frozen_profile_stands_and_other_tasks_go_by_the_prior() -> None:
    frozen, profile = known("m", 0.3)
    assert profile_for(frozen, TASK, [profile]).quality == 0.3
    assert profile_for(frozen, TaskType.CREATIVE, [profile]) == expectation(frozen, TaskType.CREATIVE)


def test_the_best_expected_quality_comes_first_and_failures_count() -> None:
    assert order(known("a", 0.7), known("b", 0.9), known("flaky", 1.0, success=0.5)) == ["b", "a", "flaky"]


def test_ties_go_by_cost_then_seconds_then_the_panels_order() -> None:
    unpriced, big = known("unpriced", 0.701, cost=None), known("big", 0.704, cost="0.002")
    cheap, quick = known("cheap", 0.7), known("quick", 0.7, seconds=0.5)
    assert order(unpriced, big, cheap, known("same", 0.7), quick) == [
        "quick",
        "cheap",
        "same",
        "big",
        "unpriced",
    ]


@pytest.mark.parametrize(
    ("prefer", "expected"),
    [(Prefer.QUALITY, ["a", "b", "c"]), (Prefer.BALANCED, ["b", "a", "c"]), (Prefer.CHEAP, ["c", "b", "a"])],
)
def test_the_less_cost_may_count_the_dearer_may_win(prefer: Prefer, expected: list[str]) -> None:
    panel = known("a", 0.9, cost="0.010"), known("b", 0.85, cost="0.004"), known("c", 0.75, cost="0.0001")
    assert order(*panel, prefer=prefer) == expected


def test_where_no_price_is_known_cost_says_nothing() -> None:
    panel = known("a", 0.7, cost=None), known("b", 0.9, cost=None)
    assert order(*panel, prefer=Prefer.CHEAP) == ["b", "a"]


def test_what_a_model_writes_for_other_tasks_says_what_an_answer_costs() -> None:
    priced = spec(price="4")
    without = answer_cost(priced, TASK, 100, ())
    brief = expectation(priced, TaskType.TRANSLATION, {"": Evidence(asked=30, timed=30, output_tokens=600)})
    with_others = answer_cost(priced, TASK, 100, [brief])
    own = expectation(priced, TASK, {"": Evidence(asked=30, timed=30, output_tokens=24_000)})
    assert (without, answer_cost(spec(price=None), TASK, 100, ())) == (Decimal("0.0012"), None)
    assert with_others is not None
    assert Decimal("0.00048") < with_others < Decimal("0.0006")
    assert (answer_cost(priced, TASK, 100, [brief, own]) or 0) > Decimal("0.002")
