"""What two texts have in common, word by word, in bounded time.

The common words are a longest common subsequence. It is computed with one bit for each word of a text (Hyyrö
2004), so that a pair of words costs a fraction of a nanosecond; texts that are too long for that are compared
by lines first, and by words where lines differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import NamedTuple

from orchestra_site.web.alphabets import encodable, tokens

MOST_PAIRS = 36_000_000
"""Pairs of words, or lines, that are compared for two texts; what is left differs as a whole."""
LINKING_CHARACTERS = 3
"""What is the same for so few characters between two changes belongs to the changes."""


class PieceKind(StrEnum):
    """Whether both texts have a piece, only the other one, or only the base."""

    SAME = "same"
    ADDED = "added"
    REMOVED = "removed"


class Piece(NamedTuple):
    """A part of one of two texts."""

    text: str
    kind: PieceKind


class Matched(NamedTuple):
    """Places in two sequences that are the same."""

    base: int
    other: int


@dataclass(slots=True)
class _Budget:
    """What may still be compared."""

    pairs: int

    def spend(self, pairs: int) -> bool:
        """Return whether so many pairs may be compared, and count them."""
        if pairs > self.pairs:
            return False
        self.pairs -= pairs
        return True


def marked_differences(base: str, other: str) -> list[Piece]:
    """Return `other` with what it adds to `base` and what it leaves out, in order.

    The pieces that are not removed are `other`, joined. Words are the same whatever space follows them.
    """
    budget = _Budget(MOST_PAIRS)
    return _merged(_folded(_merged(_compared(tokens(encodable(base)), tokens(encodable(other)), budget))))


def share_in_common(pieces: Sequence[Piece]) -> float:
    """Return the share of the longer text, in characters without space, that both texts have."""
    size = dict.fromkeys(PieceKind, 0)
    for piece in pieces:
        size[piece.kind] += sum(map(len, piece.text.split()))
    longer = size[PieceKind.SAME] + max(size[PieceKind.ADDED], size[PieceKind.REMOVED])
    return size[PieceKind.SAME] / longer if longer else 1.0


def _compared(base: Sequence[str], other: Sequence[str], budget: _Budget) -> Iterator[Piece]:
    """Compare words; where there are too many, compare lines and then the words of those that differ."""
    matches = _matches(base, other, str.rstrip, budget)
    if matches is not None:
        yield from _pieces(base, other, matches, _plain)
        return
    base_lines, other_lines = (("".join(words)).splitlines(keepends=True) for words in (base, other))
    lines = _matches(base_lines, other_lines, str.rstrip, budget)

    def by_words(removed: Sequence[str], added: Sequence[str]) -> Iterator[Piece]:
        before, after = tokens("".join(removed)), tokens("".join(added))
        same = _matches(before, after, str.rstrip, budget)
        yield from _pieces(before, after, same or [], _plain)

    yield from _pieces(base_lines, other_lines, lines or [], by_words)


def _matches(
    base: Sequence[str], other: Sequence[str], key: Callable[[str], str], budget: _Budget
) -> list[Matched] | None:
    """Return the places that are the same, in order; None where there is too much to compare."""
    before, after = [key(each) for each in base], [key(each) for each in other]
    shorter = min(len(before), len(after))
    head = next((i for i in range(shorter) if before[i] != after[i]), shorter)
    most = shorter - head
    tail = next((i for i in range(most) if before[-1 - i] != after[-1 - i]), most)
    inner_before, inner_after = before[head : len(before) - tail], after[head : len(after) - tail]
    if not budget.spend(len(inner_before) * len(inner_after)):
        return None
    inner = [Matched(i + head, j + head) for i, j in _common(inner_before, inner_after)]
    ends = [Matched(len(before) - i, len(after) - i) for i in range(tail, 0, -1)]
    return [*(Matched(i, i) for i in range(head)), *inner, *ends]


def _common(base: Sequence[str], other: Sequence[str]) -> list[Matched]:
    """Return a longest common subsequence. Bit i of a row is 0 where base word i adds to its length."""
    places: dict[str, int] = {}
    for place, word in enumerate(base):
        places[word] = places.get(word, 0) | (1 << place)
    every = (1 << len(base)) - 1
    row, rows = every, [every]
    for word in other:
        equal = row & places.get(word, 0)
        row = ((row + equal) | (row - equal)) & every
        rows.append(row)
    found, i, j = list[Matched](), len(base) - 1, len(other)
    while i >= 0 and j > 0:
        if rows[j] >> i & 1:
            i -= 1
        elif rows[j - 1] >> i & 1:
            found.append(Matched(i, j - 1))
            i, j = i - 1, j - 1
        else:
            j -= 1
    return found[::-1]


def _plain(removed: Sequence[str], added: Sequence[str]) -> Iterator[Piece]:
    yield Piece("".join(removed), PieceKind.REMOVED)
    yield Piece("".join(added), PieceKind.ADDED)


def _pieces(
    base: Sequence[str],
    other: Sequence[str],
    matches: Sequence[Matched],
    changed: Callable[[Sequence[str], Sequence[str]], Iterator[Piece]],
) -> Iterator[Piece]:
    """Yield what is the same, and what `changed` says about the places between."""
    i = j = 0
    for match in [*matches, Matched(len(base), len(other))]:
        yield from changed(base[i : match.base], other[j : match.other])
        yield Piece("".join(other[match.other : match.other + 1]), PieceKind.SAME)
        i, j = match.base + 1, match.other + 1


def _folded(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """Count little words and marks between two changes among the changes."""
    for place, piece in enumerate(pieces):
        inside = 0 < place < len(pieces) - 1
        if inside and piece.kind is PieceKind.SAME and len(piece.text.strip()) <= LINKING_CHARACTERS:
            yield from _plain([piece.text], [piece.text])
        else:
            yield piece


def _merged(pieces: Iterator[Piece]) -> list[Piece]:
    """Join neighbours of one kind; between two that are the same, what is removed comes first."""
    found: list[Piece] = []
    for is_same, group in groupby(filter(lambda piece: piece.text, pieces), _is_same):
        run = list(group)
        kinds = [PieceKind.SAME] if is_same else [PieceKind.REMOVED, PieceKind.ADDED]
        joined = (Piece("".join(each.text for each in run if each.kind is kind), kind) for kind in kinds)
        found += [piece for piece in joined if piece.text]
    return found


def _is_same(piece: Piece) -> bool:
    return piece.kind is PieceKind.SAME
