"""Giving a team the simulated models, clearly named as such."""

from __future__ import annotations

from datetime import date

from django.db import transaction

from orchestra_site.accounts.models import Membership, Team
from orchestra_site.accounts.services import record_change
from orchestration.models import LanguageModel, Provider, ProviderKind
from orchestration.providers.simulated import CATALOG, SimulatedProfile
from orchestration.services.registry.pricing import new_price
from orchestration.services.registry.rows import RegistryAction, shown_model

NAME = "Simulated"
PRICED_FROM = date(2025, 1, 1)
CONCURRENCY = 64  # nobody's rate limit stands behind them


@transaction.atomic
def seed_simulated(team: Team) -> tuple[LanguageModel, ...]:
    """Give the team the simulated models that it does not have, and return those."""
    provider = _provider(team)
    taken = set(LanguageModel.objects.filter(team=team).values_list("name", flat=True))
    missing = [profile for profile in CATALOG if profile.name not in taken]
    return tuple(_add(provider, profile) for profile in missing)


@transaction.atomic
def add_simulated(*, membership: Membership) -> tuple[LanguageModel, ...]:
    """Do the same at a member's wish, audited."""
    added = seed_simulated(membership.team)
    for model in added:
        record_change(
            membership=membership,
            action=RegistryAction.MODEL_ADDED,
            subject=model.name,
            before={},
            after=shown_model(model),
        )
    return added


def _provider(team: Team) -> Provider:
    """Return the team's simulated provider, under the first of its names that is free."""
    found: Provider | None = Provider.objects.filter(team=team, kind=ProviderKind.SIMULATED).first()
    if found is not None:
        return found
    taken = set(Provider.objects.filter(team=team).values_list("name", flat=True))
    name = next(name for name in (NAME, f"{NAME} models", *map(str, range(1000))) if name not in taken)
    return Provider.objects.create(team=team, name=name, kind=ProviderKind.SIMULATED)


def _add(provider: Provider, profile: SimulatedProfile) -> LanguageModel:
    model = LanguageModel.objects.create(
        team_id=provider.team_id,
        provider=provider,
        name=profile.name,
        remote_name=profile.name,
        family=profile.family,
        context_window=profile.context_window,
        max_output_tokens=profile.max_output_tokens,
        max_concurrency=CONCURRENCY,
        capabilities=sorted(profile.capabilities),
        tier=profile.tier,
    )
    new_price(model, profile.prices, PRICED_FROM).save()
    return model
