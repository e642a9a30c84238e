"""Documents: what is read of them, what is refused, and that what is written is read again."""

from __future__ import annotations

import json
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.expressions.documents import read_document, write_yaml
from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.values import kind, shortened

Syntax = Literal["yaml", "json"]
MEANT = {
    "no": "no",
    "on": "on",
    "2020-01-01": "2020-01-01",
    "1_000": "1_000",
    "1:30": "1:30",
    "0o7": 7,
    "010": 10,
    "0x1f": 31,
    "~": None,
    "Null": None,
    "True": True,
    "false": False,
    ".5": 0.5,
    "1e3": 1000.0,
    "-1": -1,
    '"1"': "1",
    "'true'": "true",
    "!!str 1": "1",
    '!!int "1"': 1,
    "": None,
    "0o8": "0o8",
    "9" * 1001: "9" * 1001,
    "[]": [],
    "{1: a}": {"1": "a"},
}
REFUSED: list[tuple[Syntax, str, str]] = [
    ("yaml", "a: 1\nb:\n  c: 1\n  c: 2", "Line 4, column 3: The key “c” stands twice"),
    ("json", '{"a":{"b":"\\"b\\":","c":{"b":1},\n"b" :2}}', "Line 2, column 1: The key “b” stands twice"),
    ("yaml", "a: &x 1", "Anchors"),
    ("yaml", "a: *x", "Anchors"),
    ("yaml", "!!python/object:a b", "cannot be used"),
    ("yaml", "a: [1", "Line 2, column 1"),
    ("json", '{"a":', "Line 1, column 6"),
    ("yaml", "[" * 100_000, "64 levels"),
    ("json", "[" * 100_000, "64 levels"),
    ("json", '{"a":' * 100_000, "64 levels"),
    ("yaml", "- " * 400_000, "64 levels"),
    ("yaml", "a: 1\n---\nb: 2", "one document"),
    ("yaml", "? [1]\n: 2", "A key is a text"),
    ("yaml", "a: \x01", "does not allow"),
    ("json", "NaN", "no value of JSON"),
    ("json", "9" * 5000, "too many digits"),
    ("json", '{"a": -1e999}', "-1e999 is larger than any number that can be kept"),
    ("yaml", "a: 1.0e+999", "1.0e+999 is larger than any number"),
    ("yaml", "- 1\n" * 60_000, "50,000 parts"),
    ("json", "[" + "1," * 60_000 + "1]", "50,000 parts"),
    ("yaml", "a: b: c", "Line 1, column 5"),
    ("yaml", "a" * 1_000_001, "1,000,000 characters"),
    ("json", "", "Line 1"),
    ("yaml", "[{" * 300_000, "A key is a text"),
]


@pytest.mark.parametrize(("word", "meant"), MEANT.items(), ids=[word[:9] for word in MEANT])
def test_a_word_of_yaml_is_read_as_people_mean_it(word: str, meant: object) -> None:
    assert read_document(f"a: {word}\n", "yaml") == {"a": meant}


@pytest.mark.parametrize(("syntax", "text", "words"), REFUSED, ids=[f"{row[0]} {row[2]}" for row in REFUSED])
def test_what_is_no_document_is_refused_with_its_place(syntax: Syntax, text: str, words: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        read_document(text, syntax)
    assert words in str(caught.value)


def test_a_text_that_is_no_yaml_is_refused_at_its_character() -> None:
    with pytest.raises(ExpressionError) as caught:
        read_document("ä: 1\nb: c: d", "yaml")
    assert caught.value.position == 9


def test_an_empty_text_is_null() -> None:
    assert read_document("# nothing\n", "yaml") is None


def test_texts_of_several_lines_are_written_as_they_are_and_order_is_kept() -> None:
    shared = ["no", "1"]
    written = write_yaml({"b": "x: 1\ny\n", "a": shared, "c": shared})
    assert written == "b: |\n  x: 1\n  y\na:\n- 'no'\n- '1'\nc:\n- 'no'\n- '1'\n"


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["no", "1e3", "0o7", "~", "a\nb\n", " a\n b", "\n\n", "\x85", "- a", "a #b", "=", "<<"]
)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.5, "0.5"),
        (1e300, "!!float '1e+300'"),
        ("a\rb", '"a\\rb"'),
        ("a\u2028b", '"a\\Lb"'),
        ("a\nb", "|-"),
        ("yes", "'yes'"),
        ("true", "'true'"),
        ("1.5", "'1.5'"),
    ],
)
def test_a_value_is_written_so_that_it_is_read_as_the_same(value: str | float, written: str) -> None:
    text = write_yaml([value])
    assert text.split("\n")[0] == f"- {written}"
    assert read_document(text, "yaml") == [value]


@given(DOCUMENTS)
def test_what_is_written_is_read_again(document: object) -> None:
    assert read_document(write_yaml(document), "yaml") == document
    assert read_document(json.dumps(document), "json") == document


@given(st.text(alphabet="ab:-[]{}\"'|>&*!#?,\n \t1", max_size=80), st.sampled_from(["yaml", "json"]))
def test_any_text_is_a_document_or_refused(text: str, syntax: Syntax) -> None:
    try:
        read_document(text, syntax)
    except ExpressionError as error:
        said = str(error)
        assert said


def test_values_are_named_in_words() -> None:
    values: list[object] = [None, True, 1, "a", [], {}]
    assert [kind(value) for value in values] == [
        "null",
        "true or false",
        "a number",
        "a text",
        "a list",
        "an object",
    ]
    assert [shortened(value) for value in values] == [
        "null",
        "true",
        "1",
        "“a”",
        "[]",
        "{}",
    ]
