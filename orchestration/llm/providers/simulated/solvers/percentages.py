"""Percentages: a part, a whole, a rate, a rise or a fall."""

from __future__ import annotations

import re
from fractions import Fraction

from orchestration.llm.providers.simulated.numbers import NUMBER, parse_number, show, with_digits
from orchestration.llm.providers.simulated.question import Question
from orchestration.llm.providers.simulated.solution import Solution, numeric

_AS_RATE = re.compile(
    (
        rf"(?<!of )(?<![\w./$])({NUMBER})\s*(?:/\s*({NUMBER}))?(?=\s+(?:as|to|into"
        rf"|in)\s+(?:an?\s+)?%\s*[.?]?\s*$)"
    ),
    re.IGNORECASE,
)
_AS_DECIMAL = re.compile(rf"({NUMBER})\s*%\s+(?:as|to|into|in)\s+an?\s+decimal", re.IGNORECASE)
_MONEY = r"(?:[$€£]\s*)?"
_X = rf"{_MONEY}(-?{NUMBER})"
_RATE = rf"(?<![\w.])(-?{NUMBER})\s*%"
_SHARE = re.compile(
    r"\b(?:what|which|how many)\s*%|\bpercentage\b|\bas a %|\bas %|\bin %|\bby what %", re.IGNORECASE
)
_ASKS_CHANGE = re.compile(
    r"%\s*(?:change|increase|decrease|rise|drop|growth|reduction|fall|gain|loss|difference"
    r"|larger|greater|bigger|higher|more|smaller|less|lower)|by (?:what|how many)\s*%",
    re.IGNORECASE,
)
_FROM_TO = re.compile(rf"\bfrom\s+{_X}\b.{{0,60}}?\bto\s+{_X}", re.IGNORECASE)
_THAN = re.compile(
    rf"\bis\s+{_X}\s+(?:larger|greater|bigger|higher|more|smaller|less|lower) than\s+{_X}", re.IGNORECASE
)
_FALLS = re.compile(r"decrease|drop|reduc|fall|fell|loss|lower", re.IGNORECASE)
_UP = re.compile(
    r"\b(?:increas\w*|rais\w*|ris\w*|rose|gr(?:ow|ew)\w*|more|higher|plus|added?|adding|gain\w*"
    r"|mark(?:ed)?[- ]?up|markup|up by"
    r"|goes up|went up|go up|appreciat\w*|surcharge|including|with tax|after tax|total)\b|\+\s*[\d.]",
    re.IGNORECASE,
)
_DOWN = re.compile(
    r"\b(?:decreas\w*|reduc\w*|lower\w*|drop\w*|fall\w*|fell|less|discount\w*|off|minus|cut\w*"
    r"|shr[iau]nk\w*|declin\w*"
    r"|loses?|lost|markdown|marked down|down by|goes down|went down|go down|depreciat\w*|cheaper)\b"
    r"|-\s*[\d.]+\s*%",
    re.IGNORECASE,
)
_AMOUNT = re.compile(
    r"\bhow much (?:is|was|will|would)? ?(?:the )?(?:discount|increase|decrease|reduction|tip|tax"
    r"|interest|saved|vat)\b"
    r"|\bhow much (?:do|does|will|would|did) \w+ save|\bhow much (?:is|are) (?:you |\w+ )?sav(?:ed|ing)"
    r"|\b(?:tip|commission)\b|\b(?:amount|value|size) of the (?:discount|increase|decrease|tax|reduction)",
    re.IGNORECASE,
)


def solve(question: Question) -> Solution | None:
    """Solve a question on one percentage."""
    text = re.sub(
        r"\s*\b(?:per ?cent(?:age)?(?: points?)?)\b", _sign, with_digits(question.text), flags=re.IGNORECASE
    )
    if "%" not in text:
        return None
    for attempt in (_rewritten, _whole, _change, _share, _part, _applied):
        found = attempt(text, question.places)
        if found is not None:
            return found
    return None


def _sign(found: re.Match[str]) -> str:
    return "%" if found.start() and found.string[found.start() - 1].isdigit() else " %"


def _rewritten(text: str, places: int | None) -> Solution | None:
    """Write a number or a fraction as a percentage, or a percentage as a decimal."""
    number = _AS_RATE.search(text)
    if number:
        value = parse_number(number[1]) / (parse_number(number[2] or "1") or 1)
        return numeric(value * 100, f"Per cent means per hundred: {number[0]} × 100", places=places, unit="%")
    rate = _AS_DECIMAL.search(text)
    if rate:
        return numeric(
            parse_number(rate[1]) / 100, f"Per cent means per hundred: {rate[1]} / 100", places=places
        )
    return None


