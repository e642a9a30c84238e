"""The word at the end of an order: the longest, the shortest, the first or the last of the alphabet."""

from __future__ import annotations

import re
from collections.abc import Sequence

from orchestration.llm.providers.simulated.material import instruction, items, material
from orchestration.llm.providers.simulated.question import Question
from orchestration.llm.providers.simulated.solution import AnswerKind, Solution

_LENGTH = re.compile(r"\b(longest|shortest)(?: (?:word|name|item|string|one))?\b", re.IGNORECASE)
_SORTS = re.compile(r"\b(?:sort|order|arrange|rank|put)\b(?!.*\?)", re.IGNORECASE)
_ALPHABET = re.compile(
    r"\b(first|last)\b.*\b(?:alphabet\w*|dictionary)|\balphabetical\w*\s+(first|last)",
    re.IGNORECASE | re.DOTALL,
)


def solve(question: Question) -> Solution | None:
    """Find the longest or shortest word, or the alphabetically first or last one."""
    data = material(question.text)
    asked = instruction(question.text)
    length, place = _LENGTH.search(asked), _ALPHABET.search(asked)
    if data is None or not (length or place) or _SORTS.search(asked):
        return None
    members = items(data) if "," in data else [word.strip(".,;:!?\"'") for word in data.split()]
    if not members:
        return None
    if length:
        pick = max if length[1].lower() == "longest" else min
        return _picked(pick(members, key=len), members, "Count the letters of each word and compare")
    last = place is not None and "last" in (str(place[1]).lower(), str(place[2]).lower())
    ordered = sorted(members, key=str.casefold)
    return _picked(ordered[-1 if last else 0], members, "Compare the words letter by letter")


def _picked(answer: str, members: Sequence[str], working: str) -> Solution:
    others = tuple(member for member in members if member.casefold() != answer.casefold())
    kind = AnswerKind.CHOICE if others else AnswerKind.TEXT
    return Solution(answer=answer, kind=kind, working=working, alternatives=others)
