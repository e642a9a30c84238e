"""Prices: what several cost together, what one of them costs."""

from __future__ import annotations

import re

from orchestration.llm.providers.simulated.numbers import NUMBER, parse_number, show, with_digits
from orchestration.llm.providers.simulated.question import Question
from orchestration.llm.providers.simulated.solution import Solution, numeric

_MONEY = re.compile(
    rf"[$€£]\s*({NUMBER})|({NUMBER})\s*(?:dollars?|euros?|pounds|cents|usd|eur|[$€£])", re.IGNORECASE
)
_ASKS = re.compile(
    r"\b(?:how much|what)\b.*\b(?:costs?|total|pay|price|is|are|spend)\b", re.IGNORECASE | re.DOTALL
)
_ASKS_ONE = re.compile(
    r"\b(?:how much|what) (?:is|are|does|did|for|would|will) (?:the (?:price|cost) (?:of|per) )?"
    r"(?:each|one|an?|a single)\b|\b(?:price|cost) (?:of|per) (?:each|one|a)\b",
    re.IGNORECASE,
)
_EACH = re.compile(r"\b(?:each|apiece|per|every|a piece|an? \w+ (?:costs?|is sold|sells))\b", re.IGNORECASE)
_GIVEN = 2


def solve(question: Question) -> Solution | None:
    """Multiply the price of one by their number, or share a price among them."""
    text = re.sub(r"\b1\s+(?=[a-z])", "a ", with_digits(question.text), flags=re.IGNORECASE)
    money = _MONEY.search(text)
    others = [found[0] for found in re.finditer(NUMBER, text) if not money or found.start() != money.start(1)]
    others = [number for number in others if not money or number != money[2]]
    if money is None or not _ASKS.search(text) or len(others) != 1 or len(re.findall(NUMBER, text)) != _GIVEN:
        return None
    price, count = parse_number(money[1] or money[2]), parse_number(others[0])
    if _ASKS_ONE.search(text) and count:
        working = f"Share the price among them: {show(price)} / {show(count)}"
        return numeric(price / count, working, places=question.places)
    if _EACH.search(text):
        working = f"Each costs {show(price)}, so take {show(price)} × {show(count)}"
        return numeric(price * count, working, places=question.places)
    return None
