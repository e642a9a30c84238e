"""Letters, digits and words of all alphabets, in time that grows with the text."""

from __future__ import annotations

import codecs
import unicodedata
from collections.abc import Callable
from itertools import pairwise

REPLACED = "\ufffd"
MOST_KEPT = 200_000
"""Characters of a table: more than all alphabets have."""


class _Characters(dict[int, int]):
    """A table for `str.translate` that is filled as characters occur; a full one begins anew."""

    def __init__(self, replace: Callable[[str], str]) -> None:
        super().__init__()
        self._replace = replace

    def __missing__(self, code: int) -> int:
        found = ord(self._replace(chr(code)))
        if len(self) >= MOST_KEPT:
            self.clear()
        self[code] = found
        return found


def _is_word(character: str) -> bool:
    return character == "_" or character.isalnum()


def _in_ascii(character: str) -> str:
    if character.isascii() or not character.isalnum():
        return character
    return "0" if character.isdecimal() else "_"


IN_ASCII = _Characters(_in_ascii)
"""Each letter and digit beyond ASCII becomes one in ASCII, so that words have the same bounds."""
_WORDS = _Characters(lambda each: each if _is_word(each) else " ")
_LETTERS = _Characters(lambda each: each if each.isalnum() and not each.isdecimal() else " ")


SPACE, LETTER, DIGIT, POINT, MARK = " wd.,"
"""What a character is to `tokens`."""


def _token_class(character: str) -> str:
    if character.isspace():
        return SPACE
    if character.isdecimal():
        return DIGIT
    if character in ".,:":
        return POINT
    is_han = unicodedata.name(character, "").startswith("CJK UNIFIED")
    is_letter = _is_word(character) or unicodedata.category(character)[0] == "M"
    return LETTER if is_letter and not is_han else MARK


_TOKEN_CLASSES = _Characters(_token_class)


def tokens(text: str) -> list[str]:
    """Return the words, numbers, Han characters and marks of a text, each with the space after it.

    Joined they are the text; space at its start is a token of its own.
    """
    classes = text.translate(_TOKEN_CLASSES)
    for _ in range(2):  # "1.2.3" has points that share a digit
        classes = classes.replace(f"{DIGIT}{POINT}{DIGIT}", 3 * DIGIT)
    classes = classes.replace(DIGIT, LETTER).replace(POINT, MARK)
    starts = [
        place
        for place, (last, each) in enumerate(pairwise(classes), start=1)
        if each == MARK or (each == LETTER and last != LETTER)
    ]
    return [text[start:end] for start, end in pairwise([0, *starts, len(text)]) if end > start]


def words(text: str) -> list[str]:
    r"""Return what `\w+` finds, faster than by an expression."""
    return text.translate(_WORDS).split()


def letter_words(text: str) -> list[str]:
    r"""Return what `[^\W\d_]+` finds, faster than by an expression."""
    return text.translate(_LETTERS).split()


def encodable(text: str) -> str:
    """Return a text with U+FFFD for each lone surrogate, which UTF-8 has no place for."""
    if text.isascii():
        return text
    return text.encode("utf-8", _REPLACING).decode()


def storable_text(text: str) -> str:
    """Return a text with U+FFFD for what not every database keeps: NUL, and lone surrogates."""
    return encodable(text).replace("\0", REPLACED)


def _replace(error: UnicodeError) -> tuple[bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return REPLACED.encode() * (error.end - error.start), error.end


_REPLACING = "orchestra.replacing"
codecs.register_error(_REPLACING, _replace)
