"""Places in documents: how they are written, what stands there, and what is put there."""

from __future__ import annotations

import pytest

from orchestration.expressions.places import GONE, Keys, path_text, texts, value_at, with_texts, with_value
from orchestration.expressions.values import Json


def test_a_path_names_keys_and_indexes() -> None:
    assert path_text(("stages", "a", "needs", 0)) == "stages.a.needs[0]"
    assert path_text(("a b", "x" * 61)) == f'"a b"."{"x" * 60}"'


@pytest.mark.parametrize(
    ("holder", "place", "value", "expected"),
    [
        ({}, ("a", "b"), 1, {"a": {"b": 1}}),
        ({"a": 3}, ("a", "b"), 1, {"a": {"b": 1}}),
        ({"a": {"b": 1}}, ("a", "b"), GONE, {}),
        ({"a": {"b": 1, "c": 2}}, ("a", "b"), GONE, {"a": {"c": 2}}),
        ({"a": [1, 2]}, ("a", 0), GONE, {"a": [2]}),
        ({"a": [1]}, ("a", 0), GONE, {}),
        ({}, ("a", 1, "b"), 1, {"a": [{}, {"b": 1}]}),
        ({"a": None}, ("b",), GONE, {"a": None}),
    ],
)
def test_a_value_is_put_and_taken_away(holder: Json, place: Keys, value: Json, expected: Json) -> None:
    assert with_value(holder, place, value) == expected
    assert value_at(expected, place) == value or value is GONE


def test_texts_are_found_and_changed_wherever_they_stand() -> None:
    written = {"a": ["x", 1, {"b": "y"}], "c": None}
    assert list(texts(written, ("top",))) == [(("top", "a", 0), "x"), (("top", "a", 2, "b"), "y")]
    assert with_texts(written, str.upper) == {"a": ["X", 1, {"b": "Y"}], "c": None}
