"""Times that repeat: what a crontab means, across months, time zones and changes of the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.expressions.errors import ExpressionError
from orchestration.library.engine.crontab import DAYS, MONTHS, parse_crontab

BERLIN = ZoneInfo("Europe/Berlin")


def due(crontab: str, after: str, count: int = 1) -> list[str]:
    """Return the next due moments in Berlin, as they stand on a clock there."""
    moment, found = datetime.fromisoformat(after).replace(tzinfo=BERLIN), list[str]()
    for _ in range(count):
        following = parse_crontab(crontab).next_after(moment, BERLIN)
        assert following is not None
        moment = following
        found.append(moment.astimezone(BERLIN).strftime("%Y-%m-%d %H:%M"))
    return found


@pytest.mark.parametrize(
    ("crontab", "after", "expected"),
    [
        ("30 9 * * mon-fri", "2026-11-27 09:30", ["2026-11-30 09:30", "2026-12-01 09:30"]),
        ("*/20 8-9 1,15 * *", "2026-11-15 09:20", ["2026-11-15 09:40", "2026-12-01 08:00"]),
        ("0 9 13 * fri", "2026-11-01 00:00", ["2026-11-06 09:00", "2026-11-13 09:00"]),
        ("0 9 1-7 * */1", "2026-11-07 10:00", ["2026-12-01 09:00"]),
        ("5/25 0 * jan 7", "2026-11-01 00:00", ["2027-01-03 00:05", "2027-01-03 00:30", "2027-01-03 00:55"]),
        ("@DAILY", "2026-12-31 12:00", ["2027-01-01 00:00"]),
        ("0 0 29 2 *", "2026-01-01 00:00", ["2028-02-29 00:00", "2032-02-29 00:00"]),
    ],
)
def test_the_next_times_of_a_crontab(crontab: str, after: str, expected: list[str]) -> None:
    assert due(crontab, after, len(expected)) == expected


def test_a_time_that_is_left_out_is_due_later_and_one_that_comes_twice_once() -> None:
    assert due("30 2 * * *", "2026-03-28 12:00", 2) == ["2026-03-29 03:30", "2026-03-30 02:30"]
    assert due("30 2 * * *", "2026-10-24 12:00", 2) == ["2026-10-25 02:30", "2026-10-26 02:30"]


def test_every_hour_is_also_the_one_that_comes_twice() -> None:
    hours = [each[-5:] for each in due("30 * * * *", "2026-10-25 01:00", 4)]
    assert hours == ["01:30", "02:30", "02:30", "03:30"]


def test_what_never_comes_is_never_due() -> None:
    assert parse_crontab("0 0 30 2 *").next_after(datetime(2026, 1, 1, tzinfo=UTC), BERLIN) is None


@pytest.mark.parametrize(
    ("crontab", "words"),
    [
        ("", "Write five values with spaces between them: minute, hour"),
        ("* * * *", "Write five values"),
        ("1," * 100 + " * * * *", "Write five values"),
        ("60 * * * *", "“60” is no minute: those are 0 to 59."),
        ("* 5-3 * * *", "“5-3” is no hour"),
        ("* * 0 * *", "is no day of the month: those are 1 to 31."),
        ("* * * foo *", "“foo” is no month"),
        ("* * * * 8", "is no day of the week: those are 0 to 7."),
        ("*/0 * * * *", "“*/0” is no minute"),
        ("*/x * * * *", "“*/x” is no minute"),
        ("\u0663 * * * *", "is no minute"),
    ],
)
def test_what_is_no_crontab_is_refused_with_the_field(crontab: str, words: str) -> None:
    with pytest.raises(ExpressionError, match=words.replace("*", r"\*")):
        parse_crontab(crontab)


NUMBERS = st.sampled_from(["*", "*/2", "1-3", "2,4"])
WEEKDAYS = st.sampled_from(["*", "mon", "0,6", "2-4"])


@given(
    st.tuples(st.sampled_from(["0", "*/30", "59"]), NUMBERS, NUMBERS, st.just("*"), WEEKDAYS),
    st.integers(0, 20_000),
)
@settings(max_examples=20, deadline=None)
def test_no_due_minute_is_passed_over_and_each_one_fits(parts: tuple[str, ...], minutes: int) -> None:
    start = datetime(2026, 3, 20, tzinfo=UTC) + timedelta(minutes=minutes)
    following = parse_crontab(" ".join(parts)).next_after(start, UTC)
    assert following is not None
    assert start < following
    minute = start.replace(second=0) + timedelta(minutes=1)
    while minute < following:
        assert not fits(parts, minute)
        minute += timedelta(minutes=1)
    assert fits(parts, following)


def fits(parts: tuple[str, ...], at: datetime) -> bool:
    """Return whether a minute is meant, by the rules of cron."""
    minute, hour, day, _, week = parts
    in_month, in_week = _in(day, at.day, 1), _in(week, at.isoweekday() % 7, 0)
    either = "*" not in day and "*" not in week
    day_fits = in_month or in_week if either else in_month and in_week
    return _in(minute, at.minute, 0) and _in(hour, at.hour, 0) and day_fits


def _in(part: str, value: int, low: int) -> bool:
    if part.startswith("*"):
        return (value - low) % int(part[2:] or 1) == 0
    named = {name: str(number) for number, name in enumerate(DAYS)}
    spans = [named.get(each, each).split("-") for each in part.split(",")]
    return any(int(span[0]) <= value <= int(span[-1]) for span in spans)


def test_all_names_are_known() -> None:
    assert parse_crontab(f"0 0 1 {','.join(MONTHS)} *").months == frozenset(range(1, 13))
    assert parse_crontab(f"0 0 * * {','.join(DAYS)}").weekdays == frozenset(range(7))
