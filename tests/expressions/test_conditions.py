"""Conditions: what they decide, what they refuse, and in which words."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.expressions.conditions import parse_condition
from orchestration.expressions.errors import ExpressionError

VALUES = {
    "input": {
        "text": "abc é",
        "n": 5,
        "f": 1.0,
        "yes": True,
        "nothing": None,
        "list": [1, 2, "x"],
        "rows": [{"cells": list(range(100))}] * 100,
        "numbers": list(range(1000)),
        "long": list(range(1200)),
        "items": [{"a": 1}, {}],
        "huge": "a" * 200_000,
    },
    "variable": {},
}
HOLDS = [
    'input.text == "abc é"',
    "size(input.text) == 5",
    "input.text.size() == 5",
    "!has(input.label)",
    "has(input.n)",
    'input.text.matches("(?i)B")',
    'matches(input.text, r"\\w+")',
    "input.list.exists(x, x == 1)",
    "input.f == 1",
    "input.rows.all(r, r.cells.all(c, c >= 0))",
    "size(input.numbers.filter(x, x > 10)) == 989",
    "-input.n == -5",
    "input.numbers.map(x, x + 1).size() == 1000",
    "input.nothing == null ? true : false",
    'input["n"] == 5',
    '{"a": [1]}.a[0] == 1',
    "input.n in [1, 5] && !(input.n in [2])",
    "type(input.n) == int",
    "size(variable) == 0",
    'string(input.n) + "x" == "5x"',
    "// why\ninput.yes",
    "+".join(["1"] * 900) + " == 900",
    "!!true",
    "[1, 2,] == [1, 2]",
    "input.list[0] == 1",
    "input.exists(k, k == 'n')",
    "input.n.x.exists(y, true) || true",
    "1 < 2.5",
]
REFUSED = [
    ("", "not complete"),
    ("1 +", "not complete"),
    ("input.n = 5", "written =="),
    ("a & b", "written &&"),
    ("a | b", "written ||"),
    ('"abc', "quote is not closed"),
    ("#", "cannot stand"),
    ("a b", "“b” cannot stand"),
    ("a.1", "cannot stand"),
    ("(1", "“)” is expected"),
    ("{1}", "“:” is expected"),
    ("[1 2]", "“]” is expected"),
    ("a.", "name of a field"),
    ("foo(1)", "no function “foo”"),
    ("size(1, 2)", "is given 2 values"),
    ("has(a)", "asks for a field"),
    ("exists(a, x, true)", "written list.exists"),
    ("a.exists(1, true)", "written list.exists"),
    ("(" * 100, "32 levels"),
    ("[" * 900, "32 levels"),
    ("a" + ".b" * 900, "32 levels"),
    ("x" * 2001, "2,000"),
    ("a.all(a, a.all(b, b.all(c, true)))", "2 levels"),
    ('a.matches("(a")', "cannot be read"),
    ("a.matches(1)", "written out"),
    ('a.matches("(?=a)")', "cannot be read"),
    ("a.matches(b)", "written out"),
    (f'a.matches("{"a" * 201}")', "200 characters"),
    ('a.matches("\\q")', "token"),
    ('"\\q" == "a"', "cannot be read"),
    ('a.matches("((a{9}){99}){99}")', "cannot be read"),
]
FAILS = [
    ("input.label == 1", "input has no field “label”; has(input.label) asks"),
    ("input.items.all(x, x.a == 1)", "no field “a”"),
    ("variable.kind == 'x'", "variable has no field"),
    ("foo", "no “foo” here; there are input, variable"),
    ("input.text", "results in a text"),
    ('input.n > "a"', "input.n is a number"),
    ("1 > 'a'", "do not go together."),
    ("input.list[7] == 1", "no item 7"),
    ("1 / 0 == 1", "divided by zero"),
    ("9223372036854775807 + 1 > 1", "64 bits"),
    ("input.n.size() > 1", "size counts"),
    ('input.n.matches("a")', "reads a text"),
    ('input.huge.matches("a")', "100,000 characters"),
    ('int("x") == 1', "cannot be evaluated"),
    ("input.long.all(x, true)", "up to 1,000 items"),
    ("input.numbers.exists(a, input.numbers.map(b, b) == [a])", "too long"),
    ("input.n.foo == 1", "do not go together"),
    ("size([input.huge]" + ".map(x, x + x)" * 8 + ") == 1", "too large"),
    ("has(input.n.q)", "do not go together"),
]


def refusal(text: str, values: Mapping[str, object]) -> str:
    with pytest.raises(ExpressionError) as caught:
        parse_condition(text).evaluate(values)
    return str(caught.value)


@pytest.mark.parametrize("text", HOLDS)
def test_a_condition_holds(text: str) -> None:
    assert parse_condition(text).evaluate(VALUES)


@pytest.mark.parametrize(("text", "words"), REFUSED)
def test_what_is_no_condition_is_refused_when_it_is_read(text: str, words: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_condition(text)
    assert words in str(caught.value)


@pytest.mark.parametrize(("text", "words"), FAILS)
def test_what_cannot_be_decided_is_said_in_words(text: str, words: str) -> None:
    assert words in refusal(text, VALUES)


def test_names_are_those_from_outside() -> None:
    assert parse_condition("input.a.exists(x, x == y) && z > int(2)").names == {"input", "y", "z"}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (2**63, "64 bits"),
        ([0] * 1_000_000, "100,000 parts"),
        ("a\ud800", "no JSON"),
        ("a" * 10_000_001, "characters"),
    ],
    ids=["a large number", "a long list", "half a character", "a long text"],
)
def test_values_beyond_the_limits_are_refused(value: object, words: str) -> None:
    assert words in refusal("a == 1", {"a": value})


def test_a_value_ten_thousand_levels_deep_is_refused() -> None:
    value: list[object] = []
    for _ in range(10_000):
        value = [value]
    assert "64 levels" in refusal("a == 1", {"a": value})


def test_what_fails_says_nothing_on_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    refusal("size(input.n) == 1", VALUES)
    assert capfd.readouterr().err == ""


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse_condition(text)
    except ExpressionError as error:
        said = str(error)
        assert said


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(alphabet="aé😀"), st.lists
    )
)
def test_values_keep_what_they_are(value: object) -> None:
    assert parse_condition("a == b && size([a]) == 1").evaluate({"a": value, "b": value})
