"""Answers as JSON for any schema, filled from the prompt's own words and from what a solver found.

The result is bounded: a reference is followed at most once inside itself, and lists have few members.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from math import ceil, floor, inf, nextafter
from operator import add, getitem
from random import Random

from orchestration.llm.engine.types import Json, Purpose
from orchestration.llm.providers.simulated import wording
from orchestration.llm.providers.simulated.attempt import AskedQuestion
from orchestration.llm.providers.simulated.catalog import SimulatedProfile
from orchestration.llm.providers.simulated.reading import parse_number, squeezed, word_set, words
from orchestration.llm.providers.simulated.solution import Solution

_ANSWER = word_set("answer final_answer result value label category choice class sentiment items number text")
_REASON = word_set("reason reasoning explanation rationale working why note")
_TEXTS, _PROPOSALS = word_set("text body content"), word_set("counter proposal approach")
_DETAILS = word_set("instructions description details")
_SCORES = word_set("score rating grade")
_NEEDS = word_set("needs depends depends_on dependencies requires")
"""Lists of the numbers, from 1, of earlier members of the list in which they stand."""
_UNKNOWN = word_set("pattern not if multipleOf prefixItems uniqueItems contains patternProperties")
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "object": dict, "array": list, "string": str, "boolean": bool, "null": type(None), "integer": int,
    "number": (int, float),
}  # fmt: skip
_SIZES: Mapping[type, str] = {str: "Length", list: "Items", dict: "Properties"}
_MOST_VALUES, _MOST_MEMBERS, _MEMBERS, _READ = 2_000, 100, 2, 4_000
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

    `member` is its place in the list around it, from 0; it is `in_list` if there is one.
    """

    name: str = ""
    above: tuple[str, ...] = ()
    answer: str | None = None
    member: int = 0
    in_list: bool = False


