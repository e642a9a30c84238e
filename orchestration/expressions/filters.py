"""The filters and tests of templates: each linear in what it is given, each result within `LONGEST_TEXT`."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.values import Bounds, Json, kind, shortened

LONGEST_TEXT = 1_000_000
"""Characters of what a template renders, and of each text on the way there."""
MOST_ITEMS = 1_000
"""Items of a list that a template goes through, joins, sorts or lists."""
MOST_PLACES = 15
BOUNDS = Bounds(depth=64, nodes=100_000, characters=LONGEST_TEXT)


class Missing:
    """The value of a name or key that is not there; `message` says so."""

    def __init__(self, message: str) -> None:
        self.message = message


def within(length: int) -> None:
    """Raise `ExpressionError` for a text that would be too long."""
    if length > LONGEST_TEXT:
        raise ExpressionError(f"the text grows beyond {LONGEST_TEXT:,} characters.")


def text(value: Json) -> str:
    """Return a value as a template shows it: null as nothing, lists and objects as JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else _to_json(value)


def items(value: Json) -> list[Json]:
    """Return the items of a list, the keys of an object."""
    if not isinstance(value, list | tuple | dict):
        raise ExpressionError(f"{shortened(value)} is {kind(value)}, not a list.")
    if len(value) > MOST_ITEMS:
        raise ExpressionError(f"the list has {len(value):,} items; a template takes up to {MOST_ITEMS:,}.")
    return list(value)


def _string(value: Json) -> str:
    if not isinstance(value, str):
        raise ExpressionError(f"{shortened(value)} is {kind(value)}, not a text.")
    return value


def _number(value: Json, name: str) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ExpressionError(f"{name} takes a number, not {kind(value)}.")
    return value


def _count(value: Json, name: str, most: int = LONGEST_TEXT) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise ExpressionError(f"{name} takes a whole number from 0 to {most:,}.")
    return value


def _length(value: Json) -> int:
    if not isinstance(value, str | list | tuple | dict):
        raise ExpressionError(f"{shortened(value)} is {kind(value)} and has no length.")
    return len(value)


def _grown(found: str) -> str:
    within(len(found))
    return found


def _join(value: Json, separator: Json = "", attribute: Json = None) -> str:
    listed = items(value) if attribute is None else _map(value, attribute)
    parts = [text(item) for item in listed]
    between = _string(separator)
    within(sum(map(len, parts)) + len(between) * len(parts))
    return between.join(parts)


def _replace(value: Json, old: Json, new: Json) -> str:
    written, searched, put = _string(value), _string(old), _string(new)
    if not searched:
        raise ExpressionError("replace is given an empty text to look for.")
    within(len(written) + written.count(searched) * (len(put) - len(searched)))
    return written.replace(searched, put)


def _to_json(value: Json, indent: Json = None) -> str:
    if indent is not None:
        _count(indent, "indent", 8)
    BOUNDS.check(value, "the value")
    try:
        found = json.dumps(value, ensure_ascii=False, indent=indent)
    except (TypeError, ValueError) as error:
        raise ExpressionError("the value cannot be written as JSON.") from error
    within(len(found))
    return found


def _end(value: Json, place: int) -> Json:
    found = _string(value) if isinstance(value, str) else items(value)
    return found[place] if found else Missing("the list is empty.")


def _round(value: Json, precision: Json = 0) -> int | float:
    number, places = _number(value, "round"), _count(precision, "round", MOST_PLACES)
    if isinstance(number, float) and not math.isfinite(number):
        raise ExpressionError("round takes a finite number.")
    return round(number, places) if places else round(number)


def _int(value: Json, default: Json = 0) -> Json:
    try:
        return int(float(value)) if isinstance(value, str) and "." in value[:100] else int(value)
    except (TypeError, ValueError, OverflowError):
        return default


def _float(value: Json, default: Json = 0.0) -> Json:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return default


