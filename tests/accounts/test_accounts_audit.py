"""The audit log: complete, readable, and only ever added to."""

from __future__ import annotations

import re

import pytest
from django.db import transaction

from orchestra_site.accounts.models import AppendOnly, AuditAction, AuditEntry, Membership, Role
from orchestra_site.accounts.services import change_role, record_change, remove_member, rename_team
from tests.support.history import a_member, signed_in

pytestmark = pytest.mark.django_db


def an_entry(owner: Membership, subject: str = "sim-swift") -> AuditEntry:
    return record_change(
        membership=owner,
        action=AuditAction.MODEL_CHANGED,
        subject=subject,
        before={"tier": "small"},
        after={"tier": "large"},
    )


def test_an_entry_says_who_what_before_after_and_when(owner: Membership) -> None:
    entry = an_entry(owner)
    assert (entry.team, entry.actor, entry.actor_name) == (owner.team, owner.user, owner.user.email)
    assert (entry.before, entry.after) == ({"tier": "small"}, {"tier": "large"})
    assert str(entry) == f"{owner.user.email} model.changed sim-swift"


def test_an_entry_can_be_neither_changed_nor_deleted(owner: Membership) -> None:
    entry = an_entry(owner)
    entry.subject = "other"
    log = AuditEntry.objects.all()
    attempts = (entry.save, entry.delete, log.delete, lambda: log.update(subject="other"))
    for attempt in (*attempts, lambda: log.bulk_update([entry], ["subject"])):
        with pytest.raises(AppendOnly), transaction.atomic():
            attempt()
    assert AuditEntry.objects.get().subject == "sim-swift"


def test_changes_of_members_and_names_leave_an_entry(owner: Membership) -> None:
    member = a_member(Role.VIEWER, owner.team)
    change_role(membership=owner, member=member, role=Role.ADMIN)
    remove_member(membership=owner, member=member)
    rename_team(membership=owner, name="Looms")
    entries = AuditEntry.objects.order_by("id")
    assert [entry.action for entry in entries] == ["member.role_changed", "member.removed", "team.renamed"]
    assert [(entry.before, entry.after) for entry in entries] == [
        ({"role": "viewer"}, {"role": "admin"}),
        ({"role": "admin"}, {}),
        ({"name": "Research"}, {"name": "Looms"}),
    ]


def test_an_entry_outlives_who_made_it(owner: Membership) -> None:
    actor = a_member(Role.ADMIN, owner.team)
    an_entry(actor)
    actor.user.delete()
    assert actor.user.email in signed_in(owner).get("/team/audit/").content.decode()


def test_the_log_is_paged_and_keeps_to_the_team(owner: Membership) -> None:
    for n in range(51):
        an_entry(owner, f"model number {n};")
    an_entry(a_member(Role.OWNER), "theirs")
    client = signed_in(owner)
    first = client.get("/team/audit/")
    assert "model number 50;" in first.content.decode()
    assert "model number 0;" not in first.content.decode()
    [cursor] = set(re.findall(r"cursor=([^\"&]+)", first.content.decode()))
    second = client.get(f"/team/audit/?cursor={cursor}").content.decode()
    assert "model number 0;" in second
    assert "theirs" not in first.content.decode() + second


def test_an_empty_log_says_what_it_is_for(owner: Membership) -> None:
    assert "Nothing was changed yet" in signed_in(owner).get("/team/audit/").content.decode()


def test_a_cursor_of_nowhere_is_not_found(owner: Membership) -> None:
    assert signed_in(owner).get("/team/audit/?cursor=x").status_code == 404


def test_the_log_shows_the_changes_by_one_person_when_asked(owner: Membership) -> None:
    an_entry(owner, "mine")
    an_entry(a_member(Role.ADMIN, owner.team), "another's")
    client = signed_in(owner)
    assert b"another" in client.get("/team/audit/?who=nobody").content
    shown = client.get("/team/audit/", {"who": owner.user.email}).content
    assert (b"mine" in shown, b"another" in shown) == (True, False)


def test_entries_stand_under_their_day(owner: Membership) -> None:
    an_entry(owner)
    page = signed_in(owner).get("/team/audit/")
    assert page.content.decode().count(">Today<") == 1
