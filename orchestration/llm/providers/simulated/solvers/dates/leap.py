"""Leap years and the lengths of months and years."""

from __future__ import annotations

import calendar
import re
from datetime import date

from orchestration.llm.providers.simulated.question import Question
from orchestration.llm.providers.simulated.solution import AnswerKind, Solution, chosen, numeric
from orchestration.llm.providers.simulated.solvers.dates.reading import MONTH, MONTHS, month_number

_YEAR = re.compile(r"(?<![\d-])(\d{4})(?![\d-])")
_RULE = "A year is a leap year when 4 divides it, unless 100 does and 400 does not"
_LAST_DAY = re.compile(rf"\blast day of ({MONTH})\.?,? (\d{{4}})\b", re.IGNORECASE)
_SKIP_LIMIT = 8
_FEBRUARY = 2


def solve(question: Question) -> Solution | None:
    """Answer on leap years and on how many days a month or year has."""
    text = question.text
    years = [int(year) for year in _YEAR.findall(text) if int(year)]
    if re.search(r"\bleap\b", text, re.IGNORECASE):
        return _leap(text, years)
    if re.search(r"\bhow many days\b", text, re.IGNORECASE) and len(years) <= 1:
        return _length(text, years)
    return _last_day(text)


def _last_day(text: str) -> Solution | None:
    found = _LAST_DAY.search(text)
    if not found or not int(found[2]):
        return None
    year, month = int(found[2]), month_number(found[1])
    last = date(year, month, calendar.monthrange(year, month)[1])
    working = f"Recall how long {MONTHS[month - 1]} {year} is"
    return Solution(answer=last.isoformat(), kind=AnswerKind.DATE, working=working)


def _leap(text: str, years: list[int]) -> Solution | None:
    if re.search(r"\bhow many leap years\b|\bnumber of leap years\b", text, re.IGNORECASE) and len(years) > 1:
        low, high = min(years), max(years)
        return numeric(
            calendar.leapdays(low, high + 1), f"{_RULE}; count those from {low} to {high}, both included"
        )
    if re.search(r"\bhow many days\b", text, re.IGNORECASE) and not years:
        return numeric(
            29 if re.search("feb", text, re.IGNORECASE) else 366, "A leap year has one day more, in February"
        )
    if len(years) > 1 and re.search(r"\bwhich\b", text, re.IGNORECASE):
        leaps = [str(year) for year in years if calendar.isleap(year)]
        return chosen(leaps[0], [str(year) for year in years], _RULE) if len(leaps) == 1 else None
    if len(years) != 1:
        return None
    neighbour = re.search(r"\b(next|first|previous|last)\b", text, re.IGNORECASE)
    if neighbour:
        return _neighbour(years[0], 1 if neighbour[1].lower() in ("next", "first") else -1)
    return chosen(
        "Yes" if calendar.isleap(years[0]) else "No", ("Yes", "No"), f"{_RULE}; apply that to {years[0]}"
    )


def _neighbour(year: int, step: int) -> Solution | None:
    for distance in range(1, _SKIP_LIMIT + 1):
        if calendar.isleap(year + step * distance):
            return numeric(
                year + step * distance, f"{_RULE}; look {'on' if step > 0 else 'back'} from {year}"
            )
    return None


def _length(text: str, years: list[int]) -> Solution | None:
    month = re.search(rf"\b({MONTH})\b", text)
    if month:
        number = month_number(month[1])
        if number == _FEBRUARY and not years:
            return None
        return numeric(
            calendar.monthrange(years[0] if years else 2001, number)[1],
            f"Recall the length of {MONTHS[number - 1]}, and for February whether the year is a leap year",
        )
    if years and re.search(r"\byear\b|\b(?:in|did|does|has|have)\b[^?]*\d{4}", text, re.IGNORECASE):
        return numeric(
            366 if calendar.isleap(years[0]) else 365, f"{_RULE}; a leap year has 366 days, others 365"
        )
    return None
