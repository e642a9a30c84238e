"""Dates as people write them. Numeric ones are read only where day and month cannot be confused."""

from __future__ import annotations

import re
from datetime import date

_MONTHS = "January February March April May June July August September October November December"
MONTHS = tuple(_MONTHS.split())
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

MONTH = "|".join(f"{month[:3]}(?:{month[3:]})?" for month in MONTHS) + "|Sept"
_MONTHS_A_YEAR = 12
_DAY = r"(\d{1,2})(?:st|nd|rd|th)?"
_FORMS = (
    (re.compile(r"\b(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})\b"), "ymd"),
    (re.compile(rf"\b({MONTH})\.?\s+(?:the\s+)?{_DAY}\s*,?\s+(\d{{4}})\b", re.IGNORECASE), "mdy"),
    (re.compile(rf"\b{_DAY}\s+(?:day\s+)?(?:of\s+)?({MONTH})\.?,?\s+(\d{{4}})\b", re.IGNORECASE), "dmy"),
    (re.compile(r"\b(\d{1,2})[/.](\d{1,2})[/.](\d{4})\b"), "??y"),
)
DATE_PATTERNS = tuple(pattern for pattern, _ in _FORMS)


def dates_in(text: str) -> list[tuple[date, int, int]]:
    """Return every real date of the text with where it starts and ends, in order."""
    found = []
    for pattern, order in _FORMS:
        for match in pattern.finditer(text):
            day = _date(match.groups(), order)
            if day is not None:
                found.append((day, match.start(), match.end()))
    return sorted(found, key=lambda item: item[1])


def _date(parts: tuple[str, ...], order: str) -> date | None:
    if order == "??y":
        order = _order(int(parts[0]), int(parts[1]))
    named = dict(zip(order, parts, strict=True))
    if "d" not in named:
        return None
    try:
        return date(int(named["y"]), month_number(named["m"]), int(named["d"]))
    except ValueError:
        return None


def _order(first: int, second: int) -> str:
    """Tell day from month in 25/12/2024: the part above 12 is the day; equal parts do not matter."""
    if first == second or second > _MONTHS_A_YEAR >= first:
        return "mdy"
    return "dmy" if first > _MONTHS_A_YEAR >= second else "--y"


def month_number(written: str) -> int:
    """Return 1 to 12 for a number or a name; `ValueError` for anything else."""
    if written.isdigit():
        return int(written)
    return [month[:3].lower() for month in MONTHS].index(written[:3].lower()) + 1


def without_dates(text: str) -> str:
    """Blank the dates out, so that the numbers left are not parts of one."""
    for pattern in DATE_PATTERNS:
        text = pattern.sub(" ", text)
    return text


def in_words(day: date) -> str:
    """Write "5 March 2024"."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"
