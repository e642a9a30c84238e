"""A simulated model's wrong answers: of the right one's shape, never the right one."""

from datetime import date
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.llm.providers.simulated.solution import AnswerKind, Solution, chosen, listed, numeric
from orchestration.llm.providers.simulated.wrong import folded, wrong_answer

seeds = st.integers(0, 2**32).map(Random)
words = st.text("abcdefgh", min_size=1, max_size=6)


@given(st.fractions(max_denominator=1000), st.sampled_from(["", "%", " km"]), seeds)
def test_a_wrong_number_is_another_number_in_the_same_unit(value: Fraction, unit: str, dice: Random) -> None:
    right = numeric(value, "", unit=unit)
    wrong = wrong_answer(right, dice)
    assert folded(wrong) != folded(right.answer)
    assert wrong.endswith(unit)


@given(st.lists(words, min_size=2, max_size=6), seeds)
def test_a_wrong_list_differs_in_order_or_length(members: list[str], dice: Random) -> None:
    right = listed(members, "")
    assert folded(wrong_answer(right, dice)) != folded(right.answer)


@given(st.lists(words, min_size=2, max_size=5, unique=True), seeds)
def test_a_wrong_choice_is_another_option(options: list[str], dice: Random) -> None:
    right = chosen(options[0], options, "")
    assert wrong_answer(right, dice) in options[1:]


@given(st.dates(), seeds)
def test_a_wrong_date_is_a_real_date(day: date, dice: Random) -> None:
    right = Solution(answer=day.isoformat(), kind=AnswerKind.DATE, working="")
    assert date.fromisoformat(wrong_answer(right, dice)) != day


@given(st.text(min_size=1, max_size=12), seeds)
def test_a_wrong_word_is_another_word(word: str, dice: Random) -> None:
    right = Solution(answer=word, kind=AnswerKind.TEXT, working="")
    assert folded(wrong_answer(right, dice)) != folded(word)


@pytest.mark.parametrize("same", ["2,300", "2300", "2300.0", " 2300. "])
def test_spellings_of_one_answer_fold_to_one_form(same: str) -> None:
    assert folded(same) == folded("2300")
