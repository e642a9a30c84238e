"""Values as JSON has them: their types, what is measured of them, how sentences show them, their order."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from functools import lru_cache, wraps
from itertools import islice
from typing import Any, TypeVar

from orchestra_site.web.alphabets import encodable, storable_text
from orchestration.expressions.errors import ExpressionError

Json = Any
Written = TypeVar("Written")
Parsed = TypeVar("Parsed")
MOST_REMEMBERED = 2_000
"""Texts of one kind that are not parsed again."""
LIGHT = 5_000
"""Items and characters of all values that are worked on without leaving the event loop."""
LARGE, VERY_LARGE = 1_000, "a very large number"
"""Bits of a whole number that is not written out, and what is written in its place."""
TOO_LARGE = 1 << 3_300
"""The least whole number that no value may have: about a thousand digits. Infinity is larger, too."""
SHOWN_CHARACTERS, SHOWN_ITEMS, SHOWN_DEPTH, SHOWN_NAMES, LONGEST_NAME = 80, 5, 3, 8, 40


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
        """The type as a sentence has it: "a text", "a list"."""
        known = {ValueType.NOTHING: "null", ValueType.BOOLEAN: "true or false", ValueType.OBJECT: "an object"}
        return known.get(self, f"a {self}")


ANY = tuple(ValueType)
_RANKS = {each: rank for rank, each in enumerate(ValueType)}
_TYPES: dict[type, ValueType] = {
    type(None): ValueType.NOTHING,
    bool: ValueType.BOOLEAN,
    int: ValueType.NUMBER,
    float: ValueType.NUMBER,
    str: ValueType.TEXT,
    list: ValueType.LIST,
    tuple: ValueType.LIST,
}


HOLDERS, SIZED, NUMBERS = (dict, list, tuple), (str, dict, list, tuple), (int, float)
"""The types of values that contain others; of those that have a size; of numbers, and of true and false."""


def value_type(value: Json) -> ValueType:
    """Return the type of a JSON value."""
    return _TYPES.get(type(value), ValueType.OBJECT)


def types_text(types: Collection[ValueType]) -> str:
    """Return types in words, in the order in which there are: "null or a number"."""
    return " or ".join(each.words for each in ValueType if each in types)


def kind(value: Json) -> str:
    """Return what a value is, in words for people."""
    return value_type(value).words


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most that a value may be: levels of nesting, what is in it, characters of all its texts."""

    depth: int = 64
    nodes: int = 100_000
    characters: int = 10_000_000

    def check(self, value: Json, name: str) -> None:
        """Raise `ExpressionError` for a value that is larger."""
        self.parts(value, name)

    def excess(self, value: Json, *, stored: bool = False) -> str:
        """Return in what a value is larger, or is none of JSON, as the end of a sentence; or nothing.

        One that is to be `stored` may not have what databases do not keep: NUL, and lone surrogates.
        """
        try:
            parts = self.parts(value, "") if isinstance(value, SIZED) else (value,)
        except ExpressionError as error:
            return str(error).strip(" .")
        if any(isinstance(each, NUMBERS) and not abs(each) < TOO_LARGE for each in parts):
            return "has a number that JSON cannot express"
        if stored and any(isinstance(each, str) and storable_text(each) != each for each in parts):
            return "has a character that cannot be stored"
        return ""

    def parts(self, value: Json, name: str) -> list[Json]:
        """Return a value and all that is in it, also the keys of objects. Raises `ExpressionError`."""
        level = found = [value]
        characters = depth = 0
        while True:
            characters += sum([len(part) for part in level if isinstance(part, str)])
            holders = [part for part in level if isinstance(part, HOLDERS)]
            if not holders and characters <= self.characters:
                return found
            left = self.nodes + 1 - len(found) - sum(map(_items, holders))
            depth += bool(holders)
            if depth > self.depth:
                raise ExpressionError(f"{name} is nested more than {self.depth} levels deep.")
            if left < 0:
                raise ExpressionError(f"{name} has more than {self.nodes:,} parts.")
            if characters > self.characters:
                raise ExpressionError(f"{name} has more than {self.characters:,} characters.")
            level = [each for part in holders for each in part]
            level += [each for part in holders if isinstance(part, dict) for each in part.values()]
            found += level


def _items(value: Json) -> int:
    """Return how much a list or an object directly contains; the keys of an object, too."""
    return 2 * len(value) if isinstance(value, dict) else len(value)


