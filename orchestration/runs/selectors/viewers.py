"""Who may see what at this moment, for many viewers in one go."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from orchestra_site.accounts.models import Membership
from orchestration.runs.models import Run, RunStatus


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a run has come: its newest event, and what tells whether it waits for a worker."""

    team: UUID
    seq: int
    status: str
    queued_at: datetime


def members_among(users: Iterable[UUID], teams: Iterable[UUID]) -> dict[tuple[UUID, UUID], Membership]:
    """Return the memberships of `users` in `teams` as they are now, by user and team."""
    found = Membership.objects.filter(user_id__in=set(users), team_id__in=set(teams), user__is_active=True)
    return {(member.user_id, member.team_id): member for member in found}


def standings(runs: Iterable[UUID]) -> dict[UUID, Standing]:
    """Return how far each of `runs` has come; one that is gone is left out."""
    columns = ("pk", "team_id", "last_seq", "status", "queued_at")
    rows = Run.objects.filter(pk__in=set(runs)).values_list(*columns)
    return {pk: Standing(team, seq, RunStatus(status), queued) for pk, team, seq, status, queued in rows}
