"""Group answers that are equal: exactly, within a numeric tolerance, or by similarity of text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from fractions import Fraction
from itertools import combinations

from orchestra_site.web.alphabets import words
from orchestra_site.web.patterns import Pattern
from orchestration.strategies.engine.consensus.answers import AnswerKind, Extracted

TOLERANCE = Fraction(1, 1_000_000)
"""Relative difference of two equal numbers, for rounding only: 9.11 and 9.111 are two answers."""

SIMILARITY = 0.9
"""Least share of characters that two equal texts have in common, in order."""

_FIGURES = Pattern(r"\d+(?:\.\d+)?")
_NEGATION = Pattern(r"\b(?:no|not|never|none|neither|nor|without|cannot|false)\b|n[’']t\b")


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Equal answers: the most frequent spelling, and the places of its members in the list."""

    key: str
    raw: str
    members: tuple[int, ...]


def group_answers(answers: Sequence[Extracted | None]) -> tuple[Group, ...]:
    """Return groups in the order of their first members; None, an abstention, is in no group.

    The groups do not depend on the order of the answers.
    """
    given = [(place, answer) for place, answer in enumerate(answers) if answer is not None]
    same = _numbers(_keys(given, AnswerKind.NUMBER)) | _texts(_keys(given, AnswerKind.TEXT))
    together: dict[str, list[int]] = {}
    for place, answer in given:
        together.setdefault(same.get(answer.key, answer.key), []).append(place)
    return tuple(_group(answers, members) for members in together.values())


def comparable_groups(answers: Sequence[Extracted | None]) -> tuple[Group, ...]:
    """Return the groups that can be compared with each other.

    Free text that occurs once is left out: it may mean the same as another in different words.
    """
    texts = {place for place, each in enumerate(answers) if each is not None and each.kind is AnswerKind.TEXT}
    return tuple(
        group for group in group_answers(answers) if len(group.members) > 1 or group.members[0] not in texts
    )


def _keys(given: Iterable[tuple[int, Extracted]], kind: AnswerKind) -> list[str]:
    return sorted({answer.key for _, answer in given if answer.kind is kind})


def _group(answers: Sequence[Extracted | None], members: Sequence[int]) -> Group:
    equal = [answer for place in members if (answer := answers[place]) is not None]
    counts = Counter(answer.key for answer in equal)
    key = min(counts, key=lambda each: (-counts[each], len(each), each))
    raws = Counter(answer.raw for answer in equal if answer.key == key)
    raw = min(raws, key=lambda each: (-raws[each], len(each), each))
    return Group(key=key, raw=raw, members=tuple(members))


def _numbers(keys: Sequence[str]) -> dict[str, str]:
    """Return for each key the smallest number that is equal to it within the tolerance."""
    values = sorted((Fraction(key), key) for key in keys)
    same: dict[str, str] = {}
    least: tuple[Fraction, str] | None = None
    for value, key in values:
        if least is None or value - least[0] > TOLERANCE * abs(least[0]):
            least = (value, key)
        same[key] = least[1]
    return same


def _texts(keys: Sequence[str]) -> dict[str, str]:
    """Return for each key the alphabetically first of the texts that similar pairs connect it with."""
    same = {key: key for key in keys}
    for first, second in combinations(keys, 2):
        if same[first] != same[second] and similar(first, second):
            joined, left = sorted((same[first], same[second]))
            same.update({key: joined for key, head in same.items() if head == left})
    return same


def similar(first: str, second: str) -> bool:
    """Return whether two texts are similar, with the same figures and the same negations."""
    for pattern in (_FIGURES, _NEGATION):
        if sorted(pattern.findall(first)) != sorted(pattern.findall(second)):
            return False
    sorted_words = (" ".join(sorted(words(text))) for text in (first, second))
    return max(_ratio(first, second), _ratio(*sorted_words)) >= SIMILARITY


def _ratio(first: str, second: str) -> float:
    less, more = sorted((first, second))
    return SequenceMatcher(None, less, more, autojunk=False).ratio()
