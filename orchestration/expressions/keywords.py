"""What a JSON Schema may say, checked before it is used: each keyword, each reference, each pattern."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NoReturn
from urllib.parse import unquote

import re2

from orchestra_site.web.patterns import Pattern
from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.values import Json, kind, shortened

LONGEST_PATTERN = 1_000
KINDS = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a number",
    "object": "an object",
    "string": "a text",
}
"""The types of JSON Schema, in words."""
ONE = ("additionalProperties", "contains", "else", "if", "items", "not", "propertyNames", "then")
SEVERAL = ("allOf", "anyOf", "oneOf", "prefixItems")
NAMED = ("$defs", "definitions", "dependentSchemas", "patternProperties", "properties")
"""The keywords under which one schema stands, a list of them, an object of them."""
IN_PLACE = ("allOf", "anyOf", "dependentSchemas", "else", "if", "not", "oneOf", "then")
"""The keywords whose schemas are about the same value."""
REFUSED = {
    "$anchor": "write the place, as #/$defs/name",
    "$dynamicAnchor": "write the place, as #/$defs/name",
    "$dynamicRef": "use $ref",
    "$recursiveRef": "use $ref",
    "additionalItems": "use prefixItems and items",
    "dependencies": "use dependentRequired or dependentSchemas",
    "unevaluatedItems": "use items",
    "unevaluatedProperties": "use additionalProperties",
}


def _is_count(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_names(value: Json) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _is_type(value: Json) -> bool:
    named = value if isinstance(value, list) else [value]
    return bool(named) and all(isinstance(each, str) and each in KINDS for each in named)


COUNT = (_is_count, "a whole number from 0")
NUMBER = (_is_number, "a number")
TEXT = (lambda value: isinstance(value, str), "a text")
FLAG = (lambda value: isinstance(value, bool), "true or false")
KEYWORDS: Mapping[str, tuple[Callable[[Json], bool], str]] = {
    **dict.fromkeys(
        ("maxItems", "maxLength", "maxProperties", "minItems", "minLength", "minProperties"), COUNT
    ),
    **dict.fromkeys(("maxContains", "minContains"), COUNT),
    **dict.fromkeys(("maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum"), NUMBER),
    **dict.fromkeys(
        ("$comment", "$id", "$ref", "$schema", "description", "format", "pattern", "title"), TEXT
    ),
    **dict.fromkeys(("deprecated", "readOnly", "uniqueItems", "writeOnly"), FLAG),
    "dependentRequired": (
        lambda value: isinstance(value, dict) and all(map(_is_names, value.values())),
        "an object of lists of names",
    ),
    "enum": (lambda value: isinstance(value, list) and bool(value), "a list with at least one value"),
    "multipleOf": (lambda value: _is_number(value) and value > 0, "a number above 0"),
    "required": (_is_names, "a list of names"),
    "type": (_is_type, f"one of {', '.join(KINDS)}, or a list of them"),
}
"""What the value of a keyword has to be. Unknown keywords are notes, as JSON Schema has it."""


@dataclass(frozen=True, slots=True)
class Keywords:
    """The schemas that stand in one schema by their place ("/properties/name"), and its patterns."""

    places: dict[str, Json] = field(default_factory=dict)
    patterns: dict[str, Pattern] = field(default_factory=dict)

    def read(self, schema: Json) -> None:
        """Check a whole schema. Raises `ExpressionError` with the place that is at fault."""
        waiting = [("", schema)]
        while waiting:
            place, each = waiting.pop()
            if not isinstance(each, dict | bool):
                _refuse(place, f"is {kind(each)}, a schema is an object, true or false")
            self.places[place] = each
            if isinstance(each, dict):
                self._keywords(place, each)
                waiting += _inner(place, each)
        self._references()

    def target(self, reference: str) -> Json:
        """Return the schema that `#/$defs/name` refers to."""
        return self.places[unquote(reference[1:])]

    def _keywords(self, place: str, schema: Mapping[str, Json]) -> None:
        for word, value in schema.items():
            if word in REFUSED or (word == "$id" and place):
                _refuse(
                    f"{place}/{word}", f"cannot be used; {REFUSED.get(word, 'only the whole schema has one')}"
                )
            fits, wanted = KEYWORDS.get(word, (None, ""))
            if fits is not None and not fits(value):
                _refuse(f"{place}/{word}", f"is {shortened(value)}, must be {wanted}")
        for pattern in (*_patterns(schema), *schema.get("patternProperties", ())):
            self._pattern(place, pattern)

    def _pattern(self, place: str, written: str) -> None:
        if len(written) > LONGEST_PATTERN:
            _refuse(place, f"has a pattern of more than {LONGEST_PATTERN:,} characters")
        try:
            self.patterns[written] = Pattern(written)
        except (re2.error, ValueError, IndexError):
            _refuse(
                place,
                f"has the pattern {shortened(written)}, which cannot be read (lookarounds cannot be used)",
            )

    def _references(self) -> None:
        """Refuse references to elsewhere, to nothing, and those that lead back to themselves."""
        follows = dict[str, list[str]]()
        for place, schema in self.places.items():
            follows[place] = []
            if not isinstance(schema, dict):
                continue
            follows[place] += [inner for inner, word in _places(place, schema) if word in IN_PLACE]
            if "$ref" in schema:
                reference = schema["$ref"]
                if not reference.startswith("#"):
                    _refuse(
                        f"{place}/$ref",
                        f"refers to {shortened(reference)}; only places in the schema, as #/$defs/name",
                    )
                if unquote(reference[1:]) not in self.places:
                    _refuse(f"{place}/$ref", f"refers to {shortened(reference)}, where no schema stands")
                follows[place].append(unquote(reference[1:]))
        _refuse_circles(follows)


def _patterns(schema: Mapping[str, Json]) -> tuple[str, ...]:
    return (schema["pattern"],) if "pattern" in schema else ()


def _inner(place: str, schema: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    """Yield the schemas directly inside a schema, each with its place."""
    for inner, word in _places(place, schema):
        found = schema[word]
        if word in SEVERAL:
            found = found[int(inner.rpartition("/")[2])]
        elif word in NAMED:
            found = found[_unescaped(inner.rpartition("/")[2])]
        yield inner, found


def _places(place: str, schema: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    """Yield the place of each schema directly inside a schema, and the keyword that it stands under."""
    for word in ONE:
        if word in schema:
            yield f"{place}/{word}", word
    for word in (*SEVERAL, *NAMED):
        found, wanted = schema.get(word), list if word in SEVERAL else dict
        if word not in schema:
            continue
        if not isinstance(found, wanted):
            _refuse(
                f"{place}/{word}", f"is {kind(found)}, must be {'a list' if wanted is list else 'an object'}"
            )
        names = range(len(found)) if isinstance(found, list) else map(_escaped, found)
        yield from ((f"{place}/{word}/{name}", word) for name in names)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _unescaped(name: str) -> str:
    return name.replace("~1", "/").replace("~0", "~")


def _refuse_circles(follows: Mapping[str, list[str]]) -> None:
    """Raise for a schema that refers to itself for the same value: that never ends."""
    done, open_ = set[str](), set[str]()
    for start in follows:
        waiting = [(start, False)]
        while waiting:
            place, left = waiting.pop()
            if left:
                open_.discard(place)
                done.add(place)
            elif place in open_:
                _refuse(place, "refers to itself for the same value, which never ends")
            elif place not in done:
                open_.add(place)
                waiting += [(place, True), *((each, False) for each in follows[place])]


def _refuse(place: str, message: str) -> NoReturn:
    """Raise with a place in words: `/properties/a/type` as "properties.a.type"."""
    shown = ".".join(_unescaped(step) for step in place.split("/")[1:])
    raise ExpressionError(f"{shown or 'The schema'} {message}.")
