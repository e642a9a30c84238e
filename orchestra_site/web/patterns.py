r"""Regular expressions for text from outside, in RE2: time grows with the text, whatever the expression.

Expressions are written as for `re`, with these differences: there are no lookarounds and no back-references,
and `$` without MULTILINE is the end of the text. `\w`, `\d`, `\s` and `\b` mean what they mean in `re`: all
alphabets, all decimal digits, all white space. Only in an expression that itself has letters beyond ASCII or
`[^\W_]` does `\b` see ASCII letters, digits and `_` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import IntFlag
from itertools import islice

import re2

from orchestra_site.web.alphabets import IN_ASCII, encodable

WORD, DIGIT = r"\pL\pN_", r"\p{Nd}"
SPACE = r"\t-\r\x1c-\x20\x85\xa0\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}"
LETTER = r"\pL\p{Nl}\p{No}"
CLASSES = {"w": WORD, "d": DIGIT, "s": SPACE}
LETTERS = {r"[^\W\d_]": f"[{LETTER}]", r"[^\W\d]": f"[{LETTER}_]", r"[^\W_]": r"[\pL\pN]"}
"""What `re` has no name for, and the classes of classes that it is written as."""

Match = re2._Match  # noqa: SLF001  # the library gives it no other name


class Flag(IntFlag):
    """How an expression is read; as in `re`."""

    NONE = 0
    IGNORECASE = 1
    MULTILINE = 2
    DOTALL = 4
    ASCII = 8


IGNORECASE, MULTILINE, DOTALL, ASCII = Flag.IGNORECASE, Flag.MULTILINE, Flag.DOTALL, Flag.ASCII
INLINE = {"i": IGNORECASE, "m": MULTILINE, "s": DOTALL}


class Pattern:
    """A compiled expression. Raises `re2.error` for one that RE2 cannot read.

    Half characters (lone surrogates) of a text are read as U+FFFD, and are that in what is returned.
    """

    def __init__(self, pattern: str, flags: Flag = Flag.NONE) -> None:
        self.pattern, self.flags = pattern, flags
        letters = "".join(letter for letter, flag in INLINE.items() if flag in flags)
        body = pattern if ASCII in flags else translated(pattern)
        self._compiled = re2.compile(f"(?{letters}){body}" if letters else body, _quiet())
        self._bounded = r"\b" in pattern and ASCII not in flags and not _names_letters(pattern)

    def search(self, text: str, start: int = 0) -> Match | None:
        """Return the first match at or after `start`."""
        searched = encodable(text)
        return _shown(self._compiled.search(self._bounds(searched), start), searched)

    def match(self, text: str, start: int = 0) -> Match | None:
        """Return the match that begins at `start`."""
        searched = encodable(text)
        return _shown(self._compiled.match(self._bounds(searched), start), searched)

    def fullmatch(self, text: str) -> Match | None:
        """Return the match of the whole text."""
        searched = encodable(text)
        return _shown(self._compiled.fullmatch(self._bounds(searched)), searched)

    def finditer(self, text: str, start: int = 0) -> Iterator[Match]:
        """Yield the matches from left to right."""
        searched = encodable(text)
        for found in self._compiled.finditer(self._bounds(searched), start):
            found._text = searched  # noqa: SLF001  # see `_shown`
            yield found

    def _bounds(self, text: str) -> str:
        r"""Return `text` with each letter and digit that RE2's `\b` would miss replaced by one in ASCII."""
        return text.translate(IN_ASCII) if self._bounded and not text.isascii() else text

    def findall(self, text: str) -> list[str]:
        """Return what matches, or its group if the expression has one. Raises `ValueError` if it has more."""
        if self._compiled.groups > 1:
            raise ValueError("Use `finditer` for an expression with several groups.")
        group = self._compiled.groups
        return [found.group(group) or "" for found in self.finditer(text)]

    def split(self, text: str, maxsplit: int = 0) -> list[str]:
        """Return the parts between the matches."""
        text, parts, end = encodable(text), list[str](), 0
        for found in islice(self.finditer(text), maxsplit or None):
            parts += [text[end : found.start()], *(group or "" for group in found.groups())]
            end = found.end()
        return [*parts, text[end:]]

    def sub(self, replacement: str | Callable[[Match], str], text: str, count: int = 0) -> str:
        """Return the text with its matches replaced, by a function's result or a template with groups."""
        text, parts, end = encodable(text), list[str](), 0
        for found in islice(self.finditer(text), count or None):
            parts += [text[end : found.start()], _replaced(found, replacement)]
            end = found.end()
        return "".join([*parts, text[end:]])


def _quiet() -> re2.Options:
    """Return options without messages on standard error where RE2 takes a slower way (linear, too)."""
    options = re2.Options()
    options.log_errors = False
    return options


def _shown(found: Match | None, text: str) -> Match | None:
    """Return a match with the text that was given, of which another with the same places was searched."""
    if found is not None:
        found._text = text  # noqa: SLF001  # it has no other way
    return found


def _replaced(found: Match, replacement: str | Callable[[Match], str]) -> str:
    if callable(replacement):
        return replacement(found)
    return found.expand(replacement) if "\\" in replacement else replacement


def _names_letters(pattern: str) -> bool:
    """Return whether an expression tells letters beyond ASCII apart from each other or from `_`."""
    beyond_ascii = any(each.isalnum() and not each.isascii() for each in pattern)
    return beyond_ascii or r"[^\W_]" in pattern or r"[^\W\d_]" in pattern


def translated(pattern: str) -> str:
    r"""Return an expression for `re` as RE2 reads it: with the classes of all alphabets.

    Raises `ValueError` for `\W`, `\D` or `\S` among other characters of a class.
    """
    for written, meant in LETTERS.items():
        pattern = pattern.replace(written, meant)
    found: list[str] = []
    in_class, place = False, 0
    while place < len(pattern):
        character = pattern[place]
        if character == "\\":
            found.append(_escape(pattern[place + 1], in_class=in_class))
            place += 2
            continue
        if character == "[" and not in_class:
            in_class = True
            # A bracket that comes first stands for itself.
            first = place + 1 + (pattern[place + 1] == "^")
            if pattern[first] == "]":
                found.append(pattern[place:first] + r"\]")
                place = first + 1
                continue
        elif character == "]":
            in_class = False
        found.append(character)
        place += 1
    return "".join(found)


def _escape(letter: str, *, in_class: bool) -> str:
    if letter in CLASSES:
        return CLASSES[letter] if in_class else f"[{CLASSES[letter]}]"
    if letter.lower() in CLASSES:
        if in_class:
            raise ValueError(f"RE2 has no \\{letter} among the characters of a class.")
        return f"[^{CLASSES[letter.lower()]}]"
    return {"Z": r"\z", "0": r"\x00"}.get(letter, f"\\{letter}")
