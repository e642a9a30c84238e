"""Reads of people and teams."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Case, IntegerField, QuerySet, When
from django.utils import timezone

from orchestra_site.accounts.models import AuditEntry, Invitation, Membership, Role, hash_token

RANK = Case(
    *(When(role=role, then=rank) for rank, role in enumerate(Role.values)), output_field=IntegerField()
)


def user_memberships(user_id: UUID) -> list[Membership]:
    """Return all memberships of a user with their teams, the oldest first."""
    found = Membership.objects.filter(user_id=user_id, user__is_active=True)
    return list(found.select_related("team", "user").order_by("created_at", "id"))


def current_membership(memberships: list[Membership], team_id: str | None) -> Membership | None:
    """Return the membership in team `team_id`, else the first, or None without any."""
    chosen = (one for one in memberships if str(one.team_id) == team_id)
    return next(chosen, memberships[0] if memberships else None)


def team_members(membership: Membership) -> QuerySet[Membership]:
    """Return the team's members, those with the most rights first."""
    return Membership.objects.visible_to(membership).select_related("user").order_by(RANK, "created_at")


def member_ids(membership: Membership) -> dict[str, str]:
    """Return the ids of the team's members by what people call them: name, address, or the id itself."""
    users = [each.user for each in team_members(membership)]
    by_name = {user.name: str(user.pk) for user in users if user.name}
    return by_name | {key: str(user.pk) for user in users for key in (user.email, str(user.pk))}


def member_names(membership: Membership) -> dict[str, str]:
    """Return what the team's members are called, by their ids."""
    return {str(each.user_id): str(each.user) for each in team_members(membership)}


def open_invitations(membership: Membership) -> QuerySet[Invitation]:
    """Return the team's invitations that can still be accepted, the newest first."""
    return Invitation.objects.visible_to(membership).open_at(timezone.now()).select_related("created_by")


def invitation_for(token: str) -> Invitation | None:
    """Return the open invitation with this token."""
    found = Invitation.objects.open_at(timezone.now()).filter(token_hash=hash_token(token))
    return found.select_related("team", "created_by").first()


def audit_log(membership: Membership, who: str = "") -> QuerySet[AuditEntry]:
    """Return the team's audit log, the newest first; with an e-mail address that person's entries only."""
    found = AuditEntry.objects.visible_to(membership).select_related("actor").order_by("-id")
    return found.filter(actor_name=who) if who else found


def audit_people(membership: Membership) -> list[str]:
    """Return the e-mail addresses of everybody with an entry in the team's audit log."""
    found = AuditEntry.objects.visible_to(membership).order_by("actor_name")
    return list(found.values_list("actor_name", flat=True).distinct())


def first_member(team: str = "") -> Membership | None:
    """Return the oldest member with the most rights of the team with this name, or of the oldest team."""
    found = Membership.objects.filter(user__is_active=True, **({"team__name": team} if team else {}))
    return found.select_related("team", "user").order_by("team__created_at", RANK, "created_at").first()
