"""A final answer as it can be compared with others, read as what its question asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from string import ascii_uppercase

from orchestra_site.web.patterns import DOTALL, IGNORECASE, MULTILINE, Pattern
from orchestration.strategies.engine.consensus.measures import MEASURES, unit_behind
from orchestration.strategies.engine.consensus.spelling import (
    behind_letter,
    date_key,
    literal_key,
    measured_value,
    normalise,
    number_key,
    number_value,
    only_number,
    plain_latex,
)
from orchestration.strategies.engine.consensus.wording import NUMBER_WORDS, plain_figures, text_key


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
    """A final answer: `key` is equal for equal answers, `raw` is the text shown to people.

    `unit` is that of a number, `about` the variable it is the value of, or the words behind a letter. Both
    count only between answers that have one. It is `explicit` where the text marks it as its final answer, or
    is nothing else; not where it is the number that a text ends with.
    """

    kind: AnswerKind
    key: str
    raw: str
    unit: str = ""
    about: str = ""
    explicit: bool = field(default=True, compare=False)

    @property
    def identity(self) -> str:
        """All that can make it another answer, as one text."""
        return " ".join(filter(None, (self.about and f"{self.about} =", self.key, self.unit)))


MOST_CHARACTERS = 50_000
"""Characters at the end of a text that are read."""

_OPTION = Pattern(r"^[ \t]*[(\[]?([A-Z])[).:\]][ \t]+(\S.*)$", MULTILINE)
_SOURCE = Pattern(r"```|^\s*(?:def|class|for|while|if)\b.*:\s*$|^\s*(?:assert|print)\b|==\s*\?\?", MULTILINE)
_RESULT = Pattern(
    r"\b(?:output|outputs|print|prints|printed|return|returns|returned|evaluates?|assert|assertion)\b",
    IGNORECASE,
)
_WRITING = Pattern(
    r"\b(?:write|implement|refactor|fix|improve|optimi[sz]e|translate|convert)\b.{0,40}"
    r"\b(?:function|code|program|script|class|method|tests?)\b",
    IGNORECASE | DOTALL,
)
_QUANTITY = Pattern(
    r"\bhow\s+(?:many|much|long|far|old|tall|fast|high|heavy|often)\b"
    r"|\b(?:number|sum|value|total|product|average|mean|remainder|percentage|probability|area|cost|price)\s+of\b"
    r"|\bwhat\s+(?:percent|number)|\bwhat(?:\s+is|[’']s)\s+-?[\d(]|\bwhich\s+(?:one\s+)?is\s+(?:the\s+)?(?:larger|smaller|greater|bigger)"
    r"|\b(?:larger|smaller|greater|bigger|largest|smallest)\s+number\b|\bcalculate\b|\bcompute\b",
    IGNORECASE,
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
    number = not choices and not code and bool(_QUANTITY.search(text))
    return ExpectedAnswer(choices=choices, code=code, number=number)


def offered(text: str) -> Mapping[str, str]:
    """Return the last list of two or more options, lettered from A without a gap, by letter."""
    lists: list[dict[str, str]] = []
    for found in _OPTION.finditer(text):
        letter, words = found.group(1), found.group(2)
        if letter == "A":
            lists.append({})
        if lists and letter == ascii_uppercase[len(lists[-1]) % len(ascii_uppercase)]:
            lists[-1][letter] = words.strip()
    return next((each for each in reversed(lists) if len(each) > 1), {})


LONGEST_CODE = 2000
LONGEST_MARKED = 4 * LONGEST_CODE
"""Characters of a marked text with code, as it was written."""
LONGEST_EXPRESSION = 120

_LETTER = Pattern(r"[(\[*\s]*(?:option|choice)?\s*[(\[*]*([A-Z])(?:[)\].:*,\s-].*)?", DOTALL)
_BARE_LETTER = Pattern(r"[A-J]")
_SPACES = Pattern(r"\s+")
_MATHEMATICS = Pattern(r"[\\^√π∞]|sqrt|[\w)]\s*[*/=+]\s*[\w(\\-]")
_EQUATION = Pattern(r"([^=<>!]*)=\s*([^=]+)")
_VARIABLE = Pattern(r"[^\W\d_]")
_NOTHING = Pattern(r"none|null|n/?a|unknown|\?+|\{.*[:'].*\}", IGNORECASE | DOTALL)
"""An empty field, or an object instead of a value: an answer only where code was asked about."""
REMEMBERED = 64
_DECIMAL_COMMA = Pattern(r"[-+]?\d+,\d{1,2}")


def read_answer(marked: str, asked: ExpectedAnswer = ANY_ANSWER) -> Extracted | None:
    """Return the answer in `marked`, None where it is empty, prose, or not of the form that was asked for."""
    if asked.choices:
        return _choice(marked, asked)
    if asked.code:
        return _code(marked)
    marked = plain_figures(marked)
    raw = normalise(marked)
    if raw is None or _NOTHING.fullmatch(raw):
        return None
    if _BARE_LETTER.fullmatch(raw):
        return Extracted(kind=AnswerKind.CHOICE, key=raw, raw=raw, about=text_key(behind_letter(marked)))
    if (number := _number(marked, raw, asked)) is not None:
        return number
    if (day := date_key(raw)) is not None:
        kind, key = AnswerKind.DATE, day
    elif len(raw) <= LONGEST_EXPRESSION and _MATHEMATICS.search(raw):
        kind, key = AnswerKind.EXPRESSION, _SPACES.sub("", raw)
    else:
        kind, key = AnswerKind.TEXT, text_key(raw) or _SPACES.sub(" ", raw.casefold()).strip()
    return Extracted(kind=kind, key=key, raw=raw)


def _choice(marked: str, asked: ExpectedAnswer) -> Extracted | None:
    """Return the option whose letter it is, or else the one whose words have the same key."""
    letter = _LETTER.fullmatch(marked.strip()) or _LETTER.fullmatch(normalise(marked) or "")
    if letter is not None:
        named = [each for each in asked.choices if each == letter.group(1)]
    else:
        said = _identity(marked)
        named = [each for each, words in asked.choices.items() if said and said == _identity(words)]
    return Extracted(kind=AnswerKind.CHOICE, key=named[0], raw=named[0]) if len(named) == 1 else None


@lru_cache(maxsize=REMEMBERED)
def _identity(text: str) -> str | None:
    """Return the identity of an answer; cached: each marked text is compared with all options."""
    answer = read_answer(text)
    return None if answer is None else answer.identity


def _code(marked: str) -> Extracted | None:
    if len(marked) > LONGEST_MARKED or len(key := literal_key(marked)) > LONGEST_CODE:
        return None
    return Extracted(kind=AnswerKind.CODE, key=key, raw=key if key.strip() else f"'{key}'")


def _number(marked: str, raw: str, asked: ExpectedAnswer) -> Extracted | None:
    """Return the quantity that the answer is, as a number or with a unit, None when it is none."""
    left, right = "", raw
    if (equation := _EQUATION.fullmatch(raw)) is not None:
        left, right = equation.group(1).strip(), equation.group(2).strip()
    first, _, rest = right.partition(" ")
    if (figure := NUMBER_WORDS.get(first.casefold())) and (not rest or unit_behind(f"1 {rest}") in MEASURES):
        right = f"{figure} {rest}".strip()
    if _DECIMAL_COMMA.fullmatch(right):
        return None
    tries = (number_value(raw), number_value(right), measured_value(right))
    found = next((value for value in tries if value is not None), None)
    if found is None:
        only = only_number(raw) if asked.number and not _MATHEMATICS.search(raw) else None
        key = "" if only is None else number_key(only)
        return Extracted(kind=AnswerKind.NUMBER, key=key, raw=key) if key else None
    unit = unit_behind(plain_latex(marked).rpartition("=")[2].strip()) or unit_behind(right)
    about = left if _VARIABLE.fullmatch(left) else ""
    return Extracted(kind=AnswerKind.NUMBER, key=number_key(found), raw=raw, unit=unit, about=about)
