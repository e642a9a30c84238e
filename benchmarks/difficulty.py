"""How likely a question is answered rightly, learned from its words and its form.

Ridge regression (Hoerl and Kennard 1970) on hashed words and pairs of words (Weinberger et al. 2009; term
frequency times inverse document frequency), on traits of the text that can be counted, and on their products.
What is learned is a team's own, from its graded questions. Nothing is shipped: what was learned on one kind
of question says little about another.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement, pairwise
from typing import TYPE_CHECKING
from zlib import crc32

from orchestra_site.web.patterns import Pattern
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.strategies.engine.belief.reading import question_traits

if TYPE_CHECKING:
    from numpy import ndarray

BUCKETS = 4_096
LONGEST_READ = 2_000
"""Characters of a question that are read."""
FEWEST_EXAMPLES = 50
MOST_EXAMPLES = 6_000
"""The latest examples that are learned from."""
STRENGTH, TRAIT_SCALE = 10.0, 0.03
"""Precision of the weights' prior, and how much a trait counts beside a word."""
FARTHEST = 4.0
"""Standard deviations beyond which a trait is cut off."""
LEAST, MOST = 0.02, 0.98
SMALLEST = 1e-9
RELATIONS = (
    (" if ",),
    ("each", "every"),
    ("half", "third", "twice", "times"),
    ("more than", "less than", "fewer than"),
    ("one ", "two ", "three ", "four ", "five ", "six ", "seven ", "eight ", "nine ", "ten "),
    ("first", "second", "then", "next", "after", "before", "remaining", "left", "rest"),
    ("percent", "fraction", "ratio", "average", "interest", "speed", "profit"),
)
"""Words that relate numbers to one another, by what they mean."""
VERSION = 1

_WORD = Pattern(r"[a-z]+|\d|[^\s\w]")
_CHOICE = Pattern(r"(?m)^[A-J][.)] ")
_NUMBER = Pattern(r"[0-9]{1,15}(?:,[0-9]{3}){0,4}(?:\.[0-9]{1,9})?")
_SYMBOLS = frozenset("+-*/=^<>")


@dataclass(frozen=True, kw_only=True, slots=True)
class GradedQuestion:
    """A question, and the share of right answers: 0 or 1 for one answer."""

    text: str
    right: float


def words(text: str) -> Mapping[int, float]:
    """Return the damped counts of words and pairs of words, by bucket."""
    found = [match.group(0) for match in _WORD.finditer(text[:LONGEST_READ].lower())]
    kind = question_traits(text).kind
    names = (*found, *(" ".join(pair) for pair in pairwise(found)), f"kind {kind}")
    counts = Counter(crc32(name.encode()) % BUCKETS for name in names)
    return {bucket: 1 + math.log(count) for bucket, count in counts.items()}


def traits(text: str) -> tuple[float, ...]:
    """Return what can be counted of a text: lengths, digits, symbols, words and choices."""
    head = text[:LONGEST_READ]
    length = max(len(head), 1)
    asked = _CHOICE.split(head)
    long = [len(word) for word in head.split()] or [0]
    choices = [len(choice) for choice in asked[1:]] or [0]
    return (
        math.log(10 + len(head)),
        math.log(10 + len(asked[0])),
        math.log(5 + sum(choices)),
        sum(character.isdigit() for character in head) / length,
        math.log1p(head.count("$")),
        math.log1p(head.count("\\")),
        sum(long) / len(long),
        len(set(head.lower().split())) / len(long),
        math.log1p(head.count("\n")),
        sum(character.isupper() for character in asked[0]) / max(len(asked[0]), 1),
        float(" not " in head.lower()),
        float("__" in head),
        float(len(asked) - 1),
        sum(choice <= 2 + max(choices) / 2 for choice in choices) / len(choices),
        sum(character in _SYMBOLS for character in head) / length,
        math.log1p(head.count("(")),
        *_numbers(head),
    )


def _numbers(head: str) -> Iterator[float]:
    """Yield what makes a calculation long: numbers, sentences, words that relate numbers to one another."""
    numbers = [match.group(0).replace(",", "") for match in _NUMBER.finditer(head)]
    spoken = head.lower()
    yield float(len(numbers))
    yield math.log1p(max(map(float, numbers), default=0.0))
    yield float(sum("." in number for number in numbers))
    yield float(spoken.count("%"))
    yield float(sum(spoken.count(mark) for mark in ".?!"))
    yield from (float(sum(spoken.count(word) for word in group)) for group in RELATIONS)
    yield float(len(head.rsplit(".", 1)[-1]))


