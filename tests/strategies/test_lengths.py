"""How long answers are expected to be, and what a run with a money limit allows them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.llm.engine.types import Capability, Prices, Purpose
from orchestration.strategies.engine.classification import TaskType
from orchestration.strategies.engine.lengths import (
    ENOUGH,
    FARTHEST_LENGTH,
    LEAST_ROOM,
    QUARTILE,
    WIDEST,
    AnswerLength,
    PastCall,
    allowance,
    expected_length,
    length_beside_usual,
)
from tests.support.models import spec_named

SPEC = replace(spec_named("m"), max_output_tokens=8000)
TASK = TaskType.REASONING
CALLS = st.builds(
    PastCall,
    purpose=st.sampled_from([Purpose.ANSWER, Purpose.JUDGE, Purpose.RANK]),
    tokens=st.integers(0, 20_000),
    task=st.sampled_from([None, *TaskType]),
)


def answers(*tokens: int, task: TaskType | None = TASK) -> list[PastCall]:
    return [PastCall(purpose=Purpose.ANSWER, tokens=each, task=task) for each in tokens]


def length(*past: PastCall, purpose: Purpose = Purpose.ANSWER) -> AnswerLength:
    return expected_length(SPEC, purpose, TASK, past)


@given(st.lists(CALLS, max_size=60), st.sampled_from(Purpose))
def test_where_there_is_history_the_likely_lengths_are_at_most_a_factor_of_five_apart(
    past: list[PastCall], purpose: Purpose
) -> None:
    found = length(*past, purpose=purpose)
    low, high = found.likely
    assert 1 <= low <= high <= SPEC.max_output_tokens
    assert found.is_known == (sum(each.purpose is purpose for each in past) >= ENOUGH)
    assert not found.is_known or high - 1 <= WIDEST * (low + 1)


def test_many_answers_of_one_length_are_expected_again() -> None:
    assert length(*answers(*[700] * 50)).at(0) == pytest.approx(700, rel=0.1)
    assert length(*answers(*[20] * 50)).at(0) == pytest.approx(20, rel=0.2)


def test_a_few_answers_move_the_expectation_from_the_prior_towards_them() -> None:
    without, with_some, with_many = (length(*answers(*[1600] * number)).at(0) for number in (0, 2, 20))
    assert without == 200
    assert 400 < with_some < with_many < 1700


def test_answers_to_the_same_kind_of_task_count_more_than_those_to_others() -> None:
    others = answers(*[2000] * 20, task=TaskType.CREATIVE)
    assert length(*others).at(0) > 1000
    assert length(*others, *answers(*[30] * 20)).at(0) < 100


def test_what_a_model_wrote_as_a_judge_says_nothing_of_its_answers() -> None:
    judged = [PastCall(purpose=Purpose.JUDGE, tokens=5000)] * 20
    assert length(*judged) == length()


@pytest.mark.parametrize(
    ("purpose", "task", "tokens"),
    [
        (Purpose.ANSWER, TaskType.CONVERSATION, 40),
        (Purpose.ANSWER, TaskType.CODE_GENERATION, 300),
        (Purpose.AGGREGATE, TaskType.CODE_GENERATION, 300),
        (Purpose.JUDGE, TaskType.CODE_GENERATION, 210),
        (Purpose.RANK, TaskType.CODE_GENERATION, 80),
        (Purpose.CLASSIFY, TaskType.CODE_GENERATION, 40),
    ],
)
def test_without_history_the_kind_of_task_and_the_purpose_say_how_long(
    purpose: Purpose, task: TaskType, tokens: int
) -> None:
    assert expected_length(SPEC, purpose, task, answers=3).at(0) == tokens
    thinking = replace(SPEC, capabilities=frozenset({Capability.REASONING}))
    assert expected_length(thinking, purpose, task, answers=3).at(0) == 4 * tokens


def test_a_very_short_request_is_expected_to_get_a_shorter_answer() -> None:
    short = expected_length(SPEC, Purpose.ANSWER, TASK, request=10)
    assert (short.at(0), length().at(0)) == (140, 200)
    assert expected_length(SPEC, Purpose.JUDGE, TASK, request=10) == length(purpose=Purpose.JUDGE)


@given(st.lists(CALLS, max_size=30), st.integers(1, 20_000), st.decimals(0, 2, places=6))
def test_a_call_may_write_at_least_four_times_what_is_expected_and_never_more_than_the_model_can(
    past: list[PastCall], longest: int, usd: Decimal
) -> None:
    spec = replace(SPEC, max_output_tokens=longest)
    found = expected_length(spec, Purpose.ANSWER, TASK, past)
    allowed = allowance(spec, found, usd)
    assert found.at(-QUARTILE) <= allowed.expected <= found.at(QUARTILE)
    assert min(longest, LEAST_ROOM * allowed.expected) <= allowed.most <= longest
    assert not found.is_known or allowed.expected == found.at(QUARTILE)


def test_without_history_no_more_is_expected_than_the_money_pays_for_down_to_the_short_answers() -> None:
    usd = {0: Decimal(0), 150: Decimal("0.0006"), 200: Decimal(1)}
    found = {tokens: allowance(SPEC, length(), share) for tokens, share in usd.items()}
    assert [each.expected for each in found.values()] == [length().at(-QUARTILE), 150, 200]
    assert found[0].most == 4 * 200


def test_what_the_money_pays_for_is_not_cut_off() -> None:
    short = length(*answers(*[20] * 50))
    assert allowance(SPEC, short, Decimal(0)).most == 256
    assert allowance(SPEC, short, Decimal("0.004")).most == 1000
    assert allowance(SPEC, short, Decimal(1)).most == SPEC.max_output_tokens


@pytest.mark.parametrize(
    "prices", [None, Prices(input_per_million=Decimal(1), output_per_million=Decimal(0))]
)
def test_answers_that_cost_nothing_may_be_as_long_as_the_model_can(prices: Prices | None) -> None:
    free = replace(SPEC, prices=prices)
    assert allowance(free, length(), Decimal("0.001")).most == SPEC.max_output_tokens


@pytest.mark.parametrize(
    ("written", "factor"),
    [
        ([], 1.0),
        ([(0, 100)], 1.0),  # a provider that counts nothing
        ([(100, 100)] * 3, 1.0),
        ([(400, 100)], 2.0),
        ([(200, 100), (400, 100)], 2.0),
        ([(200, 100), (50, 100)], 1.0),
        ([(25, 100)], 0.5),
        ([(10**6, 1)] * 4, FARTHEST_LENGTH),
        ([(1, 10**6)] * 4, 1 / FARTHEST_LENGTH),
    ],
)
def test_the_next_answer_is_longer_than_usual_as_those_before_it_are(
    written: list[tuple[int, int]], factor: float
) -> None:
    assert length_beside_usual(written) == pytest.approx(factor)


@given(st.lists(st.tuples(st.integers(1, 10**6), st.integers(1, 10**6)), max_size=5), st.integers(1, 5))
def test_longer_answers_never_make_the_next_one_shorter(written: list[tuple[int, int]], times: int) -> None:
    longer = [(tokens * times, usual) for tokens, usual in written]
    assert length_beside_usual(written) <= length_beside_usual(longer) + 1e-9
    assert 1 / FARTHEST_LENGTH - 1e-9 <= length_beside_usual(longer) <= FARTHEST_LENGTH + 1e-9