@dataclass(slots=True)
class SchemaFiller:
    """Fills one schema; the same profile, prompt, answer and dice give the same values."""

    profile: SimulatedProfile
    schema: Mapping[str, Json]
    asked: AskedQuestion
    purpose: Purpose
    made: Solution | None
    dice: Random
    _left: int = field(default=_MOST_VALUES, init=False)
    _said: str = field(default="", init=False)
    _task: list[str] = field(init=False)
    _own: list[str] = field(init=False)
    _at: int = field(default=0, init=False)
    _mood: bool | None = field(default=None, init=False)

    def written(self) -> str | None:
        """Return the filled schema as JSON, None when no value for it is found."""
        try:
            return json.dumps(self.filled(), ensure_ascii=False)
        except SchemaNotFilled:
            return None

    def filled(self) -> Json:
        """Return a value for the schema. Raises `SchemaNotFilled`."""
        own = self.asked.question.replace(json.dumps(self.schema, ensure_ascii=False), "")
        self._task = wording.phrases(wording.task_text(own)) or wording.phrases(own) or ["Nothing was said"]
        begins = self.purpose in (Purpose.PLAN, Purpose.PROPOSE)  # by the task, not by what was said on it
        blocks = () if begins else self.asked.material
        self._own = wording.phrases(blocks[0] if blocks else "") or self._task
        self._said = squeezed(("\n".join(blocks) or own)[:_READ])
        try:
            value = self._value(self.schema, _Place(answer=self.made.answer if self.made else None))
            signed = {**value, "simulated_by": self.profile.name} if isinstance(value, dict) else value
            fitting = [each for each in (signed, value) if self._accepts(self.schema, each)]
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise SchemaNotFilled from error  # not filled, or no schema at all
        if not fitting:
            raise SchemaNotFilled
        return fitting[0]

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
        return fillers.get(kind, self._string)(flat, replace(place, above=above))

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
        said = f" {' '.join(words(self._said))} "
        options = [flat["const"]] if "const" in flat else flat["enum"]
        rest = {key: value for key, value in flat.items() if key not in ("enum", "const")}
        allowed = [option for option in options if self._accepts(rest, option)]
        answer = (place.answer or "").casefold()
        meant = [option for option in allowed if str(option).casefold() in (answer, _TRUTH.get(answer))]
        named = [option for option in allowed if f" {' '.join(words(str(option)))} " in said]
        if not allowed:
            raise SchemaNotFilled
        return meant[0] if len(meant) == 1 else self._chosen(meant or allowed, meant or named, place)

    def _chosen(self, allowed: Sequence[Json], named: Sequence[Json], place: _Place) -> Json:
        """Choose among values: for or against what is in question, else the next, else one that is named."""
        leans = len(allowed) > 1 and any(str(each) in wording.FAVOURABLE for each in allowed)
        if leans and all(isinstance(each, str) for each in allowed):
            said = wording.leaning(self.asked.instructions, [str(each) for each in allowed], self.dice)
            favours, is_critical = said in wording.FAVOURABLE, wording.is_critical(said)
            self._mood = favours if favours or is_critical else None
            return said
        if "" in allowed and self._mood:
            return ""
        named = [each for each in named if each != ""]
        in_turn = place.in_list and place.member < len(allowed)
        return allowed[place.member] if in_turn else self.dice.choice(named or allowed)

    def _object(self, flat: Mapping[str, Json], place: _Place) -> Json:
        properties, required = flat.get("properties", {}), flat.get("required", [])
        names = [*properties, *(name for name in required if name not in properties)]
        names += [f"key_{number}" for number in range(flat.get("minProperties", 0) - len(names))]
        labels = any(isinstance(each, Mapping) and "enum" in each for each in properties.values())
        filled: dict[str, Json] = {}
        self._mood = None
        for name in names:
            meant = name.casefold() in _ANSWER or len(names) == 1
            meant = meant and not (labels and name.casefold() in _TEXTS)  # the answer is one of the labels
            answer = place.answer if meant else None
            inside = replace(place, name=name.casefold(), answer=answer)
            try:
                filled[name] = self._value(properties.get(name, flat.get("additionalProperties", {})), inside)
            except SchemaNotFilled:
                if name in required:
                    raise
        return filled

    def _array(self, flat: Mapping[str, Json], place: _Place) -> Json:
        low, high = flat.get("minItems", 0), min(flat.get("maxItems", _MOST_MEMBERS), _MOST_MEMBERS)
        if place.name in _NEEDS and low == 0 and self._accepts(flat, [place.member]):
            return self._earlier(place.member)
        fields = self._flat(flat.get("items", {}), place.above)[0].get("properties", {})
        if _NEEDS.intersection(fields):
            self._own = wording.parts_of_task(self._task, self.dice)
        first: Json = next(iter(fields.values()), {})
        options = first.get("enum", []) if isinstance(first, Mapping) else []
        members = len(options) or (len(self._own) if _NEEDS.intersection(fields) else _MEMBERS)
        parts: list[str | None] = [*place.answer.split(", ")] if place.answer else [None] * members
        parts += [None] * (low - len(parts))
        begin, own, found = self._at, self._own, list[Json]()
        try:
            for number, part in enumerate(parts[:high]):
                self._at = begin + number  # each member begins with words of its own
                if len(self.asked.material) == len(parts) > 1:
                    self._own = wording.phrases(self.asked.material[number]) or own
                inside = _Place("", place.above, part, number, in_list=True)
                found.append(self._value(flat.get("items", {}), inside))
        except SchemaNotFilled:
            if low:
                raise
            return []
        finally:
            self._own = own
        return found

    def _earlier(self, member: int) -> list[int]:
        """Return the numbers of earlier members that one needs: the first two of a list need none."""
        if member < _MEMBERS:
            return []
        needed = self.dice.sample(range(1, member + 1), self.dice.choice((1, _MEMBERS)))
        return sorted(needed)

    def _string(self, flat: Mapping[str, Json], place: _Place) -> Json:
        is_detail = place.name in _DETAILS and self._at > 0  # of what the field before it names
        text = self._own[(self._at - 1) % len(self._own)] if is_detail else self._phrase()
        text = place.answer or (self.profile.name if place.name == "model" else text)
        if place.name in _TEXTS | _PROPOSALS | _DETAILS and not place.answer and "maxLength" not in flat:
            text = self._composed(place.name, text)
        if place.name in _REASON:
            reason = self.made.working if self.made else ""
            text = f"{reason or self._argument()} (Simulated answer by {self.profile.name}.)"
        return text[:_READ].ljust(min(flat.get("minLength", 0), _READ), ".")[: flat.get("maxLength")]

    def _composed(self, name: str, begin: str) -> str:
        """Return a text of several sentences on a phrase, or on all that is to be worked on."""
        signed = f"(Simulated answer by {self.profile.name}.)"
        if self.purpose is Purpose.AGGREGATE and self.asked.material:
            return f"{wording.together(self.asked.material[:1])}\n\n{signed}"
        if name in _DETAILS:
            return wording.elaborated([begin], self._task, self.dice)
        if self.purpose is Purpose.PROPOSE or name in _PROPOSALS:
            return f"{wording.approach(self._task, self.dice)} {signed}"
        others = [each for block in self.asked.material[1:] for each in wording.phrases(block)]
        return f"{wording.elaborated(self._own, [*others, *self._task], self.dice)} {signed}"

    def _argument(self) -> str:
        """Return why what is in question is good or not."""
        wanted = self._own if len(self.asked.material) > 1 else self._task
        found = wording.phrases(self.asked.material[-1]) if self.asked.material else []
        return wording.reason(mood=self._mood, wanted=wanted, found=found, dice=self.dice)

    def _phrase(self) -> str:
        """Return the next of the phrases."""
        self._at += 1
        return self._own[(self._at - 1) % len(self._own)]

    def _number(self, flat: Mapping[str, Json], place: _Place) -> Json:
        """Choose the answer, a number of the prompt, or one within the bounds."""
        bounds = [flat[key] for key in ("minimum", "exclusiveMinimum") if key in flat]
        bottom = max(bounds) if bounds else min(flat.get("maximum", 0), flat.get("exclusiveMaximum", 0)) - 1
        top = min(flat.get("maximum", bottom + 9), flat.get("exclusiveMaximum", bottom + 9))
        share = self.dice.random()
        sure = self.profile.skill if place.name in ("confidence", "probability") else None
        answer = parse_number((place.answer or "").split(" ")[0].rstrip("%"))
        between = bottom * (1 - share) + top * share, bottom / 2 + top / 2, nextafter(bottom, inf)
        if place.name in _SCORES and self._mood is not None:
            sure = round(bottom + (top - bottom) * (share / 3 + (2 / 3 if self._mood else 0.15)), 2)
        said = map(parse_number, words(self._said)[:_MOST_MEMBERS])
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