def _truncate(value: Json, length: Json = 255, end: Json = "…") -> str:
    written, most, mark = _string(value), _count(length, "truncate"), _string(end)
    return written if len(written) <= most else written[: max(0, most - len(mark))] + mark


def _indent(value: Json, width: Json = 4) -> str:
    written, wide = _string(value), _count(width, "indent", 16)
    within(len(written) + written.count("\n") * wide)
    return written.replace("\n", "\n" + " " * wide)


def _items(value: Json) -> list[Json]:
    if not isinstance(value, dict):
        raise ExpressionError(f"{shortened(value)} is {kind(value)}, not an object.")
    items(value)
    return [list(pair) for pair in value.items()]


def _sort(value: Json, attribute: Json = None) -> list[Json]:
    listed = items(value)
    keys = listed if attribute is None else _map(value, attribute)
    kinds = {kind(key) for key in keys}
    if len(kinds) > 1 or kinds & {"a list", "an object", "null"}:
        raise ExpressionError(f"sort takes texts or numbers, here are {', '.join(sorted(kinds))}.")
    return [listed[place] for place in sorted(range(len(listed)), key=lambda place: cast("Any", keys[place]))]


def _unique(value: Json) -> list[Json]:
    return list({_to_json(item): item for item in reversed(items(value))}.values())[::-1]


def _map(value: Json, attribute: Json) -> list[Json]:
    key, found = _string(attribute), list[Json]()
    for item in items(value):
        if not isinstance(item, dict) or key not in item:
            raise ExpressionError(f"an item has no “{shortened(key)}”.")
        found.append(item[key])
    return found


def _default(value: Json, default_value: Json = "", boolean: Json = False) -> Json:  # noqa: FBT002 - as in Jinja
    return default_value if isinstance(value, Missing) or (boolean and not value) else value


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter: what it computes of a value, and the names of what may be given, `least` of them needed."""

    apply: Callable[..., Json]
    parameters: tuple[str, ...] = ()
    least: int = 0


FILTERS: Mapping[str, Filter] = {
    "capitalize": Filter(lambda value: _grown(_string(value).capitalize())),
    "count": Filter(_length),
    "default": Filter(_default, ("default_value", "boolean")),
    "first": Filter(lambda value: _end(value, 0)),
    "float": Filter(_float, ("default",)),
    "indent": Filter(_indent, ("width",)),
    "int": Filter(_int, ("default",)),
    "items": Filter(_items),
    "join": Filter(_join, ("separator", "attribute")),
    "last": Filter(lambda value: _end(value, -1)),
    "length": Filter(_length),
    "list": Filter(lambda value: list(value[:MOST_ITEMS]) if isinstance(value, str) else items(value)),
    "lower": Filter(lambda value: _grown(_string(value).lower())),
    "map": Filter(_map, ("attribute",), 1),
    "replace": Filter(_replace, ("old", "new"), 2),
    "reverse": Filter(lambda value: value[::-1] if isinstance(value, str) else items(value)[::-1]),
    "round": Filter(_round, ("precision",)),
    "sort": Filter(_sort, ("attribute",)),
    "string": Filter(text),
    "tojson": Filter(_to_json, ("indent",)),
    "trim": Filter(lambda value: _string(value).strip()),
    "truncate": Filter(_truncate, ("length", "end")),
    "unique": Filter(_unique),
    "upper": Filter(lambda value: _grown(_string(value).upper())),
}
TESTS: Mapping[str, Callable[[Json], bool]] = {
    "boolean": lambda value: isinstance(value, bool),
    "defined": lambda value: not isinstance(value, Missing),
    "mapping": lambda value: isinstance(value, dict),
    "none": lambda value: value is None,
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "sequence": lambda value: isinstance(value, list | tuple),
    "string": lambda value: isinstance(value, str),
    "undefined": lambda value: isinstance(value, Missing),
}
DEEP = {"join", "sort", "string", "tojson", "unique"}
"""The filters that read all of a value, not only its items."""
EVEN_MISSING = {"default", "defined", "undefined"}
"""The filters and tests that take what is not there."""
