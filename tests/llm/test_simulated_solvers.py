"""Solvers against what plain Python computes, over whatever numbers, words and dates."""

from calendar import day_name, isleap
from datetime import date, timedelta
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.llm.engine.types import Message, Prompt
from orchestration.llm.providers.simulated.arithmetic import NotAnExpression, evaluate
from orchestration.llm.providers.simulated.attempt import asked_question, solve
from orchestration.llm.providers.simulated.labels import pick
from orchestration.llm.providers.simulated.reading import (
    QuestionText,
    identity,
    items,
    parse_number,
    read,
    show,
)
from orchestration.llm.providers.simulated.solution import (
    Solution,
    agree,
    chosen,
    folded,
    numeric,
    wrong_answer,
)
from orchestration.llm.providers.simulated.units import UNITS, converted

integers = st.integers(-50, 50)
counts = st.integers(0, 900)
words = st.text("abcdefgh", min_size=2, max_size=6).map(lambda word: f"{word}x")
lists = st.lists(words, min_size=2, max_size=6)
days = st.dates(date(1900, 1, 1), date(2100, 1, 1))
seeds = st.integers(0, 2**32).map(Random)


def answer(question: str) -> str | None:
    found = solve(read(question))
    return found.answer if found else None


@given(integers, integers, integers.filter(bool), st.sampled_from("+-*"), st.sampled_from("+-*/"))
def test_expressions_are_worth_what_python_says(
    first: int, second: int, third: int, sign: str, other: str
) -> None:
    written = f"({first}) {sign} ({second}) {other} ({third})"
    exact = written.replace(f"({third})", f"Fraction({third})") if other == "/" else written
    assert evaluate(written) == eval(exact, {"Fraction": Fraction})


@pytest.mark.parametrize(
    "text",
    ["", "2 +", "(2", "2)", "two", "2 2", "9^9^9", "1 // 2", "2(3)", "1 / 0", "0 ^ -1", "(" * 90, "-" * 500],
)
def test_what_is_no_expression_or_too_large_is_refused(text: str) -> None:
    with pytest.raises(NotAnExpression):
        evaluate(text)


@pytest.mark.parametrize(
    ("text", "value"), [("2^3^2", 512), ("-2^2", -4), ("17 % 5", 2), ("1,234 + 1", 1235)]
)
def test_precedence_is_that_of_arithmetic(text: str, value: int) -> None:
    assert evaluate(text) == value


@given(st.integers(1, 99), counts)
def test_percentages_are_exact(rate: int, number: int) -> None:
    part = Fraction(rate * number, 100)
    assert answer(f"What is {rate}% of {number}?") == show(part)
    assert answer(f"Increase {number} by {rate}%.") == show(number + part)
    assert answer(f"A price of {number} dollars is reduced by {rate}%. What is it now?") == show(
        number - part
    )
    assert answer(f"{number} is {rate}% of what number?") == show(Fraction(number * 100, rate))


@given(st.sampled_from(list(UNITS.values())), st.sampled_from(list(UNITS.values())), counts)
def test_units_convert_there_and_back(source: object, target: object, amount: int) -> None:
    there = converted(Fraction(amount), source, target)  # type: ignore[arg-type]
    assert converted(there, target, source) == amount  # type: ignore[arg-type]


@given(days, days, counts)
def test_dates_are_those_of_the_calendar(first: date, second: date, count: int) -> None:
    later = (first + timedelta(days=count)).isoformat()
    assert answer(f"What date is {count} days after {first.isoformat()}?") == later
    assert answer(f"What date is {count} days before {later}?") == first.isoformat()
    assert answer(f"How many days are between {first} and {second}?") == str(abs((second - first).days))
    assert (
        answer(f"What day of the week is {first:%B} {first.day}, {first.year}?") == day_name[first.weekday()]
    )
    assert answer(f"Is {first.year} a leap year?") == ("Yes" if isleap(first.year) else "No")


@given(st.lists(integers, min_size=2, max_size=7), lists)
def test_lists_are_sorted_up_and_down(numbers: list[int], names: list[str]) -> None:
    written = ", ".join(map(str, numbers))
    assert answer(f"Sort in ascending order: {written}") == ", ".join(map(str, sorted(numbers)))
    assert answer(f"Sort these words alphabetically: {', '.join(names)}") == ", ".join(sorted(names))
    down = ", ".join(sorted(names, reverse=True))
    assert answer(f"Arrange in descending order: {', '.join(names)}") == down


