"""Sorting, reversing and filtering given lists."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from fractions import Fraction

from orchestration.llm.providers.simulated.material import instruction, items, material, quotes
from orchestration.llm.providers.simulated.numbers import parse_number
from orchestration.llm.providers.simulated.question import Question
from orchestration.llm.providers.simulated.solution import AnswerKind, Solution, listed
from orchestration.llm.providers.simulated.solvers.dates.reading import dates_in
from orchestration.llm.providers.simulated.solvers.filtering import kept

_ASKS = re.compile(
    r"\b(?:sort(?:ed)?|arrange|rank|alphabeti[sz]e|order(?! (?:number|id))|rearrange|organi[sz]e)\b"
    r"|\bput\b.*\b(?:order|first|to)\b|\blist\b.*\border\b|\b(?:ascending|descending"
    r"|alphabetical) order\b|\bin order\b",
    re.IGNORECASE | re.DOTALL,
)
_REVERSE = re.compile(
    (
        r"\b(?:reverse|backwards?|reversed)\b(?! (?:alphabetical|numerical|order of (?:size"
        r"|length)))(?!.*\bsort)"
    ),
    re.IGNORECASE | re.DOTALL,
)
_ASKS_REVERSE = re.compile(
    r"^(?:reverse\b|write\b.*\bbackwards|spell\b.*\bbackwards|what is\b.*\b(?:reversed|backwards))",
    re.IGNORECASE | re.DOTALL,
)
_SELECT = re.compile(
    r"^(?:select|keep|pick|filter|list|remove duplicates|deduplicate|which of|give|find|return|name|show)\b",
    re.IGNORECASE,
)
_DOWN = re.compile(
    r"\b(?:descending|decreasing|reverse|(?:largest|biggest|highest|greatest|longest"
    r"|oldest to newest order, reversed|latest|newest|last|high"
    r"|large|most|heaviest|tallest|fastest|hottest|oldest first, reversed)(?: (?:number|value"
    r"|one)s?)? (?:to|first|down to)|z (?:to|-) ?a|z-a)\b",
    re.IGNORECASE,
)
_BY_LENGTH = re.compile(
    r"\bby (?:their )?(?:length|number of (?:letters|characters)|size of the word)|\b(?:shortest|longest)\b",
    re.IGNORECASE,
)
_ORDER_PHRASE = (
    r"(?:(?:in|into|by|from|using)\s+)?(?:the\s+)?(?:"
    r"(?:reverse\s+|strictly\s+|numerically\s+)?(?:ascending|descending|increasing|decreasing"
    r"|alphabetical|alphabetic|numerical|numeric"
    r"|chronological|lexicographic|reverse)(?:\s+(?:alphabetical|numerical|numeric"
    r"|chronological))?(?:\s+order)?"
    r"|(?:reverse\s+)?(?:alphabetically|numerically|chronologically)"
    r"|order"
    r"|(?:smallest|lowest|least|shortest|earliest|oldest|largest|biggest|highest|greatest|longest"
    r"|latest|newest|low|high|small|large)"
    r"(?:\s+(?:to|first|down to)\b(?:\s+(?:the\s+)?(?:smallest|lowest|least|shortest|earliest|oldest"
    r"|largest|biggest|highest|greatest|longest|latest"
    r"|newest|low|high|small|large))?)"
    r"|[az]\s*(?:to|-)\s*[az]|by\s+(?:their\s+)?length|length|size|value)"
)
_TAIL = re.compile(rf"[\s,;:.(]*(?:{_ORDER_PHRASE}[\s,;:.?!)]*)+$", re.IGNORECASE)
_HEAD = re.compile(
    rf"^(?:(?:sort|arrange|rank|order|put|list|reverse|alphabeti[sz]e|rearrange|organi[sz]e|what is"
    rf"|write|give|return|spell|the result of sorting"
    rf"|(?:these|those|the|following|this|list of|list|numbers|number|words|word|names|name|items"
    rf"|integers|values|string|letters|of|order|dates"
    rf"|fruits|animals|cities|text|phrase|sentence|sequence|array|elements|alphabet)"
    rf"|{_ORDER_PHRASE})\b[\s:,]*)+",
    re.IGNORECASE,
)


def solve(question: Question) -> Solution | None:
    """Sort, reverse or filter the list in the question."""
    text = question.text
    if _ASKS_REVERSE.search(text) and _REVERSE.search(text):
        return _reversed(text)
    if _ASKS.search(instruction(text)):
        return _sorted(text)
    return _selected(text) if _SELECT.search(text) else None


def _data(text: str) -> str:
    found = material(text)
    if found is None or (len(quotes(text)) > 1 and found in quotes(text)):
        found = _HEAD.sub("", text)
    return _TAIL.sub("", found.strip().rstrip("?.! "))


def _reversed(text: str) -> Solution:
    data = re.sub(r"\s+(?:backwards?|reversed)$", "", _data(text), flags=re.IGNORECASE)
    members = items(data)
    if len(members) > 1 and (
        "," in data or re.search(r"\b(?:list|numbers|words|order)\b", text, re.IGNORECASE)
    ):
        return listed(members[::-1], "Read the list from its end to its start")
    return Solution(
        answer=data.strip("\"'`")[::-1],
        kind=AnswerKind.TEXT,
        working="Read the letters from the last to the first",
    )


def _sorted(text: str) -> Solution | None:
    data = _data(text)
    asked = text.replace(data, " ", 1)
    letters = re.search(r"\b(?:letters|characters) (?:of|in)\b", asked, re.IGNORECASE)
    members = [letter for letter in data if letter.isalnum()] if letters else items(data)
    if not members[1:]:
        return None
    wanted = kept(members, asked)
    members = members if wanted is None else wanted
    down = bool(_DOWN.search(asked))
    ordered = _ordered(members, asked, "down" if down else "up")
    if letters:
        return Solution(
            answer="".join(ordered), kind=AnswerKind.TEXT, working="Put the letters in their order"
        )
    order, end = ("descending", "largest") if down else ("ascending", "smallest")
    working = f"To put them in {order} order, take the {end} that is left, again and again"
    return listed(ordered, working)


def _ordered(members: list[str], asked: str, direction: str) -> list[str]:
    down = direction == "down"
    if _BY_LENGTH.search(asked):
        return sorted(members, key=len, reverse=down)
    numbers = _keys(members, lambda item: parse_number(item.strip("$€£%")))
    if numbers:
        return [item for _, item in sorted(numbers, key=lambda pair: pair[0], reverse=down)]
    days = _keys(members, _day)
    if days:
        return [item for _, item in sorted(days, key=lambda pair: pair[0], reverse=down)]
    return sorted(members, key=str.casefold, reverse=down)


def _day(item: str) -> Fraction:
    found = dates_in(item)
    if not found:
        raise ValueError(item)
    return Fraction((found[0][0] - date.min).days)


def _keys(members: list[str], key: Callable[[str], Fraction]) -> list[tuple[Fraction, str]]:
    """Pair every item with its key; nothing when one has none."""
    try:
        return [(key(item), item) for item in members]
    except ValueError:
        return []


def _selected(text: str) -> Solution | None:
    data = _data(text)
    asked = text.replace(data, " ", 1)
    members = items(data)
    wanted = kept(members, asked) if len(members) > 1 else None
    return None if wanted is None else listed(wanted, "Go through the list and keep what fits")
