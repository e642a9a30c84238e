"""Answers as JSON for any schema, filled from the prompt's own words and from what a solver found.

The result is bounded: a reference is followed at most once inside itself, and lists have few members.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from math import ceil, floor, inf, nextafter
from operator import add, getitem
from random import Random

from orchestration.llm.engine.types import Json
from orchestration.llm.providers.simulated.catalog import SimulatedProfile
from orchestration.llm.providers.simulated.reading import parse_number, squeezed, word_set, words
from orchestration.llm.providers.simulated.solution import Solution

_ANSWER = word_set("answer final_answer result value label category choice class sentiment items number text")
_REASON = word_set("reason reasoning explanation rationale working why note")
_TEXTS, _SENTENCES = word_set("text body content"), 4
_NEEDS = word_set("needs depends depends_on dependencies requires")
"""Lists of the numbers, from 1, of earlier members of the list in which they stand."""
_UNKNOWN = word_set("pattern not if multipleOf prefixItems uniqueItems contains patternProperties")
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "object": dict, "array": list, "string": str, "boolean": bool, "null": type(None), "integer": int,
    "number": (int, float),
}  # fmt: skip
_SIZES: Mapping[type, str] = {str: "Length", list: "Items", dict: "Properties"}
_MOST_VALUES, _MOST_MEMBERS, _READ = 2_000, 100, 4_000
# How a keyword of two schemas that both hold becomes one; of any other keyword the later one counts.
_COMBINED: Mapping[str, Callable[[Json, Json], Json]] = {
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"), max),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), min),
    **dict.fromkeys(("items", "additionalProperties"), lambda one, two: {"allOf": [one, two]}),
    "properties": lambda one, two: one | {key: {"allOf": [one.get(key, True), two[key]]} for key in two},
    "enum": lambda one, two: [each for each in one if each in two],
    "type": lambda one, two: "integer" if "integer" in (one, two) else two,
    "required": add,
}  # fmt: skip
_CLOSED: Mapping[str, list[Json]] = {"boolean": [True, False], "null": [None]}
_TRUTH = {"yes": "true", "no": "false"}


class SchemaNotFilled(ValueError):
    """No value for the schema was found."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a value stands: its property, the references above it, and the answer if it belongs here.

    `member` is its place in the list around it, from 0.
    """

    name: str = ""
    above: tuple[str, ...] = ()
    answer: str | None = None
    member: int = 0


@dataclass(slots=True)
class SchemaFiller:
    """Fills one schema; the same profile, prompt, answer and dice give the same values."""

    profile: SimulatedProfile
    schema: Mapping[str, Json]
    prompt: str
    made: Solution | None
    dice: Random
    _left: int = field(default=_MOST_VALUES, init=False)
    _phrases: list[str] = field(init=False)
    _at: int = field(default=0, init=False)

    def written(self) -> str | None:
        """Return the filled schema as JSON, None when no value for it is found."""
        own = self.prompt.replace(json.dumps(self.schema, ensure_ascii=False), "")
        told = _phrases(own[:_READ].strip().partition("\n\n")[0])
        self.prompt = squeezed(own[:_READ])
        self._phrases = told or _phrases(self.prompt) or ["Nothing was said"]
        try:
            value = self._value(self.schema, _Place(answer=self.made.answer if self.made else None))
            signed = {**value, "simulated_by": self.profile.name} if isinstance(value, dict) else value
            fitting = [each for each in (signed, value) if self._accepts(self.schema, each)]
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return None  # not filled, or no schema at all
        return json.dumps(fitting[0], ensure_ascii=False) if fitting else None

    def _value(self, schema: Json, place: _Place) -> Json:
        self._left -= 1
        flat, above = self._flat(schema, place.above)
        if self._left < 0 or _UNKNOWN.intersection(flat):
            raise SchemaNotFilled
        kinds = flat.get("type", "object" if "properties" in flat else "string")
        kind = kinds if isinstance(kinds, str) else next((each for each in kinds if each != "null"), "null")
        if kind in _CLOSED:
            flat.setdefault("enum", _CLOSED[kind])
        kind = next((key for key in ("anyOf", "oneOf", "enum", "const") if key in flat), kind)
        fillers = {
            "anyOf": self._branch, "oneOf": self._branch, "enum": self._allowed, "const": self._allowed,
            "object": self._object, "array": self._array, "number": self._number, "integer": self._number,
        }  # fmt: skip
        return fillers.get(kind, self._string)(flat, _Place(place.name, above, place.answer, place.member))

    def _flat(self, schema: Json, above: tuple[str, ...]) -> tuple[dict[str, Json], tuple[str, ...]]:
        """Return a schema with its reference and `allOf` merged into it, and the references above."""
        if not isinstance(schema, Mapping):
            schema = {"enum": []} if schema is False else {}
        parts = list(schema.get("allOf", ()))
        if "$ref" in schema:
            if above.count(schema["$ref"]) > 1:
                raise SchemaNotFilled
            above = (*above, schema["$ref"])
            parts.append(self._target(schema["$ref"]))
        merged = {key: value for key, value in schema.items() if key not in ("$ref", "allOf")}
        for part in parts:
            flat, above = self._flat(part, above)
            for key, value in flat.items():
                both = key in merged and key in _COMBINED
                merged[key] = _COMBINED[key](merged[key], value) if both else value
        return merged, above

    def _target(self, reference: str) -> Json:
        return reduce(getitem, reference.removeprefix("#").split("/")[1:], self.schema)

    def _branch(self, flat: Mapping[str, Json], place: _Place) -> Json:
        """Fill the first branch that can be filled, and of `oneOf` one that no other branch accepts."""
        key = "anyOf" if "anyOf" in flat else "oneOf"
        rest = {name: value for name, value in flat.items() if name != key}
        for branch in sorted(flat[key], key=lambda each: each == {"type": "null"}):
            try:
                value = self._value({"allOf": [rest, branch]}, place)
            except SchemaNotFilled:
                continue
            if self._accepts(flat, value):
                return value
        raise SchemaNotFilled

    def _allowed(self, flat: Mapping[str, Json], place: _Place) -> Json:
        """Choose the answer, else a value that the prompt names, else any that is allowed."""
        said = f" {' '.join(words(self.prompt))} "
        options = [flat["const"]] if "const" in flat else flat["enum"]
        rest = {key: value for key, value in flat.items() if key not in ("enum", "const")}
        allowed = [option for option in options if self._accepts(rest, option)]
        answer = (place.answer or "").casefold()
        meant = [option for option in allowed if str(option).casefold() in (answer, _TRUTH.get(answer))]
        named = [option for option in allowed if f" {' '.join(words(str(option)))} " in said]
        if not allowed:
            raise SchemaNotFilled
        return self.dice.choice(meant or named or allowed)

    def _object(self, flat: Mapping[str, Json], place: _Place) -> Json:
        properties, required = flat.get("properties", {}), flat.get("required", [])
        names = [*properties, *(name for name in required if name not in properties)]
        names += [f"key_{number}" for number in range(flat.get("minProperties", 0) - len(names))]
        labels = any(isinstance(each, Mapping) and "enum" in each for each in properties.values())
        filled: dict[str, Json] = {}
        for name in names:
            meant = name.casefold() in _ANSWER or len(names) == 1
            meant = meant and not (labels and name.casefold() in _TEXTS)  # the answer is one of the labels
            answer = place.answer if meant else None
            inside = _Place(name.casefold(), place.above, answer, place.member)
            try:
                filled[name] = self._value(properties.get(name, flat.get("additionalProperties", {})), inside)
            except SchemaNotFilled:
                if name in required:
                    raise
        return filled

    def _array(self, flat: Mapping[str, Json], place: _Place) -> Json:
        low, high = flat.get("minItems", 0), min(flat.get("maxItems", _MOST_MEMBERS), _MOST_MEMBERS)
        if place.name in _NEEDS and low == 0 and self._accepts(flat, [place.member]):
            return [place.member] if place.member else []
        parts: list[str | None] = [*place.answer.split(", ")] if place.answer else [None, None]
        parts += [None] * (low - len(parts))
        begin, found = self._at, []
        try:
            for number, part in enumerate(parts[:high]):
                self._at = begin + number  # each member begins with words of its own
                found.append(self._value(flat.get("items", {}), _Place("", place.above, part, number)))
        except SchemaNotFilled:
            if low:
                raise
            return []
        return found

    def _string(self, flat: Mapping[str, Json], place: _Place) -> Json:
        text = place.answer or (self.profile.name if place.name == "model" else self._phrase())
        if place.name in _TEXTS and not place.answer and "maxLength" not in flat:
            said = dict.fromkeys([text, *(self._phrase() for _ in range(_SENTENCES - 1))])
            text = f"{'. '.join(said)}. (Simulated answer by {self.profile.name}.)"
        if place.name in _REASON:
            reason = self.made.working if self.made else ""
            text = f"{reason or text}. (Simulated answer by {self.profile.name}.)"
        return text[:_READ].ljust(min(flat.get("minLength", 0), _READ), ".")[: flat.get("maxLength")]

    def _phrase(self) -> str:
        """Return the next of the prompt's phrases."""
        self._at += 1
        return self._phrases[(self._at - 1) % len(self._phrases)]

    def _number(self, flat: Mapping[str, Json], place: _Place) -> Json:
        """Choose the answer, a number of the prompt, or one within the bounds."""
        bounds = [flat[key] for key in ("minimum", "exclusiveMinimum") if key in flat]
        bottom = max(bounds) if bounds else min(flat.get("maximum", 0), flat.get("exclusiveMaximum", 0)) - 1
        top = min(flat.get("maximum", bottom + 9), flat.get("exclusiveMaximum", bottom + 9))
        share = self.dice.random()
        sure = self.profile.skill if place.name in ("confidence", "probability") else None
        answer = parse_number((place.answer or "").split(" ")[0].rstrip("%"))
        between = bottom * (1 - share) + top * share, bottom / 2 + top / 2, nextafter(bottom, inf)
        said = map(parse_number, words(self.prompt)[:_MOST_MEMBERS])
        candidates = (answer, sure, *said, *between, ceil(bottom), floor(bottom) + 1)
        for each in (each for each in candidates if each is not None):
            value = int(each) if flat.get("type") == "integer" or each == int(each) else float(each)
            if self._accepts(flat, value):
                return value
        raise SchemaNotFilled

    def _accepts(self, schema: Json, value: Json) -> bool:
        """Tell whether a value is valid, by the keywords that this filler knows."""
        if not isinstance(schema, Mapping):
            return bool(schema)
        pairs = [(part, value) for part in schema.get("allOf", [])]
        pairs += [(self._target(schema["$ref"]), value)] if "$ref" in schema else []
        if isinstance(value, list):
            pairs += [(schema.get("items", True), each) for each in value]
        if isinstance(value, dict):
            properties, other = schema.get("properties", {}), schema.get("additionalProperties", True)
            pairs += [(properties.get(name, other), each) for name, each in value.items()]
        return (
            _within(schema, value)
            and all(self._accepts(part, each) for part, each in pairs)
            and ("anyOf" not in schema or any(self._accepts(each, value) for each in schema["anyOf"]))
            and ("oneOf" not in schema or sum(self._accepts(each, value) for each in schema["oneOf"]) == 1)
        )


