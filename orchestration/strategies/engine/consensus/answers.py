"""A final answer as it can be compared with others, read as what its question asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from string import ascii_uppercase

from orchestration.strategies.engine.consensus.spelling import (
    date_key,
    literal_key,
    measured_value,
    normalise,
    number_key,
    number_value,
    only_number,
)


class AnswerKind(StrEnum):
    """The kind of a final answer, which decides which spellings are equal."""

    CHOICE = "choice"
    NUMBER = "number"
    DATE = "date"
    CODE = "code"
    EXPRESSION = "expression"
    TEXT = "text"


@dataclass(frozen=True, kw_only=True, slots=True)
class Extracted:
    """A final answer: `key` is equal for equal answers, `raw` is the text shown to people."""

    kind: AnswerKind
    key: str
    raw: str


MOST_CHARACTERS = 50_000
"""Characters at the end of a text that are read."""

_OPTION = re.compile(r"^[ \t]*[(\[]?([A-Z])[).:\]][ \t]+(\S.*)$", re.MULTILINE)
_SOURCE = re.compile(
    r"```|^\s*(?:def|class|for|while|if)\b.*:\s*$|^\s*(?:assert|print)\b|==\s*\?\?", re.MULTILINE
)
_RESULT = re.compile(
    r"\b(?:output|outputs|print|prints|printed|return|returns|returned|evaluates?|assert|assertion)\b",
    re.IGNORECASE,
)
_WRITING = re.compile(
    r"\b(?:write|implement|refactor|fix|improve|optimi[sz]e|translate|convert)\b.{0,40}"
    r"\b(?:function|code|program|script|class|method|tests?)\b",
    re.IGNORECASE | re.DOTALL,
)
_QUANTITY = re.compile(
    r"\bhow\s+(?:many|much|long|far|old|tall|fast|high|heavy|often)\b"
    r"|\b(?:number|sum|value|total|product|average|mean|remainder|percentage|probability|area|cost|price)\s+of\b"
    r"|\bwhat\s+(?:percent|number|is\s+-?[\d(])|\bwhich\s+(?:one\s+)?is\s+(?:the\s+)?(?:larger|smaller|greater|bigger)"
    r"|\b(?:larger|smaller|greater|bigger|largest|smallest)\s+number\b|\bcalculate\b|\bcompute\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpectedAnswer:
    """The form of answer that a question asks for: an option by letter, the result of code, a number."""

    choices: Mapping[str, str] = field(default_factory=dict)
    code: bool = False
    number: bool = False


ANY_ANSWER = ExpectedAnswer()
"""The form for a question about which nothing is known."""


def read_question(question: str) -> ExpectedAnswer:
    """Return the form of the answer that `question` asks for."""
    text = question[-MOST_CHARACTERS:]
    choices = offered(text)
    code = not choices and bool(_SOURCE.search(text) and _RESULT.search(text) and not _WRITING.search(text))
    return ExpectedAnswer(
        choices=choices, code=code, number=not choices and not code and bool(_QUANTITY.search(text))
    )


def offered(text: str) -> Mapping[str, str]:
    """Return the last list of two or more options, lettered from A without a gap, by letter."""
    lists: list[dict[str, str]] = []
    for letter, words in _OPTION.findall(text):
        if letter == "A":
            lists.append({})
        if lists and letter == ascii_uppercase[len(lists[-1]) % len(ascii_uppercase)]:
            lists[-1][letter] = words.strip()
    return next((each for each in reversed(lists) if len(each) > 1), {})


LONGEST_CODE = 2000
LONGEST_EXPRESSION = 120

_LETTER = re.compile(r"[(\[*\s]*(?:option|choice)?\s*[(\[*]*([A-Z])(?![\w'’])(?:[)\].:*,\s-].*)?", re.DOTALL)
_BARE_LETTER = re.compile(r"[A-J]")
_ARTICLE = re.compile(r"^(?:an?|the)\s+")
_SPACES = re.compile(r"\s+")
_MATHEMATICS = re.compile(r"[\\^√π∞]|sqrt|[\w)]\s*[*/=+]\s*[\w(\\-]")
_EQUATION = re.compile(r"[^=<>!]*=\s*([^=]+)")
_NOTHING = re.compile(r"none|null|n/?a|unknown|\?+|\{.*[:'].*\}", re.IGNORECASE | re.DOTALL)
"""An empty field, or an object instead of a value: an answer only where code was asked about."""
_DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d{1,2}")


def read_answer(marked: str, asked: ExpectedAnswer = ANY_ANSWER) -> Extracted | None:
    """Return the answer in `marked`, None where it is empty, prose, or not of the form that was asked for."""
    if asked.choices:
        return _choice(marked, asked)
    if asked.code:
        return _code(marked)
    raw = normalise(marked)
    if raw is None or _NOTHING.fullmatch(raw):
        return None
    if _BARE_LETTER.fullmatch(raw):
        kind, key = AnswerKind.CHOICE, raw
    elif (number := _number(raw, asked)) is not None:
        kind, key = AnswerKind.NUMBER, number_key(number)
    elif (day := date_key(raw)) is not None:
        kind, key = AnswerKind.DATE, day
    else:
        kind, key = _words(raw)
    return Extracted(kind=kind, key=key, raw=raw)


def _choice(marked: str, asked: ExpectedAnswer) -> Extracted | None:
    letter = _LETTER.fullmatch(marked.strip()) or _LETTER.fullmatch(normalise(marked) or "")
    found = letter.group(1) if letter is not None else _by_words(marked, asked)
    if found not in asked.choices:
        return None
    return Extracted(kind=AnswerKind.CHOICE, key=found, raw=found)


def _by_words(marked: str, asked: ExpectedAnswer) -> str:
    """Return the letter of the one option with the same key, an empty text when none or several have it."""
    answer = read_answer(marked)
    options = {letter: read_answer(words) for letter, words in asked.choices.items()}
    same = [letter for letter, words in options.items() if answer and words and answer.key == words.key]
    return same[0] if len(same) == 1 else ""


def _code(marked: str) -> Extracted | None:
    key = literal_key(marked)
    if len(key) > LONGEST_CODE:
        return None
    return Extracted(kind=AnswerKind.CODE, key=key, raw=key if key.strip() else f"'{key}'")


def _number(raw: str, asked: ExpectedAnswer) -> Fraction | None:
    equation = _EQUATION.fullmatch(raw)
    right = equation.group(1).strip() if equation else raw
    if _DECIMAL_COMMA.fullmatch(right):
        return None
    tries = (number_value(raw), number_value(right), measured_value(right))
    found = next((value for value in tries if value is not None), None)
    if found is None and asked.number and not _MATHEMATICS.search(raw):
        return only_number(raw)
    return found


def _words(raw: str) -> tuple[AnswerKind, str]:
    if len(raw) <= LONGEST_EXPRESSION and _MATHEMATICS.search(raw):
        return AnswerKind.EXPRESSION, _SPACES.sub("", raw)
    folded = _SPACES.sub(" ", raw.casefold()).strip()
    return AnswerKind.TEXT, _ARTICLE.sub("", folded)
