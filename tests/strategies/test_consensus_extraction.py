"""Final answers out of texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.expressions.embedded import json_values
from orchestration.strategies.engine.consensus.extraction import (
    extract_answer,
    stated_answers,
)
from orchestration.strategies.engine.consensus.spelling import LONGEST_ANSWER, normalise


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Answer: 391", "391"),
        ("17 % of it.\n\n**Answer:** 391\n\n_Simulated answer by sim-scout-2._", "391"),
        ("**Final Answer: 42 km**", "42 km"),
        ("- Answer = $2,300.50", "2300.5"),
        ("Answer:\n391", "391"),
        ("Answer: [1, 2, 3]", "[1, 2, 3]"),
        ("Answer: apple, banana, cherry", "apple, banana, cherry"),
        ("Answer: 3\nNo, wait.\nAnswer: 4", "4"),
        ("Final Answer: The answer is (F).", "F"),
        ("So \\boxed{\\frac{1}{2}} it is.", "1/2"),
        ("\\boxed{x^{2} + \\text{ 1}}", "x^2 +  1"),
        ("First \\boxed{1}, then \\boxed{2}", "2"),
        ("Therefore the answer is 5.00. Check it.", "5"),
        ("The correct answer is: Paris!", "Paris"),
        ('{"reasoning": "2 + 1", "answer": "3"}', "3"),
        ('```json\n{"reasoning": "x", "Answer": 2.50}\n```', "2.5"),
        ('{"answer": true}', "True"),
        ('{"final_answer": "B", "result": 7}', "B"),
        ('{"reasoning": "\\sqrt{2}", "answer": "4"}', "4"),
        ("The sum is 4.", "4"),
        ("17% of 2,300 is 391.", "391"),
        ("So she has 12 eggs left.", "12"),
        ("The change is -3%", "-3"),
        ("It is 391.\n\n_Simulated answer by sim-scout-2._", "391"),
        ("Paris.", "Paris"),
        ("(B)", "B"),
        ("Answer: B. Paris", "B"),
    ],
)
def test_the_final_answer_is_found(text: str, answer: str) -> None:
    found = extract_answer(text)
    assert found is not None
    assert found.raw == answer


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   \n ",
        "...",
        "It depends on many things, which is why people have argued about it for such a long time.",
        "A long essay.\nIn 2024 it was done again by them",
        '{"answer": {"nested": 1}}',
        '{"other": "field"}',
        "\\boxed{never closed",
        f"Answer: {'very ' * 60}long",
    ],
)
def test_where_it_is_not_clear_there_is_none(text: str) -> None:
    assert extract_answer(text) is None


@pytest.mark.parametrize(
    ("given_text", "plain"),
    [
        ("2,300", "2300"),
        ("$1,234,567.80", "1234567.8"),
        ("17%", "17"),
        ("17\\%", "17"),
        ("\u22123.0", "-3"),
        ("0.000", "0"),
        (".5", "0.5"),
        ("1,2", "1,2"),
        ("$x+1$", "x+1"),
        ("\\(x\\)", "x"),
        ("“Monday.”", "Monday"),
        ("`None`", "None"),
        ("(C)", "C"),
        ("C) Berlin", "C"),
        ("90^\\circ", "90°"),
        ("2,300 km", "2300 km"),
        ("١٢", "12"),
        ("", None),
        ("  . ", None),
    ],
)
def test_spellings_of_one_answer_become_one(given_text: str, plain: str | None) -> None:
    assert normalise(given_text) == plain


@given(st.text(max_size=300))
def test_whatever_the_text_what_is_found_is_short_and_not_empty(text: str) -> None:
    found = extract_answer(text)
    for spelled in (normalise(text), found.raw if found else None):
        assert spelled is None or 0 < len(spelled) <= LONGEST_ANSWER


def test_each_kind_of_cue_says_what_it_says() -> None:
    stated = stated_answers("The answer is 3. So \\boxed{4}.\nAnswer: 5")
    assert {cue: answer.key for cue, answer in stated.items()} == {
        "boxed": "4",
        "answer line": "5",
        "sentence": "3",
    }


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("First, 10 times 17 is 170, and then 7", None),
        ("Let me see what", None),
        ("The answer is 1", None),
        ("The answer is 187. This can be seen from", "187"),
        ("Answer: 187\n\nTo che", "187"),
        ("The answer is 3.1", None),
        ('{"answer": 187}', "187"),
        ('```json\n{"steps": ["170"], "answer": 187}', "187"),
        ('{"answer": 18', None),
        ('{"answer": "18', None),
        (r"Hence \boxed{187} because 11 times", "187"),
        (r"Hence \boxed{18", None),
    ],
)
def test_an_answer_that_was_cut_off_counts_only_where_it_was_stated_before(
    text: str, key: str | None
) -> None:
    answer = extract_answer(text, question="What is 11 times 17?", cut_off=True)
    assert (answer and answer.key) == key


def test_an_option_named_where_a_text_was_cut_off_is_none() -> None:
    question = "Which is it?\nA) one\nB) two"
    assert extract_answer("It could be (A)", question=question) is not None
    assert extract_answer("It could be (A)", question=question, cut_off=True) is None


def test_json_is_found_between_words_and_inside_fences() -> None:
    text = 'First {"a": 1}, then {broken, then [2, {"b": 3}] and ```{"c": "}"}```'
    assert list(json_values(text)) == [{"a": 1}, [2, {"b": 3}], {"c": "}"}]


def test_hostile_nesting_costs_little_and_gives_nothing() -> None:
    assert list(json_values("[" * 100_000)) == []
    assert extract_answer("\\boxed{" * 2000) is None
