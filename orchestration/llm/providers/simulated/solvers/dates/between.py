"""The time between two dates."""

from __future__ import annotations

import re
from datetime import date
from fractions import Fraction

from orchestration.llm.providers.simulated.question import Question
from orchestration.llm.providers.simulated.solution import Solution, chosen, numeric
from orchestration.llm.providers.simulated.solvers.dates.reading import dates_in, in_words

_DAYS = re.compile(
    (
        r"\b(?:how many|number of|the|in|count)\b[^.?]{0,20}\bdays\b|\bdays (?:are|lie|pass|elapse"
        r"|between|from|until)"
    ),
    re.IGNORECASE,
)
_HOW_LONG = re.compile(r"\bhow (?:long|far)\b|\bdifference\b", re.IGNORECASE)
_WEEKS = re.compile(r"\bweeks\b", re.IGNORECASE)
_MONTHS = re.compile(r"\b(months|years)\b|\bhow old\b|\bage\b", re.IGNORECASE)
_WHOLE = re.compile(r"\b(?:whole|full|complete)\b", re.IGNORECASE)
_BOTH = re.compile(
    r"\binclusive\b|\bincluding (?:both|the (?:first|start|last|end)|start|end)|\bboth (?:ends|days|dates)",
    re.IGNORECASE,
)
_ORDER = re.compile(
    r"\b(earlier|first|later|last|latest|earliest|more recent|oldest|newest)\b", re.IGNORECASE
)
_LATER = ("later", "last", "latest", "more recent", "newest")
_PAIR = 2


def solve(question: Question) -> Solution | None:
    """Count the days, weeks, months or years between two dates, or say which comes first."""
    days = [day for day, _, _ in dates_in(question.text)]
    if len(days) != _PAIR:
        return None
    first, last = sorted(days)
    if _MONTHS.search(question.text):
        return _months(question.text, first, last)
    if _WEEKS.search(question.text) or _DAYS.search(question.text) or _HOW_LONG.search(question.text):
        return _days(question, first, last)
    return _order(question.text, days)


def _days(question: Question, first: date, last: date) -> Solution:
    both = bool(_BOTH.search(question.text))
    total = (last - first).days + both
    ends = "both ends counted" if both else "the first day not counted"
    working = f"Count month by month from {in_words(first)} to {in_words(last)}, leap days included, {ends}"
    if not _WEEKS.search(question.text):
        return numeric(total, working, places=question.places)
    weeks = Fraction(total // 7) if _WHOLE.search(question.text) else Fraction(total, 7)
    return numeric(weeks, f"{working}, then divide by 7", places=question.places)


def _months(text: str, first: date, last: date) -> Solution:
    months = (last.year - first.year) * 12 + last.month - first.month - (last.day < first.day)
    years = "months" not in text.lower()
    working = f"Count full {'years' if years else 'months'} from {in_words(first)} to {in_words(last)}"
    return numeric(months // 12 if years else months, working)


def _order(text: str, days: list[date]) -> Solution | None:
    asked = _ORDER.search(text)
    if not asked:
        return None
    wanted = max(days) if asked[1].lower() in _LATER else min(days)
    written = {day.isoformat() for day in days}
    return chosen(
        wanted.isoformat(), sorted(written), "Compare the years first, then the months, then the days"
    )
