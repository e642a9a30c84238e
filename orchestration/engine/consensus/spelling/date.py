"""Dates, where the spelling leaves no doubt which day is meant."""

from __future__ import annotations

import re
from datetime import date

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAME = (
    r"(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_WEEKDAY = r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day,?\s+)?"
_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]00:00(?::00)?Z?)?", re.ASCII)
_DAY_FIRST = re.compile(
    rf"{_WEEKDAY}(?:the\s+)?(\d{{1,2}})(?:st|nd|rd|th)?\.?\s+(?:of\s+)?{_NAME},?\s+(\d{{4}})",
    re.IGNORECASE | re.ASCII,
)
_MONTH_FIRST = re.compile(
    rf"{_WEEKDAY}{_NAME}\s+(?:the\s+)?(\d{{1,2}})(?:st|nd|rd|th)?,?\s+(\d{{4}})", re.IGNORECASE | re.ASCII
)
_SLASHED = re.compile(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4})", re.ASCII)
_LAST_MONTH = 12


def key(text: str) -> str | None:
    """Return the ISO date that `text` is, None when it is no date or could be two."""
    if (iso := _ISO.fullmatch(text)) is not None:
        return _checked(int(iso[1]), int(iso[2]), int(iso[3]))
    if (found := _DAY_FIRST.fullmatch(text)) is not None:
        return _checked(int(found[3]), _month(found[2]), int(found[1]))
    if (found := _MONTH_FIRST.fullmatch(text)) is not None:
        return _checked(int(found[3]), _month(found[1]), int(found[2]))
    if (found := _SLASHED.fullmatch(text)) is not None:
        return _slashed(int(found[1]), int(found[2]), int(found[3]))
    return None


def _slashed(first: int, second: int, year: int) -> str | None:
    if first > _LAST_MONTH or first == second:
        return _checked(year, second, first)
    return _checked(year, first, second) if second > _LAST_MONTH else None


def _month(name: str) -> int:
    return _MONTHS.index(name[:3].lower()) + 1


def _checked(year: int, month: int, day: int) -> str | None:
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return None