@dataclass(frozen=True, kw_only=True, slots=True)
class Difficulty:
    """What was learned; `rarity` and `weights` are by bucket, `shapes` by product of traits."""

    base: float
    rarity: tuple[float, ...]
    weights: tuple[float, ...]
    means: tuple[float, ...]
    spreads: tuple[float, ...]
    shapes: tuple[float, ...]
    examples: int

    @classmethod
    def fit(cls, examples: Iterable[GradedQuestion], *, strength: float = STRENGTH) -> Difficulty:
        """Return what the latest examples teach. Raises `InvalidRequest` where there are too few."""
        import numpy as np  # noqa: PLC0415  # loaded when something is learned, not at a start

        known = list(examples)[-MOST_EXAMPLES:]
        if len(known) < FEWEST_EXAMPLES:
            raise InvalidRequest(
                f"There are {len(known)} graded questions; to learn what makes one hard takes"
                f" {FEWEST_EXAMPLES}.",
                field="examples",
            )
        read = [words(each.text) for each in known]
        seen = Counter(bucket for counts in read for bucket in counts)
        rarity = [math.log((1 + len(known)) / (1 + seen[bucket])) for bucket in range(BUCKETS)]
        counted = np.array([traits(each.text) for each in known])
        means, spreads = counted.mean(axis=0), counted.std(axis=0) + SMALLEST
        rows = np.zeros((len(known), BUCKETS + _products(counted.shape[1])), dtype=np.float32)
        for row, counts, values in zip(rows, read, counted, strict=True):
            for bucket, value in _weighted(counts, rarity):
                row[bucket] = value
            row[BUCKETS:] = list(_shape(values, means, spreads))
        right = np.array([each.right for each in known])
        base = float(right.mean())
        found = _ridge(rows, right - base, strength)
        return cls(
            base=base,
            rarity=tuple(round(each, 3) for each in rarity),
            weights=tuple(round(float(each), 5) for each in found[:BUCKETS]),
            means=tuple(map(float, means)),
            spreads=tuple(map(float, spreads)),
            shapes=tuple(round(float(each), 6) for each in found[BUCKETS:]),
            examples=len(known),
        )

    def predict(self, text: str) -> float:
        """Return the probability that the text is answered rightly."""
        spoken = sum(value * self.weights[bucket] for bucket, value in _weighted(words(text), self.rarity))
        shaped = _shape(traits(text), self.means, self.spreads)
        total = self.base + spoken + sum(map(float.__mul__, self.shapes, shaped))
        return min(max(total, LEAST), MOST)

    def to_json(self) -> str:
        """Return what was learned as JSON, some 60 kB, which `from_json` reads."""
        stored = {name: getattr(self, name) for name in self.__slots__}
        return json.dumps({"version": VERSION, **stored})

    @classmethod
    def from_json(cls, text: str) -> Difficulty:
        """Return what was stored. Raises `InvalidRequest` for anything else."""
        try:
            found = _stored(json.loads(text))
            found.predict("")
        except (ValueError, TypeError, KeyError, IndexError, RecursionError) as error:
            raise InvalidRequest("This is not a stored difficulty: learn it again.", field="state") from error
        return found


def _stored(stored: Mapping[str, Json]) -> Difficulty:
    number = len(traits(""))
    sizes = {"weights": BUCKETS, "rarity": BUCKETS, "means": number, "spreads": number}
    sizes["shapes"] = _products(number)
    if stored["version"] != VERSION or any(len(stored[name]) != size for name, size in sizes.items()):
        raise ValueError(stored["version"])
    return Difficulty(
        base=float(stored["base"]),
        rarity=tuple(map(float, stored["rarity"])),
        weights=tuple(map(float, stored["weights"])),
        means=tuple(map(float, stored["means"])),
        spreads=tuple(map(float, stored["spreads"])),
        shapes=tuple(map(float, stored["shapes"])),
        examples=int(stored["examples"]),
    )


def _products(traits_number: int) -> int:
    return traits_number + traits_number * (traits_number + 1) // 2


def _weighted(counts: Mapping[int, float], rarity: Sequence[float]) -> Iterator[tuple[int, float]]:
    """Yield bucket and value of each word, scaled so that the squares sum to 1."""
    values = [(bucket, count * rarity[bucket]) for bucket, count in counts.items()]
    length = math.sqrt(sum(value * value for _, value in values)) + SMALLEST
    yield from ((bucket, value / length) for bucket, value in values)


def _shape(values: Sequence[float], means: Sequence[float], spreads: Sequence[float]) -> Iterator[float]:
    """Yield the traits in standard deviations, then their products in pairs."""
    scaled = [
        min(max(float(value - mean) / float(spread), -FARTHEST), FARTHEST)
        for value, mean, spread in zip(values, means, spreads, strict=True)
    ]
    yield from (TRAIT_SCALE * each for each in scaled)
    yield from (TRAIT_SCALE * one * other for one, other in combinations_with_replacement(scaled, 2))


def _ridge(rows: ndarray, target: ndarray, strength: float) -> ndarray:
    """Return the weights of the least squares with this penalty, by the smaller of the two equations."""
    import numpy as np  # noqa: PLC0415

    number, width = rows.shape
    if number <= width:
        return rows.T @ np.linalg.solve(rows @ rows.T + strength * np.eye(number), target)
    return np.linalg.solve(rows.T @ rows + strength * np.eye(width), rows.T @ target)
