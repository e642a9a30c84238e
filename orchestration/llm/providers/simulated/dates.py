"""Questions about the calendar: weekdays, days between dates, shifted dates, leap years.

Dates are read as 2024-03-05, 5 March 2024 or March 5, 2024; with slashes, day and month could be confused.
"""

from __future__ import annotations

import calendar
from datetime import date, timedelta
from itertools import pairwise

from orchestra_site.web.patterns import Pattern
from orchestration.llm.providers.simulated.reading import QuestionText, word_set, words
from orchestration.llm.providers.simulated.solution import Solution, chosen, numeric

_WEEKDAYS = tuple(calendar.day_name)
_MONTH = "|".join(f"{name[:3]}(?:{name[3:]})?" for name in calendar.month_name if name)
_DAY = r"(\d\d?)(?:st|nd|rd|th)?"
_FORMS = (
    (Pattern(r"\b(\d{4})-(\d\d?)-(\d\d?)\b"), "ymd"),
    (Pattern(rf"(?i)\b({_MONTH})\.? {_DAY},? (\d{{4}})\b"), "mdy"),
    (Pattern(rf"(?i)\b{_DAY} (?:of )?({_MONTH})\.?,? (\d{{4}})\b"), "dmy"),
)
_BACK = word_set("before earlier prior ago subtract minus back")
_ON = word_set("after later from add plus in following")
_UNITS = {"day": 1, "days": 1, "week": 7, "weeks": 7}
_BEYOND = word_set("month months year years business working hours minutes sort arrange order old next")
_WEEKDAY_ASKED = ("day of the week", "weekday", "what day", "which day")
_LEAP_RULE = "A year is a leap year when 4 divides it, unless 100 does and 400 does not"
_LONGEST_COUNT, _YEAR_DIGITS, _PAIR = 7, 4, 2


def solve(question: QuestionText) -> Solution | None:
    """Answer a question about one or two dates, a weekday, or a leap year."""
    days, rest = dates_in(question.text)
    asked = words(rest)
    years = [int(word) for word in asked if word.isdecimal() and len(word) == _YEAR_DIGITS]
    if "leap" in asked and len(years) == 1 and not {"next", "last", "previous", "many"}.intersection(asked):
        leap = calendar.isleap(years[0])
        return chosen("Yes" if leap else "No", ("Yes", "No"), f"{_LEAP_RULE}; apply that to {years[0]}")
    if not days or len(days) > _PAIR or _BEYOND.intersection(asked):
        return None
    if len(days) == _PAIR and "days" in asked and {"many", "number", "count"}.intersection(asked):
        first, last = min(days), max(days)
        working = f"Count month by month from {first} to {last}, leap days included"
        return numeric((last - first).days + ("inclusive" in asked), working)
    return _shifted(days[0], asked) if len(days) == 1 else None


def dates_in(text: str) -> tuple[list[date], str]:
    """Return every real date of a text, and the text without what looks like one."""
    found = []
    for pattern, order in _FORMS:
        for match in pattern.finditer(text):
            parts = dict(zip(order, match.groups(), strict=True))
            month = parts["m"][:3].title()
            number = list(calendar.month_abbr).index(month) if month.isalpha() else int(month)
            try:
                found.append(date(int(parts["y"]), number, int(parts["d"])))
            except ValueError:
                continue
        text = pattern.sub(" ", text)
    return found, text


def _shifted(start: date, asked: list[str]) -> Solution | None:
    """Count days or weeks on or back from a date, or name its weekday."""
    counted = [(count, unit) for count, unit in pairwise(asked) if unit in _UNITS and count.isdecimal()]
    spans = [int(count) * _UNITS[unit] for count, unit in counted if len(count) <= _LONGEST_COUNT]
    sign = -1 if _BACK.intersection(asked) else int(bool(_ON.intersection(asked)))
    asks_weekday = any(cue in " ".join(asked) for cue in _WEEKDAY_ASKED)
    if (spans and not sign) or (not spans and {"before", "after"}.intersection(asked)):
        return None
    try:
        day = start + timedelta(days=sign * sum(spans))
    except OverflowError:
        return None
    working = (
        f"Count {sum(spans)} days {'back' if sign < 0 else 'on'} from {start}" if spans else f"Take {start}"
    )
    if asks_weekday:
        return chosen(_WEEKDAYS[day.weekday()], _WEEKDAYS, f"{working}; count modulo 7")
    return Solution(answer=day.isoformat(), working=working) if spans else None
