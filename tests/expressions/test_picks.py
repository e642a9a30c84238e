"""Picks: what they find, what they refuse."""

from __future__ import annotations

import pytest

from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.picks import parse_pick

VALUES = {
    "items": [{"n": 1, "name": "a"}, {"n": "x", "name": "b"}],
    "list": list(range(1000)),
    "text": "abc",
    "long": "a" * 20_000,
}
FINDS = [
    ("items[0].name", "a"),
    ("items[*].name", ["a", "b"]),
    ("items[?n == `1`].name | [0]", "a"),
    ("nope.x", None),
    ("length(text)", 3),
    ("join(',', items[*].name)", "a,b"),
    ("sum(list)", 499500),
    ("items[*].{a: name}", [{"a": "a"}, {"a": "b"}]),
    ("merge(items[0], items[1]).name", "b"),
]
REFUSED = [
    ("", "empty"),
    ("items[", "not complete"),
    ("foo(@)", "no function “foo”"),
    ("length(a, b)", "is given 2"),
    ("merge()", "or more"),
    ("'", "cannot stand"),
    ("a b", "“b” cannot stand"),
    ("[@,@]" + "|[@,@]" * 90, "64 levels"),
    ("(" * 900, "64 levels"),
    ("a" * 1001, "1,000 characters"),
    ("a[?b" + "[?c" * 200, "not complete"),
    ("!" * 900 + "a", "64 levels"),
]
FAILS = [
    ("sort_by(items, &n)", "cannot be applied"),
    ("max_by(items, &n)", "do not go together"),
    ("list[0] < text", "do not go together"),
    ("&n", "a function"),
    ("to_string([@,@]" + "|[@,@]" * 30 + ")", "100,000 parts"),
    ("[@,@]" + "|[@,@]" * 40, "100,000 parts"),
    ("(list" + "|[@,@]" * 20 + ") == `1`", "100,000 parts"),
    ("list[*].[@,@,@,@]|[]|[*].[@,@,@,@]|[]|[*].[@,@,@,@,@,@,@,@,@,@,@,@,@,@,@,@,@,@]|[]", "steps"),
    ("join(long, list[*].to_string(@))", "joined"),
]


@pytest.mark.parametrize(("text", "found"), FINDS)
def test_a_pick_finds(text: str, found: object) -> None:
    assert parse_pick(text).apply(VALUES) == found


@pytest.mark.parametrize(("text", "words"), REFUSED)
def test_what_is_no_pick_is_refused_when_it_is_read(text: str, words: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_pick(text)
    assert words in str(caught.value)


@pytest.mark.parametrize(("text", "words"), FAILS)
def test_what_cannot_be_picked_is_said_in_words(text: str, words: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_pick(text).apply(VALUES)
    assert words in str(caught.value)
