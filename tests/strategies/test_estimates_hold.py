"""Estimates are narrow where there is history, and what runs of every strategy then cost lies in them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestra_site.accounts.models import Membership
from orchestration.llm.engine.types import Json, Prices, Purpose
from orchestration.llm.services.registry.seeding import seed_simulated
from orchestration.llm.services.resources import close_resources
from orchestration.runs.services.learning import learn_from_ended_runs
from orchestration.runs.services.starting import store_run
from orchestration.strategies.engine.classification import TaskType
from orchestration.strategies.engine.effort import Effort, Help, judging
from orchestration.strategies.engine.estimating import Draft, Estimate, add_up, narrowed, reach
from orchestration.strategies.engine.fallback import FallbackOptions, fallback_help
from orchestration.strategies.engine.lengths import ENOUGH, WIDEST, PastCall
from orchestration.strategies.engine.options import StrategyOptions
from orchestration.strategies.engine.strategy import all_strategies, get_strategy, validate_options
from orchestration.strategies.engine.types import Request
from orchestration.strategies.selectors import models_with_profiles
from orchestration.strategies.services.estimates import estimate_request
from tests.support.engines import Engine
from tests.support.history import a_member
from tests.support.models import spec_named
from tests.support.questions import questions

NAMES = list(all_strategies())
IN_TURN = {name for name, strategy in all_strategies().items() if strategy.in_turn}
DOLLARS = st.decimals(Decimal("0.05"), 100, places=2)
TOKENS = st.lists(st.integers(0, 20_000), min_size=ENOUGH, max_size=12)
MEMBERS = st.lists(st.tuples(DOLLARS, DOLLARS, TOKENS), min_size=1, max_size=10)
CALLS = st.lists(st.floats(0, 20), max_size=6)


@given(st.sampled_from(NAMES), MEMBERS, CALLS, st.integers(1, 50_000))
def test_with_history_an_estimate_spans_at_most_a_factor_of_five(
    name: str, members: list[tuple[Decimal, Decimal, list[int]]], calls: list[float], words: int
) -> None:
    specs = [
        replace(spec_named(str(place)), prices=Prices(input_per_million=given_, output_per_million=written))
        for place, (given_, written, _) in enumerate(members)
    ]
    past = {
        spec.name: [PastCall(purpose=Purpose.ANSWER, tokens=each, task=TaskType.ANALYSIS) for each in tokens]
        for spec, (_, _, tokens) in zip(specs, members, strict=True)
    }
    draft = Draft(task=TaskType.ANALYSIS, words=words, past=past, answers=len(specs))
    effort = get_strategy(name).effort(validate_options(name, {}), len(specs))
    helper = {"": specs[0]}  # a helper that no option names is the first of the panel
    found = narrowed(add_up(draft, effort, specs, helper), reach(effort, calls, len(specs)))
    assert found.is_known
    assert found.cost_low is not None
    assert found.cost_high is not None
    assert found.cost_most is not None
    assert 0 < found.cost_low <= found.cost_high <= found.cost_low * WIDEST * Decimal("1.0001")
    assert found.cost_high <= found.cost_most * Decimal("1.0001")


def estimate(low: str | None, high: str | None) -> Estimate:
    cost_low, cost_high = (None if each is None else Decimal(each) for each in (low, high))
    seconds_low, seconds_high = (None if each is None else float(each) for each in (low, high))
    return Estimate(
        cost_low=cost_low,
        cost_high=cost_high,
        seconds_low=seconds_low,
        seconds_high=seconds_high,
        calls_low=1,
        calls_high=9,
    )


@pytest.mark.parametrize(
    ("low", "high", "at", "narrow"),
    [
        ("1", "4", 0.5, ("1", "4")),
        ("1", "100", 0.0, ("1", "5")),
        ("1", "100", 1.0, ("20", "100")),
        ("0", "100", 0.0, ("0", "100")),
        (None, None, 0.0, (None, None)),
    ],
)
def test_an_estimate_lies_where_the_earlier_runs_went(
    low: str | None, high: str | None, at: float, narrow: tuple[str | None, str | None]
) -> None:
    assert narrowed(estimate(low, high), at) == estimate(*narrow)


@pytest.mark.parametrize(
    ("calls", "at"),
    [([], 0.0), ([3.0], 0.0), ([1.0] * 9, 0.0), ([3.0] * 9, 1.0), ([2.0] * 9, 0.5), ([9.0] * 9, 1.0)],
)
def test_how_far_runs_go_is_what_most_of_them_did(calls: list[float], at: float) -> None:
    effort = Effort(answers=(2, 6), at_once=1)
    assert reach(effort, calls, 2) == at
    assert reach(Effort(answers=(2, 2), at_once=2), calls, 2) == 0.0


JUDGED: dict[str, Json] = {"judge": "j", "second_judge": "k"}


@pytest.mark.parametrize(
    ("name", "options", "calls"),
    [
        ("parallel", {}, (4, 4)),
        ("parallel", JUDGED, (8, 8)),
        ("parallel", {"judge": "j", "select": "first_good_enough"}, (2, 8)),
        ("parallel", {"judge": "j", "select": "synthesis", "aggregator": "g"}, (5, 6)),
        ("sequential", {"judge": "j"}, (2, 8)),
        ("sequential", {"judge": "j", "fallback_model": "f"}, (2, 8)),
        ("expert", {"judge": "j", "ask": 2, "classifier": "c"}, (5, 9)),
        ("cascade", {"judge": "j"}, (4, 8)),
        ("cascade", {"judge": "j", "width": 1}, (2, 8)),
        ("voting", {"rule": "judge", "judge": "j", "ballot": "answers"}, (4, 6)),
        ("debate", {"rounds": 3}, (4, 12)),
        ("debate", {"judge": "j"}, (6, 10)),
        ("mixture", {}, (8, 9)),
        ("mixture", {"layers": 1, "judge": "j"}, (5, 6)),
        ("refine", {}, (2, 8)),
        ("refine", {"critic": "c", "judge": "j", "rounds": 1}, (3, 8)),
        ("self_consistency", {}, (3, 5)),
        ("self_consistency", {"samples": 9, "sure": 1, "wave": 2}, (6, 9)),
    ],
)
def test_every_call_of_a_helper_is_counted(
    name: str, options: dict[str, Json], calls: tuple[int, int]
) -> None:
    effort = get_strategy(name).effort(validate_options(name, options), 4)
    assert effort.calls == calls


def test_options_that_name_no_helper_have_none() -> None:
    assert judging(StrategyOptions(), together=2) == ()
    assert fallback_help(StrategyOptions()) == ()
    assert fallback_help(FallbackOptions()) == ()
    [fallback] = fallback_help(FallbackOptions(fallback_model="f"))
    assert (fallback.model, fallback.purpose, fallback.calls) == ("f", Purpose.ANSWER, (0, 1))


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_asked_of_an_empty_panel(name: str) -> None:
    draft = Draft(task=TaskType.ANALYSIS, words=10, past={})
    effort = get_strategy(name).effort(validate_options(name, {}), 0)
    assert add_up(draft, effort, [], {}).cost_high is None


def test_what_a_judge_reads_and_writes_costs() -> None:
    judge, member = spec_named("j"), spec_named("a")
    draft = Draft(task=TaskType.ANALYSIS, words=10, past={}, answers=1)
    help_ = Help(model="j", purpose=Purpose.JUDGE, calls=(1, 2), answers=1)
    alone, judged = (
        add_up(draft, Effort(answers=(1, 1), at_once=1, helping=helping), [member], {"j": judge})
        for helping in ((), (help_,))
    )
    assert alone.cost_high is not None
    assert judged.cost_high is not None
    assert judged.cost_high > alone.cost_high * Decimal("1.4")
    assert (judged.calls_low, judged.calls_high) == (2, 3)


def test_a_time_of_which_only_the_upper_end_is_known_is_not_known() -> None:
    seen = [PastCall(purpose=Purpose.ANSWER, tokens=9, seconds=2.0)] * ENOUGH
    draft = Draft(task=TaskType.ANALYSIS, words=10, past={"b": seen}, answers=2)
    found = add_up(draft, Effort(answers=(1, 2), at_once=1), [spec_named("a"), spec_named("b")], {})
    assert (found.seconds_low, found.seconds_high, found.is_known) == (None, None, False)


PANEL = ("sim-scout", "sim-sage", "sim-scholar")
LEAST_HELD = {"debate": 5}
"""Half of its runs end after one round, and the others cost more than five times as much."""
OPTIONS: dict[str, dict[str, Json]] = {
    "cascade": {"threshold": 0.9},
    "parallel": {"judge": "sim-scholar"},
    "voting": {"ballot": "review"},
}


def ended(engine: Engine, member: Membership, name: str, question: str) -> tuple[Decimal, ...]:
    """Execute a run; return the lower and the upper end of its estimate, the most, and what it cost."""
    asked = {"text": question, "strategy": name, "models": PANEL, "options": OPTIONS.get(name, {})}
    models = models_with_profiles(member)
    found = estimate_request(membership=member, request=Request(**asked), models=models)
    run = engine.execute(store_run(membership=member, kind="strategy", payload=asked))
    learn_from_ended_runs()
    ends = (found.cost_low, found.cost_high, found.cost_most, run.cost_usd)
    return tuple(end for end in ends if end is not None)


@pytest.mark.parametrize("name", NAMES)
def test_what_runs_cost_lies_in_their_estimates(engine: Engine, name: str) -> None:
    member = a_member()
    seed_simulated(member.team)
    runs = [ended(engine, member, name, each.question) for each in questions(3, 16)]
    engine.runtime.submit(close_resources()).result()
    low, high, _, cost = runs[0]
    assert low <= cost <= high
    assert name in IN_TURN or high <= 40 * cost
    known = runs[8:]
    assert all(cost <= most for _, _, most, cost in known)
    held = [low <= cost <= high for low, high, _, cost in known]
    assert sum(held) >= LEAST_HELD.get(name, 6 if name in IN_TURN else 8), known
