"""Filters that turn values into text: numbers with units, moments, markdown. Built in.

An unknown number (None) shows as a dash.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from orchestra_site.web.markdown import rendered

register = template.Library()

UNKNOWN = "\N{EN DASH}"
CENT = Decimal("0.01")
CENTS = 2
MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR
A_WHILE = 30 * DAY


@register.filter
def money(value: Decimal | float | None) -> str:
    """Show US dollars: cents, and two significant digits below a cent."""
    return UNKNOWN if value is None else dollars(Decimal(str(value)))


@register.filter
def price(value: Decimal | None) -> str:
    """Show a price in US dollars to the last digit, with cents: $0.0375, $2.50."""
    if value is None:
        return UNKNOWN
    whole = format(value.normalize(), ",f")
    return f"${whole}{'' if '.' in whole else '.'}{'0' * (CENTS - len(whole.partition('.')[2]))}"


@register.filter
def seconds(value: float | None) -> str:
    """Show a duration given in seconds."""
    return UNKNOWN if value is None else duration(float(value))


@register.filter
def tokens(value: int | None) -> str:
    """Show a number of tokens."""
    return UNKNOWN if value is None else f"{value:,} token{'' if value == 1 else 's'}"


@register.filter
def percent(value: float | None) -> str:
    """Show a fraction of 0 to 1 as a percentage."""
    return UNKNOWN if value is None else f"{value:.0%}"


@register.filter
def ago(value: datetime | None) -> SafeString | str:
    """Show a moment relative to now, with date, time and zone on hover."""
    if value is None:
        return UNKNOWN
    local = timezone.localtime(value)
    return format_html(
        '<time datetime="{}" title="{}" data-ago>{}</time>',
        value.astimezone(UTC).isoformat(),
        f"{local.day} {local:%B %Y, %H:%M:%S} {local.tzname()}",
        relative(value, timezone.now()),
    )


@register.filter
def markdown(text: str) -> SafeString:
    """Show untrusted Markdown as clean HTML."""
    return rendered(text)


def dollars(amount: Decimal) -> str:
    """Write US dollars: cents, and two significant digits below a cent."""
    sign, size = ("-" if amount < 0 else ""), abs(amount)
    if size == 0:
        return "$0"
    if size >= CENT:
        return f"{sign}${size:,.2f}"
    places = 1 - size.adjusted()
    text = f"{size:.{places}f}"
    return f"{sign}${size:.2f}" if Decimal(text) >= CENT else f"{sign}${text}"


def duration(seconds: float) -> str:
    """Write a duration given in seconds: 45 ms, 1.2 s, 34 s, 2 min 05 s, 1 h 03 min."""
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
    """Write how far `moment` is from `now`; beyond thirty days, the date."""
    distance = (moment - now).total_seconds()
    size = abs(distance)
    if size < MINUTE:
        return "just now" if distance <= 0 else "in less than a minute"
    if size >= A_WHILE:
        return f"{moment.day} {moment:%b %Y}"
    unit, length = next((u, s) for u, s in (("day", DAY), ("hour", HOUR), ("minute", MINUTE)) if size >= s)
    count = int(size // length) if distance < 0 else round(size / length)
    spelled = f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{spelled} ago" if distance < 0 else f"in {spelled}"
