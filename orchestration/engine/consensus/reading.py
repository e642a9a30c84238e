"""What was marked as a final answer is read as the kind of answer that it is."""

from __future__ import annotations

import re
from collections.abc import Callable

from orchestration.engine.consensus.answers import AnswerKind, Extracted
from orchestration.engine.consensus.normalising import normalise
from orchestration.engine.consensus.questions import OPEN, Asked
from orchestration.engine.consensus.spelling import date, literal, number

_Read = tuple[AnswerKind, str] | None

LONGEST_CODE = 2000
LONGEST_EXPRESSION = 120

_LETTER = re.compile(r"[(\[*\s]*(?:option|choice)?\s*[(\[*]*([A-Z])(?![\w'’])(?:[)\].:*,\s-].*)?", re.DOTALL)
_BARE_LETTER = re.compile(r"[A-J]")
_ARTICLE = re.compile(r"^(?:an?|the)\s+")
_SPACES = re.compile(r"\s+")
_MATHEMATICS = re.compile(r"[\\^√π∞]|sqrt|[\w)]\s*[*/=+]\s*[\w(\\-]")
_EQUATION = re.compile(r"[^=<>!]*=\s*([^=]+)")
_NOTHING = re.compile(r"none|null|n/?a|unknown|\?+|\{.*[:'].*\}", re.IGNORECASE | re.DOTALL)
"""No answer to anything but code: an empty field, or an object where a value was wanted."""
_DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d{1,2}")


def read_answer(marked: str, asked: Asked = OPEN) -> Extracted | None:
    """Return what `marked` says, None where it is empty, prose, or no answer to what was asked."""
    if asked.choices:
        return _choice(marked, asked)
    if asked.code:
        return _code(marked)
    raw = normalise(marked)
    if raw is None or _NOTHING.fullmatch(raw):
        return None
    kind, key = next(filter(None, (read(raw, asked) for read in _KINDS)), _words(raw))
    return Extracted(kind=kind, key=key, raw=raw)


def _choice(marked: str, asked: Asked) -> Extracted | None:
    letter = _LETTER.fullmatch(marked.strip()) or _LETTER.fullmatch(normalise(marked) or "")
    found = letter.group(1) if letter is not None else _by_words(marked, asked)
    if found not in asked.choices:
        return None
    return Extracted(kind=AnswerKind.CHOICE, key=found, raw=found)


def _by_words(marked: str, asked: Asked) -> str:
    """Return the letter of the one option that says the same, nothing when none or several do."""
    said = read_answer(marked)
    options = {letter: read_answer(words) for letter, words in asked.choices.items()}
    same = [letter for letter, words in options.items() if said and words and said.key == words.key]
    return same[0] if len(same) == 1 else ""


def _code(marked: str) -> Extracted | None:
    key = literal.key(marked)
    if len(key) > LONGEST_CODE:
        return None
    return Extracted(kind=AnswerKind.CODE, key=key, raw=key if key.strip() else f"'{key}'")


def _letter(raw: str, _: Asked) -> _Read:
    return (AnswerKind.CHOICE, raw) if _BARE_LETTER.fullmatch(raw) else None


def _number(raw: str, asked: Asked) -> _Read:
    equation = _EQUATION.fullmatch(raw)
    right = equation.group(1).strip() if equation else raw
    if _DECIMAL_COMMA.fullmatch(right):
        return None
    tries = (number.value(raw), number.value(right), number.measured(right))
    found = next((value for value in tries if value is not None), None)
    if found is None and asked.number and not _MATHEMATICS.search(raw):
        found = number.only(raw)
    return None if found is None else (AnswerKind.NUMBER, number.key(found))


def _date(raw: str, _: Asked) -> _Read:
    day = date.key(raw)
    return None if day is None else (AnswerKind.DATE, day)


def _words(raw: str) -> tuple[AnswerKind, str]:
    if len(raw) <= LONGEST_EXPRESSION and _MATHEMATICS.search(raw):
        return AnswerKind.EXPRESSION, _SPACES.sub("", raw)
    folded = _SPACES.sub(" ", raw.casefold()).strip()
    return AnswerKind.TEXT, _ARTICLE.sub("", folded)


_KINDS: tuple[Callable[[str, Asked], _Read], ...] = (_letter, _number, _date)
