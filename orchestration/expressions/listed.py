"""Lists of a document whose items are objects with an `id`: found by it, replaced, moved, named.

A document may have problems; what is no such item is left as it is. No function changes what it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import TypeVar

from orchestration.expressions.places import value_at
from orchestration.expressions.values import Json

T = TypeVar("T")
Document = dict[str, Json]
LONGEST_NAME = 40


def all_items(document: Json, name: str) -> list[Json]:
    """Return what a list of a document has, whatever it is."""
    written = value_at(document, (name,))
    return list(written) if isinstance(written, list) else []


def items_in(document: Json, name: str) -> list[Document]:
    """Return the items of a list that have an id."""
    return [each for each in all_items(document, name) if isinstance(value_at(each, ("id",)), str)]


def item_in(document: Json, name: str, id: str) -> Document | None:
    """Return an item by its id, the first of several; nothing where there is none."""
    return next((item for item in items_in(document, name) if item["id"] == id), None)


def with_items(
    document: Document, name: str, id: str, make: Callable[[Document], list[Document]]
) -> Document:
    """Return a document with others in the place of one item."""
    there = item_in(document, name, id)
    made = [] if there is None else make(there)
    items = [new for each in all_items(document, name) for new in (made if each is there else [each])]
    return {**document, name: items}


def moved_item(document: Document, name: str, id: str, step: int) -> Document:
    """Return a document with an item so many places further down, or up; at the ends it stays."""
    items = all_items(document, name)
    place = next(place for place, each in enumerate(items) if each is item_in(document, name, id))
    return {**document, name: moved(items, place, step)}


def moved(items: Sequence[T], place: int, step: int) -> list[T]:
    """Return items of which one is so many places further down, or up; at the ends it stays."""
    found = list(items)
    item = found.pop(place)
    found.insert(max(0, place + step), item)
    return found


def free_id(document: Json, name: str, wanted: str) -> str:
    """Return an id that no item has: the wanted one, or that with a number."""
    taken = {item["id"] for item in items_in(document, name)}
    numbered = (f"{wanted[: LONGEST_NAME - 4]}-{number}" for number in count(2))
    return wanted if wanted not in taken else next(each for each in numbered if each not in taken)
