"""Teams, members and runs as rows, for tests of pages."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.hashers import make_password
from django.test import Client
from django.utils import timezone

from orchestra_site.accounts.models import Membership, Role, Team, User
from orchestration.runs.models import Run, RunStatus

HTMX = {"HX-Request": "true", "HX-Target": "run-list", "HX-Trigger": "run-filters"}


def a_member(role: Role = Role.OPERATOR, team: Team | None = None, name: str = "") -> Membership:
    """Store a user with a membership, in a team of their own without `team`."""
    team = team or Team.objects.create(name="Research")
    count = User.objects.count()
    user = User.objects.create(
        email=f"person{count}@example.org", name=name or f"Person {count}", password=make_password(None)
    )
    return Membership.objects.create(team=team, user=user, role=role)


def signed_in(membership: Membership) -> Client:
    """Return a browser in which the member is signed in."""
    client = Client()
    client.force_login(membership.user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def a_run(
    member: Membership, prompt: str = "What is 2 + 2?", *, minutes_ago: float = 0, **fields: object
) -> Run:
    """Store a run that succeeded unless `fields` say otherwise."""
    asked = timezone.now() - timedelta(minutes=minutes_ago)
    given: dict[str, object] = {
        "kind": "strategy",
        "ref": "parallel",
        "status": RunStatus.SUCCEEDED,
        "created_at": asked,
        "started_at": asked,
        "finished_at": asked + timedelta(seconds=3),
        "panel": [{"spec": {"name": "sim-swift"}, "role": "member"}],
        "seed": 1,
    }
    run: Run = Run.objects.create(
        team=member.team, created_by=member.user, prompt=prompt, **{**given, **fields}
    )
    return run