def size(value: Json, most: int) -> int:
    """Return the items and characters of a value, counted until they are more than `most`."""
    if not isinstance(value, SIZED):
        return 1
    counted, parts = 0, [value]
    for part in parts:  # grows while it is read
        counted += 1
        if isinstance(part, str):
            counted += len(part)
        elif isinstance(part, dict):
            counted += sum(map(len, part))
            parts += part.values()
        elif isinstance(part, list):
            parts += part[: most + 1]
        if counted > most:
            break
    return counted


def shortened(value: Json, most: int = SHOWN_CHARACTERS) -> str:
    """Return a value as a person recognises it: a text in quotes, else the start of it as JSON."""
    if isinstance(value, str):
        return f"“{clipped(value, most)}”"
    if isinstance(value, int) and value.bit_length() > LARGE:
        return VERY_LARGE
    return clipped(json.dumps(_pruned(value, SHOWN_DEPTH, most), ensure_ascii=False, default=str), most)


def clipped(text: str, most: int = SHOWN_CHARACTERS) -> str:
    """Return at most that many characters of a text, for a sentence."""
    text = encodable(text[: most + 1])
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _pruned(value: Json, depth: int, most: int) -> Json:
    """Return a value without what a short sentence has no room for."""
    if isinstance(value, str):
        return clipped(value, most)
    if isinstance(value, int) and value.bit_length() > LARGE:
        return VERY_LARGE
    if not isinstance(value, dict | list | tuple):
        return value
    if depth == 0:
        return "…"
    rest = len(value) > SHOWN_ITEMS
    if not isinstance(value, dict):
        return [_pruned(each, depth - 1, most) for each in value[:SHOWN_ITEMS]] + ["…"] * rest
    shown = {
        clipped(str(name), most): _pruned(each, depth - 1, most)
        for name, each in islice(value.items(), SHOWN_ITEMS)
    }
    return shown | ({"…": "…"} if rest else {})


def listed(names: Iterable[str]) -> str:
    """Return names in one line, the first few of many; "nothing" where there is none."""
    given = tuple(names)
    shown = ", ".join(clipped(name, LONGEST_NAME) for name in given[:SHOWN_NAMES])
    return f"{shown} and {len(given) - SHOWN_NAMES} more" if len(given) > SHOWN_NAMES else shown or "nothing"


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


def with_storable_texts(value: Json) -> Json:
    """Return a value whose texts every database can store: without NUL and halves of characters."""
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, dict):
        return {storable_text(key): with_storable_texts(each) for key, each in value.items()}
    return list(map(with_storable_texts, value)) if isinstance(value, list) else value


REMEMBERED = Bounds(depth=16, nodes=200, characters=4_000)
"""How large what is not parsed again may be: what is remembered is kept."""


def remembered(parse: Callable[[Written], Parsed]) -> Callable[[Written], Parsed]:
    """Return a function that parses the same once; what cannot be parsed, and what is large, each time."""

    @lru_cache(maxsize=MOST_REMEMBERED)
    def once(key: str) -> Parsed:
        return parse(json.loads(key))

    @wraps(parse)
    def parsed(written: Written) -> Parsed:
        key = _key(written)
        return parse(written) if key is None else once(key)

    return parsed


def _key(written: Json) -> str | None:
    """Return a small value in writing; None for a large one, and for what JSON would write differently."""
    try:
        is_plain = all(map(_is_plain, REMEMBERED.parts(written, "This")))
        return json.dumps(written) if is_plain else None
    except (ExpressionError, TypeError, ValueError):
        return None


def _is_plain(part: Json) -> bool:
    return not isinstance(part, tuple) and (
        not isinstance(part, dict) or all(isinstance(key, str) for key in part)
    )


def unknown(what: str, name: str, known: Collection[str]) -> str:
    """Return the sentence that there is no `what` of a name, with the nearest that there is, or with all."""
    sentence = f"There is no {what} “{name[:LONGEST_NAME]}”"
    near = [each for each in known if abs(len(each) - len(name)) <= 3]  # noqa: PLR2004  # letters
    if close := get_close_matches(name, near, n=1):
        return f"{sentence}. Is “{close[0]}” meant?"
    return f"{sentence}{f'. There are: {listed(known)}' if known else ''}."


async def off_loop(
    weight: int, function: Callable[..., Parsed], *arguments: object, at_most: int = LIGHT
) -> Parsed:
    """Call a pure function: in a thread where it works on so much that others would wait for it.

    `at_most` is the weight up to which it is called at once; what only reads a text may have more.
    """
    if weight <= at_most:
        return function(*arguments)
    return await asyncio.to_thread(function, *arguments)
