"""Scorers: tables of answers with what each scorer makes of them, and hostile texts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.evaluation.engine.scorers import (
    CHECKS,
    TITLES,
    ItemScorer,
    ScorerKind,
    reference_problem,
    same_value,
    verdict,
)
from tests.support.hostile import VALUES

CHOICES = "Which is a city?\nA. Blue\nB. Paris\nC. Seven\nAnswer with the letter."
SUM = "What is 17% of 2,300?"
REFERENCES = {
    ScorerKind.NUMBER: "391",
    ScorerKind.CHOICE: "B",
    ScorerKind.REGEX: r"(\w+\s*)+$",
    ScorerKind.JSON: '{"a": [1, 2]}',
}


def right(kind: str, answer: str, reference: str, question: str = SUM, **settings: Any) -> bool:  # noqa: ANN401  # fields of a scorer
    scorer = ItemScorer(kind=ScorerKind(kind), **settings)
    assert reference_problem(scorer, reference, question) == ""
    found = verdict(scorer, answer, reference, question)
    assert found.correct is (found.score >= (scorer.threshold if kind == "similarity" else 1))
    return found.correct


@pytest.mark.parametrize(
    ("kind", "answer", "reference", "expected"),
    [
        ("answer", "17% of 2,300 is **391**.", "391", True),
        ("answer", "The answer is 391.00", "391", True),
        ("answer", "The answer is 390.", "391", False),
        ("answer", "I cannot say.", "391", False),
        ("exact", "  Paris\n", "paris", True),
        ("exact", "Paris is it", "Paris", False),
        ("number", "It is about 391 dollars.", "391", True),
        ("number", "The answer is \\boxed{392}", "391", False),
        ("number", "None.", "391", False),
        ("number", "The answer is 1/2", "0.5", True),
        ("contains", "The capital, PARIS, lies on the  Seine.", "Paris\nthe Seine", True),
        ("contains", "Paris", "Paris\nLyon", False),
        ("regex", "Order 4711 was sent.", r"order \d{4}", True),
        ("regex", "Order was sent.", r"order \d{4}", False),
        ("json", '```json\n{"b": 2, "a": 1.0}\n```', '{"a": 1, "b": 2}', True),
        ("json", 'Here it is: {"a": 1} as asked', '{"a": 1}', True),
        ("json", '{"a": true}', '{"a": 1}', False),
        ("json", "nothing", "null", False),
        ("json", "null", "null", True),
        ("similarity", "the quick brown fox", "The quick brown fox!", True),
        ("similarity", "something else", "The quick brown fox!", False),
    ],
)
def test_scorers_find_what_is_right(kind: str, answer: str, reference: str, expected: bool) -> None:  # noqa: FBT001
    assert right(kind, answer, reference) is expected


@pytest.mark.parametrize(
    ("answer", "reference", "expected"),
    [
        ("The answer is (B).", "B", True),
        ("**Answer: B**", "b", True),
        ("B", "(B)", True),
        ("Paris", "B", True),
        ("The answer is A", "B", False),
        ("Perhaps.", "B", False),
        ("The answer is B", "Paris", True),
    ],
)
def test_a_choice_is_read_by_letter_or_words(answer: str, reference: str, expected: bool) -> None:  # noqa: FBT001
    assert right("choice", answer, reference, CHOICES) is expected


@pytest.mark.parametrize(
    ("settings", "expected"),
    [({}, False), ({"tolerance": 1}, True), ({"relative": 0.003}, True), ({"relative": 0.001}, False)],
)
def test_a_number_may_be_off_by_its_tolerance(settings: dict[str, Any], expected: bool) -> None:  # noqa: FBT001
    assert right("number", "The answer is 392", "391", **settings) is expected


def test_capitals_count_where_they_are_to() -> None:
    assert not right("exact", "paris", "Paris", ignore_case=False)
    assert not right("contains", "paris", "Paris", ignore_case=False)
    assert not right("regex", "paris", "Paris", ignore_case=False)
    assert right("similarity", "paris", "Paxxx", threshold=0.2)


@pytest.mark.parametrize(
    ("kind", "reference", "said"),
    [
        ("exact", " \n", "The reference is empty."),
        ("judge", "", ""),
        ("number", "many", "The reference is no number."),
        ("number", "9" * 400, "The reference is no number."),
        ("choice", "Rome and more", "The reference is no letter of an option."),
        ("regex", "(a", "The reference is no regular expression that RE2 reads"),
        ("regex", "(?=a)", "The reference is no regular expression that RE2 reads"),
        ("regex", "a\\", "The reference is no regular expression that RE2 reads"),
        ("regex", "a" * 1_001, "more than 1,000 characters"),
        ("json", "{", "The reference is no JSON."),
        ("json", "NaN", "The reference is no JSON."),
        ("json", "[" * 5_000, "The reference is no JSON."),
        ("similarity", "a", ""),
    ],
)
def test_a_reference_that_a_scorer_cannot_use_is_said(kind: str, reference: str, said: str) -> None:
    problem = reference_problem(ItemScorer(kind=ScorerKind(kind)), reference, CHOICES)
    assert problem.startswith(said) if said.startswith("The") or not said else said in problem
    assert bool(problem) is bool(said)


@pytest.mark.parametrize("kind", CHECKS)
def test_no_answer_breaks_a_scorer(kind: ScorerKind) -> None:
    for text in (*VALUES.values(), "a" * 100_000 + "!", '{"a": ' * 3_000, "<b>391</b>"):
        found = verdict(ItemScorer(kind=kind), text, REFERENCES.get(kind, "Walkers"), CHOICES)
        assert 0 <= found.score <= 1
        assert len(found.reason) < 300


json_data = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)


@given(json_data)
def test_a_value_equals_itself_and_no_list_of_it(value: object) -> None:
    assert same_value(value, value)
    assert not same_value(value, [value])


def test_what_is_nested_too_deep_differs() -> None:
    deep: object = 1
    for _ in range(60):
        deep = [deep]
    assert not same_value(deep, deep)


def test_each_kind_has_words_and_all_but_the_judge_compare_texts() -> None:
    assert set(TITLES) == set(ScorerKind) == {*CHECKS, ScorerKind.JUDGE}
