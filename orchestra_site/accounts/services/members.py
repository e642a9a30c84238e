"""Roles and removal. A team always keeps an owner, and only owners decide about owners."""

from __future__ import annotations

from django.db import transaction

from orchestra_site.accounts.errors import LastOwner, NotAllowed
from orchestra_site.accounts.models import Membership, Role, Team
from orchestra_site.accounts.services.audit import AuditAction, record_change


@transaction.atomic
def change_role(*, membership: Membership, member: Membership, role: Role) -> None:
    """Give `member` another role. Raises NotAllowed or LastOwner."""
    member = _locked(member)
    if member.role == role:
        return
    check_may_grant(membership, role)
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
    """Take `member` out of the team. What they did there stays. Raises NotAllowed or LastOwner."""
    member = _locked(member)
    _check_may_touch(membership, member)
    record_change(
        membership=membership,
        action=AuditAction.MEMBER_REMOVED,
        subject=member.user.email,
        before={"role": member.role},
        after={},
    )
    member.delete()


def check_may_grant(membership: Membership, role: Role) -> None:
    """Raise NotAllowed when the member may not make someone a `role`."""
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
    """Read the member anew, the team's row locked: two owners cannot demote each other at once."""
    Team.objects.select_for_update().get(pk=member.team_id)
    found: Membership = Membership.objects.visible_to(member).select_related("team", "user").get(pk=member.pk)
    return found
