"""What holds for every value that JSON has."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from orchestration.expressions.transforms.lists import TRANSFORMS, parse_transform
from orchestration.expressions.transforms.specs import GIVEN, TransformError
from orchestration.expressions.values import order_key, shortened
from orchestration.llm.engine.types import Json

STORABLE = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
TEXTS = st.text(STORABLE, max_size=20) | st.text("a ,\n\"'{}[]\\0.19-", max_size=20)
NUMBERS = st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
LISTS = st.lists(VALUES, max_size=6)
EXAMPLES = [spec.written for spec in TRANSFORMS.values()]
MORE = [
    {"regex": {"pattern": r"(\w)?(?P<rest>.*)", "find": "groups"}},
    {"regex": {"pattern": "a*", "find": "all"}},
    {"replace": {"old": "a*", "new": r"\\<", "regex": True}},
    {"cast": "integer"},
    {"cast": "boolean"},
    {"cast": "string"},
    {"each": ["strip", "parse_json"]},
    {"sort": "a"},
    {"unique": "[0]"},
    {"pick": "sum(@)"},
    {"template": "{{ value.a.b }}"},
]
DEEP: Json = []
for _ in range(10_000):
    DEEP = [DEEP]
HOSTILE = {
    "deep": DEEP,
    "a million items": [0] * 1_000_000,
    "a list of itself a billion times": [[[["x"] * 180] * 180] * 180] * 180,
    "10 MB": "a" * 10_000_001,
    "a long number": 10**5000,
    "no number": float("nan"),
    "without end": [float("inf")],
}


@given(value=VALUES)
def test_every_transform_gives_json_or_refuses_in_words(value: Json) -> None:
    for written in [*EXAMPLES, *MORE]:
        note(f"transform: {json.dumps(written)}")
        try:
            result = parse_transform(written).apply(value)
        except TransformError as error:
            assert len(str(error)) < 1_000  # noqa: PT017  # both ways are right
        else:
            assert json.loads(json.dumps(result)) == result
            assert GIVEN.excess(result) == ""


@pytest.mark.no_cover
@pytest.mark.parametrize("written", [*EXAMPLES, *MORE], ids=json.dumps)
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_value_is_refused(name: str, written: Json) -> None:
    with pytest.raises(TransformError) as caught:
        parse_transform(written).apply(HOSTILE[name])
    assert len(str(caught.value)) < 200


@given(value=VALUES, indent=st.none() | st.integers(0, 8))
def test_what_is_written_as_json_is_read_as_the_same(value: Json, indent: int | None) -> None:
    written = parse_transform({"dump_json": {"indent": indent}}).apply(value)
    assert parse_transform("parse_json").apply(written) == value
    fenced = f"Here:\n```json\n{written}\n```\n"
    if isinstance(value, dict | list):
        assert parse_transform("parse_json").apply(fenced) == value


@pytest.mark.parametrize(
    "name", ["strip", "lower", "upper", {"truncate": 5}, {"replace": {"old": "a", "new": ""}}]
)
@given(text=st.text(STORABLE))
def test_doing_it_twice_changes_nothing_more(name: Json, text: str) -> None:
    transform = parse_transform(name)
    once = transform.apply(text)
    assert transform.apply(once) == once


@given(text=st.text(STORABLE), length=st.integers(0, 30), marker=st.text(STORABLE, max_size=5))
def test_a_truncated_text_is_never_longer_than_allowed(text: str, length: int, marker: str) -> None:
    cut = parse_transform({"truncate": {"length": length, "marker": marker}}).apply(text)
    assert len(cut) <= length
    assert cut == text or len(text) > length


@given(text=st.text(STORABLE), separator=st.text(STORABLE, min_size=1, max_size=3))
def test_what_is_split_can_be_joined_again(text: str, separator: str) -> None:
    parts = parse_transform({"split": separator}).apply(text)
    assert parse_transform({"join": separator}).apply(parts) == text


@given(items=LISTS)
def test_a_sorted_list_is_the_same_in_whatever_order_it_came(items: list[Json]) -> None:
    key_of = [order_key(item) for item in parse_transform("sort").apply(items)]
    assert key_of == [order_key(item) for item in parse_transform("sort").apply(items[::-1])]
    assert key_of == sorted(key_of)


@given(items=LISTS)
def test_unique_keeps_the_first_of_equal_items_in_their_order(items: list[Json]) -> None:
    kept = parse_transform("unique").apply(items)
    keys = [order_key(item) for item in items]
    assert kept == [item for place, item in enumerate(items) if keys.index(keys[place]) == place]


@given(value=VALUES)
def test_a_value_is_shown_shortened(value: Json) -> None:
    assert 0 < len(shortened(value)) <= 80
    shortened(value).encode()


def test_the_limits_of_a_value_are_exact() -> None:
    deep: Json = 1
    for _ in range(GIVEN.depth):
        deep = [deep]
    assert GIVEN.excess(deep) == ""
    assert GIVEN.excess([deep]) == "is nested more than 64 levels deep"
    assert GIVEN.excess([0] * GIVEN.nodes) == ""
    assert GIVEN.excess({"a" * 1_000_001: 1}) == "has more than 1,000,000 characters"
