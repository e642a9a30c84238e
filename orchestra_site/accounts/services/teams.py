"""Making and naming teams."""

from __future__ import annotations

from django.db import transaction

from orchestra_site.accounts.models import Membership, Role, Team, User
from orchestra_site.accounts.services.audit import AuditAction, record_change


@transaction.atomic
def create_team(name: str, owner: User) -> Team:
    """Store a team with its first owner."""
    team = Team.objects.create(name=name)
    membership = Membership.objects.create(team=team, user=owner, role=Role.OWNER)
    record_change(
        membership=membership, action=AuditAction.TEAM_CREATED, subject=name, before={}, after={"name": name}
    )
    return team


@transaction.atomic
def rename_team(*, membership: Membership, name: str) -> None:
    """Give the member's team another name."""
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