def _whole(text: str, places: int | None) -> Solution | None:
    """Find the whole of which a part and its rate are given."""
    patterns = (
        (
            rf"{_X}\s+(?:is|are|equals|makes? up|represents)\s+{_RATE}\s+of\s+(?:what|which|a number"
            rf"|some number)"
        ),
        (
            rf"{_RATE}\s+of\s+(?:what|which|a|some)\s*(?:number|value|amount)?\s+(?:is|equals|makes"
            rf"|gives)\s+{_X}"
        ),
        rf"\bif\s+{_RATE}\s+of\s+(?:a|some|the) (?:number|value|amount)\s+(?:is|equals)\s+{_X}",
        rf"\bof (?:what|which) (?:number|value|amount)?\s*(?:is|are)\s+{_X}\s+(?:equal to )?{_RATE}",
    )
    for index, pattern in enumerate(patterns):
        found = re.search(pattern, text, re.IGNORECASE)
        if found:
            first, second = parse_number(found[1]), parse_number(found[2])
            part, rate = (first, second) if index in (0, 3) else (second, first)
            if rate:
                working = f"If {show(rate)}% is {show(part)}, the whole is {show(part)} / {show(rate)} × 100"
                return numeric(part / rate * 100, working, places=places)
    return None


def _change(text: str, places: int | None) -> Solution | None:
    """Find the rate of a change from one number to another."""
    if not _ASKS_CHANGE.search(text) or re.search(rf"{NUMBER}\s*%", text):
        return None
    moved, compared = _FROM_TO.search(text), _THAN.search(text)
    found = moved or compared
    if not found:
        return None
    old, new = (parse_number(found[at]) for at in ((1, 2) if moved else (2, 1)))
    if old == 0:
        return None
    change = (new - old) / abs(old) * 100
    unsigned = compared or _FALLS.search(text)
    working = (
        f"The change is {show(new)} - {show(old)} = {show(new - old)}; divide it by {show(old)}, times 100"
    )
    return numeric(abs(change) if unsigned else change, working, places=places, unit="%")


def _share(text: str, places: int | None) -> Solution | None:
    """Find which percentage one number is of another."""
    if not _SHARE.search(text) or re.search(rf"{NUMBER}\s*%", text):
        return None
    patterns = (
        (rf"%\s+of\s+{_X}\s+(?:is|are|equals|does|makes?|would be)\s+{_X}", 2),
        (rf"{_X}\s+(?:is|are|equals|represents?|makes up)\s+(?:what|which|how many)\s*%\s+of\s+{_X}", 1),
        (rf"%\s+(?:is|are|does|would be)\s+{_X}\s+(?:out )?of\s+{_X}", 1),
        (rf"\b{_X}\s+(?:out of|of|from|relative to|compared to)\s+{_X}", 1),
        (rf"{_X}\s+as\s+(?:a\s+)?%\s+of\s+{_X}", 1),
        (rf"\bof\s+{_X}\b[^.?]*?,?\s*{_X}[^.?]*", 2),
        (rf"{_X}\D+\bof\b\D*?{_X}", 1),
    )
    for pattern, part_at in patterns:
        found = re.search(pattern, text, re.IGNORECASE)
        if found:
            return _rate(parse_number(found[part_at]), parse_number(found[3 - part_at]), places)
    return None


def _rate(part: Fraction, whole: Fraction, places: int | None) -> Solution | None:
    if whole == 0:
        return None
    working = f"Divide the part by the whole and take it times 100: {show(part)} / {show(whole)} × 100"
    return numeric(part / whole * 100, working, places=places, unit="%")


def _part(text: str, places: int | None) -> Solution | None:
    """Find a part: a percentage of a number."""
    found = re.search(rf"{_RATE}\s+(?:of|out of)\s+(?:the\s+)?{_X}", text, re.IGNORECASE)
    if not found or _direction(text[: found.start()] + text[found.end() :]):
        return None
    return _portion(parse_number(found[1]), parse_number(found[2]), places)


def _portion(rate: Fraction, whole: Fraction, places: int | None) -> Solution:
    working = (
        f"{show(rate)}% means {show(rate)} out of every hundred, so take {show(rate)}/100 × {show(whole)}"
    )
    return numeric(rate / 100 * whole, working, places=places)


def _direction(text: str) -> int:
    """Return +1 for a rise, -1 for a fall, 0 when neither or both are named."""
    return bool(_UP.search(text)) - bool(_DOWN.search(text))


def _applied(text: str, places: int | None) -> Solution | None:
    """Raise or lower the one other number by the one percentage."""
    rates = re.findall(_RATE, text)
    others = re.findall(rf"(?<![\w.,])({NUMBER})(?!\s*%|\w|[.,]\d)", text)
    if len(rates) != 1 or len(others) != 1:
        return None
    rate, base = abs(parse_number(rates[0])), parse_number(others[0])
    if _AMOUNT.search(text):
        return _portion(rate, base, places)
    falls = _DOWN.search(text)
    if not falls and not _UP.search(text):
        return None
    sign, factor = ("-", 100 - rate) if falls else ("+", 100 + rate)
    working = (
        f"Keep {show(factor)}% of it, since 100% {sign} {show(rate)}% = {show(factor)}%: {show(base)} × "
        f"{show(factor)}/100"
    )
    return numeric(base * factor / 100, working, places=places)
