"""Answers as JSON, where a prompt asks for a schema."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from orchestration.llm.engine.types import Message, Prompt, Purpose
from orchestration.llm.providers.simulated import CATALOG, SimulatedModel, model_spec

INTEGER, NUMBER, STRING, TRUTH = ({"type": name} for name in ("integer", "number", "string", "boolean"))
SURE = replace(CATALOG[0], skill=1.0, failure_rate=0.0)
CLOSED = {"type": "object", "additionalProperties": False}


async def reply(question: str, schema: Mapping[str, Any], purpose: Purpose = Purpose.ANSWER) -> str:
    prompt = Prompt(
        messages=(Message(role="user", content=question),), response_schema=schema, purpose=purpose
    )
    return (await SimulatedModel(model_spec(SURE), SURE, seed=0, pace=0).complete(prompt)).text


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
            {
                "properties": {
                    "answer": STRING,
                    "model": STRING,
                    "simulated": TRUTH,
                    "confidence": NUMBER,
                    "unknown": STRING,
                }
            },
            {"answer": "4", "model": "sim-swift", "simulated": True, "confidence": 1.0},
        ),
    ],
)
async def test_an_object_is_filled_by_name_and_type(
    question: str, schema: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert json.loads(await reply(question, CLOSED | schema)) == expected


async def test_a_reason_says_that_it_is_simulated() -> None:
    found = json.loads(await reply("What is 2 + 2?", {"properties": {"answer": {}, "reason": STRING}}))
    assert found["reason"].endswith("(Simulated answer by sim-swift.)")
    assert found["simulated_by"] == "sim-swift"


async def test_a_bare_value_may_be_asked_for() -> None:
    assert json.loads(await reply("What is 2 + 2?", NUMBER)) == 4


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer"},
        TRUTH,
        {"type": "object", "properties": {"answer": {"type": "object"}}},
        {"enum": ["a", "b"]},
        CLOSED | {"properties": {"answer": {}, "poem": STRING}, "required": ["poem"]},
    ],
)
async def test_what_does_not_fit_the_schema_is_answered_in_prose(schema: dict[str, Any]) -> None:
    assert "\nAnswer: 2.5\n" in await reply("What is 5 / 2?", schema)


async def test_labels_of_the_schema_serve_for_classifying() -> None:
    schema = CLOSED | {"properties": {"label": {"enum": ["Sports", "Politics"]}}}
    text = "The team won the league match with a late goal."
    assert json.loads(await reply(text, schema, Purpose.CLASSIFY)) == {"label": "Sports"}
    assert (await reply("Hm.", schema, Purpose.CLASSIFY)).startswith("I can't answer this")
