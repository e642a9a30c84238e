"""Times that repeat, written as in a crontab: minute, hour, day of the month, month, day of the week."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from orchestration.expressions.errors import ExpressionError

SHORTCUTS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
}
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
FIELDS = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, MONTHS),
    ("day of the week", 0, 7, DAYS),
)
LONGEST = 120
MOST_DAYS = 366 * 8
"""How far a time is looked for: a 29 February may be eight years away."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Crontab:
    """When something is due. `any_day` says that a day of the month or one of the week is enough."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    every_hour: bool

    def next_after(self, moment: datetime, zone: tzinfo) -> datetime | None:
        """Return the first due moment after an aware one, in UTC; None if there is none in eight years.

        Times are those of `zone`. One that is left out when clocks go forward is due that much later; one
        that comes twice when they go back is due once, unless every hour is meant.
        """
        day = moment.astimezone(zone).date() - timedelta(days=1)
        for _ in range(MOST_DAYS):
            if self._is_due(day):
                later = [due for due in self._moments(day, zone) if due > moment]
                if later:
                    return min(later)
            day += timedelta(days=1)
        return None

    def _is_due(self, day: date) -> bool:
        in_month, in_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        fits = in_month or in_week if self.any_day else in_month and in_week
        return fits and day.month in self.months

    def _moments(self, day: date, zone: tzinfo) -> Iterator[datetime]:
        for hour in self.hours:
            for minute in self.minutes:
                for fold in (0, 1) if self.every_hour else (0,):
                    yield datetime.combine(day, time(hour, minute, fold=fold), zone).astimezone(UTC)


def parse_crontab(text: str) -> Crontab:
    """Read a crontab. Raises `ExpressionError` with the field that is at fault."""
    written = SHORTCUTS.get(text.strip().lower(), text)
    parts = written.split() if len(written) <= LONGEST else []
    if len(parts) != len(FIELDS):
        names = ", ".join(name for name, *_ in FIELDS)
        raise ExpressionError(
            f"Write five values with spaces between them: {names}. As in “30 9 * * mon-fri”."
        )
    minutes, hours, days, months, weekdays = (
        _values(part, *field) for part, field in zip(parts, FIELDS, strict=True)
    )
    return Crontab(
        minutes=tuple(sorted(minutes)),
        hours=tuple(sorted(hours)),
        days=days,
        months=months,
        weekdays=frozenset(day % 7 for day in weekdays),
        any_day=not parts[2].startswith("*") and not parts[4].startswith("*"),
        every_hour=parts[1] == "*",
    )


def _values(text: str, name: str, low: int, high: int, names: tuple[str, ...]) -> frozenset[int]:
    """Return the numbers that a field stands for."""
    found: set[int] = set()
    for part in text.lower().split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        start = low if span == "*" else _number(first, names, low)
        end = high if span == "*" or (step and not last) else _number(last or first, names, low)
        width = _number(step or "1", (), 1)
        if start is None or end is None or width is None or not low <= start <= end <= high or width < 1:
            raise ExpressionError(f"“{part[:20]}” is no {name}: those are {low} to {high}.")
        found.update(range(start, end + 1, width))
    return frozenset(found)


def _number(text: str, names: tuple[str, ...], low: int) -> int | None:
    """Return a number or what a name stands for, None for anything else."""
    if text in names:
        return names.index(text) + low
    return int(text) if text.isascii() and text.isdigit() and len(text) < 3 else None  # noqa: PLR2004  # two digits
