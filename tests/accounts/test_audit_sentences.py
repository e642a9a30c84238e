"""Every entry of the audit log is one sentence of a colleague, with what stood before."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from django.utils.html import strip_tags

from orchestra_site.accounts import services
from orchestra_site.accounts.models import AuditAction, AuditEntry, Membership, Role
from orchestra_site.accounts.parts.audit import audit_days, sentence
from orchestra_site.accounts.parts.sentences import SENTENCES
from orchestration.llm.services.registry.models import update_model
from orchestration.llm.services.registry.prices import follow_table, set_price
from orchestration.llm.services.registry.providers import connect_provider, update_provider
from tests.support.history import a_member
from tests.support.shown import a_model

pytestmark = pytest.mark.django_db
A = AuditAction


def said(action: str, before: dict[str, Any], after: dict[str, Any], subject: str = "sage-large") -> str:
    entry = AuditEntry(actor_name="ana@example.org", action=action, subject=subject)
    entry.before, entry.after = before, after
    return strip_tags(sentence(entry)).removeprefix("ana@example.org ")


def newest(owner: Membership) -> str:
    entry = AuditEntry.objects.visible_to(owner).latest("id")
    return strip_tags(sentence(entry)).removeprefix(f"{owner.user} ")


ADDED = {"provider": "Acme", "name": "sage-large", "input_per_million": "0.5", "output_per_million": "2"}
OF = {"of": "pipeline"}
PRICE = {"input_per_million": "1", "output_per_million": "4", "valid_from": "2026-01-01"}
RISEN = {**PRICE, "input_per_million": "2", "valid_from": "2026-12-03"}
ROWS = [
    (
        A.MCP_SERVER_ADDED,
        {},
        {"base_url": "https://a.b/mcp"},
        "added the MCP server sage-large at https://a.b/mcp.",
    ),
    (
        A.MCP_SERVER_REMOVED,
        {"base_url": "https://a.b/mcp"},
        {},
        "removed the MCP server sage-large at https://a.b/mcp.",
    ),
    (A.RUBRIC_CREATED, {}, {"criteria": 2}, "created the rubric sage-large with 2 criteria."),
    (A.RUBRIC_CHANGED, {}, {"number": 3}, "saved version 3 of the rubric sage-large."),
    (
        A.RUBRIC_DELETED,
        {"versions": 3},
        {},
        "deleted the rubric sage-large, of which there were 3 versions.",
    ),
    (
        A.COEFFICIENTS_RESET,
        {"questions": 41},
        {},
        "put sage-large back to those that ship; they had rested on 41 graded questions.",
    ),
    (
        A.DATASET_ADDED,
        {},
        {"items": 4, "source": "sums.csv"},
        "added the dataset sage-large with 4 items from sums.csv.",
    ),
    (A.DATASET_REMOVED, {"items": 4}, {}, "removed the dataset sage-large with 4 items."),
    (
        A.EVALUATION_STARTED,
        {},
        {"items": 4, "configurations": 2},
        "evaluated 2 configurations on 4 items of sage-large.",
    ),
    (A.ROUTER_RESET, {"rows": 3}, {}, "reset what the router had learned of sage-large."),
    (A.CREDENTIAL_ADDED, {}, {"base_url": "https://a.b"}, "added the credential sage-large for https://a.b."),
    (
        A.MCP_SERVER_CHANGED,
        {"base_url": "https://a.b"},
        {"base_url": "https://c.d", "key": "none"},
        "changed the MCP server sage-large: address from https://a.b to https://c.d, the key was removed.",
    ),
    (
        A.CREDENTIAL_CHANGED,
        {},
        {"key": "replaced"},
        "changed the credential sage-large: the key was replaced.",
    ),
    (
        A.CREDENTIAL_REMOVED,
        {"base_url": "https://a.b"},
        {},
        "removed the credential sage-large for https://a.b.",
    ),
    (A.DOCUMENT_ADDED, {}, {"size": 1200}, "added the document sage-large with 1,200 bytes."),
    (A.DOCUMENT_REMOVED, {}, {}, "removed the document sage-large."),
    (A.TEAM_CREATED, {}, {"name": "sage-large"}, "created the team sage-large."),
    (A.TEAM_RENAMED, {"name": "Old"}, {"name": "New"}, "renamed the team from Old to New."),
    (
        A.ROLE_CHANGED,
        {"role": "viewer"},
        {"role": "admin"},
        "changed the role of sage-large from viewer to admin.",
    ),
    (A.MEMBER_JOINED, {}, {"role": "operator"}, "joined the team as operator."),
    (A.MEMBER_REMOVED, {"role": "viewer"}, {}, "removed sage-large, who was viewer, from the team."),
    (
        A.INVITATION_CREATED,
        {},
        {"role": "operator", "expires": "2026-12-03 14:05 UTC"},
        "invited somebody as operator; the link holds until 3 December 2026.",
    ),
    (
        A.INVITATION_WITHDRAWN,
        {"role": "viewer"},
        {},
        "withdrew an invitation as viewer: its link no longer works.",
    ),
    (
        A.PROVIDER_CONNECTED,
        {},
        {"base_url": "https://api.example.com/v1"},
        "connected the provider sage-large at https://api.example.com/v1.",
    ),
    (
        A.PROVIDER_CONNECTED,
        {},
        {"base_url": "", "recording": "gsm8k.jsonl"},
        "added the recording sage-large from the file gsm8k.jsonl.",
    ),
    (
        A.PROVIDER_CHANGED,
        {"name": "Old"},
        {"name": "New", "key": "replaced"},
        "changed the provider sage-large: name from Old to New, the key was replaced.",
    ),
    (
        A.PROVIDER_KEY_SET,
        {"key": "none"},
        {"key": "replaced"},
        "entered a new key for the provider sage-large.",
    ),
    (
        A.PROVIDER_KEY_REMOVED,
        {"key": "stored"},
        {"key": "none"},
        "removed the key of the provider sage-large.",
    ),
    (
        A.PROVIDER_ENABLED,
        {"enabled": False},
        {"enabled": True},
        "enabled the provider sage-large: its models are offered again.",
    ),
    (
        A.PROVIDER_DISABLED,
        {"enabled": True},
        {"enabled": False},
        "disabled the provider sage-large: its models are not offered to new runs.",
    ),
    (
        A.PROVIDER_DELETED,
        {"models": ["a", "b", "c"]},
        {},
        "deleted the provider sage-large with its models a, b and c.",
    ),
    (A.PROVIDER_DELETED, {"models": []}, {}, "deleted the provider sage-large; it had no models."),
    (
        A.MODEL_ADDED,
        {},
        ADDED,
        "added the model sage-large of Acme, at $0.50 per million tokens read and $2.00 per million written.",
    ),
    (A.MODEL_ADDED, {}, {"provider": "Acme"}, "added the model sage-large of Acme."),
    (
        A.MODEL_CHANGED,
        {"tier": "medium", "timeout_s": 120.0, "capabilities": ["streaming"], "enabled": True},
        {"tier": "large", "timeout_s": 180.0, "capabilities": ["json_schema", "tools"], "enabled": False},
        (
            "changed the model sage-large: tier from medium to large, time limit of a call from 2 min 00 s to"
            " 3 min 00 s, capabilities from streaming to json schema and tools, not offered to new runs"
            " any more."
        ),
    ),
    (A.MODEL_DELETED, {"provider": "Acme"}, {}, "deleted the model sage-large of Acme."),
    (
        A.PRICE_SET,
        {},
        PRICE,
        (
            "set the price of sage-large: $1.00 per million tokens read and $4.00 per million written, from"
            " 1 January 2026."
        ),
    ),
    (
        A.PRICE_SET,
        PRICE,
        RISEN,
        (
            "changed the price of sage-large: $1.00 to $2.00 per million tokens read; it holds from"
            " 3 December 2026."
        ),
    ),
    (
        A.RUN_DELETED,
        {"asked_by": "Ben", "status": "failed", "cost_usd": "0.0012", "calls": 3},
        {},
        "deleted the run sage-large, which Ben had started; it cost $0.0012.",
    ),
    (A.RUN_DELETED, {}, {}, "deleted the run sage-large."),
    (A.DEFINITION_CREATED, {}, {**OF, "source": ""}, "created the pipeline sage-large."),
    (A.DEFINITION_CREATED, {}, {**OF, "source": "a file"}, "created the pipeline sage-large from a file."),
    (A.DEFINITION_IMPORTED, {}, OF, "imported a definition as the draft of the pipeline sage-large."),
    (A.DEFINITION_PUBLISHED, {}, {**OF, "number": 2}, "published version 2 of the pipeline sage-large."),
    (
        A.DEFINITION_PUBLISHED,
        {},
        {**OF, "number": 2, "note": "Kinder."},
        "published version 2 of the pipeline sage-large: Kinder.",
    ),
    (
        A.DEFINITION_RESTORED,
        {},
        {**OF, "number": 1},
        "made version 1 of the pipeline sage-large its draft again.",
    ),
    (A.DEFINITION_RENAMED, {"name": "old"}, {**OF, "name": "new"}, "renamed the pipeline old to new."),
    (
        A.DEFINITION_DELETED,
        {"versions": 3},
        OF,
        "deleted the pipeline sage-large with 3 published versions.",
    ),
    (
        A.DEFINITION_DELETED,
        {"versions": 0},
        OF,
        "deleted the pipeline sage-large, which was never published.",
    ),
    (
        A.TRIGGER_ADDED,
        {},
        {"kind": "webhook", "starts": "replies"},
        "added the webhook sage-large, which starts replies.",
    ),
    (
        A.TRIGGER_SWITCHED,
        {},
        {"kind": "schedule", "starts": "replies", "state": "off"},
        "switched the schedule sage-large off.",
    ),
    (
        A.TRIGGER_DELETED,
        {"kind": "webhook", "starts": "replies"},
        {},
        "deleted the webhook sage-large, which started replies.",
    ),
    (
        A.TRIGGER_REFUSED,
        {},
        {"starts": "replies"},
        "sent the webhook sage-large of replies a wrong secret and was refused.",
    ),
]


@pytest.mark.parametrize(("action", "before", "after", "words"), ROWS)
def test_each_action_is_said_in_a_sentence(
    action: AuditAction, before: dict[str, Any], after: dict[str, Any], words: str
) -> None:
    assert said(action, before, after) == words


def test_every_action_has_a_sentence_and_a_row_here() -> None:
    assert set(SENTENCES) == set(AuditAction) == {action for action, *_ in ROWS}


@pytest.mark.parametrize("action", [*AuditAction, "model.price_changed", "x"])
def test_an_entry_with_other_values_than_today_is_still_said(action: str) -> None:
    before: dict[str, Any] = {"price": 1, "max_tokens": None}
    words = said(action, before, {"price": 2.5, "max_tokens": 4096, "on": True})
    assert "sage-large" in words or "team" in words or "invit" in words
    assert "_" not in words


def test_values_of_another_kind_than_today_are_said_as_they_are() -> None:
    assert said(A.INVITATION_CREATED, {}, {"role": "viewer", "expires": "soon"}).endswith("until soon.")
    cheap = {"input_per_million": "cheap", "output_per_million": None, "valid_from": "2026-01-01"}
    assert "cheap to $1.00" in said(A.PRICE_SET, cheap, PRICE)


def test_an_unknown_action_is_said_in_its_own_words() -> None:
    assert said("model.price_changed", {"price": 1}, {"price": 2}) == (
        "recorded “model price changed” for sage-large: price from 1 to 2."
    )
    assert said("x.y", {}, {}) == "recorded “x y” for sage-large."


def test_names_are_isolated_and_escaped() -> None:
    entry = AuditEntry(actor_name="a@b.c", action=A.MODEL_DELETED, subject="<b>نموذج</b>", before={})
    assert '<strong dir="auto">&lt;b&gt;نموذج&lt;/b&gt;</strong>' in sentence(entry)


def test_what_services_write_is_said_in_sentences(owner: Membership) -> None:
    model = a_model(owner, "sage")
    set_price(
        membership=owner,
        model=model,
        input_per_million=Decimal(3),
        output_per_million=Decimal(2),
        valid_from=date(2026, 12, 3),
    )
    assert newest(owner) == (
        "changed the price of sage: $2.00 to $3.00 per million tokens read; it holds from 3 December 2026."
    )
    follow_table(membership=owner, model=model, listing="cohere/command-r7b-12-2024")
    assert newest(owner).startswith(
        "let the price of sage follow cohere/command-r7b-12-2024 of the shipped price table from "
    )
    assert newest(owner).endswith(": $0.0375 per million tokens read and $0.15 per million written.")
    update_model(membership=owner, model=model, max_output_tokens=2048)
    assert newest(owner) == "changed the model sage: longest answer from 1,024 to 2,048 tokens."


def test_a_key_is_never_said(owner: Membership) -> None:
    address, key = "https://api.example.com/v1", "not-for-any-page"
    provider = connect_provider(membership=owner, name="Acme", base_url=address, api_key=key)
    update_provider(membership=owner, provider=provider, name="Acme", base_url=address, api_key=key + "2")
    assert newest(owner) == "changed the provider Acme: the key was replaced."
    assert key not in str([(entry.before, entry.after) for entry in AuditEntry.objects.all()])


def test_an_invitation_is_said_with_the_day_on_which_its_link_ends(owner: Membership) -> None:
    now = timezone.now()
    services.create_invitation(membership=owner, role=Role.OPERATOR, now=now, valid_for=timedelta(days=1))
    tomorrow = now + timedelta(days=1)
    assert newest(owner) == (
        f"invited somebody as operator; the link holds until {tomorrow.day} {tomorrow:%B %Y}."
    )


def test_entries_are_grouped_by_day(owner: Membership) -> None:
    now = timezone.now()
    moments = [now, now - timedelta(days=1), now - timedelta(days=1), now - timedelta(days=400)]
    entries = [AuditEntry(actor=a_member().user, action="x", subject="y", at=at) for at in moments]
    old = moments[-1]
    assert [(day.day, len(day.lines)) for day in audit_days(entries)] == [
        ("Today", 1),
        ("Yesterday", 2),
        (f"{old.day} {old:%B %Y}", 1),
    ]
