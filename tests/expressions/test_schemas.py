"""Schemas: what they refuse of values, and what is refused of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.schemas import MOST_PROBLEMS, parse_schema

LABELS = {"type": "object", "properties": {"b": {"type": "string"}}, "required": ["b"]}
DOUBLING = {f"d{place}": {"allOf": [{"$ref": f"#/$defs/d{place + 1}"}] * 2} for place in range(40)} | {
    "d40": True
}
BAD = [
    ({"type": "string"}, 1, "", "is a number, must be a text"),
    ({"type": ["integer", "null"]}, 1.5, "", "is 1.5, must be a whole number or null"),
    ({"type": "number"}, True, "", "is true or false, must be a number"),
    ({"enum": ["x", 1, None]}, "y", "", "is “y”, must be one of “x”, 1, null"),
    (
        {"enum": list(range(12))},
        {},
        "",
        "is {}, must be one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more",
    ),
    ({"const": True}, 1, "", "is 1, must be true"),
    (LABELS, {}, "", "has no “b”"),
    ({"items": LABELS}, [{"b": "x"}, {"b": []}], "[1].b", "is a list, must be a text"),
    ({"properties": {"a": False}}, {"a": 1}, "a", "is not expected"),
    (
        {"additionalProperties": False, "properties": {"a": True}},
        {"a": 1, "q": 2, "r": 3},
        "",
        "has “q”, “r”, which are not expected",
    ),
    (
        {"additionalProperties": {"type": "string"}, "patternProperties": {"^x": True}},
        {"x1": 1, "y": 1},
        "y",
        "is a number, must be a text",
    ),
    (
        {"patternProperties": {"^x": {"type": "string"}}},
        {"x1": 1, "y": 1},
        "x1",
        "is a number, must be a text",
    ),
    (
        {"anyOf": [{"type": "string"}, {"type": ["null", "boolean"]}]},
        4,
        "",
        "is a number, must be a text or null or true or false",
    ),
    (
        {"oneOf": [LABELS, {"type": "string"}]},
        {"b": 1},
        "",
        "fits none of 2 alternatives; the closest: b is a number, must be a text",
    ),
    ({"oneOf": [True, True]}, 1, "", "fits more than one alternative, must fit one"),
    ({"oneOf": [LABELS, LABELS]}, {}, "", "fits none of 2 alternatives; the closest: has no “b”"),
    ({"minLength": 2}, "a", "", "has 1 characters, must have at least 2"),
    ({"maxItems": 1}, [1, 2], "", "has 2 items, must have at most 1"),
    ({"minimum": 2}, 1, "", "is 1, must be at least 2"),
    ({"multipleOf": 2}, 2**5000 + 1, "", "is a very large number, must be a multiple of 2"),
    (
        {"uniqueItems": True},
        [{"a": 1}, True, [1], {"a": 1.0}],
        "",
        'has {"a": 1.0} twice, the second time as item 3',
    ),
    ({"pattern": "^a+$"}, "b", "", "is “b”, must match the pattern “^a+$”"),
    ({"not": {"type": "string"}}, "a" * 99, "", f"is “{'a' * 79}…”, which is excluded"),
    ({"contains": {"type": "string"}}, [1], "", "has no item that fits"),
    ({"contains": True, "maxContains": 1}, [1, 2], "", "has too many items that fit"),
    ({"contains": True, "minContains": 2}, [1], "", "has too few items that fit"),
    ({"prefixItems": [True], "items": False}, [1, 2], "", "has more items than expected"),
    ({"dependentRequired": {"a": ["b"]}}, {"a": 1}, "", "has no “b”, which “a” needs"),
    (
        {"$defs": {"n": {"properties": {"c": {"$ref": "#/$defs/n"}}, "type": "object"}}, "$ref": "#/$defs/n"},
        {"c": {"c": 3}},
        "c.c",
        "is a number, must be an object",
    ),
    ({"if": {"type": "string"}, "then": {"minLength": 3}, "else": False}, 1, "", "is not expected"),
    ({"format": "date"}, "2026-02-30", "", "is “2026-02-30”, must be a date, as 2026-01-31"),
    ({"format": "date-time"}, "2026-02-20", "", "is “2026-02-20”, must be a moment, as 2026-01-31T12:00:00Z"),
    ({"format": "time"}, "25:00:00Z", "", "is “25:00:00Z”, must be a time, as 12:00:00Z"),
    ({"format": "email"}, "a", "", "is “a”, must be an email address"),
    ({"format": "ipv6"}, "a", "", "is “a”, must be an IPv6 address"),
    (
        {"$defs": DOUBLING, "$ref": "#/$defs/d0"},
        1,
        "",
        "Comparing the value with the schema takes more than 300,000 steps.",
    ),
    (
        {"items": {"enum": list(range(9000))}},
        [8999] * 100,
        "",
        "Comparing the value with the schema takes more than 300,000 steps.",
    ),
    (True, [0] * 1_000_000, "", "The value has more than 100,000 parts."),
]
GOOD = [
    ({"format": "date"}, "2026-02-20"),
    ({"format": "date-time"}, "2026-02-20T10:00:00.5+01:00"),
    ({"format": "time"}, "00:00:00Z"),
    ({"format": "uri"}, "https://a.b"),
    ({"format": "uuid"}, "0" * 8 + "-0000" * 3 + "-" + "0" * 12),
    ({"format": "unknown"}, "x"),
    ({"format": "ipv4"}, "1.1.1.1"),
    ({"uniqueItems": True}, [1, True, "1", [1], None]),
    ({"uniqueItems": False}, [1, 1]),
    (
        {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": "https://a.b",
            "$ref": "#/$defs/a~1b%20c",
            "$defs": {"a/b c": True},
        },
        1,
    ),
    ({"type": "integer"}, 1.0),
    (
        {
            "required": ["a"],
            "pattern": "a",
            "patternProperties": {"a": False},
            "additionalProperties": False,
            "dependentRequired": {"a": ["b"]},
        },
        1,
    ),
    ({"dependentRequired": {"a": ["b"]}}, {"a": 1, "b": 2}),
    ({"note": {"type": 3}}, 1),
    ({"additionalProperties": False, "properties": {"a": True}}, {"a": 1}),
]
REFUSED = [
    (3, "The schema is a number"),
    ({"type": "text"}, "type is “text”, must be one of array"),
    ({"type": []}, "type is []"),
    ({"minLength": -1}, "a whole number from 0"),
    ({"minimum": True}, "must be a number"),
    ({"required": [1]}, "a list of names"),
    ({"multipleOf": 0}, "above 0"),
    ({"enum": []}, "at least one"),
    ({"properties": {"a": {"pattern": "(?=a)"}}}, "properties.a has the pattern “(?=a)”"),
    ({"pattern": "a" * 1001}, "1,000 characters"),
    ({"patternProperties": {"[": True}}, "cannot be read"),
    ({"$ref": "https://a.b/c"}, "only places in the schema"),
    ({"$ref": "#/$defs/a"}, "no schema stands"),
    ({"$ref": "#"}, "never ends"),
    ({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"allOf": [{"$ref": "#/$defs/a"}]}}}, "never ends"),
    ({"unevaluatedProperties": False}, "use additionalProperties"),
    ({"items": {"$id": "a"}}, "only the whole"),
    ({"properties": []}, "must be an object"),
    ({"allOf": {}}, "must be a list"),
    ({"properties": {"a/b": 3}}, "properties.a/b is a number"),
    ({"description": "a" * 100_000}, "100,000 characters"),
    ({"const": [10**9] * 10_000}, "100,000 characters, this one"),
    ({"const": {1, 2}}, "written as JSON"),
    ({"const": [0] * 60_000}, "50,000 parts"),
    ({"uniqueItems": 1}, "true or false"),
    ({"title": 1}, "must be a text"),
    ({"dependentRequired": {"a": 1}}, "lists of names"),
]


@pytest.mark.parametrize(("schema", "value", "path", "message"), BAD)
def test_what_does_not_fit_is_said_with_its_path(
    schema: object, value: object, path: str, message: str
) -> None:
    found = parse_schema(schema).problems(value)
    assert (found[0].path, found[0].message) == (path, message)


@pytest.mark.parametrize(("schema", "value"), GOOD)
def test_what_fits_has_no_problems(schema: object, value: object) -> None:
    assert parse_schema(schema).problems(value) == ()


@pytest.mark.parametrize(("schema", "words"), REFUSED)
def test_what_is_no_schema_is_refused_when_it_is_read(schema: object, words: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_schema(schema)
    assert words in str(caught.value)


def test_a_schema_thirty_levels_deep_is_read_and_one_of_ten_thousand_refused() -> None:
    schema: dict[str, object] = {}
    for _ in range(30):
        schema = {"not": schema}
    parse_schema(schema)
    for _ in range(10_000):
        schema = {"not": schema}
    with pytest.raises(ExpressionError, match="32 levels"):
        parse_schema(schema)


def test_at_most_a_hundred_problems_are_returned() -> None:
    assert len(parse_schema({"items": {"type": "string"}}).problems([1] * 50_000)) == MOST_PROBLEMS


def test_schema_and_value_that_are_deep_together_end_in_words() -> None:
    step: dict[str, object] = {"items": {"$ref": "#"}, "not": {"not": {"not": {"not": {}}}}}
    for _ in range(6):
        step = {"allOf": [step]}
    value: list[object] = []
    for _ in range(60):
        value = [value]
    (found,) = parse_schema(step).problems(value)
    assert "deep" in found.message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "ab"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
SCHEMAS = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["string", "object", "array", "integer"]),
        "minLength": st.integers(0, 3),
        "uniqueItems": st.booleans(),
        "required": st.lists(st.sampled_from("abc"), unique=True),
        "additionalProperties": st.booleans(),
        "properties": st.dictionaries(st.sampled_from("abc"), st.booleans()),
        "pattern": st.sampled_from(["a", "^b"]),
    },
)


@given(SCHEMAS, JSON)
def test_values_fit_exactly_if_the_library_alone_says_so(schema: dict[str, object], value: object) -> None:
    assert (parse_schema(schema).problems(value) == ()) == Draft202012Validator(schema).is_valid(value)
