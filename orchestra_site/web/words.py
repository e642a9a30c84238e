"""Numbers and moments in words. Pure: whoever calls says what time it is."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

UNKNOWN = "\N{EN DASH}"
CENT = Decimal("0.01")
MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR
A_WHILE = 30 * DAY


def dollars(amount: Decimal) -> str:
    """Say US dollars: cents, and two significant digits below a cent."""
    sign, size = ("-" if amount < 0 else ""), abs(amount)
    if size == 0:
        return "$0"
    if size >= CENT:
        return f"{sign}${size:,.2f}"
    places = 1 - size.adjusted()
    text = f"{size:.{places}f}"
    return f"{sign}${size:.2f}" if Decimal(text) >= CENT else f"{sign}${text}"


def duration(seconds: float) -> str:
    """Say a duration given in seconds: 45 ms, 1.2 s, 34 s, 2 min 05 s, 1 h 03 min."""
    if seconds < 0.0995:  # noqa: PLR2004  # what rounds to less than 0.1 s
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:  # noqa: PLR2004  # what rounds to less than 10 s
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE:02d} s"
    return f"{whole // HOUR} h {whole % HOUR // MINUTE:02d} min"


def relative(moment: datetime, now: datetime) -> str:
    """Say how far `moment` is from `now`; what is further than thirty days is a date."""
    distance = (moment - now).total_seconds()
    size = abs(distance)
    if size < MINUTE:
        return "just now" if distance <= 0 else "in less than a minute"
    if size >= A_WHILE:
        return f"{moment:%Y-%m-%d}"
    unit, length = next((u, s) for u, s in (("day", DAY), ("hour", HOUR), ("minute", MINUTE)) if size >= s)
    count = int(size // length) if distance < 0 else round(size / length)
    spelled = f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{spelled} ago" if distance < 0 else f"in {spelled}"
