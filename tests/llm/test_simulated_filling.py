"""Answers as JSON, where a prompt asks for a schema: whatever the schema, they are valid."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from operator import ge, gt, le, lt
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.llm.engine.types import Message, Prompt, Purpose
from orchestration.llm.providers.simulated import CATALOG, model_spec
from orchestration.llm.providers.simulated.model import SimulatedModel
from orchestration.llm.providers.simulated.reply import reply_to

Schema = dict[str, Any]
Value = Any
INTEGER, NUMBER, STRING, TRUTH = ({"type": name} for name in ("integer", "number", "string", "boolean"))
SURE = replace(CATALOG[0], skill=1.0, failure_rate=0.0)
CLOSED: Schema = {"type": "object", "additionalProperties": False}
KINDS: dict[str, Any] = {
    "object": dict, "array": list, "string": str, "number": (int, float), "boolean": bool, "null": type(None),
    "integer": int,
}  # fmt: skip
BOUNDS = {"minimum": ge, "maximum": le, "exclusiveMinimum": gt, "exclusiveMaximum": lt}
LENGTHS = {"minLength": (str, ge), "maxLength": (str, le), "minItems": (list, ge), "maxItems": (list, le)}


def reply(question: str, schema: Mapping[str, Any], purpose: Purpose = Purpose.ANSWER) -> str:
    prompt = Prompt(
        messages=(Message(role="user", content=question),), response_schema=schema, purpose=purpose
    )
    return reply_to(SURE, prompt)


def is_kind(value: Value, kind: str) -> bool:
    return isinstance(value, KINDS[kind]) and (kind == "boolean" or not isinstance(value, bool))


def is_number(value: Value) -> bool:
    return is_kind(value, "number")


def valid(value: Value, schema: Value, root: Value) -> bool:
    """Check a value against the keywords that the schemas here use, each on its own."""
    if isinstance(schema, bool):
        return schema
    checks: dict[str, Callable[[Any], bool]] = {
        "$ref": lambda name: valid(value, root["$defs"][name.removeprefix("#/$defs/")], root),
        "type": lambda kinds: any(
            is_kind(value, one) for one in ([kinds] if isinstance(kinds, str) else kinds)
        ),
        "const": lambda one: json.dumps(one) == json.dumps(value),
        "enum": lambda some: json.dumps(value) in map(json.dumps, some),
        "allOf": lambda some: all(valid(value, one, root) for one in some),
        "anyOf": lambda some: any(valid(value, one, root) for one in some),
        "oneOf": lambda some: [valid(value, one, root) for one in some].count(True) == 1,
        "required": lambda names: not isinstance(value, dict) or set(names) <= set(value),
        "items": lambda one: not isinstance(value, list) or all(valid(each, one, root) for each in value),
    }
    bounds = [
        not is_number(value) or holds(value, schema[key]) for key, holds in BOUNDS.items() if key in schema
    ]
    lengths = [
        not isinstance(value, kind) or holds(len(value), schema[key])
        for key, (kind, holds) in LENGTHS.items()
        if key in schema
    ]
    members = value.items() if isinstance(value, dict) else ()
    known, other = schema.get("properties", {}), schema.get("additionalProperties", True)
    inside = [valid(each, known.get(name, other), root) for name, each in members]
    return all(
        [*bounds, *lengths, *inside, *(check(schema[key]) for key, check in checks.items() if key in schema)]
    )


names = st.sampled_from(["answer", "reason", "title", "steps", "confidence", "model", "simulated", "Côté"])
small = st.integers(-100, 100)
scalars = st.none() | st.booleans() | small | st.text(max_size=5)


@st.composite
def bounded(draw: st.DrawFn) -> Schema:
    low, gap = draw(st.none() | small), draw(st.integers(2, 9))
    lower, upper = draw(st.sampled_from([("minimum", "maximum"), ("exclusiveMinimum", "exclusiveMaximum")]))
    schema: Schema = {"type": draw(st.sampled_from(["integer", "number"]))}
    schema |= {} if low is None else {lower: low}
    return schema | ({upper: (low or 0) + gap} if draw(st.booleans()) else {})


@st.composite
def texts(draw: st.DrawFn) -> Schema:
    low, gap = draw(st.integers(0, 30)), draw(st.integers(0, 30))
    return STRING | draw(st.sampled_from([{}, {"minLength": low}, {"maxLength": gap}]))


@st.composite
def objects(draw: st.DrawFn, inside: st.SearchStrategy[Any]) -> Schema:
    properties = draw(st.dictionaries(names, inside, max_size=4))
    needed = [name for name in properties if draw(st.booleans())]
    extra = draw(st.sampled_from([{}, {"additionalProperties": False}]))
    return {"type": "object", "properties": properties, "required": needed} | extra


@st.composite
def arrays(draw: st.DrawFn, inside: st.SearchStrategy[Any]) -> Schema:
    low, gap = draw(st.integers(0, 4)), draw(st.integers(0, 3))
    bounds = draw(
        st.sampled_from([{}, {"minItems": low}, {"minItems": low, "maxItems": low + gap}, {"maxItems": gap}])
    )
    return {"type": "array", "items": draw(inside)} | bounds


def branches(inside: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    tagged = st.lists(inside, min_size=1, max_size=3).map(
        lambda some: {
            "oneOf": [
                {"type": "object", "properties": {"tag": {"const": at}, "value": one}, "required": ["tag"]}
                for at, one in enumerate(some)
            ]
        }
    )
    composed = st.tuples(inside, inside, small).map(
        lambda some: {
            "allOf": [
                {
                    "type": "object",
                    "properties": {"a": some[0], "n": {"minimum": some[2]}},
                    "required": ["a"],
                },
                {"properties": {"b": some[1], "n": NUMBER}, "required": ["b"]},
                {"properties": {"n": INTEGER | {"maximum": some[2] + 3}}, "required": ["n"]},
            ]
        }
    )
    overlapping = st.permutations([INTEGER, NUMBER, STRING]).map(lambda some: {"oneOf": some})
    return (
        tagged
        | composed
        | overlapping
        | st.lists(inside, min_size=1, max_size=3).map(lambda some: {"anyOf": some})
    )


leaves = (
    st.sampled_from(
        [STRING, TRUTH, {"type": "null"}, {"type": ["string", "null"]}, {}, {"$ref": "#/$defs/tree"}]
    )
    | bounded()
    | texts()
    | st.lists(scalars, min_size=1, max_size=4).map(lambda some: {"enum": some})
    | scalars.map(lambda one: {"const": one})
)
schemas = st.recursive(
    leaves, lambda inside: objects(inside) | arrays(inside) | branches(inside), max_leaves=8
)
TREE: Schema = {
    "type": "object",
    "required": ["name", "children"],
    "properties": {
        "name": STRING,
        "children": {"type": "array", "items": {"$ref": "#/$defs/tree"}},
        "next": {"anyOf": [{"$ref": "#/$defs/tree"}, {"type": "null"}]},
    },
}
questions = (
    st.sampled_from(["What is 2 + 2?", "Is 2024 a leap year?", "Plan a trip. We have 30 days.", ""])
    | st.text()
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(schemas, questions)
def test_whatever_the_schema_the_answer_is_valid(schema: Schema, question: str) -> None:
    whole = {**schema, "$defs": {"tree": TREE}}
    text = reply(question, whole)
    assert text == reply(question, whole)
    assert valid(json.loads(text), whole, whole)
    assert len(text) < 200_000


@pytest.mark.parametrize(
    ("question", "schema", "expected"),
    [
        ("What is 2 + 2?", {"properties": {"answer": INTEGER}}, {"answer": 4}),
        ("What is 5 / 2?", {"properties": {"result": NUMBER}}, {"result": 2.5}),
        (
            "Sort: 3, 1, 2",
            {"properties": {"items": {"type": "array", "items": INTEGER}}},
            {"items": [1, 2, 3]},
        ),
        ("Is 2024 a leap year?", {"properties": {"leap": TRUTH}}, {"leap": True}),
        (
            "What is 2 + 2?",
            {"properties": {"answer": STRING, "model": STRING, "confidence": NUMBER}},
            {"answer": "4", "model": "sim-swift", "confidence": 1},
        ),
        ("Go.", {"properties": {"code": STRING | {"pattern": "a"}, "to": {"const": 1}}}, {"to": 1}),
        ("Take the red one.", {"properties": {"colour": {"enum": ["blue", "red"]}}}, {"colour": "red"}),
        ("Plan it. Then rest.", {"properties": {"title": STRING}}, {"title": "Plan it"}),
        ("What do 7 people need?", {"properties": {"people": INTEGER | {"minimum": 1}}}, {"people": 7}),
    ],
)
def test_an_object_is_filled_from_answer_and_prompt(question: str, schema: Schema, expected: Schema) -> None:
    assert json.loads(reply(question, CLOSED | schema)) == expected


def test_a_reason_says_that_it_is_simulated() -> None:
    found = json.loads(reply("What is 2 + 2?", {"properties": {"answer": {}, "reason": STRING}}))
    assert found["reason"].endswith("(Simulated answer by sim-swift.)")
    assert found["simulated_by"] == "sim-swift"


def test_a_bare_value_may_be_asked_for() -> None:
    assert json.loads(reply("What is 2 + 2?", NUMBER)) == 4


@pytest.mark.parametrize(
    "schema",
    [
        STRING | {"pattern": "^a+$"},
        {"type": "nothing"},
        {"$ref": "#/$defs/missing"},
        {"$ref": "#"},
        {"enum": []},
        {"oneOf": [INTEGER, INTEGER]},
        {"properties": {"answer": STRING | {"pattern": "a"}}, "required": ["answer"]},
        INTEGER | {"minimum": 3, "maximum": 2},
        {"type": "array", "minItems": 10_000, "items": STRING},
    ],
)
def test_what_cannot_be_filled_is_answered_in_prose(schema: Schema) -> None:
    assert "\nAnswer: 2.5\n" in reply("What is 5 / 2?", schema)


def test_labels_of_the_schema_serve_for_classifying() -> None:
    schema = CLOSED | {"properties": {"label": {"enum": ["Sports", "Politics"]}}}
    text = "The team won the league match with a late goal."
    assert json.loads(reply(text, schema, Purpose.CLASSIFY)) == {"label": "Sports"}


async def test_a_model_streams_what_fills_the_schema() -> None:
    prompt = Prompt(messages=(Message(role="user", content="What is 2 + 2?"),), response_schema=INTEGER)
    assert (await SimulatedModel(model_spec(SURE), SURE, seed=0, pace=0).complete(prompt)).text == "4"
