"""Invitation links: one person each, for a while, kept as a hash."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from orchestra_site.accounts.errors import AddressTaken, InvitationClosed
from orchestra_site.accounts.models import Invitation, Membership, Role, User, hash_token
from orchestra_site.accounts.services.audit import AuditAction, record_change
from orchestra_site.accounts.services.members import check_may_grant

TOKEN_BYTES = 32


@transaction.atomic
def create_invitation(
    *, membership: Membership, role: Role, now: datetime, valid_for: timedelta
) -> tuple[Invitation, str]:
    """Store an invitation and return it with its token, which is shown once and kept nowhere."""
    check_may_grant(membership, role)
    token = secrets.token_urlsafe(TOKEN_BYTES)
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
        before={},
        after={"role": role.value, "expires": f"{invitation.expires_at:%Y-%m-%d %H:%M %Z}"},
    )
    return invitation, token


@transaction.atomic
def withdraw_invitation(*, membership: Membership, invitation: Invitation, now: datetime) -> None:
    """Make an open invitation worthless. Raises InvitationClosed when it is that already."""
    open_ones = Invitation.objects.visible_to(membership).open_at(now).filter(pk=invitation.pk)
    if not open_ones.update(withdrawn_at=now):
        raise InvitationClosed("This invitation was already used or withdrawn, or it has expired.")
    record_change(
        membership=membership,
        action=AuditAction.INVITATION_WITHDRAWN,
        subject=str(invitation),
        before={"role": invitation.role},
        after={},
    )


@transaction.atomic
def accept_invitation(*, invitation: Invitation, user: User, now: datetime) -> Membership:
    """Let `user` join the team; who is in it already keeps their role. Raises InvitationClosed."""
    if not Invitation.objects.open_at(now).filter(pk=invitation.pk).update(accepted_at=now, accepted_by=user):
        raise InvitationClosed("This invitation was already used or withdrawn, or it has expired.")
    membership: Membership
    membership, joined = Membership.objects.select_related("team", "user").get_or_create(
        team_id=invitation.team_id, user=user, defaults={"role": invitation.role, "created_at": now}
    )
    if joined:
        record_change(
            membership=membership,
            action=AuditAction.MEMBER_JOINED,
            subject=user.email,
            before={},
            after={"role": membership.role},
        )
    return membership


@transaction.atomic
def register_invited(
    *, invitation: Invitation, email: str, name: str, password: str, now: datetime
) -> Membership:
    """Make an account for the person invited and let it join; all or nothing.

    Raises AddressTaken or InvitationClosed.
    """
    try:
        with transaction.atomic():
            user = User.objects.create_user(email, password, name=name)
    except IntegrityError:
        raise AddressTaken("This address has an account. Sign in first, then open the link again.") from None
    return accept_invitation(invitation=invitation, user=user, now=now)
