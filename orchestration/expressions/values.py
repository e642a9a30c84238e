"""Values as JSON has them, and what is measured of them before something works on them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, wraps
from typing import Any, TypeVar

from orchestration.expressions.errors import ExpressionError

Json = Any
Written = TypeVar("Written")
Parsed = TypeVar("Parsed")
MOST_REMEMBERED = 2_000
"""Texts of one kind that are not parsed again."""
LARGE = 1_000
"""Bits of a whole number that is not written out."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most that a value may be: levels of nesting, parts in all, characters of all its texts."""

    depth: int = 64
    nodes: int = 100_000
    characters: int = 10_000_000

    def check(self, value: Json, name: str) -> None:
        """Raise `ExpressionError` for a value that is larger."""
        for _ in self.parts(value, name):
            pass

    def parts(self, value: Json, name: str) -> Iterator[Json]:
        """Yield all that a value consists of. Raises `ExpressionError` after the last that is allowed."""
        nodes = characters = 0
        levels = [iter([value])]
        while levels:
            part = next(levels[-1], levels)
            if part is levels:
                levels.pop()
                continue
            nodes += 1
            characters += len(part) if isinstance(part, str) else 0
            if isinstance(part, dict | list | tuple):
                levels.append(_parts(part))
            if len(levels) > self.depth + 1:
                raise ExpressionError(f"{name} is nested more than {self.depth} levels deep.")
            if nodes > self.nodes:
                raise ExpressionError(f"{name} has more than {self.nodes:,} parts.")
            if characters > self.characters:
                raise ExpressionError(f"{name} has more than {self.characters:,} characters.")
            yield part


def _parts(value: Json) -> Iterator[Json]:
    """Yield what a list or an object contains; the keys of an object, too."""
    if not isinstance(value, dict):
        return iter(value)
    return (each for pair in value.items() for each in pair)


def kind(value: Json) -> str:
    """Return what a value is, in words for people: "a text", "a list"."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a text"
    return "a list" if isinstance(value, list | tuple) else "an object"


def shortened(value: Json, most: int = 60) -> str:
    """Return a value as a person recognises it: the start of it, as JSON writes it where it is simple."""
    if isinstance(value, str):
        return f"“{value[:most]}…”" if len(value) > most else f"“{value}”"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, int | float):
        return str(value) if isinstance(value, float) or value.bit_length() < LARGE else "a very large number"
    return f"{kind(value)} of {len(value):,}"


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
