"""The words of the audit log: a sentence for each action, and how changed values are said."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal

from orchestra_site.accounts.models import AuditAction
from orchestra_site.web.templatetags.text import price

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
        (
            "{who} let the price of {subject} follow {after_listing} of the shipped price table from"
            " {after_valid_from}: {after_input_per_million} per million tokens read and"
            " {after_output_per_million} per million written."
        ),
        "{who} changed the price of {subject}: {changes}; it holds from {after_valid_from}.",
        (
            "{who} set the price of {subject}: {after_input_per_million} per million tokens read and"
            " {after_output_per_million} per million written, from {after_valid_from}."
        ),
    ],
    AuditAction.RUN_DELETED: [
        "{who} deleted the run {subject}, which {before_asked_by} had started; it cost {before_cost_usd}.",
        "{who} deleted the run {subject}.",
    ],
    AuditAction.MCP_SERVER_ADDED: ["{who} added the MCP server {subject} at {after_base_url}."],
    AuditAction.MCP_SERVER_CHANGED: ["{who} changed the MCP server {subject}: {changes}."],
    AuditAction.MCP_SERVER_REMOVED: ["{who} removed the MCP server {subject} at {before_base_url}."],
    AuditAction.CREDENTIAL_ADDED: ["{who} added the credential {subject} for {after_base_url}."],
    AuditAction.CREDENTIAL_CHANGED: ["{who} changed the credential {subject}: {changes}."],
    AuditAction.CREDENTIAL_REMOVED: ["{who} removed the credential {subject} for {before_base_url}."],
    AuditAction.DOCUMENT_ADDED: ["{who} added the document {subject} with {after_size} bytes."],
    AuditAction.DOCUMENT_REMOVED: ["{who} removed the document {subject}."],
    AuditAction.DEFINITION_CREATED: [
        "{who} created the {after_of} {subject} from {after_source}.",
        "{who} created the {after_of} {subject}.",
    ],
    AuditAction.DEFINITION_IMPORTED: [
        "{who} imported a definition as the draft of the {after_of} {subject}."
    ],
    AuditAction.DEFINITION_PUBLISHED: [
        "{who} published version {after_number} of the {after_of} {subject}: {after_note}",
        "{who} published version {after_number} of the {after_of} {subject}.",
    ],
    AuditAction.DEFINITION_RESTORED: [
        "{who} made version {after_number} of the {after_of} {subject} its draft again."
    ],
    AuditAction.DEFINITION_RENAMED: ["{who} renamed the {after_of} {before_name} to {after_name}."],
    AuditAction.DEFINITION_DELETED: [
        "{who} deleted the {after_of} {subject} with {before_versions} published versions.",
        "{who} deleted the {after_of} {subject}, which was never published.",
    ],
    AuditAction.TRIGGER_ADDED: ["{who} added the {after_kind} {subject}, which starts {after_starts}."],
    AuditAction.TRIGGER_SWITCHED: ["{who} switched the {after_kind} {subject} {after_state}."],
    AuditAction.TRIGGER_DELETED: [
        "{who} deleted the {before_kind} {subject}, which started {before_starts}."
    ],
    AuditAction.TRIGGER_REFUSED: [
        "{who} sent the webhook {subject} of {after_starts} a wrong secret and was refused."
    ],
    AuditAction.RUBRIC_CREATED: [
        "{who} created the rubric {subject} with {after_criteria} criteria.",
    ],
    AuditAction.RUBRIC_CHANGED: ["{who} saved version {after_number} of the rubric {subject}."],
    AuditAction.RUBRIC_DELETED: [
        "{who} deleted the rubric {subject}, of which there were {before_versions} versions."
    ],
    AuditAction.COEFFICIENTS_RESET: [
        "{who} put {subject} back to those that ship; they had rested on {before_questions} graded questions."
    ],
    AuditAction.ROUTER_RESET: ["{who} reset what the router had learned of {subject}."],
    AuditAction.DATASET_ADDED: [
        "{who} added the dataset {subject} with {after_items} items from {after_source}."
    ],
    AuditAction.DATASET_REMOVED: ["{who} removed the dataset {subject} with {before_items} items."],
    AuditAction.EVALUATION_STARTED: [
        "{who} evaluated {after_configurations} configurations on {after_items} items of {subject}."
    ],
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
    "cached_input_per_million": "{before} to {after} per million tokens read from a cache",
    "valid_from": "",
    "listing": "",
}
"""How a changed value is said; any other by the words of its name. An empty one is said elsewhere."""
PLAIN = "{who} recorded “{action}” for {subject}: {facts}."
PLAIN_FACTLESS = "{who} recorded “{action}” for {subject}."
PLAIN_CHANGE = "{name} from {before} to {after}"
ISO_DAY = len("2026-12-03")


def written_day(day: date) -> str:
    """Write a date: 3 December 2026."""
    return f"{day.day} {day:%B %Y}"


def _day(moment: str) -> str:
    return written_day(date.fromisoformat(moment[:ISO_DAY]))


def _price(amount: str) -> str:
    return price(Decimal(amount))


KEY_WORDS = {"none": "the key was removed", "stored": "a key was stored", "replaced": "the key was replaced"}
OFFERED = {"True": "offered to new runs again", "False": "not offered to new runs any more"}
FIELD_WORDS: Mapping[str, Callable[[str], str]] = {
    "enabled": lambda value: OFFERED.get(value, value),
    "key": lambda value: KEY_WORDS.get(value, value),
    "input_per_million": _price,
    "output_per_million": _price,
    "cached_input_per_million": _price,
    "expires": _day,
    "valid_from": _day,
}
"""How the value of a field is said, given as text."""
