"""Answers that say the same stand together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.strategies.engine.consensus.answers import AnswerKind, Extracted, read_answer
from orchestration.strategies.engine.consensus.grouping import group_answers

SPELLINGS = (
    "1/2",
    "0.5",
    "\\frac{1}{2}",
    "0.50",
    "Paris",
    "paris.",
    "the city of Paris",
    "3",
    "3.0000000001",
)


def members(*answers: str | None) -> list[tuple[int, ...]]:
    read = [None if each is None else read_answer(each) for each in answers]
    return [group.members for group in group_answers(read)]


def test_one_number_in_many_spellings_is_one_answer() -> None:
    assert members("1/2", "0.5", "\\frac{1}{2}", "$0.50", "\\dfrac12", "50/100") == [(0, 1, 2, 3, 4, 5)]
    assert members("1081.3333333333333", "3244/3") == [(0, 1)]


def test_numbers_that_are_close_are_two_answers() -> None:
    assert members("9.11", "9.111", "9.11") == [(0, 2), (1,)]


def test_who_abstains_is_in_no_group() -> None:
    assert members(None, "4", None, "four", "4") == [(1, 3, 4)]


def test_the_most_frequent_spelling_stands_for_the_group() -> None:
    read = [read_answer(each) for each in ("5", "5 km", "5 km")]
    (group,) = group_answers(read)
    assert (group.key, group.raw) == ("5 km", "5 km")


@given(st.lists(st.none() | st.sampled_from(SPELLINGS)), st.randoms(use_true_random=False))
def test_the_order_of_answers_changes_no_group(said: list[str | None], random: st.DataObject) -> None:
    read = [None if each is None else read_answer(each) for each in said]
    order = list(range(len(read)))
    random.shuffle(order)  # type: ignore[attr-defined]
    groups = {(group.key, group.raw, group.members) for group in group_answers(read)}
    shuffled = {
        (group.key, group.raw, tuple(sorted(order[place] for place in group.members)))
        for group in group_answers([read[place] for place in order])
    }
    assert shuffled == groups


@pytest.mark.parametrize("kind", [AnswerKind.CODE, AnswerKind.CHOICE, AnswerKind.DATE])
def test_keys_of_other_kinds_are_compared_exactly(kind: AnswerKind) -> None:
    near = [Extracted(kind=kind, key=key, raw=key) for key in ("abcdefghijklmnop", "abcdefghijklmnoq")]
    assert len(group_answers(near)) == 2
