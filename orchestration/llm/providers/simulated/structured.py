"""Answers as JSON, fitted to the schema that a prompt asks for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fractions import Fraction

from orchestration.llm.engine.types import Json
from orchestration.llm.providers.simulated.attempt import Attempt
from orchestration.llm.providers.simulated.catalog import SimulatedProfile
from orchestration.llm.providers.simulated.numbers import numbers_in
from orchestration.llm.providers.simulated.wording import derivation

_ANSWER = frozenset(
    {
        "answer",
        "final_answer",
        "result",
        "value",
        "label",
        "category",
        "choice",
        "class",
        "sentiment",
        "output",
        "items",
        "topic",
        "decision",
        "number",
        "text",
        "response",
    }
)
_REASON = frozenset(
    {"reason", "reasoning", "explanation", "rationale", "steps", "working", "why", "note", "comment"}
)
_CONFIDENCE = frozenset({"confidence", "probability", "certainty"})
_TRUTH = {"yes": True, "true": True, "no": False, "false": False}
_PERCENT = 100


class DoesNotFit(ValueError):
    """The answer cannot be put into the schema."""


def structured(profile: SimulatedProfile, attempt: Attempt, schema: Mapping[str, Json]) -> str | None:
    """Write the answer as JSON for `schema`; None when it cannot be made to fit."""
    try:
        return json.dumps(_value(profile, attempt, schema), ensure_ascii=False)
    except DoesNotFit:
        return None


def _value(profile: SimulatedProfile, attempt: Attempt, schema: Mapping[str, Json]) -> Json:
    if schema.get("type") == "object" or "properties" in schema:
        return _object(profile, attempt, schema)
    return _typed(attempt.answer, schema)


def _object(profile: SimulatedProfile, attempt: Attempt, schema: Mapping[str, Json]) -> dict[str, Json]:
    properties: Mapping[str, Mapping[str, Json]] = schema.get("properties", {})
    required = set(schema.get("required", ()))
    filled: dict[str, Json] = {}
    for name, wanted in properties.items():
        try:
            filled[name] = _property(name, profile, attempt, wanted, sole=len(properties) == 1)
        except DoesNotFit:
            if name in required:
                raise
    if not filled and properties:
        raise DoesNotFit
    if schema.get("additionalProperties", True):
        filled.setdefault("answer", attempt.answer)
        filled.setdefault("simulated_by", profile.name)
    if missing := required - filled.keys():
        raise DoesNotFit(missing)
    return filled


def _property(
    name: str, profile: SimulatedProfile, attempt: Attempt, schema: Mapping[str, Json], *, sole: bool
) -> Json:
    folded = name.lower()
    if folded in _REASON and schema.get("type", "string") == "string":
        return f"{derivation(attempt)} (Simulated answer by {profile.name}.)"
    if folded in _CONFIDENCE and schema.get("type") == "number":
        return profile.skill * (_PERCENT if schema.get("maximum") == _PERCENT else 1)
    if folded == "simulated" and schema.get("type") == "boolean":
        return True
    if folded == "model":
        return profile.name
    if folded in _ANSWER or folded.endswith("answer") or sole:
        return _typed(attempt.answer, schema)
    raise DoesNotFit(name)


def _typed(answer: str, schema: Mapping[str, Json]) -> Json:
    allowed = schema.get("enum")
    if isinstance(allowed, list):
        return _allowed(answer, allowed)
    match schema.get("type", "string"):
        case "string":
            return answer
        case "number" | "integer" as kind:
            return _number(answer, kind)
        case "boolean":
            if answer.casefold() in _TRUTH:
                return _TRUTH[answer.casefold()]
        case "array":
            members = [] if answer == "none" else answer.split(", ")
            return [_typed(member, schema.get("items", {})) for member in members]
        case _:
            pass
    raise DoesNotFit(answer)


def _allowed(answer: str, allowed: list[Json]) -> Json:
    for option in allowed:
        if str(option).casefold() == answer.casefold():
            return option
    raise DoesNotFit(answer)


def _number(answer: str, kind: str) -> int | float:
    values: list[Fraction] = numbers_in(answer)
    if len(values) != 1:
        raise DoesNotFit(answer)
    value = values[0]
    if value.denominator == 1:
        return int(value)
    if kind == "integer":
        raise DoesNotFit(answer)
    return float(value)
