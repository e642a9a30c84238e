"""Bound what a condition costs on given values before it is evaluated: a bound, not a measurement.

A unit is about 100 ns: one operation, one item that a comprehension copies, 250 characters that are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import NamedTuple

from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.grammar import Node
from orchestration.expressions.values import Json

MOST_UNITS = 16_000_000
MOST_ITEMS = 1_000
"""Items that a comprehension goes through."""
MOST_SIZE = 10_000_000
"""Characters and parts of a value that is computed."""
PER_UNIT = 250
UNKNOWN = object()
COPYING = ("map", "filter")
"""The comprehensions for which the engine copies the list at every item."""


class Extent(NamedTuple):
    """The most that a value can be: characters and parts, items of any list in it; itself, if known."""

    size: int
    length: int
    value: Json = UNKNOWN


class Cost(NamedTuple):
    """What a node costs at most, and what it results in."""

    units: int
    result: Extent


ONE = Extent(1, 0)


@dataclass(frozen=True, slots=True)
class Costs:
    """Bounds for the nodes of a condition, given the values of its names."""

    values: Mapping[str, Json]
    items: Mapping[str, Extent]
    measured: dict[int, Extent]

    def bound(self, node: Node) -> Cost:
        """Return the bound for a node. Raises `ExpressionError` for one that costs or grows too much."""
        cost = self._each(node) if node.kind == "each" else self._other(node)
        if cost.units > MOST_UNITS:
            raise ExpressionError("The condition would take too long on these values.", position=node.start)
        if cost.result.size > MOST_SIZE:
            raise ExpressionError("The condition would build a value that is too large.", position=node.start)
        return cost

    def _other(self, node: Node) -> Cost:
        if node.kind == "constant":
            return Cost(1, Extent(len(node.word), 0))
        if node.kind == "name":
            return Cost(1, self.items.get(node.word) or Extent(0, 0, self.values.get(node.word)))
        parts = [self.bound(part) for part in node.parts]
        units = 1 + sum(part.units for part in parts)
        results = [part.result for part in parts]
        if node.kind == "field":
            return Cost(units, self._field(results[0], node.word))
        wholes = [self.whole(result) for result in results]
        if node.kind in ("index", "list", "map") or node.word == "?:":
            return Cost(units, _together(wholes))
        units += sum(whole.size for whole in wholes) // PER_UNIT
        grows = node.word in ("+", "-", "string")
        return Cost(units, _together(wholes) if grows else ONE)

    def _each(self, node: Node) -> Cost:
        """Return the bound of a comprehension: its body for the largest item, as often as there are items."""
        over, name, body = node.parts
        gone_through = self.bound(over)
        whole = self.whole(gone_through.result)
        count = self._count(gone_through.result, whole)
        if count > MOST_ITEMS:
            message = f"{node.word} goes through up to {MOST_ITEMS:,} items, here are {count:,}."
            raise ExpressionError(message, position=node.start)
        item = self._largest(gone_through.result, whole)
        done = replace(self, items={**self.items, name.word: item}).bound(body)
        units = gone_through.units + count * (done.units + 3) + 2 * count * count * (node.word in COPYING)
        if node.word == "map":
            return Cost(units, Extent(count * self.whole(done.result).size, max(count, done.result.length)))
        return Cost(units, whole if node.word == "filter" else ONE)

    def whole(self, extent: Extent) -> Extent:
        """Return the size of a value, of which each is measured once."""
        if extent.value is UNKNOWN:
            return extent
        known = self.measured.get(id(extent.value))
        if known is None:
            known = self.measured[id(extent.value)] = _measure(extent.value)
        return known

    def _field(self, before: Extent, name: str) -> Extent:
        if before.value is UNKNOWN:
            return before
        return Extent(0, 0, before.value.get(name) if isinstance(before.value, dict) else None)

    def _count(self, extent: Extent, whole: Extent) -> int:
        known = extent.value
        if known is UNKNOWN:
            return whole.length
        return len(known) if isinstance(known, dict | list | tuple) else 0

    def _largest(self, extent: Extent, whole: Extent) -> Extent:
        if not isinstance(extent.value, dict | list | tuple):
            return whole
        sizes = [self.whole(Extent(0, 0, item)) for item in extent.value]
        return Extent(max((s.size for s in sizes), default=0), max((s.length for s in sizes), default=0))


def _together(extents: list[Extent]) -> Extent:
    total = 1 + sum(extent.size for extent in extents)
    return Extent(total, max([len(extents), sum(extent.length for extent in extents)]))


def _measure(value: Json) -> Extent:
    """Return the size of a value; it is no deeper than `Bounds` let pass."""
    size = length = 0
    level = [value]
    while level:
        size += sum(len(part) if isinstance(part, str) else 1 for part in level)
        inner = [part for part in level if isinstance(part, dict | list | tuple)]
        length = max([length, *map(len, inner)])
        objects = (chain(part, part.values()) for part in inner if isinstance(part, dict))
        lists = (part for part in inner if not isinstance(part, dict))
        level = [*chain.from_iterable(objects), *chain.from_iterable(lists)]
    return Extent(size, length)
