"""What is read out of a prompt before any solver sees it."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.llm.providers.simulated.expression import NotAnExpression, NoValue, evaluate
from orchestration.llm.providers.simulated.material import items, material, quotes
from orchestration.llm.providers.simulated.numbers import numbers_in, show, with_digits
from orchestration.llm.providers.simulated.question import Question, identity, read
from orchestration.llm.providers.simulated.solvers.registry import MAX_LENGTH, solve


@pytest.mark.parametrize(
    ("raw", "text", "places"),
    [
        ("Please, what is 2 + 2?", "what is 2 + 2?", None),
        ("Could you tell me what 2 + 2 is? Answer with only the number.", "what 2 + 2 is?", None),
        ("Give only the final answer.\nWhat is 2 + 2?", "What is 2 + 2?", None),
        ("Question: What is 2 + 2?\nAnswer:", "What is 2 + 2?", None),
        ("What is 10 / 3, rounded to two decimal places?", "What is 10 / 3 ?", 2),
        ("What is 10 / 3 to the nearest integer?", "What is 10 / 3 ?", 0),
        ("Round 1234 to the nearest hundred", "1234", -2),
        ("Think step by step. What is 2 + 2?", "What is 2 + 2?", None),
        ('Count the words in "Give only the answer."', 'Count the words in "Give only the answer."', None),
    ],
)
def test_politeness_and_remarks_about_form_are_set_aside(raw: str, text: str, places: int | None) -> None:
    assert read(raw) == Question(text, places)


@pytest.mark.parametrize("raw", ["What is  2 + 2", "what is 2 + 2?", " WHAT IS 2 + 2 ?! "])
def test_one_question_has_one_identity(raw: str) -> None:
    assert identity(raw) == "what is 2 + 2"


@pytest.mark.parametrize(
    ("words", "digits"),
    [
        ("twenty-three plus four", "23 plus 4"),
        ("one hundred and five", "105"),
        ("two thousand three hundred", "2300"),
        ("five and three", "5 and 3"),
        ("seven million two", "7000002"),
    ],
)
def test_number_words_become_digits(words: str, digits: str) -> None:
    assert with_digits(words) == digits


def test_numbers_are_read_with_separators_and_signs() -> None:
    assert numbers_in("-3, 1,200.5 and .25") == [Fraction(-3), Fraction("1200.5"), Fraction(1, 4)]


@pytest.mark.parametrize(
    ("value", "places", "shown"),
    [
        (Fraction(391), None, "391"),
        (Fraction(5, 2), None, "2.5"),
        (Fraction(1, 3), None, "0.333333"),
        (Fraction("8.04672"), None, "8.04672"),
        (Fraction(5, 2), 0, "3"),
        (Fraction(-1, 1000), 2, "0.00"),
        (Fraction(1250), -2, "1300"),
        (Fraction(10**30 + 1, 1), None, str(10**30 + 1)),
    ],
)
def test_numbers_are_shown_in_plain_digits(value: Fraction, places: int | None, shown: str) -> None:
    assert show(value, places) == shown


integers = st.integers(-50, 50)


@given(integers, integers, integers.filter(bool), st.sampled_from("+-*"), st.sampled_from("+-*/"))
def test_expressions_are_worth_what_python_says(
    first: int, second: int, third: int, sign: str, other: str
) -> None:
    written = f"({first}) {sign} ({second}) {other} ({third})"
    exact = written.replace(f"({third})", f"Fraction({third})") if other == "/" else written
    assert evaluate(written) == eval(exact, {"Fraction": Fraction})


@pytest.mark.parametrize(
    "text", ["", "2 +", "(2", "2)", "two", "2 2", "9^9^9", "171!", "(" * 60 + "1" + ")" * 60]
)
def test_what_is_no_expression_or_too_large_is_refused(text: str) -> None:
    with pytest.raises(NotAnExpression):
        evaluate(text)


@pytest.mark.parametrize("text", ["1 / 0", "0 ^ -1", "sqrt(-4)", "5 mod 0"])
def test_an_expression_without_a_value_says_so(text: str) -> None:
    with pytest.raises(NoValue):
        evaluate(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [("sqrt 144", 12), ("cbrt(-27)", -3), ("2^3^2", 512), ("-2^2", -4), ("5! % 7", 1), ("50%", 0.5)],
)
def test_roots_powers_factorials_and_percents(text: str, value: float) -> None:
    assert evaluate(text) == Fraction(value)


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("Sort: 3, 1, 2", "3, 1, 2"),
        ('Count the words in "a b c".', "a b c"),
        ("Count this:\n```\nx\ny\n```", "x\ny"),
        ("Text: hello world\nLabels: a, b", "hello world"),
        ("<text>\nhello\n</text> Count it.", "hello"),
        ("the list [1, 2]", "1, 2"),
        ("What is it?", None),
    ],
)
def test_the_material_of_a_question_is_found(text: str, data: str | None) -> None:
    assert material(text) == data


@pytest.mark.parametrize(
    "text",
    [
        "a, b and c",
        "a,b,c",
        "[a, b, c]",
        "a; b; c",
        "- a\n- b\n- c",
        "1. a\n2. b\n3. c",
        "a b c",
        "'a', 'b', or 'c'.",
    ],
)
def test_lists_are_split_however_they_are_written(text: str) -> None:
    assert items(text) == ["a", "b", "c"]


def test_an_apostrophe_opens_no_quotation() -> None:
    assert quotes("Nina's car and 'Paul's car'") == ["Paul's car"]


@given(st.text(max_size=300))
def test_whatever_is_asked_the_solvers_answer_or_decline(text: str) -> None:
    found = solve(read(text))
    assert found is None or found.answer


def test_a_question_that_is_too_long_is_declined() -> None:
    assert solve(read("How many words are in: " + "word " * MAX_LENGTH)) is None
