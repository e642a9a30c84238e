"""The words of an answer in their order, without what does not change its meaning: marks, case, articles."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

from orchestra_site.web.patterns import IGNORECASE, Match, Pattern
from orchestration.strategies.engine.consensus.spelling import (
    CLOSING,
    LONGEST_NUMBER,
    closing_place,
    number_key,
    ungrouped,
)

_SMALL = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
fifteen sixteen seventeen eighteen nineteen twenty"""
_TENS = "thirty forty fifty sixty seventy eighty ninety"
NUMBER_WORDS = {word: str(value) for value, word in enumerate(_SMALL.split())} | {
    word: str(10 * value) for value, word in enumerate(_TENS.split(), 3)
}

_TOKEN = Pattern(r"(?P<number>\d+(?:\.\d+)?)|(?P<word>[^\W\d]+(?:['’][^\W\d]+)*)|(?P<mark>\S)")
_ONE_CAPITAL = Pattern(r"\b[A-HJ-Z]\b")
_CONTRACTED = Pattern(r"\b([^\W\d]+)n(?:['’]|o)t\b", IGNORECASE)
_STEMS = {"ca": "can", "wo": "will"}
_RELATIONS = {"!=": "≠", "<=": "≤", ">=": "≥", "==": "=", "->": "→", "=>": "→", "<-": "←"}
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-") | {"×": "*", "·": "*"})
_SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789", strict=True))
_PUNCTUATION = frozenset(".,;:!?\"'`“”‘’«»()*_#…|\\")
NEAR = 24
"""Characters around a dash in which it is found out whether it stands between two terms."""
_ARTICLES = frozenset({"the", "an"})
_JOINING = frozenset({"and", "&"})


def plain_figures(text: str) -> str:
    """Return `text` with all its digits and fractions in ASCII: "½" is 1/2, "2½" 2 1/2, "x²" x^2."""
    if text.isascii():
        return text
    pieces: list[str] = []
    for before, character in pairwise(f" {unicodedata.normalize('NFC', text)}"):
        if character in _SUPERSCRIPTS:
            sign = "" if before in _SUPERSCRIPTS else "^"
            pieces.append(f"{sign}{_SUPERSCRIPTS[character]}")
        elif character.isdecimal():
            pieces.append(str(unicodedata.decimal(character)))
        elif unicodedata.decomposition(character).startswith("<fraction>"):
            whole = " " if before.isdecimal() else ""
            pieces.append(whole + unicodedata.normalize("NFKC", character).replace("\u2044", "/"))
        elif "\uff01" <= character <= "\uff5e":
            pieces.append(chr(ord(character) - 0xFEE0))  # a wide form of ASCII
        else:
            pieces.append(character)
    return "".join(pieces)


def text_key(text: str) -> str:
    """Return the key of an answer in words, which is one for texts that say the same in the same order.

    Case, punctuation, emphasis, quotes, articles, "and" between parts, and the brackets around a whole list
    do not count. Numbers do by their value. A lone "A" is no article where other single capitals are named.
    """
    plain = ungrouped(text.translate(_DASHES))
    for written, sign in _RELATIONS.items():
        plain = plain.replace(written, sign)
    plain = _CONTRACTED.sub(_in_full, plain)
    labels = set(_ONE_CAPITAL.findall(plain)) - {"A"}
    plain = plain.strip()
    if plain[:1] in CLOSING and closing_place(plain) == len(plain) - 1:
        plain = plain[1:-1]  # a list is the same without its brackets; round ones can be a pair's
    return " ".join(_tokens(plain, labels=bool(labels)))


def _in_full(contracted: Match) -> str:
    """Return "can not" for "can't" and "cannot", and the like; "knot" stays."""
    stem = contracted.group(1).lower()
    if "o" in contracted.group()[-2:] and stem != "can":
        return contracted.group()
    return f"{_STEMS.get(stem, stem)} not"


def _tokens(text: str, *, labels: bool) -> Iterator[str]:
    """Yield what counts, in order."""
    found = list(_TOKEN.finditer(text))
    is_pair = text.startswith("(") and text.endswith((")", "]")) and "," in text
    bracketing = {0, len(found) - 1} if is_pair else set[int]()
    for place, token in enumerate(found):
        written = token.group()
        if token.group("number"):
            yield number_key(Fraction(written)) if len(written) <= LONGEST_NUMBER else written
        elif token.group("word"):
            word = written.strip("_").replace("’", "'").casefold()
            is_article = word in _ARTICLES or (word == "a" and not labels and (written == "a" or place == 0))
            if word not in _JOINING and not (is_article and place + 1 < len(found)):
                yield NUMBER_WORDS.get(word, word)
        elif _counts(written, text, token.start()) or (place in bracketing and written in "()"):
            yield written


def _counts(mark: str, text: str, place: int) -> bool:
    """Return whether the mark at `place` is more than punctuation."""
    if mark == "-":
        return _is_minus(text, place)
    if mark == ":":
        return text[place - 1 : place].isdecimal() and text[place + 1 : place + 2].isdecimal()
    return mark not in _PUNCTUATION and mark not in _JOINING


def _is_minus(text: str, place: int) -> bool:
    """Return whether it is the sign of a number, a range or a difference, and no hyphen or dash."""
    before, after = text[place - 1 : place] or " ", text[place + 1 : place + 2] or " "
    if after.isdecimal():
        return not before.isalpha()
    sides = (*text[max(0, place - NEAR) : place].split()[-1:], *text[place : place + NEAR].split()[1:2])
    is_apart = before == after == " " and len(sides) == 2  # noqa: PLR2004  # one on each side
    return is_apart and all(len(each) == 1 or each.isdecimal() for each in sides)
