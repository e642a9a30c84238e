"""Filters that give numbers their units. Built in; an unknown value (None) shows as a dash."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from orchestra_site.web import words

register = template.Library()


@register.filter
def money(value: Decimal | float | None) -> str:
    """Show US dollars: cents, and two significant digits below a cent."""
    return words.UNKNOWN if value is None else words.dollars(Decimal(str(value)))


@register.filter
def seconds(value: float | None) -> str:
    """Show a duration given in seconds."""
    return words.UNKNOWN if value is None else words.duration(float(value))


@register.filter
def tokens(value: int | None) -> str:
    """Show a number of tokens."""
    return words.UNKNOWN if value is None else f"{value:,} token{'' if value == 1 else 's'}"


@register.filter
def percent(value: float | None) -> str:
    """Show a fraction of 0 to 1 as a percentage."""
    return words.UNKNOWN if value is None else f"{value:.0%}"


@register.filter
def ago(value: datetime | None) -> SafeString | str:
    """Show a moment relative to now, with date, time and zone on hover."""
    if value is None:
        return words.UNKNOWN
    local = timezone.localtime(value)
    return format_html(
        '<time datetime="{}" title="{}" data-ago>{}</time>',
        value.astimezone(UTC).isoformat(),
        f"{local:%Y-%m-%d %H:%M:%S} {local.tzname()}",
        words.relative(value, timezone.now()),
    )
