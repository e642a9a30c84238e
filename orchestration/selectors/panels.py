"""Which models a member can ask."""

from __future__ import annotations

from orchestra_site.accounts.models import Membership
from orchestration.models import LanguageModel


def usable_models(membership: Membership) -> list[LanguageModel]:
    """Return the team's enabled models of enabled providers, by name, with provider and prices."""
    usable = LanguageModel.objects.visible_to(membership).filter(enabled=True, provider__enabled=True)
    return list(usable.select_related("provider").prefetch_related("prices").order_by("name"))
