r"""Regular expressions for text from outside, in RE2: time grows with the text, whatever the expression.

Expressions are written as for `re`, with these differences: there are no lookarounds and no back-references,
`\b` sees ASCII letters, digits and `_` only, and `$` without MULTILINE is the end of the text. `\w`, `\d` and
`\s` mean what they mean in `re`: all alphabets, all decimal digits, all white space.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import IntFlag

import re2

WORD, DIGIT = r"\pL\pN_", r"\p{Nd}"
SPACE = r"\t-\r\x1c-\x20\x85\xa0\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}"
LETTER = r"\pL\p{Nl}\p{No}"
CLASSES = {"w": WORD, "d": DIGIT, "s": SPACE}
LETTERS = {r"[^\W\d_]": f"[{LETTER}]", r"[^\W\d]": f"[{LETTER}_]", r"[^\W_]": r"[\pL\pN]"}
"""What `re` has no name for, and the classes of classes that it is written as."""
REPLACED = "\ufffd"
FIRST_SURROGATE, LAST_SURROGATE = "\ud800", "\udfff"

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
        self._compiled = re2.compile(f"(?{letters}){body}" if letters else body)

    def search(self, text: str, start: int = 0) -> Match | None:
        """Return the first match at or after `start`."""
        return self._compiled.search(encodable(text), start)

    def match(self, text: str, start: int = 0) -> Match | None:
        """Return the match that begins at `start`."""
        return self._compiled.match(encodable(text), start)

    def fullmatch(self, text: str) -> Match | None:
        """Return the match of the whole text."""
        return self._compiled.fullmatch(encodable(text))

    def finditer(self, text: str, start: int = 0) -> Iterator[Match]:
        """Yield the matches from left to right."""
        return self._compiled.finditer(encodable(text), start)

    def findall(self, text: str) -> list[str]:
        """Return what matches, or its group if the expression has one. Raises `ValueError` if it has more."""
        if self._compiled.groups > 1:
            raise ValueError("Use `finditer` for an expression with several groups.")
        return list(self._compiled.findall(encodable(text)))

    def split(self, text: str, maxsplit: int = 0) -> list[str]:
        """Return the parts between the matches."""
        return [part or "" for part in self._compiled.split(encodable(text), maxsplit)]

    def sub(self, replacement: str | Callable[[Match], str], text: str, count: int = 0) -> str:
        """Return the text with its matches replaced, by a function's result or a template with groups."""
        return str(self._compiled.sub(replacement, encodable(text), count))


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


def encodable(text: str) -> str:
    """Return a text with U+FFFD for each lone surrogate, which UTF-8 has no place for."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return "".join(REPLACED if FIRST_SURROGATE <= each <= LAST_SURROGATE else each for each in text)
    return text
