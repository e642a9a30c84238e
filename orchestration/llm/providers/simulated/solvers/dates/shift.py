"""Dates some days, weeks, months or years before or after another."""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta

from orchestration.llm.providers.simulated.numbers import with_digits
from orchestration.llm.providers.simulated.question import Question
from orchestration.llm.providers.simulated.solution import AnswerKind, Solution, chosen
from orchestration.llm.providers.simulated.solvers.dates.reading import (
    WEEKDAYS,
    dates_in,
    in_words,
    without_dates,
)

_SPAN = re.compile(r"(?<![\w.])(\d{1,7}|an?|one)\s+(day|week|fortnight|month|year)s?\b", re.IGNORECASE)
_BACK = re.compile(
    r"\b(?:before|earlier|prior|ago|subtract\w*|minus|preced\w*|previous|back)\b", re.IGNORECASE
)
_ON = re.compile(r"\b(?:after|later|from|add\w*|plus|in|past|hence|following|forward|on)\b|\+", re.IGNORECASE)
_WORKDAYS = re.compile(r"\b(?:business|working|work) ?days?\b", re.IGNORECASE)
_WEEKDAY = re.compile(rf"\b({'|'.join(WEEKDAYS)})\b", re.IGNORECASE)
ASKS_WEEKDAY = re.compile(r"\bday of the week\b|\bweekday\b|\b(?:what|which) day\b", re.IGNORECASE)
_NEXT_DOOR = (
    (
        re.compile(
            r"\bthe (?:next )?day (?=after\b|before\b)|\b(?<=comes )(?=after\b|before\b)", re.IGNORECASE
        ),
        "1 day ",
    ),
    (re.compile(r"\btomorrow\b", re.IGNORECASE), "1 day after"),
    (re.compile(r"\byesterday\b(?! was)", re.IGNORECASE), "1 day before"),
)
_DAYS = {"day": 1, "week": 7, "fortnight": 14}


def solve(question: Question) -> Solution | None:
    """Count on or back from a date, or from a weekday."""
    text = _neighbours(with_digits(question.text))
    spans = _SPAN.findall(without_dates(text))
    if not spans or _WORKDAYS.search(text):
        return None
    days = dates_in(text)
    if len(days) == 1:
        return _from_date(text, days[0][0], spans)
    return None if days else _from_weekday(text, spans)


def _neighbours(text: str) -> str:
    """Say "the day after" and "tomorrow" as a count of days."""
    for pattern, count in _NEXT_DOOR:
        text = pattern.sub(count, text)
    return text


def _from_date(text: str, start: date, spans: list[tuple[str, str]]) -> Solution | None:
    sign = _direction(without_dates(text))
    try:
        day = start if sign else None
        for count, unit in spans:
            day = day and _shifted(day, sign * _count(count), unit.lower())
    except (OverflowError, ValueError):
        return None
    if day is None:
        return None
    said = " and ".join(f"{count} {unit}{'' if _count(count) == 1 else 's'}" for count, unit in spans)
    working = (
        f"Start at {in_words(start)} and count {said} {'on' if sign > 0 else 'back'}, minding the length "
        f"of each month"
    )
    if ASKS_WEEKDAY.search(text):
        return chosen(WEEKDAYS[day.weekday()], WEEKDAYS, f"{working}; then find the weekday of that date")
    return Solution(answer=day.isoformat(), kind=AnswerKind.DATE, working=working)


def _direction(text: str) -> int:
    if _BACK.search(text):
        return -1
    return 1 if _ON.search(text) else 0


def _count(written: str) -> int:
    return int(written) if written.isdigit() else 1


def _shifted(day: date, count: int, unit: str) -> date:
    """Move a date; a month too short for the day ends at its last one."""
    if unit in _DAYS:
        return day + timedelta(days=count * _DAYS[unit])
    months = day.year * 12 + day.month - 1 + count * (12 if unit == "year" else 1)
    year, month = divmod(months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _from_weekday(text: str, spans: list[tuple[str, str]]) -> Solution | None:
    named = {found.title() for found in _WEEKDAY.findall(text)}
    fits = len(named) == 1 and ASKS_WEEKDAY.search(text) and all(unit.lower() in _DAYS for _, unit in spans)
    sign = _direction(text)
    if not fits or not sign:
        return None
    total = sign * sum(_count(count) * _DAYS[unit.lower()] for count, unit in spans)
    start = named.pop()
    answer = WEEKDAYS[(WEEKDAYS.index(start) + total) % 7]
    working = (
        f"Whole weeks change nothing, so from {start} only {abs(total)} mod 7 = {abs(total) % 7} days matter"
    )
    return chosen(answer, WEEKDAYS, working)
