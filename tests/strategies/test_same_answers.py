"""Which two answers say the same: in the same order, whatever they are dressed in."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from orchestration.strategies.engine.consensus.answers import read_answer
from orchestration.strategies.engine.consensus.grouping import group_answers

DIFFERENT = [
    ("1, 3, 5, 9", "3, 1, 5, 9"),
    ("Alice beat Bob", "Bob beat Alice"),
    ("2 dogs and 3 cats", "3 dogs and 2 cats"),
    ("[1, 2, 3]", "[3, 2, 1]"),
    ("x < y", "x > y"),
    ("from Paris to Rome", "from Rome to Paris"),
    ("5 kg", "5 g"),
    ("A before B", "B before A"),
    ("A then B", "then B"),
    ("Answer: A is taller than C", "C is taller than A"),
    ("red, green, blue", "blue, green, red"),
    ("The cause is heat, the effect is light", "The cause is light, the effect is heat"),
    ("$5", "€5"),
    ("60%", "60 kg"),
    ("30 °C", "30 °F"),
    ("it is allowed", "it is not allowed"),
    ("She can swim", "She can't swim"),
    ("hypothermia", "hyperthermia"),
    ("mitosis", "meiosis"),
    ("Austria", "Australia"),
    ("increase", "decrease"),
    ("inductive reasoning", "deductive reasoning"),
    ("Apollo 11", "Apollo 12"),
    ("version 1.2.3", "version 1.3.2"),
    ("3:1", "1:3"),
    ("won 3-1", "won 1-3"),
    ("-5", "5"),
    ("10²", "102"),
    ("9.11", "9.9"),
    ("x = 5", "y = 5"),
    ("12:30", "1230"),
    ("a != b", "a = b"),
    ("p → q", "q → p"),
    ("A and B", "A or B"),
    ("Vitamin A", "Vitamin"),
    ("E. coli", "E. histolytica"),
    ("B) Paris", "B) Rome"),
    ("[1, [2, 3]]", "[[1, 2], 3]"),
    ("(1, 2)", "[1, 2]"),
    ("1/2", "2/1"),
    ("3 hours", "3 minutes"),
    ("60 km", "60 km/h"),
    ("2 million dollars", "2 dollars"),
    ("subject verb object", "subject object verb"),
    ("March 4, 2021", "April 3, 2021"),
    ("all of them before none", "none of them before all"),
    ("n - m", "n + m"),
    ("5 apples", "5 oranges"),
    ("January to March", "March to January"),
    ("100,200", "[100, 200]"),
    ("Yes", "No"),
    ("Marie Curie taught Irène", "Irène taught Marie Curie"),
    ("x^2 + 1", "x^3 + 1"),
    ("sooner rather than later", "later rather than sooner"),
    ("the first two, not the last one", "the last one, not the first two"),
    ("int, str", "str, int"),
    ("left if even, right if odd", "right if even, left if odd"),
    ("a square knot", "a square"),
    ("[[1, 2]", "[1, [2]"),
    ("1st: Kenya; 2nd: Ethiopia", "1st: Ethiopia; 2nd: Kenya"),
]

SAME = [
    ("1,000", "1000"),
    ("[1, 3, 5, 9]", "1, 3, 5, 9"),
    ("1,3,5,9", "1, 3, 5 and 9"),
    ("B) Paris", "B"),
    ("“Paris”", "Paris"),
    ("PARIS", "paris"),
    ("**Paris**", "Paris"),
    ("\\boxed{42}", "42"),
    ("½", "0.5"),
    ("4 July 1776", "1776-07-04"),
    ("the city of Paris", "City of Paris."),
    ("5 kg", "5000 g"),
    ("5 kg", "5"),
    ("90 minutes", "1.5 hours"),
    ("$5", "5 dollars"),
    ("$5.00", "USD 5"),
    ("17 percent", "17%"),
    ("2½ hours", "150 min"),
    ("1 km", "1,000 metres"),
    ("0 °C", "273.15 K"),
    ("three", "3"),
    ("Two dogs and three cats", "2 dogs and 3 cats"),
    ("won 3–1", "won 3-1"),
    ("salt & pepper", "salt and pepper"),
    ("don't panic", "do not panic"),
    ("It cannot fly", "it can't fly"),
    ("a >= b", "a ≥ b"),
    ("`sorted`", "sorted"),
    ("\\frac{3}{4}", "0.75"),
    ("\\text{blue whale}", "Blue whale"),
    ("x = 7", "7"),
    ("A", "(A)"),
    ("(C) an ion", "C: an ion"),
    ("red, green, blue", "Red; green; blue"),
    ("1/3", "2/6"),
    ("2 million dollars", "$2,000,000"),
    ("12 eggs", "12"),
    ("3 red apples", "3 apples"),
    ("5 pounds", "£5"),
    ("60 km/h", "60 kilometers per hour"),
    ("well-known", "well known"),
    ("100 cm²", "0.01 square metres"),
    ("_Hamlet_", "Hamlet"),
    ("Yes!", "yes"),
    ("1.234e3", "1234"),
    ("90^\\circ", "90 degrees"),
    ("['a', 'b']", "a, b"),
    ("\uff14\uff12", "42"),  # wide digits
    ("O’Neill", "O'Neill"),
    ("the 4th of July, 1776", "July 4, 1776"),
    ("\u22123", "-3"),
    ("score: 3.50 of 4", "score 3.5 of 4"),
    ("1 GB", "1000 MB"),
    ("red\nblue", "red, blue"),
    ("2 cherries", "2 ripe cherries"),
    ("\uff30aris", "Paris"),  # a wide letter
]


def together(*answers: str) -> list[tuple[int, ...]]:
    return [group.members for group in group_answers([read_answer(each) for each in answers])]


def test_there_are_enough_pairs_and_none_twice() -> None:
    pairs = {frozenset(pair) for pair in (*DIFFERENT, *SAME)}
    assert len(pairs) == len(DIFFERENT) + len(SAME)
    assert min(len(DIFFERENT), len(SAME)) >= 40


@pytest.mark.parametrize(("first", "second"), DIFFERENT)
def test_two_answers_that_say_something_else_are_two(first: str, second: str) -> None:
    assert together(first, second) == [(0,), (1,)]
    assert together(second, first, second) == [(0, 2), (1,)]


@pytest.mark.parametrize(("first", "second"), SAME)
def test_two_answers_that_say_the_same_are_one(first: str, second: str) -> None:
    assert together(first, second) == [(0, 1)]
    assert together(second, first, second) == [(0, 1, 2)]


def test_an_answer_that_could_be_either_of_two_is_neither() -> None:
    assert together("5 kg", "5", "5 g", "5") == [(0,), (1, 3), (2,)]
    assert together("5 kg", "5", "5000", "5000 g") == [(0, 3), (1,), (2,)]


ITEMS = "Ann Bob Rome Oslo red blue 1 2 30 x y sum max not before if then -4 0.5"
WORDS = st.sampled_from(ITEMS.split())
BETWEEN = st.sampled_from([", ", " ", " then ", " < ", " to ", "; ", "\n", " and ", " - ", " / ", ": "])


@given(
    st.lists(WORDS, min_size=2, max_size=5, unique=True), BETWEEN, st.sampled_from(["{}", "[{}]", "So {}."])
)
def test_no_reordering_of_distinct_items_is_merged(items: list[str], between: str, around: str) -> None:
    said = [around.format(between.join(order)) for order in permutations(items)]
    read = [read_answer(each) for each in said]
    assume(None not in read)
    assert [group.members for group in group_answers(read)] == [(place,) for place in range(len(said))]


@given(
    st.lists(st.text(alphabet="abxyz<>-=/ 0123", min_size=1, max_size=8), min_size=2, max_size=4, unique=True)
)
def test_groups_share_no_member_and_lose_none(said: list[str]) -> None:
    read = [read_answer(each) for each in said]
    members = sorted(member for group in group_answers(read) for member in group.members)
    assert members == [place for place, each in enumerate(read) if each is not None]
