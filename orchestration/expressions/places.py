"""Places in a document: how they are written, and what stands there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from orchestra_site.web.patterns import Pattern
from orchestration.expressions.values import Json

Keys = tuple[str | int, ...]
"""The keys and indexes that lead to a value of a document."""
GONE: Final = object()
"""In place of a value: the field is not written."""
LONGEST_KEY = 60
_PLAIN_KEY = Pattern(r"[A-Za-z_][A-Za-z0-9_-]*")


def path_text(place: Iterable[str | int]) -> str:
    """Return a place in writing, as in `stages.draft.needs[0]`; keys with other characters are quoted."""
    path = ""
    for part in place:
        if isinstance(part, int):
            path += f"[{part}]"
            continue
        plain = len(part) <= LONGEST_KEY and _PLAIN_KEY.fullmatch(part) is not None
        name = part if plain else json.dumps(part[:LONGEST_KEY], ensure_ascii=False)
        path += f".{name}" if path else name
    return path


def is_inside(value: Json, key: str | int) -> bool:
    """Return whether a value has a field or an item of that key."""
    if isinstance(value, dict):
        return key in value
    return isinstance(value, list) and isinstance(key, int) and key < len(value)


def value_at(value: Json, place: Keys) -> Json:
    """Return what stands at a place, or `GONE`."""
    for key in place:
        if not is_inside(value, key):
            return GONE
        value = value[key]
    return value


def inner_values(value: Json) -> Iterable[tuple[str | int, Json]]:
    """Return what a value directly contains, by key or index."""
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, list | tuple) else ()


def texts(value: Json, at: Keys = ()) -> Iterator[tuple[Keys, str]]:
    """Yield every text in a value, which is `at` a place, and where it stands; names of fields are none."""
    if isinstance(value, str):
        yield at, value
    for key, each in inner_values(value):
        yield from texts(each, (*at, key))


def with_texts(value: Json, change: Callable[[str], str]) -> Json:
    """Return a value in which every text is changed; names of fields stay."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {name: with_texts(each, change) for name, each in value.items()}
    return [with_texts(each, change) for each in value] if isinstance(value, list) else value


def with_value(holder: Json, place: Keys, value: Json) -> Json:
    """Return a document with a value at a place; `GONE` takes it away, with the objects that it leaves empty.

    What on the way there is neither an object nor a list becomes an object.
    """
    if not place:
        return value
    key, below = place[0], place[1:]
    if isinstance(holder, list) and isinstance(key, int):
        items = [*holder, *[{}] * (key + 1 - len(holder))]
        items[key] = with_value(items[key], below, value)
        return [each for each in items if each is not GONE]
    fields = dict(holder) if isinstance(holder, dict) else {}
    inner = with_value(fields.get(str(key), [] if below and isinstance(below[0], int) else {}), below, value)
    if inner is GONE or (value is GONE and below and inner in ({}, [])):
        fields.pop(str(key), None)
    else:
        fields[str(key)] = inner
    return fields
