"""Answers that say the same stand together."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from fractions import Fraction
from itertools import combinations

from orchestration.engine.consensus.answers import AnswerKind, Extracted

TOLERANCE = Fraction(1, 1_000_000)
"""Relative: what rounding leaves of one number. 9.11 and 9.111 stay two answers."""

SIMILARITY = 0.9
"""Share of characters two texts have in common, in order, to be one answer."""

_FIGURES = re.compile(r"\d+(?:\.\d+)?")
_NEGATION = re.compile(r"\b(?:no|not|never|none|neither|nor|without|cannot|false)\b|n[’']t\b")


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Equal answers: the most frequent spelling, and the places of its members in the list."""

    key: str
    raw: str
    members: tuple[int, ...]


def group_answers(
    answers: Sequence[Extracted | None], *, tolerance: Fraction = TOLERANCE, similarity: float = SIMILARITY
) -> tuple[Group, ...]:
    """Return groups in the order of their first members; None, an abstention, is in no group.

    Which answers stand together does not depend on their order.
    """
    given = [(place, answer) for place, answer in enumerate(answers) if answer is not None]
    same = _numbers(_keys(given, AnswerKind.NUMBER), tolerance)
    same |= _texts(_keys(given, AnswerKind.TEXT), similarity)
    together: dict[str, list[int]] = {}
    for place, answer in given:
        together.setdefault(same.get(answer.key, answer.key), []).append(place)
    return tuple(_group(answers, members) for members in together.values())


def comparable_groups(answers: Sequence[Extracted | None]) -> tuple[Group, ...]:
    """Return the groups that can be held against each other.

    Free text that nobody else wrote is left out: the same can be said in other words.
    """
    return tuple(group for group in group_answers(answers) if not _own_words(answers, group))


def _own_words(answers: Sequence[Extracted | None], group: Group) -> bool:
    first = answers[group.members[0]]
    return len(group.members) == 1 and first is not None and first.kind is AnswerKind.TEXT


def _keys(given: Iterable[tuple[int, Extracted]], kind: AnswerKind) -> list[str]:
    return sorted({answer.key for _, answer in given if answer.kind is kind})


def _group(answers: Sequence[Extracted | None], members: Sequence[int]) -> Group:
    held = [answer for place in members if (answer := answers[place]) is not None]
    counts = Counter(answer.key for answer in held)
    key = min(counts, key=lambda each: (-counts[each], len(each), each))
    raws = Counter(answer.raw for answer in held if answer.key == key)
    raw = min(raws, key=lambda each: (-raws[each], len(each), each))
    return Group(key=key, raw=raw, members=tuple(members))


def _numbers(keys: Sequence[str], tolerance: Fraction) -> dict[str, str]:
    """Return for each key the smallest number it is equal to, up to `tolerance`."""
    values = sorted((Fraction(key), key) for key in keys)
    same: dict[str, str] = {}
    least: tuple[Fraction, str] | None = None
    for value, key in values:
        if least is None or value - least[0] > tolerance * abs(least[0]):
            least = (value, key)
        same[key] = least[1]
    return same


def _texts(keys: Sequence[str], similarity: float) -> dict[str, str]:
    """Return for each key the first in the alphabet of the texts that a chain of likeness joins it with."""
    same = {key: key for key in keys}
    for first, second in combinations(keys, 2):
        if same[first] != same[second] and alike(first, second, similarity):
            joined, left = sorted((same[first], same[second]))
            same.update({key: joined for key, head in same.items() if head == left})
    return same


def alike(first: str, second: str, similarity: float) -> bool:
    """Tell whether two texts differ in wording only: figures and negations must be the same."""
    for pattern in (_FIGURES, _NEGATION):
        if sorted(pattern.findall(first)) != sorted(pattern.findall(second)):
            return False
    sorted_words = (" ".join(sorted(re.findall(r"\w+", text))) for text in (first, second))
    return max(_ratio(first, second), _ratio(*sorted_words)) >= similarity


def _ratio(first: str, second: str) -> float:
    less, more = sorted((first, second))
    return SequenceMatcher(None, less, more, autojunk=False).ratio()
