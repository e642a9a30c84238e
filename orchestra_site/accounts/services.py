"""Changes to people and teams, each recorded in the audit log. All raise subclasses of `AccountsError`.

AccountsError
├── NotAllowed          the member's role is not enough
├── LastOwner           the team would be left without an owner
├── AddressTaken        an account with this e-mail address exists
└── InvitationClosed    the invitation was used or withdrawn, has expired, or its sender may no longer invite

The message of each is a sentence for the person who requested the change.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from orchestra_site.accounts.models import (
    AuditAction,
    AuditEntry,
    Invitation,
    Membership,
    Role,
    Team,
    User,
    hash_token,
)

DEMO_EMAIL = "demo@orchestra.local"
DEMO_TEAM = "Demo team"
CLOSED = "This invitation was already used or withdrawn, has expired, or its sender may no longer invite."
CONSONANTS, VOWELS = "bdfghjkmnprstvz", "aeiou"


class AccountsError(Exception):
    """Base of all: nothing was changed."""


class NotAllowed(AccountsError):
    """The member's role does not allow this."""


class LastOwner(AccountsError):
    """The team would be left without an owner."""


class AddressTaken(AccountsError):
    """Someone has an account with this e-mail address."""


class InvitationClosed(AccountsError):
    """The invitation was used or withdrawn, has expired, or its sender may no longer invite."""


def record_change(
    *,
    membership: Membership,
    action: AuditAction,
    subject: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """Add an entry to the team's audit log, in the transaction of the change.

    `before` and `after` contain the changed values as JSON; never a secret.
    """
    return AuditEntry.objects.create(
        team_id=membership.team_id,
        actor_id=membership.user_id,
        actor_name=membership.user.email,
        action=action,
        subject=subject[:200],
        before=dict(before or {}),
        after=dict(after or {}),
    )


@transaction.atomic
def create_team(name: str, owner: User) -> Team:
    """Create a team with its first owner."""
    team = Team.objects.create(name=name)
    membership = Membership.objects.create(team=team, user=owner, role=Role.OWNER)
    record_change(membership=membership, action=AuditAction.TEAM_CREATED, subject=name, after={"name": name})
    return team


@transaction.atomic
def rename_team(*, membership: Membership, name: str) -> None:
    """Rename the member's team."""
    team = Team.objects.select_for_update().get(pk=membership.team_id)
    before, team.name = team.name, name
    team.save(update_fields=["name"])
    record_change(
        membership=membership,
        action=AuditAction.TEAM_RENAMED,
        subject=name,
        before={"name": before},
        after={"name": name},
    )


@transaction.atomic
def change_role(*, membership: Membership, member: Membership, role: Role) -> None:
    """Change the role of `member`. Raises NotAllowed or LastOwner."""
    member = _locked(member)
    if member.role == role:
        return
    _check_may_grant(membership, role)
    _check_may_touch(membership, member)
    before, member.role = member.role, role
    member.save(update_fields=["role"])
    record_change(
        membership=membership,
        action=AuditAction.ROLE_CHANGED,
        subject=member.user.email,
        before={"role": before},
        after={"role": role.value},
    )


@transaction.atomic
def remove_member(*, membership: Membership, member: Membership) -> None:
    """Remove `member` from the team; their runs stay. Raises NotAllowed or LastOwner."""
    member = _locked(member)
    _check_may_touch(membership, member)
    record_change(
        membership=membership,
        action=AuditAction.MEMBER_REMOVED,
        subject=member.user.email,
        before={"role": member.role},
    )
    member.delete()


def _check_may_grant(membership: Membership, role: Role) -> None:
    """Raise NotAllowed if the member may not give someone `role`."""
    if not membership.may_configure:
        raise NotAllowed("Only owners and admins can change who is in the team.")
    if role == Role.OWNER and not membership.is_owner:
        raise NotAllowed("Only an owner can make someone an owner.")


def _check_may_touch(membership: Membership, member: Membership) -> None:
    if not membership.may_configure:
        raise NotAllowed("Only owners and admins can change who is in the team.")
    if not member.is_owner:
        return
    if not membership.is_owner:
        raise NotAllowed("Only an owner can change or remove an owner.")
    if not Membership.objects.visible_to(member).filter(role=Role.OWNER).exclude(pk=member.pk).exists():
        raise LastOwner(
            f"{member.user} is the only owner of {member.team}. Make someone else an owner first, "
            "so that the team keeps one."
        )


def _locked(member: Membership) -> Membership:
    """Reload the member with the team's row locked: two owners must not demote each other at once."""
    Team.objects.select_for_update().get(pk=member.team_id)
    found: Membership = Membership.objects.visible_to(member).select_related("team", "user").get(pk=member.pk)
    return found


@transaction.atomic
def create_invitation(
    *, membership: Membership, role: Role, now: datetime, valid_for: timedelta
) -> tuple[Invitation, str]:
    """Create an invitation; return it with its token, of which only the hash is stored."""
    _check_may_grant(membership, role)
    token = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        team_id=membership.team_id,
        role=role,
        token_hash=hash_token(token),
        created_by_id=membership.user_id,
        created_at=now,
        expires_at=now + valid_for,
    )
    record_change(
        membership=membership,
        action=AuditAction.INVITATION_CREATED,
        subject=f"invitation as {role.label.lower()}",
        after={"role": role.value, "expires": f"{invitation.expires_at:%Y-%m-%d %H:%M %Z}"},
    )
    return invitation, token


