"""Providers on, off and away. Runs keep their own copy of what they were started with."""

from __future__ import annotations

from django.db import transaction

from orchestra_site.accounts.models import Membership
from orchestra_site.accounts.services import record_change
from orchestration.models import Provider, ProviderKind
from orchestration.services.registry.recording import drop_recording
from orchestration.services.registry.rows import RegistryAction, locked, shown_provider


def enable_provider(*, membership: Membership, provider: Provider) -> Provider:
    """Offer the provider's models to new runs again. Raises `InvalidRequest` when it is gone."""
    return _switch(membership, provider, RegistryAction.PROVIDER_ENABLED)


def disable_provider(*, membership: Membership, provider: Provider) -> Provider:
    """Offer none of the provider's models to new runs. Raises `InvalidRequest` when it is gone."""
    return _switch(membership, provider, RegistryAction.PROVIDER_DISABLED)


@transaction.atomic
def delete_provider(*, membership: Membership, provider: Provider) -> None:
    """Delete a provider with its key, models and prices. Raises `InvalidRequest` when it is gone."""
    row = locked(provider, membership)
    models = sorted(row.language_models.values_list("name", flat=True))
    record_change(
        membership=membership,
        action=RegistryAction.PROVIDER_DELETED,
        subject=row.name,
        before={**shown_provider(row), "models": models},
        after={},
    )
    recording = row.id if row.kind == ProviderKind.RECORDED else None
    row.delete()
    if recording is not None:
        transaction.on_commit(lambda: drop_recording(recording))


@transaction.atomic
def _switch(membership: Membership, provider: Provider, action: RegistryAction) -> Provider:
    row = locked(provider, membership)
    wanted = action is RegistryAction.PROVIDER_ENABLED
    if row.enabled != wanted:
        record_change(
            membership=membership,
            action=action,
            subject=row.name,
            before={"enabled": row.enabled},
            after={"enabled": wanted},
        )
        row.enabled = wanted
        row.save(update_fields=["enabled"])
    return row
