"""Values as JSON has them, and what is measured of them before something works on them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from orchestration.expressions.errors import ExpressionError

Json = Any
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
