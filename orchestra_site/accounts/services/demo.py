"""The team and the sign-in that a first start makes."""

from __future__ import annotations

import secrets

from django.db import transaction

from orchestra_site.accounts.models import Membership, Role, Team, User
from orchestra_site.accounts.services.teams import create_team

DEMO_EMAIL = "demo@orchestra.local"
DEMO_TEAM = "Demo team"
CONSONANTS = "bdfghjkmnprstvz"
VOWELS = "aeiou"
GROUPS = 4
SYLLABLES = 3


@transaction.atomic
def ensure_demo_team() -> tuple[Team, str, str | None]:
    """Return a team, the address of one of its owners, and a password when this call made the first user.

    Without any user it makes the demo team and its owner. Otherwise the oldest team stands; when there is
    none (a user made by hand), the oldest user gets the demo team.
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
    groups = (
        "".join(secrets.choice(CONSONANTS) + secrets.choice(VOWELS) for _ in range(SYLLABLES))
        for _ in range(GROUPS)
    )
    return "-".join(groups)
