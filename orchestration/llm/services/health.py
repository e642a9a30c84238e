"""What `doctor` says about providers: whether their keys can be read, and whether they answer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from uuid import UUID

from django.db import DatabaseError

from orchestra_site.web.health import HealthFinding, fail, ok, warn
from orchestration.llm.engine.errors import InvalidRequest, ModelError
from orchestration.llm.models import Provider, ProviderKind
from orchestration.llm.providers.adapter import ProviderAccess
from orchestration.llm.services.credentials import provider_secrets
from orchestration.llm.services.provider_kinds import provider_adapter, recording_file
from orchestration.llm.services.resources import close_resources, resources


def providers() -> Iterator[HealthFinding]:
    """Check every team's enabled providers; those with an address are asked for their models, all at once."""
    try:
        enabled = list(Provider.objects.filter(enabled=True).select_related("team").order_by("team", "name"))
    except DatabaseError as error:
        yield fail(f"The providers cannot be read: {error}", "See to the database first.")
        return
    if not enabled:
        yield warn("No provider is enabled: nothing can be asked.", "Connect a model under Models.")
    remote = [provider for provider in enabled if ProviderKind(provider.kind).is_remote]
    if any(provider.kind == ProviderKind.SIMULATED for provider in enabled):
        yield ok("The simulated models need nothing.")
    recorded = [provider for provider in enabled if provider.kind == ProviderKind.RECORDED]
    yield from map(_recording, recorded)
    keys: dict[UUID, str | None] = {}
    for provider in remote:
        keys |= provider_secrets(provider.team_id, {provider.id})
    yield from (_unreadable(provider) for provider in remote if provider.id not in keys)
    yield from asyncio.run(_answers([(each, keys[each.id]) for each in remote if each.id in keys]))


def _unreadable(provider: Provider) -> HealthFinding:
    return fail(
        f"The key of {_name(provider)} cannot be read with the encryption keys of this installation.",
        "Put the old key back into ORCHESTRA_ENCRYPTION_KEYS, or save the provider's key again under Models.",
    )


def _recording(provider: Provider) -> HealthFinding:
    if recording_file(provider.id).is_file():
        return ok(f"The recording of {_name(provider)} is there.")
    return warn(
        f"The recording of {_name(provider)} is not in this machine's data folder.",
        "Put it back from a backup, or delete the provider under Models and add the recording again.",
    )


async def _answers(with_keys: Sequence[tuple[Provider, str | None]]) -> list[HealthFinding]:
    try:
        return await asyncio.gather(*(_answer(provider, key) for provider, key in with_keys))
    finally:
        await close_resources()


async def _answer(provider: Provider, key: str | None) -> HealthFinding:
    access = ProviderAccess(
        client=resources().client, base_url=provider.base_url, api_key=key, provider=provider.id
    )
    try:
        listed = await provider_adapter(provider.kind).list_models(access)
    except (ModelError, InvalidRequest) as error:
        return warn(f"{_name(provider)}: {error}", "Test the connection under Models.")
    return ok(f"{_name(provider)} answers and lists {len(listed)} models.")


def _name(provider: Provider) -> str:
    return f"{provider.name} ({provider.team})"
