"""What recomputing a program costs: what an operation reads of its values is counted before it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final

LARGEST = 10_000
"""Items or characters of a value."""
MOST_BITS = 2_000
"""Bits of a number."""
MOST_WORK = 20_000
"""Nodes that are evaluated, and items that operations read, in all: some 15 ms."""
MOST_DEPTH = 120
"""Expressions and blocks within each other, those of functions that are called among them: some 20 calls."""
AT_ONCE = 64
"""Characters of a text, or bits of a number, that count as one item."""

PROGRAM_ERRORS: Final = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What a program may raise, and handle."""
Value = Any
"""A value of the program: one that `WorkLimit.read` knows, or an iterator."""
VALUES: Final[type] = type({}.values())
CONTAINERS: Final[Value] = (list, tuple, set, frozenset, type({}.keys()), VALUES, type({}.items()))


class NotRecomputedError(Exception):
    """What the program does is not known here, may differ from run to run, or takes too long."""


class Function:
    """What a program can call that is not Python's own: a function of its own, or a method of a value."""

    def __init__(self, call: Callable[..., Value]) -> None:
        self.call = call


def bound(amount: int, most: int = LARGEST) -> None:
    """Refuse a value that would be too large. Raises `NotRecomputedError`."""
    if amount > most:
        raise NotRecomputedError


@dataclass(slots=True)
class WorkLimit:
    """Counts what is done and stops what would take too long; `output` are the lines that are printed."""

    left: int = MOST_WORK
    depth: int = 0
    output: list[str] = field(default_factory=list)

    def deeper(self) -> None:
        """Count an expression or block within another. Raises `NotRecomputedError` where it is too deep."""
        self.depth += 1
        if self.depth > MOST_DEPTH:
            raise NotRecomputedError

    def spend(self, amount: int) -> None:
        """Count work before it is done. Raises `NotRecomputedError` where it is too much."""
        self.left -= amount
        if self.left < 0:
            raise NotRecomputedError

    def read(self, *values: Value) -> None:
        """Count all that an operation may read of these values, shared parts as often as they occur."""
        waiting = list(values)
        while waiting:
            value = waiting.pop()
            self.spend(1)
            if isinstance(value, dict):
                waiting += chain.from_iterable(value.items())
            elif isinstance(value, CONTAINERS):
                waiting.extend(value)
            else:
                self._read_one(value)

    def _read_one(self, value: Value) -> None:
        match value:
            case str() | range():
                self.spend(len(value) // (AT_ONCE if isinstance(value, str) else 1))
            case int():
                bound(value.bit_length(), MOST_BITS)
                self.spend(value.bit_length() // AT_ONCE)
            case float() | None:
                pass
            case _ if not isinstance(value, Function) and not callable(value):
                raise NotRecomputedError

    def shown(self, value: Value) -> Value:
        """Return a value of which Python's spelling is the same in every run."""
        self.read(value)
        waiting = [value]
        while waiting:
            each = waiting.pop()
            if isinstance(each, Function | VALUES) or callable(each):
                raise NotRecomputedError
            if isinstance(each, dict):
                waiting += chain.from_iterable(each.items())
            elif isinstance(each, list | tuple | AbstractSet):
                waiting += self.ordered(each)
        return value

    def ordered(self, values: Iterable[Value]) -> Iterable[Value]:
        """Return an iterable whose order is the same in every run, as that of texts in a set is not."""
        if isinstance(values, set | frozenset) and len(values) > 1:
            self.read(values)
            if not all(isinstance(each, int) for each in values):
                raise NotRecomputedError
        return values

    def each(self, values: Iterable[Value]) -> Iterator[Value]:
        """Yield the items of an iterable as they are read."""
        for value in values:
            self.spend(1)
            yield value

    def whole(self, value: Value) -> Value:
        """Return a value that an operation reads whole; of an iterator a list of its items."""
        found = list(self.each(value)) if isinstance(value, Iterator) else value
        self.read(found)
        return found
