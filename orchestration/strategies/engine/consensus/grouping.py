"""Group answers that say the same: by their key, as quantities within a numeric tolerance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations

from orchestration.strategies.engine.consensus.answers import AnswerKind, Extracted
from orchestration.strategies.engine.consensus.measures import bases, is_one_unit

TOLERANCE = Fraction(1, 1_000_000)
"""Relative difference of two equal numbers, for rounding only: 9.11 and 9.111 are two answers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Equal answers: the most frequent spelling, and the places of its members in the list."""

    key: str
    raw: str
    members: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Said:
    """What of an answer is compared: `value` is its key, a quantity's number without its unit.

    `bases` are what the quantity is in base units, for each dimension that its unit can measure.
    """

    kind: AnswerKind
    value: Hashable
    unit: str
    about: str
    bases: frozenset[tuple[str, Fraction]] = frozenset()

    def is_like(self, other: _Said) -> bool:
        """Return whether both can say the same; of unit and subject only what both have counts."""
        if self.kind is not other.kind or (self.about and other.about and self.about != other.about):
            return False
        if self.bases and other.bases:
            return bool(self.bases & other.bases)
        return self.value == other.value and is_one_unit(self.unit, other.unit)

    @property
    def has(self) -> tuple[bool, bool]:
        """Whether it has a unit and a subject."""
        return bool(self.unit), bool(self.about)


def group_answers(answers: Sequence[Extracted | None]) -> tuple[Group, ...]:
    """Return groups in the order of their first members; None, an abstention, is in no group.

    The groups do not depend on the order of the answers. A unit counts where both answers have one: "5 kg"
    says the same as "5" and as "5000 g", but not as "5 g"; between "5 kg" and "5 g", "5" stands alone.
    """
    places = _compared(answers)
    parts = _parts(list(places))
    together = [sorted(at for said in part for at in places[said]) for part in parts]
    return tuple(_group(answers, members) for members in sorted(together))


def same_answer(first: Extracted, second: Extracted) -> bool:
    """Return whether two answers say the same."""
    return len(group_answers([first, second])) == 1


def comparable_groups(answers: Sequence[Extracted | None]) -> tuple[Group, ...]:
    """Return the groups that can be compared: not free text that occurs once, as it may mean another one."""
    texts = {place for place, each in enumerate(answers) if each is not None and each.kind is AnswerKind.TEXT}
    return tuple(
        group for group in group_answers(answers) if len(group.members) > 1 or group.members[0] not in texts
    )


def _compared(answers: Sequence[Extracted | None]) -> Mapping[_Said, list[int]]:
    """Return what of the answers is compared, close numbers as one value, with the places that have it."""
    given = [(place, answer) for place, answer in enumerate(answers) if answer is not None]
    numbers = [(Fraction(each.key), each.unit) for _, each in given if each.kind is AnswerKind.NUMBER]
    near = _nearest(value for value, _ in numbers)
    near_bases = _nearest(base for value, unit in numbers for _, base in bases(value, unit))
    places: dict[_Said, list[int]] = {}
    for place, answer in given:
        said = _Said(answer.kind, answer.key, answer.unit, answer.about)
        if answer.kind is AnswerKind.NUMBER:
            value = Fraction(answer.key)
            measured = {(dimension, near_bases[base]) for dimension, base in bases(value, answer.unit)}
            said = replace(said, value=near[value], bases=frozenset(measured))
        places.setdefault(said, []).append(place)
    return places


def _nearest(values: Iterable[Fraction]) -> Mapping[Fraction, Fraction]:
    """Return for each value the smallest one that is equal to it within the tolerance."""
    same: dict[Fraction, Fraction] = {}
    least: Fraction | None = None
    for value in sorted(set(values)):
        if least is None or value - least > TOLERANCE * abs(least):
            least = value
        same[value] = least
    return same


def _parts(different: Sequence[_Said]) -> list[list[_Said]]:
    """Return which of the different answers say the same.

    Where one is like two that are not like each other, it could be either: then only those with as much of
    unit and subject are put together, if all are alike. So none puts two together that differ without it.
    """
    parts: list[list[_Said]] = []
    for part in _connected(different):
        if _all_alike(part):
            parts.append(part)
            continue
        for has in {said.has for said in part}:
            for some in _connected([said for said in part if said.has == has]):
                parts += [some] if _all_alike(some) else [[each] for each in some]
    return parts


def _all_alike(part: Sequence[_Said]) -> bool:
    return all(first.is_like(second) for first, second in combinations(part, 2))


def _connected(different: Sequence[_Said]) -> list[list[_Said]]:
    """Return the parts between which no two answers are alike."""
    parts: list[list[_Said]] = []
    for said in different:
        linked = [part for part in parts if any(said.is_like(each) for each in part)]
        parts = [part for part in parts if part not in linked]
        parts.append([said, *(each for part in linked for each in part)])
    return parts


def _group(answers: Sequence[Extracted | None], members: Sequence[int]) -> Group:
    equal = [answer for place in members if (answer := answers[place]) is not None]
    counts = Counter(answer.identity for answer in equal)
    key = min(counts, key=lambda each: (-counts[each], len(each), each))
    raws = Counter(answer.raw for answer in equal if answer.identity == key)
    raw = min(raws, key=lambda each: (-raws[each], len(each), each))
    return Group(key=key, raw=raw, members=tuple(members))
