"""JSON values: what type they have, how large they are, how a sentence shows them, how they are ordered."""

from __future__ import annotations

import json
from collections.abc import Iterable
from enum import StrEnum
from math import isfinite

from orchestra_site.web.alphabets import encodable
from orchestration.llm.engine.types import Json

MOST_TAKEN_CHARACTERS = 10_000_000
"""Characters of all texts in a value that a mapping takes."""
MOST_CHARACTERS, MOST_ITEMS, DEEPEST = 1_000_000, 100_000, 64
"""Characters, items and fields, and depth of a value that a mapping gives."""
MOST_BITS = 3_300
"""Size of a whole number: about a thousand digits."""
SHOWN_CHARACTERS, SHOWN_ITEMS, SHOWN_DEPTH, SHOWN_NAMES = 80, 5, 3, 10


class ValueType(StrEnum):
    """The type of a JSON value, in the order in which values of several types are sorted."""

    NOTHING = "nothing"
    BOOLEAN = "boolean"
    NUMBER = "number"
    TEXT = "text"
    LIST = "list"
    OBJECT = "object"

    @property
    def words(self) -> str:
        """The type with its article."""
        if self is ValueType.NOTHING:
            return "nothing"
        return f"an {self}" if self is ValueType.OBJECT else f"a {self}"


ANY = tuple(ValueType)
_RANKS = {each: rank for rank, each in enumerate(ValueType)}
_TYPES: dict[type, ValueType] = {
    type(None): ValueType.NOTHING,
    bool: ValueType.BOOLEAN,
    int: ValueType.NUMBER,
    float: ValueType.NUMBER,
    str: ValueType.TEXT,
    list: ValueType.LIST,
    dict: ValueType.OBJECT,
}


def value_type(value: Json) -> ValueType:
    """Return the type of a JSON value."""
    return _TYPES[type(value)]


def excess(value: Json, most_characters: int = MOST_CHARACTERS) -> str:
    """Return in what a value exceeds the limits, as the end of a sentence; empty where it keeps them."""
    level: list[Json] = [value]
    items, characters = 0, 0
    for _ in range(DEEPEST + 1):
        if not level:
            return ""
        items += sum(map(_items, level))
        characters += sum(map(_characters, level))
        if items > MOST_ITEMS:
            return f"has more than {MOST_ITEMS:,} items"
        if characters > most_characters:
            return f"has more than {most_characters:,} characters"
        if not all(map(_is_writable, level)):
            return "has a number that JSON cannot express"
        level = [child for each in level for child in _children(each)]
    return f"is nested more than {DEEPEST} deep" if level else ""


def weight(value: Json) -> int:
    """Return the items and characters of a value that keeps the limits, and one for itself."""
    return 1 + _items(value) + _characters(value) + sum(map(weight, _children(value)))


def _items(value: Json) -> int:
    return len(value) if isinstance(value, list | dict) else 0


def _characters(value: Json) -> int:
    if isinstance(value, str):
        return len(value)
    return sum(map(len, value)) if isinstance(value, dict) else 0


def _is_writable(value: Json) -> bool:
    if isinstance(value, float):
        return isfinite(value)
    return not isinstance(value, int) or value.bit_length() <= MOST_BITS


def _children(value: Json) -> Iterable[Json]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def shortened(value: Json, most: int = SHOWN_CHARACTERS) -> str:
    """Return the beginning of a value as JSON, for a sentence."""
    return clipped(json.dumps(_pruned(value, SHOWN_DEPTH, most), ensure_ascii=False), most)


def clipped(text: str, most: int = SHOWN_CHARACTERS) -> str:
    """Return at most that many characters of a text, for a sentence."""
    text = encodable(text[: most + 1])
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _pruned(value: Json, depth: int, most: int) -> Json:
    """Return a value without what a short sentence has no room for."""
    if isinstance(value, str):
        return clipped(value, most)
    if isinstance(value, list | dict) and depth == 0:
        return "…"
    rest = isinstance(value, list | dict) and len(value) > SHOWN_ITEMS
    if isinstance(value, list):
        return [_pruned(each, depth - 1, most) for each in value[:SHOWN_ITEMS]] + ["…"] * rest
    if isinstance(value, dict):
        names = [name for name, _ in zip(value, range(SHOWN_ITEMS), strict=False)]
        return {clipped(name, most): _pruned(value[name], depth - 1, most) for name in names} | (
            {"…": "…"} if rest else {}
        )
    return value if _is_writable(value) else "a number that JSON cannot express"


def listed(names: Iterable[str]) -> str:
    """Return the first names of many, for a sentence; "nothing" where there is none."""
    shown = [
        clipped(name, SHOWN_CHARACTERS // 2) for name, _ in zip(names, range(SHOWN_NAMES + 1), strict=False)
    ]
    return ", ".join([*shown[:SHOWN_NAMES], *["…"] * (len(shown) > SHOWN_NAMES)]) or "nothing"


def order_key(value: Json) -> tuple[Json, ...]:
    """Return a key that is equal for equal values, and by which any values can be sorted.

    Values are ordered by type, then numbers by size, texts by alphabet without regard to capitals, lists and
    objects by what is in them. 1 and 1.0 are equal, 1 and true are not.
    """
    rank = _RANKS[value_type(value)]
    if isinstance(value, str):
        return (rank, value.casefold(), value)
    if isinstance(value, list):
        return (rank, tuple(order_key(each) for each in value))
    if isinstance(value, dict):
        return (rank, tuple((name, order_key(value[name])) for name in sorted(value)))
    return (rank, value is not None and value)
