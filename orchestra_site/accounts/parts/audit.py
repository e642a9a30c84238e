"""The audit log in sentences: what each entry says, with what stood before, under the day it was made."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import InvalidOperation
from itertools import groupby

from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from orchestra_site.accounts.models import AuditAction, AuditEntry
from orchestra_site.accounts.parts.sentences import (
    CHANGES,
    FIELD_WORDS,
    PLAIN,
    PLAIN_CHANGE,
    PLAIN_FACTLESS,
    SENTENCES,
    written_day,
)
from orchestra_site.web.words import plain_name, plain_value


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditDay:
    """The entries of one day, each with its sentence."""

    day: str
    lines: list[tuple[AuditEntry, SafeString]]


def audit_days(entries: Iterable[AuditEntry]) -> list[AuditDay]:
    """Return `entries`, which are in the order of time, by day."""
    today = timezone.localdate()
    return [
        AuditDay(day=_day_words(day, today), lines=[(entry, sentence(entry)) for entry in found])
        for day, found in groupby(entries, lambda entry: timezone.localdate(entry.at))
    ]


def sentence(entry: AuditEntry) -> SafeString:
    """Return what an entry says; one of an action that is not known any more is said in its own words."""
    values = {
        "who": _name(entry.actor or entry.actor_name),
        "subject": _name(entry.subject),
        **{f"before_{name}": shown_value(name, value) for name, value in entry.before.items() if value},
        **{f"after_{name}": shown_value(name, value) for name, value in entry.after.items() if value},
    }
    changes = _changes(entry, set(entry.before) | {"key"})
    known = values | {"changes": changes} if changes else values
    if entry.action in SENTENCES:
        for words in SENTENCES[AuditAction(entry.action)]:
            with suppress(KeyError):  # a value that this entry has not
                return format_html(words, **known)
    facts = _changes(entry, {*entry.before, *entry.after})
    plain = PLAIN if facts else PLAIN_FACTLESS
    return format_html(plain, action=plain_name(entry.action), facts=facts, **values)


def shown_value(name: str, value: object) -> SafeString:
    """Return a value of the log as a reader says it."""
    if isinstance(value, list) and value:
        return _listed([shown_value(name, each) for each in value])
    try:
        words = _words(name, value)
    except (InvalidOperation, ValueError):  # of another kind in an earlier version
        words = str(value)
    return format_html('<span dir="auto">{}</span>', words)


def _words(name: str, value: object) -> str:
    """Return a value in the words of its kind. Raises ValueError or InvalidOperation for what is none."""
    is_known = name in FIELD_WORDS and value is not None
    return FIELD_WORDS[name](str(value)) if is_known else plain_value(name, value)


def _changes(entry: AuditEntry, names: Collection[str]) -> SafeString:
    """Return which of the values of these names changed, and how."""
    said = [
        format_html(
            CHANGES.get(name, PLAIN_CHANGE),
            name=plain_name(name),
            before=shown_value(name, entry.before.get(name)),
            after=shown_value(name, entry.after.get(name)),
        )
        for name in dict.fromkeys([*entry.before, *entry.after])
        if name in names and entry.before.get(name) != entry.after.get(name)
    ]
    return format_html_join(", ", "{}", ((each,) for each in said if each))


def _listed(items: Sequence[SafeString]) -> SafeString:
    *others, last = items
    if not others:
        return last
    return format_html("{} and {}", format_html_join(", ", "{}", ((each,) for each in others)), last)


def _name(given: object) -> SafeString:
    return format_html('<strong dir="auto">{}</strong>', str(given))


def _day_words(day: date, today: date) -> str:
    near = {today: "Today", today - timedelta(days=1): "Yesterday"}
    return near.get(day) or written_day(day)
