"""The audit log: who changed what."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from orchestra_site.accounts.models import AuditEntry, Membership


class AuditAction(StrEnum):
    """Changes that accounts records. Other apps record theirs in the same shape: object.verb."""

    TEAM_CREATED = "team.created"
    TEAM_RENAMED = "team.renamed"
    ROLE_CHANGED = "member.role_changed"
    MEMBER_JOINED = "member.joined"
    MEMBER_REMOVED = "member.removed"
    INVITATION_CREATED = "invitation.created"
    INVITATION_WITHDRAWN = "invitation.withdrawn"


def record_change(
    *,
    membership: Membership,
    action: str,
    subject: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> AuditEntry:
    """Add an entry to the team's audit log, in the transaction of the change.

    `before` and `after` hold what changed, as JSON values; never a secret.
    """
    return AuditEntry.objects.create(
        team_id=membership.team_id,
        actor_id=membership.user_id,
        actor_name=membership.user.email,
        action=action,
        subject=subject[:200],
        before=dict(before),
        after=dict(after),
    )
