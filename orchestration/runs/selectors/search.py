"""What a member searches for: the words, how a database finds them, and where a text has them.

The expressions mean the same to SQLite (Python's `re`), PostgreSQL and RE2. They have one class of letters
for each letter of a word, so that time grows with the text.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import NamedTuple

from orchestra_site.web.alphabets import encodable
from orchestra_site.web.patterns import Pattern

MOST_WORDS = 12
SNIPPET_CHARACTERS = 160
BEFORE_HIT = 40
LONGEST_SEEK = 24
"""Characters that a snippet moves its ends to reach the border of a word."""
MOST_HITS, MOST_NEAR = 500, 24
JOINERS = "\u200c\u200d\ufe0e\ufe0f"
CUT = "…"

# Latin, Greek and Cyrillic letters, by the letter that is left without accents and case.
_ALPHABETS = (range(0x41, 0x5B), range(0x61, 0x7B), range(0xC0, 0x530), range(0x1E00, 0x2000))
_MARKS = "[\u0300-\u036f\u064b-\u065f\u0670]*"
"""Accents and vowel signs that follow a letter."""
_TOKENS = Pattern('["“”„]([^"“”„]+)(?:["“”]|$)|\\S+')
_MARK = Pattern(r"\p{M}")


@cache
def _letters() -> dict[str, str]:
    """Return the letters that count as the same, by their base."""
    found: dict[str, set[str]] = defaultdict(set)
    for letter in (chr(code) for alphabet in _ALPHABETS for code in alphabet):
        base = unicodedata.normalize("NFD", letter)[0].casefold()
        if letter.isalpha() and len(base) == 1:
            found[base].add(letter)
    return {base: "".join(sorted(letters)) for base, letters in found.items()}


def search_words(text: str) -> tuple[str, ...]:
    """Return the words of a search, each once; what stands in quotation marks is kept together."""
    tokens = _TOKENS.finditer(encodable(text.replace("\0", " ")))
    words = (" ".join((token.group(1) or token.group()).split()) for token in tokens)
    return tuple({word.casefold(): word for word in words if word}.values())


def word_pattern(word: str) -> str:
    """Return an expression for the places that have `word`, whatever their case and accents.

    Accents count as none in Latin, Greek and Cyrillic; in other alphabets letters are told apart as they are.
    """
    bare = (each for each in unicodedata.normalize("NFD", word) if not unicodedata.combining(each))
    return "".join(map(_character_pattern, unicodedata.normalize("NFC", "".join(bare)) or word))


def _character_pattern(character: str) -> str:
    if character.isspace():
        return r"\s+"
    if character.isalpha():
        cases = {character, character.lower(), character.upper()}
        same = _letters().get(character.casefold()) or "".join(
            sorted(each for each in cases if len(each) == 1)
        )
        return f"[{same}]{_MARKS}"
    return character if character.isalnum() or not character.isascii() else f"\\{character}"


@dataclass(frozen=True, slots=True)
class Fragment:
    """A part of a text, and whether it is one of the words that were searched for."""

    text: str
    is_hit: bool = False


class Hit(NamedTuple):
    """Where a text has a word, and which of the words that is."""

    start: int
    end: int
    word: int


class Finder:
    """Finds the words of a search in texts, as the database found them."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words = words
        self._patterns = [Pattern(word_pattern(word)) for word in words]

    def missing_in(self, text: str) -> set[str]:
        """Return the words that `text` does not have."""
        found = zip(self.words, self._patterns, strict=True)
        return {word for word, pattern in found if not pattern.search(text)}

    def marked(self, text: str) -> list[Fragment]:
        """Return the whole text, with the words marked."""
        text = encodable(text)
        return list(_fragments(text, [(hit.start, hit.end) for hit in self._hits(text)]))

    def snippet(self, text: str, wanted: Collection[str]) -> list[Fragment]:
        """Return the part of `text` that has most of the `wanted` words; empty when it has none of them."""
        text = " ".join(encodable(text).split())
        hits = self._hits(text)
        near = [hit for hit in hits if self.words[hit.word] in wanted]
        if not near:
            return []
        start, end = _window(text, _best_place(near))
        inside = [(max(hit.start, start) - start, min(hit.end, end) - start) for hit in hits]
        found = _fragments(text[start:end], [span for span in inside if span[0] < span[1]])
        head, tail = [Fragment(CUT)] if start else [], [Fragment(CUT)] if end < len(text) else []
        return [*head, *found, *tail]

    def _hits(self, text: str) -> list[Hit]:
        """Return where the words stand, in order, each with the marks of its last letter."""
        hits = (
            Hit(match.start(), _border(text, match.end()), number)
            for number, pattern in enumerate(self._patterns)
            for match in islice(pattern.finditer(text), MOST_HITS)
        )
        return sorted(hits)


def _border(text: str, place: int) -> int:
    """Return the first place from `place` on that does not divide a letter and its marks."""
    while place < len(text) and (text[place] in JOINERS or _MARK.match(text[place])):
        place += 1
    return place


def _best_place(hits: Sequence[Hit]) -> int:
    """Return the start of the first snippet with the most different words."""
    most, best = 0, hits[0].start
    for place, hit in enumerate(hits):
        end = hit.start + SNIPPET_CHARACTERS - BEFORE_HIT
        different = len({near.word for near in hits[place : place + MOST_NEAR] if near.end <= end})
        if different > most:
            most, best = different, hit.start
    return best


def _window(text: str, hit: int) -> tuple[int, int]:
    """Return the ends of a snippet around a hit, on borders of words where some are near."""
    start = max(0, hit - BEFORE_HIT)
    if start:
        space = text.find(" ", start - 1, min(start + LONGEST_SEEK, hit))
        start = space + 1 if space >= 0 else min(_border(text, start), hit)
    end = min(len(text), start + SNIPPET_CHARACTERS)
    if end < len(text):
        space = text.rfind(" ", end - LONGEST_SEEK, end + 1)
        end = space if space > hit else _border(text, end)
    return start, end


def _fragments(text: str, hits: Iterable[tuple[int, int]]) -> Iterator[Fragment]:
    """Divide a text at its hits, which may overlap."""
    place = 0
    for start, end in _joined(hits):
        if start > place:
            yield Fragment(text[place:start])
        yield Fragment(text[start:end], is_hit=True)
        place = end
    if place < len(text):
        yield Fragment(text[place:])


def _joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return sorted spans with those that touch made one."""
    found: list[tuple[int, int]] = []
    for start, end in spans:
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found