def _phrases(text: str) -> list[str]:
    """Return the sentences of a text without labels; of a short one its clauses, too."""
    parts = [part.strip(" .") for part in squeezed(text).replace("\n", ". ").split(". ")]
    told = [part for part in parts if part and not part.endswith(":")]
    if len(told) < _SENTENCES:
        clauses = (part.strip(" .") for each in told for part in each.replace(" and ", ", ").split(", "))
        told += [part for part in clauses if " " in part and part not in told]
    return told


def _within(schema: Mapping[str, Json], value: Json) -> bool:
    """Tell whether a value has the type, is among the allowed ones, and keeps the bounds."""
    kinds = schema.get("type", list(_TYPES))
    kinds = [kinds] if isinstance(kinds, str) else kinds
    known = [schema["const"]] if "const" in schema else schema.get("enum", [value])
    truth, size = isinstance(value, bool), _SIZES.get(type(value), "imum")
    measured = value if isinstance(value, int | float) else len(value or "")
    return (
        any(isinstance(value, _TYPES[kind]) and (kind == "boolean" or not truth) for kind in kinds)
        and any(each == value and isinstance(each, bool) == truth for each in known)
        and (truth or value is None or (
            schema.get(f"min{size}", measured) <= measured <= schema.get(f"max{size}", measured)
            and schema.get("exclusiveMinimum", -inf) < measured < schema.get("exclusiveMaximum", inf)
        ))
        and (not isinstance(value, dict) or value.keys() >= set(schema.get("required", [])))
    )  # fmt: skip
