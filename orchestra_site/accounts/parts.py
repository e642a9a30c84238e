"""The audit log in sentences: what each entry says, with what stood before, under the day it was made."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from itertools import groupby

from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from orchestra_site.accounts.models import AuditAction, AuditEntry
from orchestra_site.web.templatetags.text import dollars, duration

SENTENCES: Mapping[AuditAction, Sequence[str]] = {
    AuditAction.TEAM_CREATED: ["{who} created the team {subject}."],
    AuditAction.TEAM_RENAMED: ["{who} renamed the team from {before_name} to {after_name}."],
    AuditAction.ROLE_CHANGED: ["{who} changed the role of {subject} from {before_role} to {after_role}."],
    AuditAction.MEMBER_JOINED: ["{who} joined the team as {after_role}."],
    AuditAction.MEMBER_REMOVED: ["{who} removed {subject}, who was {before_role}, from the team."],
    AuditAction.INVITATION_CREATED: [
        "{who} invited somebody as {after_role}; the link holds until {after_expires}."
    ],
    AuditAction.INVITATION_WITHDRAWN: [
        "{who} withdrew an invitation as {before_role}: its link no longer works."
    ],
    AuditAction.PROVIDER_CONNECTED: [
        "{who} added the recording {subject} from the file {after_recording}.",
        "{who} connected the provider {subject} at {after_base_url}.",
    ],
    AuditAction.PROVIDER_CHANGED: ["{who} changed the provider {subject}: {changes}."],
    AuditAction.PROVIDER_KEY_SET: ["{who} entered a new key for the provider {subject}."],
    AuditAction.PROVIDER_KEY_REMOVED: ["{who} removed the key of the provider {subject}."],
    AuditAction.PROVIDER_ENABLED: ["{who} enabled the provider {subject}: its models are offered again."],
    AuditAction.PROVIDER_DISABLED: [
        "{who} disabled the provider {subject}: its models are not offered to new runs."
    ],
    AuditAction.PROVIDER_DELETED: [
        "{who} deleted the provider {subject} with its models {before_models}.",
        "{who} deleted the provider {subject}; it had no models.",
    ],
    AuditAction.MODEL_ADDED: [
        (
            "{who} added the model {subject} of {after_provider}, at {after_input_per_million} per million"
            " tokens read and {after_output_per_million} per million written."
        ),
        "{who} added the model {subject} of {after_provider}.",
    ],
    AuditAction.MODEL_CHANGED: ["{who} changed the model {subject}: {changes}."],
    AuditAction.MODEL_DELETED: ["{who} deleted the model {subject} of {before_provider}."],
    AuditAction.PRICE_SET: [
        "{who} changed the price of {subject}: {changes}; it holds from {after_valid_from}.",
        (
            "{who} set the price of {subject}: {after_input_per_million} per million tokens read and"
            " {after_output_per_million} per million written, from {after_valid_from}."
        ),
    ],
    AuditAction.RUN_DELETED: ["{who} deleted the run “{subject}”."],
}
"""Of each action the first sentence counts whose values the entry has."""

CHANGES: Mapping[str, str] = {
    "base_url": "address from {before} to {after}",
    "remote_name": "name at the provider from {before} to {after}",
    "context_window": "context from {before} to {after} tokens",
    "max_output_tokens": "longest answer from {before} to {after} tokens",
    "max_concurrency": "calls at a time from {before} to {after}",
    "timeout_s": "time limit of a call from {before} to {after}",
    "enabled": "{after}",
    "key": "{after}",
    "input_per_million": "{before} to {after} per million tokens read",
    "output_per_million": "{before} to {after} per million tokens written",
    "valid_from": "",
}
"""How a changed value is said; any other by the words of its name. An empty one is said elsewhere."""
PLAIN = "{who} recorded “{action}” for {subject}: {facts}."
PLAIN_FACTLESS = "{who} recorded “{action}” for {subject}."
PLAIN_CHANGE = "{name} from {before} to {after}"
ISO_DAY = len("2026-12-03")


def _written(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _written_day(moment: str) -> str:
    return _written(date.fromisoformat(moment[:ISO_DAY]))


def _price(amount: str) -> str:
    return dollars(Decimal(amount))


KEY_WORDS = {"none": "the key was removed", "stored": "a key was stored", "replaced": "the key was replaced"}
OFFERED = {"True": "offered to new runs again", "False": "not offered to new runs any more"}
FIELD_WORDS: Mapping[str, Callable[[str], str]] = {
    "enabled": lambda value: OFFERED.get(value, value),
    "key": lambda value: KEY_WORDS.get(value, value),
    "capabilities": lambda value: value.replace("_", " "),
    "input_per_million": _price,
    "output_per_million": _price,
    "timeout_s": lambda value: duration(float(value)),
    "expires": _written_day,
    "valid_from": _written_day,
}
"""How the value of a field is said, given as text."""


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
    action = entry.action.replace(".", " ").replace("_", " ")
    return format_html(PLAIN if facts else PLAIN_FACTLESS, action=action, facts=facts, **values)


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
    if value is None or value in ("", []):
        return "nothing"
    if name in FIELD_WORDS:
        return FIELD_WORDS[name](str(value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _changes(entry: AuditEntry, names: Collection[str]) -> SafeString:
    """Return which of the values of these names changed, and how."""
    said = [
        format_html(
            CHANGES.get(name, PLAIN_CHANGE),
            name=name.replace("_", " "),
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
    return near.get(day) or _written(day)
