"""Invitation links: one person each, for a while, kept as a hash."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db.models.signals import post_save
from django.test import Client
from django.utils import timezone

from orchestra_site.accounts.models import AuditEntry, Invitation, Membership, Role, User
from orchestra_site.accounts.services import (
    InvitationClosed,
    accept_invitation,
    change_role,
    create_invitation,
    remove_member,
)
from tests.support.history import a_member, signed_in

pytestmark = pytest.mark.django_db
NEWCOMER = {"name": "New", "email": "New@Example.org", "password": "long-enough-words"}


def a_link(owner: Membership, role: Role = Role.OPERATOR, days: int = 1) -> tuple[Invitation, str]:
    invitation, token = create_invitation(
        membership=owner, role=role, now=timezone.now(), valid_for=timedelta(days=days)
    )
    return invitation, f"/join/{token}/"


def test_a_link_is_shown_once_and_kept_as_a_hash(owner: Membership) -> None:
    client = signed_in(owner)
    page = client.post("/team/invitations/", {"role": "viewer", "days": "7"}).content.decode()
    found = re.search(r'value="http://testserver/join/([^/"]+)/"', page)
    assert found
    assert found[1] not in client.get("/team/").content.decode()
    stored = Invitation.objects.get()
    assert found[1] not in str(vars(stored))
    assert len(stored.token_hash) == 64


def test_a_newcomer_joins_with_a_new_account_and_is_signed_in(owner: Membership) -> None:
    _, link = a_link(owner)
    client = Client()
    assert "Make an account and join" in client.get(link).content.decode()
    assert client.post(link, NEWCOMER)["Location"] == "/"
    page = client.get("/team/").content.decode()
    assert "You are operator." in page
    assert "new@example.org" in page


def test_a_link_works_for_one_person_only(owner: Membership) -> None:
    _, link = a_link(owner)
    Client().post(link, NEWCOMER)
    again = Client().post(link, {**NEWCOMER, "email": "second@example.org"})
    assert (again.status_code, 'data-page="invitation-closed"' in again.content.decode()) == (404, True)
    assert not User.objects.filter(email="second@example.org").exists()


def test_two_at_once_cannot_both_have_it(owner: Membership) -> None:
    invitation, _ = a_link(owner)
    first, second = a_member(), a_member()
    accept_invitation(invitation=invitation, user=first.user, now=timezone.now())
    with pytest.raises(InvitationClosed):
        accept_invitation(invitation=invitation, user=second.user, now=timezone.now())


def test_a_link_withdrawn_at_the_last_moment_leaves_no_account(owner: Membership) -> None:
    _, link = a_link(owner)

    def withdraw(**_: object) -> None:
        Invitation.objects.update(withdrawn_at=timezone.now())

    post_save.connect(withdraw, sender=User)
    answer = Client().post(link, NEWCOMER)
    post_save.disconnect(withdraw, sender=User)
    assert answer.status_code == 404
    assert not User.objects.filter(email="new@example.org").exists()


def test_someone_with_an_account_joins_with_it(owner: Membership) -> None:
    _, link = a_link(owner, Role.VIEWER)
    guest = a_member(Role.OWNER)
    client = signed_in(guest)
    assert f"Join as {guest.user}" in client.get(link).content.decode()
    assert client.post(link).status_code == 302
    assert Membership.objects.get(user=guest.user, team=owner.team).role == Role.VIEWER
    assert f"<h1><bdi>{owner.team}</bdi></h1>" in client.get("/team/").content.decode()


def test_a_member_who_opens_a_link_keeps_the_role(owner: Membership) -> None:
    _, link = a_link(owner, Role.VIEWER)
    assert signed_in(owner).post(link).status_code == 302
    assert Membership.objects.get(pk=owner.pk).role == Role.OWNER


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("email", "no address", "valid email"),
        ("email", "", "Give your e-mail address"),
        ("name", "", "Say how the team should call you"),
        ("password", "", "Choose a password"),
        ("password", "password12", "too common"),
        ("password", "new@example.org", "too similar"),
    ],
)
def test_a_bad_answer_is_an_error_at_its_field_and_uses_nothing_up(
    owner: Membership, field: str, value: str, words: str
) -> None:
    invitation, link = a_link(owner)
    page = Client().post(link, {**NEWCOMER, field: value})
    assert page.status_code == 422
    assert words in page.content.decode()
    invitation.refresh_from_db()
    assert invitation.accepted_at is None


def test_an_address_that_has_an_account_is_asked_to_sign_in(owner: Membership) -> None:
    _, link = a_link(owner)
    page = Client().post(link, {**NEWCOMER, "email": owner.user.email.upper()})
    assert (page.status_code, "Sign in first" in page.content.decode()) == (422, True)


def test_an_expired_a_withdrawn_and_an_unknown_link_look_the_same(owner: Membership) -> None:
    _, expired = a_link(owner, days=-1)
    invitation, withdrawn = a_link(owner)
    assert signed_in(owner).post(f"/team/invitations/{invitation.pk}/withdraw/").status_code == 302
    pages = {Client().get(link).content for link in (expired, withdrawn, "/join/unknown/")}
    assert len(pages) == 1
    assert Client().get(expired).status_code == 404


def test_withdrawing_twice_is_refused(owner: Membership) -> None:
    invitation, _ = a_link(owner)
    client = signed_in(owner)
    client.post(f"/team/invitations/{invitation.pk}/withdraw/")
    client.get("/team/")
    client.post(f"/team/invitations/{invitation.pk}/withdraw/")
    assert "already used or withdrawn" in client.get("/team/").content.decode()


def test_open_links_are_listed_and_closed_ones_are_not(owner: Membership) -> None:
    a_link(owner, Role.ADMIN)
    a_link(owner, Role.VIEWER, days=-1)
    page = signed_in(owner).get("/team/").content.decode()
    assert "As admin" in page
    assert "As viewer" not in page


@pytest.mark.parametrize(
    ("sender", "later", "invited", "joins"),
    [
        (Role.OWNER, Role.OWNER, Role.OWNER, True),
        (Role.OWNER, Role.ADMIN, Role.OWNER, False),
        (Role.OWNER, Role.ADMIN, Role.ADMIN, True),
        (Role.OWNER, Role.OPERATOR, Role.VIEWER, False),
        (Role.ADMIN, Role.ADMIN, Role.ADMIN, True),
        (Role.ADMIN, Role.VIEWER, Role.VIEWER, False),
        (Role.ADMIN, None, Role.VIEWER, False),
    ],
)
def test_an_invitation_is_worth_what_its_sender_may_give_today(
    owner: Membership, sender: Role, later: Role | None, invited: Role, *, joins: bool
) -> None:
    inviting = a_member(sender, team=owner.team)
    invitation, link = a_link(inviting, invited)
    if later is None:
        remove_member(membership=owner, member=inviting)
    else:
        change_role(membership=owner, member=inviting, role=later)
    listed = str(invitation.id) in signed_in(owner).get("/team/").content.decode()
    Client().post(link, NEWCOMER)
    assert (listed, User.objects.filter(email="new@example.org").exists()) == (joins, joins)


def test_an_invitation_of_a_deleted_user_is_void(owner: Membership) -> None:
    inviting = a_member(Role.ADMIN, team=owner.team)
    _, link = a_link(inviting)
    inviting.user.delete()
    assert Client().get(link).status_code == 404


def test_an_admin_cannot_invite_owners(owner: Membership) -> None:
    admin = a_member(Role.ADMIN, owner.team)
    answer = signed_in(admin).post("/team/invitations/", {"role": "owner", "days": "7"})
    assert answer.status_code == 422
    assert not Invitation.objects.exists()


def test_joining_and_inviting_leave_their_trace_without_the_token(owner: Membership) -> None:
    _, link = a_link(owner)
    Client().post(link, NEWCOMER)
    actions = list(AuditEntry.objects.values_list("action", flat=True))
    assert actions == ["member.joined", "invitation.created"]
    assert link.split("/")[2] not in str(list(AuditEntry.objects.values()))
