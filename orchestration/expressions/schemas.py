"""Schemas in JSON Schema, draft 2020-12: parsed once, then compared with values.

What a schema says of the values themselves is read from it, too: their types, and what a `format` marks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from jsonschema.exceptions import ValidationError
from pydantic import BaseModel
from pydantic import ValidationError as InvalidModel

from orchestration.expressions.checks import BOUNDS, KEYWORDS, STEPS, Validator
from orchestration.expressions.errors import DocumentFault, ExpressionError
from orchestration.expressions.keywords import KINDS, Keywords
from orchestration.expressions.places import Keys, inner_values, path_text
from orchestration.expressions.values import ANY, Bounds, Json, ValueType, kind, remembered, shortened

LONGEST = 100_000
"""Characters of a schema, written as JSON."""
SCHEMA_BOUNDS = Bounds(depth=32, nodes=50_000, characters=LONGEST)
MOST_PROBLEMS = 100
MOST_SHOWN = 10
_CHOICES = ("anyOf", "oneOf", "allOf")
_LEADING = {"$ref", "format", *_CHOICES, "properties", "additionalProperties", "items"}
"""The keywords of a schema from which one of a part of the value may be reached."""
_VALUE_TYPES = {
    "string": ValueType.TEXT,
    "number": ValueType.NUMBER,
    "integer": ValueType.NUMBER,
    "boolean": ValueType.BOOLEAN,
    "array": ValueType.LIST,
    "object": ValueType.OBJECT,
    "null": ValueType.NOTHING,
}


@dataclass(frozen=True, slots=True)
class SchemaProblem:
    """What does not fit: where in the value, why ("has no “label”"), and what stands there."""

    at: Keys
    message: str
    value: Json = None

    @property
    def path(self) -> str:
        """Where it is, as `items[3].name`; empty for the whole."""
        return path_text(self.at)


@dataclass(frozen=True, slots=True)
class Schema:
    """A schema that was read."""

    written: Json
    keywords: Keywords

    def problems(self, value: Json) -> tuple[SchemaProblem, ...]:
        """Return what does not fit, the first `MOST_PROBLEMS`; a value that is too large is one problem."""
        counting, reading = STEPS.set([0]), KEYWORDS.set(self.keywords)
        try:
            BOUNDS.check(value, "The value")
            found = islice(Validator(self.written).iter_errors(value), MOST_PROBLEMS)
            return tuple(
                SchemaProblem(tuple(each.absolute_path), _words(each), each.instance) for each in found
            )
        except ExpressionError as error:
            return (SchemaProblem((), str(error), value),)
        except RecursionError:
            return (SchemaProblem((), "The value and the schema are nested too deeply together.", value),)
        finally:
            STEPS.reset(counting)
            KEYWORDS.reset(reading)


@remembered
def parse_schema(schema: Json) -> Schema:
    """Read a schema. Raises `ExpressionError` with the place that is at fault."""
    SCHEMA_BOUNDS.check(schema, "The schema")
    try:
        length = len(json.dumps(schema))
    except (TypeError, ValueError) as error:
        raise ExpressionError("The schema cannot be written as JSON.") from error
    if length > LONGEST:
        raise ExpressionError(f"A schema has up to {LONGEST:,} characters, this one {length:,}.")
    keywords = Keywords()
    keywords.read(schema)
    named = {"$id", "$schema"}
    whole = (
        {word: each for word, each in schema.items() if word not in named}
        if isinstance(schema, dict)
        else schema
    )
    return Schema(whole, keywords)


def schema_types(schema: Json, keys: Keys = ()) -> frozenset[ValueType]:
    """Return the types that a schema allows at a place, all where it does not say."""
    for key in keys:
        below = schema.get("items" if isinstance(key, int) else "properties") if _is_object(schema) else None
        schema = below.get(key) if isinstance(key, str) and isinstance(below, dict) else below
    written = schema.get("type") if _is_object(schema) else None
    names = written if isinstance(written, list) else [written]
    known = [_VALUE_TYPES[name] for name in names if isinstance(name, str) and name in _VALUE_TYPES]
    return frozenset(known or ANY)


def closed_fields(schema: Json) -> Mapping[str, Json] | None:
    """Return the fields that objects of a schema may have, None where others are allowed."""
    fields = schema.get("properties", {}) if isinstance(schema, dict) else None
    is_closed = isinstance(fields, dict) and schema.get("additionalProperties") is False
    return fields if is_closed else None


def marked(schema: Json, value: Json, at: Keys = ()) -> Iterator[tuple[str, Json, Keys, Json]]:
    """Yield what a schema marks with a `format`: that, the value, where it is, and the fields beside it.

    The values come in the order of the whole, which is `at` a place; what stands in one of them is left out.
    The schema was generated: what it refers to is in it.
    """
    waiting: list[tuple[Json, Json, Keys, Json]] = [(schema, value, at, {})]
    while waiting:
        part, inner, place, beside = waiting.pop()
        if not _is_object(part) or _LEADING.isdisjoint(part):
            continue
        if "$ref" in part:
            part = schema["$defs"][part["$ref"].removeprefix("#/$defs/")] | part
        if "format" in part:
            yield part["format"], inner, place, beside
            continue
        below = [(each, inner, place, beside) for word in _CHOICES for each in part.get(word, ())]
        fields, others, items = (
            part.get("properties", {}),
            part.get("additionalProperties"),
            part.get("items"),
        )
        for key, each in inner_values(inner):
            if isinstance(key, int):
                below.append((items, each, (*place, key), {}))
            else:
                below.append((fields.get(key, others), each, (*place, key), inner))
        waiting += reversed(below)


def _is_object(schema: Json) -> bool:
    return isinstance(schema, dict)


def _words(error: ValidationError) -> str:
    """Return why a value does not fit, as what follows its path."""
    if error.validator is None:
        return "is not expected"
    words = WORDS.get(str(error.validator))
    return words(error.instance, error.validator_value, error) if words else error.message


def _type(value: Json, wanted: Json, _: ValidationError) -> str:
    return f"is {shortened(value) if isinstance(value, float) else kind(value)}, must be {_kinds(wanted)}"


def _kinds(wanted: Json) -> str:
    named = wanted if isinstance(wanted, list) else [wanted]
    return " or ".join(KINDS[each] for each in named)


def _enum(value: Json, wanted: Json, _: ValidationError) -> str:
    shown = ", ".join(shortened(each) for each in wanted[:MOST_SHOWN])
    more = f" and {len(wanted) - MOST_SHOWN} more" if len(wanted) > MOST_SHOWN else ""
    return f"is {shortened(value)}, must be one of {shown}{more}"


def _alternatives(value: Json, wanted: Json, error: ValidationError) -> str:
    """Return the kinds that a value may have, if it has none of them; else what is closest to it."""
    inner = list(error.context or ())
    if inner and all(each.validator == "type" and not each.relative_path for each in inner):
        return _type(value, list(dict.fromkeys(_flat(each.validator_value for each in inner))), error)
    if not inner:
        return "fits more than one alternative, must fit one"
    closest = max(inner, key=lambda each: len(each.relative_path))
    place = path_text(closest.relative_path)
    said = f"{place} {_words(closest)}".lstrip()
    return f"fits none of {len(wanted)} alternatives; the closest: {said}"


def _flat(types: Iterable[Json]) -> Iterable[str]:
    for each in types:
        yield from each if isinstance(each, list) else [each]


def _excluded(value: Json, wanted: Json, _: ValidationError) -> str:
    return "is not expected" if wanted is True else f"is {shortened(value)}, which is excluded"


def _limit(words: str) -> Callable[[Json, Json, ValidationError], str]:
    return lambda value, limit, _: f"is {shortened(value)}, must be {words.format(shortened(limit))}"


def _size(words: str, of: str) -> Callable[[Json, Json, ValidationError], str]:
    return lambda value, limit, _: f"has {len(value):,} {of}, must have {words} {limit:,}"


WORDS: Mapping[str, Callable[[Json, Json, ValidationError], str]] = {
    "anyOf": _alternatives,
    "const": lambda value, wanted, _: f"is {shortened(value)}, must be {shortened(wanted)}",
    "maxContains": lambda _value, _wanted, _error: "has too many items that fit",
    "minContains": lambda _value, _wanted, _error: "has too few items that fit",
    "contains": lambda _value, _wanted, _error: "has no item that fits",
    "enum": _enum,
    "exclusiveMaximum": _limit("less than {}"),
    "exclusiveMinimum": _limit("more than {}"),
    "items": lambda _value, _wanted, _error: "has more items than expected",
    "maxItems": _size("at most", "items"),
    "maxLength": _size("at most", "characters"),
    "maxProperties": _size("at most", "fields"),
    "maximum": _limit("at most {}"),
    "minItems": _size("at least", "items"),
    "minLength": _size("at least", "characters"),
    "minProperties": _size("at least", "fields"),
    "minimum": _limit("at least {}"),
    "multipleOf": _limit("a multiple of {}"),
    "not": _excluded,
    "oneOf": _alternatives,
    "type": _type,
}  # fmt: skip
"""The words for each keyword; those that are checked here bring their own."""


Read = TypeVar("Read", bound=BaseModel)


def read_definition(
    model: type[Read],
    document: Json,
    noun: str,
    schema: Schema,
    bounds: Bounds,
    faults: Callable[[Read], Iterable[DocumentFault]],
) -> tuple[Read | None, tuple[DocumentFault, ...]]:
    """Return a document as a model, or all that is wrong with it: first its fields, then what they mean.

    `schema` is that of the model, `noun` what such a document is called; `faults` finds what is wrong with
    the meaning.
    """
    if excess := bounds.excess(document):
        return None, (DocumentFault("", f"The {noun} is too large, or no JSON: {excess}."),)
    if problems := schema.problems(document):
        return None, tuple(DocumentFault(each.path, f"This {each.message}.") for each in problems)
    try:
        read = model.model_validate(document)
    except InvalidModel:  # half characters, of which JSON Schema knows nothing
        return None, (DocumentFault("", f"The {noun} has a text that cannot be read."),)
    found = tuple(faults(read))
    return (None if found else read), found