@given(lists, st.sampled_from("abcdefgh"))
def test_letters_words_and_items_are_counted(names: list[str], letter: str) -> None:
    text = " ".join(names)
    assert answer(f'How many words are in "{text}"?') == str(len(names))
    assert answer(f'Count the letters in "{text}".') == str(sum(map(len, names)))
    assert answer(f'How many times does the letter {letter} occur in "{text}"?') == str(text.count(letter))
    assert answer(f"How many items are in this list: {', '.join(names)}?") == str(len(names))
    assert answer(f'How many times does the word {names[0]} appear in "{text}"?') == str(
        names.count(names[0])
    )


@given(st.permutations(["positive", "negative", "neutral"]))
def test_a_label_does_not_depend_on_the_order_of_the_offer(labels: list[str]) -> None:
    for text, label in (
        ("Great, I love it.", "positive"),
        ("Not good at all.", "negative"),
        ("It is.", "neutral"),
    ):
        found = pick(labels, text)
        assert found is not None
        assert found.answer == label


@given(st.fractions(max_denominator=1000), st.sampled_from(["", "%", " km"]), seeds)
def test_a_wrong_number_is_another_number_in_the_same_unit(value: Fraction, unit: str, dice: Random) -> None:
    right = numeric(value, "", unit=unit)
    wrong = wrong_answer(right, dice)
    assert folded(wrong) != folded(right.answer)
    assert wrong.endswith(unit)


@given(st.lists(words, min_size=2, max_size=6, unique=True), days, seeds)
def test_wrong_lists_options_and_dates_are_plausible_ones(names: list[str], day: date, dice: Random) -> None:
    listed = wrong_answer(Solution(answer=", ".join(names), working=""), dice)
    assert listed != ", ".join(names)
    assert set(listed.split(", ")) <= set(names)
    assert wrong_answer(chosen(names[0], names, ""), dice) in names[1:]
    assert date.fromisoformat(wrong_answer(Solution(answer=day.isoformat(), working=""), dice)) != day


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("391", "391.0"),
        ("2,300", "2300"),
        ("8.04672 km", "8.05 km"),
        ("25%", "25"),
        ("Blue", "blue."),
        ("B", "B) red"),
    ],
)
def test_answers_that_say_the_same_agree(first: str, second: str) -> None:
    assert agree(first, second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("391", "381"),
        ("5 km", "5 m"),
        ("-3", "3"),
        ("blue", "red"),
        ("2499", "2500"),
        ("1, 2", "1"),
        ("9" * 99, "0"),
    ],
)
def test_answers_that_differ_do_not(first: str, second: str) -> None:
    assert not agree(first, second)


@pytest.mark.parametrize(
    ("raw", "text", "places"),
    [
        ("Please, what is 2 + 2?", "what is 2 + 2?", None),
        ("Could you tell me what 2 + 2 is? Answer with only the number.", "what 2 + 2 is?", None),
        ("Give only the final answer.\nWhat is 2 + 2?", "What is 2 + 2?", None),
        ("Question: What is 2 + 2?\nAnswer:", "What is 2 + 2?", None),
        ("What is 10 / 3, rounded to two decimal places?", "What is 10 / 3?", 2),
        ("What is 10 / 3 to the nearest integer?", "What is 10 / 3?", 0),
        ('Count the words in "Give only the answer."', 'Count the words in "Give only the answer."', None),
    ],
)
def test_politeness_and_remarks_about_form_are_set_aside(raw: str, text: str, places: int | None) -> None:
    assert read(raw) == QuestionText(text, places)


@pytest.mark.parametrize("raw", ["What is  2 + 2", "what is 2 + 2?", " WHAT IS 2 + 2 ?! "])
def test_one_question_has_one_identity(raw: str) -> None:
    assert identity(raw) == "what is 2 + 2"


@pytest.mark.parametrize(
    "text", ["a, b and c", "a,b,c", "[a, b, c]", "a; b; c", "- a\n- b\n- c", "a b c", '"a", "b", or "c".']
)
def test_lists_are_split_however_they_are_written(text: str) -> None:
    assert items(text) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("value", "places", "shown"),
    [
        ("391", None, "391"),
        ("5/2", 0, "3"),
        ("1/3", None, "0.333333"),
        ("-1/1000", 2, "0.00"),
        ("-5/2", 1, "-2.5"),
    ],
)
def test_numbers_are_shown_in_plain_digits(value: str, places: int | None, shown: str) -> None:
    assert show(Fraction(value), places) == shown
    assert parse_number(shown) is not None


@given(st.text(max_size=300))
def test_whatever_is_asked_the_solvers_answer_or_decline(text: str) -> None:
    found = solve(read(text))
    assert found is None or found.answer


def test_marks_around_data_are_left_out_of_a_question() -> None:
    text = "Convert <data>3</data> kilometers to miles.\n<data>\nPlease.\n</data>"
    asked = asked_question(Prompt(messages=(Message(role="user", content=text),)))
    assert (asked.question, asked.data) == ("Convert 3 kilometers to miles.\nPlease.\n", "Please.\n3")