@transaction.atomic
def withdraw_invitation(*, membership: Membership, invitation: Invitation, now: datetime) -> None:
    """Close an open invitation. Raises InvitationClosed if it is closed already."""
    open_ones = Invitation.objects.visible_to(membership).open_at(now).filter(pk=invitation.pk)
    if not open_ones.update(withdrawn_at=now):
        raise InvitationClosed(CLOSED)
    record_change(
        membership=membership,
        action=AuditAction.INVITATION_WITHDRAWN,
        subject=str(invitation),
        before={"role": invitation.role},
    )


@transaction.atomic
def accept_invitation(*, invitation: Invitation, user: User, now: datetime) -> Membership:
    """Add `user` to the team; an existing member keeps their role. Raises InvitationClosed."""
    # With the team's row locked: its sender must not be demoted meanwhile.
    Team.objects.select_for_update().get(pk=invitation.team_id)
    if not Invitation.objects.open_at(now).filter(pk=invitation.pk).update(accepted_at=now, accepted_by=user):
        raise InvitationClosed(CLOSED)
    membership: Membership
    membership, joined = Membership.objects.select_related("team", "user").get_or_create(
        team_id=invitation.team_id, user=user, defaults={"role": invitation.role, "created_at": now}
    )
    if joined:
        record_change(
            membership=membership,
            action=AuditAction.MEMBER_JOINED,
            subject=user.email,
            after={"role": membership.role},
        )
    return membership


@transaction.atomic
def register_invited(
    *, invitation: Invitation, email: str, name: str, password: str, now: datetime
) -> Membership:
    """Create an account for the invited person and add it to the team; all or nothing.

    Raises AddressTaken or InvitationClosed.
    """
    try:
        with transaction.atomic():
            user = User.objects.create_user(email, password, name=name)
    except IntegrityError:
        raise AddressTaken("This address has an account. Sign in first, then open the link again.") from None
    return accept_invitation(invitation=invitation, user=user, now=now)


@transaction.atomic
def ensure_demo_team() -> tuple[Team, str, str | None]:
    """Return a team, the address of one of its owners, and the password if this call created the first user.

    Without any user it creates the demo team and its owner. Otherwise it returns the oldest team; if there is
    none (a user created by hand), it creates the demo team for the oldest user.
    """
    owner = User.objects.order_by("created_at", "id").first()
    if owner is None:
        password = readable_password()
        owner = User.objects.create_user(DEMO_EMAIL, password, name="Demo owner")
        return create_team(DEMO_TEAM, owner), owner.email, password
    owners = Membership.objects.filter(role=Role.OWNER).select_related("team", "user")
    first = owners.order_by("team__created_at", "created_at").first()
    if first is None:
        return create_team(DEMO_TEAM, owner), owner.email, None
    return first.team, first.user.email, None


def readable_password() -> str:
    """Return a password that can be read aloud: twelve random syllables, about 75 bits."""
    syllables = [secrets.choice(CONSONANTS) + secrets.choice(VOWELS) for _ in range(12)]
    return "-".join("".join(syllables[start : start + 3]) for start in range(0, 12, 3))
