"""Each transform on values that people have, and what it says of those that it cannot take."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator

from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.transforms.lists import TRANSFORMS, parse_transform
from orchestration.expressions.transforms.specs import GIVEN, Laborious, TransformError
from orchestration.llm.engine.types import Json

FENCED = 'Here it is:\n```json\n{"label": "bug", "tags": ["a", "b",],}\n```\nAnything else?'
WORDS = {"old": r"(\w+) (?P<last>\w+)", "new": r"\g<last>\\\1,", "regex": True}
TABLE = {"table": {"Bug": 1, "null": 2, "true": 3, "7": 4}}
CASES: list[tuple[Json, Json, Json]] = [
    ("strip", "\u00a0 a b \n", "a b"),
    ({"strip": None}, " a", "a"),
    ({"truncate": 3}, "abc", "abc"),
    ({"truncate": 3}, "abcd", "ab…"),
    ({"truncate": 0}, "abcd", ""),
    ({"truncate": {"length": 2, "marker": "[...]"}}, "abcd", "ab"),
    ("split", "a\nb\n", ["a", "b", ""]),
    ({"split": ", "}, "", [""]),
    ("join", ["a", 1, 2.5, True], "a\n1\n2.5\ntrue"),
    ({"join": ""}, [], ""),
    ({"regex": r"(\d+) apples"}, "9 pears, 3 apples", "3"),
    ({"regex": "x"}, "abc", None),
    ({"regex": {"pattern": r"\d+", "find": "all"}}, "1 and 22", ["1", "22"]),
    ({"regex": {"pattern": "a(b)?", "find": "all"}}, "ab a", ["b", ""]),
    ({"regex": {"pattern": "(?P<k>[a-z]+)=(?P<v>.*)", "find": "groups"}}, "a=1", {"k": "a", "v": "1"}),
    ({"regex": {"pattern": "([a-z]+)=(.*)", "find": "groups"}}, "a=1", ["a", "1"]),
    ({"regex": {"pattern": "(a)", "find": "groups"}}, "b", None),
    ({"regex": {"pattern": "YES", "ignore_case": True}}, "oh yes", "yes"),
    ({"replace": {"old": "a", "new": ""}}, "banana", "bnn"),
    ({"replace": {"old": "A.", "new": "-", "ignore_case": True}}, "a.ab", "-ab"),
    ({"replace": WORDS}, "Ada Lovelace, Alan Turing", "Lovelace\\Ada,, Turing\\Alan,"),
    ({"replace": {"old": r"\s+", "new": " ", "regex": True}}, "a \n b", "a b"),
    ({"extract_answer": "Which one?\nA. tea\nB. coffee"}, "I would say (B).", "B"),
    ("extract_answer", "Nobody can know.\n\nIt may rain or not", None),
    ({"pick": "items[?price > `1`].name"}, {"items": [{"name": "a", "price": 2}, {"price": 1}]}, ["a"]),
    ("parse_json", " [1, 2.5, null] ", [1, 2.5, None]),
    ("parse_json", FENCED, {"label": "bug", "tags": ["a", "b"]}),
    ("parse_json", 'See [1]. {"text": "a,}"} It is.', {"text": "a,}"}),
    ("parse_json", 'It is {"a": "x,]", "b": [1 , ], }', {"a": "x,]", "b": [1]}),
    ("parse_json", '"a\nb"', "a\nb"),
    ("parse_json", r'{"a\u0000": ["\ud800b", "\ud83d\ude00", 1]}', {"a\ufffd": ["\ufffdb", "\U0001f600", 1]}),
    ({"dump_json": {"indent": 1, "sort_keys": True}}, {"b": [], "a": 1}, '{\n "a": 1,\n "b": []\n}'),
    ({"cast": "number"}, "-1,234,567.5e1", -12345675.0),
    ({"cast": "number"}, " 12 ", 12),
    ({"cast": "number"}, ".5", 0.5),
    ({"cast": "number"}, 1.5, 1.5),
    ({"cast": "integer"}, "3.0", 3),
    ({"cast": "string"}, {"a": None}, '{"a": null}'),
    ({"cast": "string"}, 1.5, "1.5"),
    ({"cast": "boolean"}, " Yes", True),
    ({"cast": "boolean"}, False, False),
    ({"cast": "boolean"}, 0, False),
    ({"cast": "list"}, None, []),
    ({"cast": "list"}, "a", ["a"]),
    ({"cast": "list"}, ["a"], ["a"]),
    ("round", 2.5, 3),
    ("round", -2.5, -3),
    ("round", 7, 7),
    ("round", 1e300, int(1e300)),
    ({"round": 1}, 0.25, 0.3),
    ({"round": 1}, 1e300, 1e300),
    ({"default": {"a": 1}}, None, {"a": 1}),
    ({"default": 1}, 0, 0),
    ({"default": None}, "", None),
    ({"lookup": TABLE}, "Bug", 1),
    ({"lookup": TABLE}, None, 2),
    ({"lookup": TABLE}, True, 3),
    ({"lookup": TABLE}, 7, 4),
    ({"lookup": TABLE | {"default": None}}, "x", None),
    ({"lookup": TABLE | {"default": 0, "ignore_case": False}}, "bug", 0),
    ("merge", [], {}),
    ({"merge": {"a": 2}}, {"a": 1, "b": 1}, {"a": 2, "b": 1}),
    ("sort", ["b", "A", 2, 1.5, None, True, {}, ["z"]], [None, True, 1.5, 2, "A", "b", ["z"], {}]),
    ({"sort": {"by": "n", "descending": True}}, [{"n": 1}, {}, {"n": 2}], [{"n": 2}, {"n": 1}, {}]),
    ("unique", [1, 1.0, True, "a", "A", [1], [1], {"x": 1, "y": 2}, {"y": 2, "x": 1}],
     [1, True, "a", "A", [1], {"x": 1, "y": 2}]),
    ({"unique": "k"}, [{"k": 1, "v": 1}, {"k": 1, "v": 2}], [{"k": 1, "v": 1}]),
    ("count", "äb", 2),
    ("count", {"a": 1}, 1),
    ({"slice": {"start": -2}}, [1, 2, 3], [2, 3]),
    ({"slice": 2}, "abc", "ab"),
    ({"each": {"truncate": 2}}, ["a", "bcd"], ["a", "b…"]),
    ({"each": []}, [1], [1]),
]  # fmt: skip
REFUSED: list[tuple[Json, Json, str]] = [
    ("strip", ["a"], 'strip takes a text; this is a list: ["a"]'),
    ("strip", {"a": [{"b": {"c": 1}}] * 6}, """this is an object: {"a": [{"b": "…"}, """),
    ("count", None, "count takes a text or a list or an object; this is null: null"),
    ("join", ["a", {"b": 1}], '[1]: an object cannot be written as a text: {"b": 1}'),
    ({"join": "x" * 1000}, ["a"] * 2000, "The text would have more than 1,000,000 characters."),
    ({"split": "a"}, "a" * (GIVEN.nodes + 1), "The text has more than 100,000 parts."),
    (
        {"regex": {"pattern": "a", "find": "all"}},
        "a" * 50_000,
        "matches more than 10,000 times in a text of 50,000",
    ),
    (
        {"each": {"regex": {"pattern": "a", "find": "all"}}},
        ["a" * 20_000] * 2,
        "[1]: The pattern matches more than 4,799 times in a text of 20,000 characters, after other searches",
    ),
    ({"replace": {"old": "a", "new": "b" * 1000}}, "a" * 1001, "The text would have more than 1,000,000"),
    (
        {"replace": {"old": "a", "new": "b" * 1000, "regex": True}},
        "a" * 1001,
        "would have more than 1,000,000",
    ),
    (
        "parse_json",
        '{"a": 1',
        "The text is no JSON (Expecting ',' delimiter in line 1, character 8): “{\"a",
    ),
    ("parse_json", "yes", "The text is no JSON (Expecting value in line 1, character 1)"),
    ("parse_json", "[" * 100_000, "The JSON is nested too deeply."),
    ("parse_json", "[" * 100 + "]" * 100, "The result of parse_json is nested more than 64 levels deep."),
    ("parse_json", "1" * 5000, "The JSON has a number of too many digits."),
    ("parse_json", "[NaN]", "The result of parse_json has a number that JSON cannot express."),
    ("parse_json", " " * (GIVEN.characters + 1), "The text has more than 1,000,000 characters."),
    ({"cast": "number"}, "3 apples", "This is no number: “3 apples”"),
    ({"cast": "number"}, "1,5", "This is no number"),
    ({"cast": "number"}, "", "This is no number"),
    ({"cast": "number"}, "-", "This is no number"),
    ({"cast": "number"}, True, "This is no number: true"),
    ({"cast": "number"}, "1e999", "has a number that JSON cannot express"),
    ({"cast": "integer"}, 1.5, "This number has a fraction; round it first: 1.5"),
    ({"cast": "string"}, None, "null cannot be written as a text: null"),
    ({"cast": "boolean"}, "maybe", "This is neither true nor false: “maybe”"),
    ({"cast": "boolean"}, [], "This is neither true nor false"),
    ({"lookup": TABLE}, "cat", "The table has no “cat”; it has Bug, null, true, 7."),
    ("merge", [{"a": 1}, 2], "[1] is no object: 2"),
    ("strip", "a\0", "The result of strip has a character that cannot be stored."),
    ({"template": r"{{ 'a\0' }}"}, 1, "The result of template has a character that cannot be stored."),
    ({"template": r"{{ '\ud800' }}"}, 1, "has a character that cannot be stored."),
    ({"pick": "length(@)"}, 5, ""),
    ({"each": ["strip", {"cast": "number"}]}, ["1", "x"], "[1]: This is no number: “x”"),
    ({"each": [{"replace": {"old": "a", "new": "b" * 90_000}}, "count"]}, ["a"] * 200, "too much work"),
    ("keys", {"a": "x" * 10_000_001}, "The value for keys has more than 10,000,000 characters."),
    ("count", [0] * (GIVEN.nodes + 1), "The value for count has more than 100,000 parts."),
    ({"slice": 1_500_000}, "x" * 2_000_000, "The result of slice has more than 1,000,000 characters."),
]
UNUSABLE: list[tuple[Json, str]] = [
    ("trim", "There is no transform “trim”"),
    ("lowr", "There is no transform “lowr”. Is “lower” meant?"),
    ("no", "There are: strip, lower"),
    ({}, "A transform is a name, or one name with its parameters, as in truncate: 4000; not {}."),
    ({"strip": None, "lower": None}, "A transform is a name, or one name"),
    (5, "not 5."),
    ({"strip": 3}, "strip has no parameters; write it as “strip”."),
    ({"strip": {"x": 3}}, "strip.x: extra inputs are not permitted."),
    ("truncate", "truncate.length: field required."),
    ({"truncate": -1}, "truncate.length: input should be greater than or equal to 0."),
    ({"truncate": "12"}, "truncate.length: input should be a valid integer."),
    ({"split": ""}, "split.separator: string should have at least 1 character."),
    ({"regex": "("}, "The pattern cannot be used (missing ): ()."),
    ({"regex": "a\\"}, "The pattern ends too early"),
    ({"regex": "(?=a)"}, "The pattern cannot be used"),
    ({"regex": r"[\W]"}, r"The pattern cannot be used (RE2 has no \W among"),
    ({"regex": "((a{0,100}){0,100}){0,100}"}, "The pattern cannot be used"),
    ({"replace": {"old": "(a)", "new": r"\2", "regex": True}}, r"The pattern has no group \2."),
    ({"replace": {"old": "(a)", "new": r"\g<x>", "regex": True}}, r"The pattern has no group \g<x>."),
    ({"template": "{{ input.text }}"}, "knows only value, not input"),
    ({"each": "each"}, "each.transforms: field required."),
    ({"each": {"each": "strip"}}, "each cannot stand in another each; flatten the list first."),
    ({"each": ["strip"] * 51}, "each has up to 50 transforms."),
    ({"default": [[]] * (GIVEN.nodes + 1)}, "A transform has more than 100,000 parts."),
]  # fmt: skip


@pytest.mark.parametrize("name", TRANSFORMS)
def test_the_example_of_a_transform_is_true(name: str) -> None:
    example = TRANSFORMS[name]
    given = () if example.parameter is None else (example.parameter,)
    step = example.step(*given)
    assert parse_transform(example.written).apply(example.value) == example.result
    assert isinstance(step, Laborious) or step(example.value) == example.result


@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_transform_says_in_one_sentence_what_it_does_and_titles_its_parameters(name: str) -> None:
    spec = TRANSFORMS[name]
    assert spec.sentence[0].isupper()
    assert spec.sentence.endswith(".")
    Draft202012Validator.check_schema(spec.parameters)
    assert all("title" in field for field in spec.parameters.get("properties", {}).values())
    assert not spec.main or spec.main in spec.parameters["properties"]


@pytest.mark.parametrize(("written", "value", "result"), CASES)
def test_a_transform_gives(written: Json, value: Json, result: Json) -> None:
    given = parse_transform(written).apply(value)
    assert given == result
    assert type(given) is type(result)


@pytest.mark.parametrize(("written", "value", "words"), REFUSED)
def test_a_transform_refuses(written: Json, value: Json, words: str) -> None:
    with pytest.raises(TransformError) as caught:
        parse_transform(written).apply(value)
    assert words in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(("written", "words"), UNUSABLE)
def test_a_transform_that_cannot_be_read_says_why(written: Json, words: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_transform(written)
    assert words in str(caught.value)


def test_a_transform_changes_no_value() -> None:
    value = [{"a": [3, 1]}, {"b": 2}]
    for written in ("merge", "sort", "reverse", "flatten", "unique", {"each": {"merge": {"c": 1}}}):
        parse_transform(written).apply(value)
    assert value == [{"a": [3, 1]}, {"b": 2}]
