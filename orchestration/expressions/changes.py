"""What differs between two documents, in sentences: by meaning, not by how it is written."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from orchestration.expressions.places import GONE, Keys, path_text
from orchestration.expressions.values import Json, listed

LONGEST_SHOWN = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One difference, at a path of the newer document (of the older one for what is gone)."""

    path: str
    message: str


Labels = Mapping[str, str | tuple[str, str]]
"""What sentences call the fields at some paths; two verbs for a list of names whose order means nothing."""


def differences(old: Json, new: Json, labels: Labels, at: Keys = ()) -> Iterator[Change]:
    """Yield the differences of two values; the messages begin with the label of the field, or its path."""
    path = path_text(at)
    label = labels.get(path, path)
    if isinstance(label, tuple):
        yield from _of_names(old, new, label, path)
    elif isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys((*old, *new)):
            yield from differences(old.get(key, GONE), new.get(key, GONE), labels, (*at, key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from differences(one, other, labels, (*at, number))
    elif isinstance(old, bool) is not isinstance(new, bool) or old != new:
        yield Change(path=path, message=f"{label} {_changed(old, new)}")


def _of_names(old: Sequence[str], new: Sequence[str], verbs: tuple[str, str], path: str) -> Iterator[Change]:
    for verb, one, other in zip(verbs, (old, new), (new, old), strict=True):
        if names := [name for name in one if name not in other]:
            yield Change(path=path, message=f"{verb} {listed(names)}")


def moves(before: Sequence[str], after: Sequence[str], what: str) -> Iterator[tuple[str, str]]:
    """Yield which names of a list came, went and stand elsewhere, each with a sentence; `what` they name."""
    places = {name: place for place, name in enumerate(before)}
    for name in before:
        if name not in set(after):
            yield name, f"{what} {name} was removed"
    kept = [name for name in after if name in places]
    for number, name in enumerate(after):
        if name not in places:
            yield (
                name,
                f"{what} {name} was added {f'after {after[number - 1]}' if number else 'as the first'}",
            )
    earlier = sorted(kept, key=places.__getitem__)
    swapped = [name for name, other in zip(kept, earlier, strict=True) if name != other]
    if len(swapped) == 2:  # noqa: PLR2004  # a pair
        yield swapped[0], f"{swapped[1]} and {swapped[0]} were swapped"
        return
    staying = _longest_run([places[name] for name in kept])
    for number, name in enumerate(kept):
        if number not in staying:
            where = f"after {kept[number - 1]}" if number else "to the beginning"
            yield name, f"{what} {name} was moved {where}"


def _longest_run(places: Sequence[int]) -> frozenset[int]:
    """Return the indexes of a longest increasing run of `places`: the names that kept their order."""
    ends: list[int] = []  # the smallest place that a run of each length ends with
    lasts: list[int] = []  # and its index
    before: list[int] = []  # the index of the one before, -1 for none
    for index, place in enumerate(places):
        length = bisect_left(ends, place)
        before.append(lasts[length - 1] if length else -1)
        ends[length : length + 1], lasts[length : length + 1] = [place], [index]
    found, index = set[int](), lasts[-1] if lasts else -1
    while index >= 0:
        found.add(index)
        index = before[index]
    return frozenset(found)


def _changed(old: Json, new: Json) -> str:
    """Return how a value changed: both where they are short, the number of words where they are texts."""
    if not isinstance(old, str) or not isinstance(new, str) or _is_short(old, new):
        return f"{_said(old)} → {_said(new)}"
    earlier, later = Counter(old.split()), Counter(new.split())
    count = max((earlier - later).total(), (later - earlier).total())
    if count:
        return f"changed ({count} word{'s' * (count > 1)})"
    return "changed (white space only)" if old.split() == new.split() else "changed (words in another order)"


def _is_short(*texts: str) -> bool:
    return all(len(text) <= LONGEST_SHOWN and text.isprintable() for text in texts)


def _said(value: Json) -> str:
    """Return a value as a sentence names it."""
    if value is GONE or value is None:
        return "none" if value is None else "not given"
    if isinstance(value, str):
        return f"“{value}”" if _is_short(value) else f"a text of {len(value):,} characters"
    if isinstance(value, list | dict):
        written = json.dumps(value, ensure_ascii=False)
        return written if _is_short(written) else f"{len(value):,} entr{'y' if len(value) == 1 else 'ies'}"
    return json.dumps(int(value) if isinstance(value, float) and value.is_integer() else value)
