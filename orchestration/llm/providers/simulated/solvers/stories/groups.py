"""Equal groups: so much in each, so many of them; so much a day, so many days."""

from __future__ import annotations

import re

from orchestration.llm.providers.simulated.numbers import NUMBER, parse_number, show, with_digits
from orchestration.llm.providers.simulated.question import Question
from orchestration.llm.providers.simulated.solution import Solution, numeric

_HOLDS = (
    r"holds?|has|have|contains?|makes?|produces?|carries|seats?|weighs?|packs?|comes with|can hold|can seat"
)
_IN_EACH = re.compile(
    rf"\b(?:an?|each|every|1)\s+(?P<group>[a-z]+)\s+(?:{_HOLDS})\s+(?P<each>{NUMBER})", re.IGNORECASE
)
_PER = re.compile(
    rf"(?P<each>{NUMBER})\s+[a-z]+\s+(?:per|each|every|an?|in each|in every|in 1)\s+(?P<group>[a-z]+)\b",
    re.IGNORECASE,
)
_ASKS = re.compile(r"\bhow many\b", re.IGNORECASE)
_GIVEN = 2


def solve(question: Question) -> Solution | None:
    """Multiply what one group holds by the number of groups."""
    text = with_digits(question.text)
    held = _IN_EACH.search(text) or _PER.search(text)
    if not held or not _ASKS.search(text):
        return None
    group = held["group"].lower()
    many = re.search(
        rf"({NUMBER})\s+(?:such\s+|of these\s+)?{re.escape(group)}(?:s|es)\b", text, re.IGNORECASE
    )
    numbers = [found for found in re.findall(NUMBER, text) if found != "1"]
    if not many or len(numbers) != _GIVEN:
        return None
    each, count = parse_number(held["each"]), parse_number(many[1])
    working = f"One {group} makes {show(each)}, so take {show(each)} × {show(count)}"
    return numeric(each * count, working, places=question.places)
