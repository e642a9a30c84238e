"""Connecting a provider; its name, address and key."""

from __future__ import annotations

from django.db import transaction

from orchestra_site.accounts.models import Membership
from orchestra_site.accounts.services import record_change
from orchestration.engine.errors import AddressRefused, InvalidRequest
from orchestration.models import Provider, ProviderKind
from orchestration.providers.address import host_and_port, origin_of
from orchestration.providers.endpoint import Endpoint, clean_key
from orchestration.services.registry.rows import (
    RegistryAction,
    check,
    difference,
    locked,
    shown_provider,
    stored_whole,
)
from orchestration.wiring.credentials import seal_secret
from orchestration.wiring.resources import address_guard

TAKEN = "Your team has a provider of this name. Choose another name."


def connect_provider(*, membership: Membership, name: str, base_url: str, api_key: str = "") -> Provider:
    """Store an OpenAI-compatible provider. Raises `InvalidRequest` at `name`, `base_url` or `api_key`."""
    endpoint = checked_endpoint(base_url, api_key)
    provider = Provider(
        team=membership.team,
        name=name.strip(),
        kind=ProviderKind.OPENAI_COMPATIBLE,
        base_url=endpoint.base_url,
    )
    provider.secret = seal_secret(provider, endpoint.api_key or "")
    check(provider)
    with stored_whole(TAKEN, "name"):
        provider.save(force_insert=True)
        record_change(
            membership=membership,
            action=RegistryAction.PROVIDER_CONNECTED,
            subject=provider.name,
            before={},
            after=shown_provider(provider),
        )
    return provider


def update_provider(
    *, membership: Membership, provider: Provider, name: str, base_url: str = "", api_key: str = ""
) -> Provider:
    """Change name, address and key; an empty key keeps the stored one, as long as the address's origin stays.

    Raises `InvalidRequest` at `name`, `base_url` or `api_key`.
    """
    with stored_whole(TAKEN, "name"):
        row = locked(provider, membership)
        before = shown_provider(row)
        row.name = name.strip()
        _readdress(row, base_url, api_key)
        check(row)
        row.save()
        was, is_now = difference(before, shown_provider(row))
        if api_key.strip():
            is_now["key"] = "replaced"
        if is_now:
            record_change(
                membership=membership,
                action=RegistryAction.PROVIDER_CHANGED,
                subject=row.name,
                before=was,
                after=is_now,
            )
    return row


def set_secret(*, membership: Membership, provider: Provider, api_key: str) -> Provider:
    """Replace a provider's key, or remove it with an empty one. Raises `InvalidRequest` at `api_key`."""
    key = clean_key(api_key)
    with transaction.atomic():
        row = locked(provider, membership)
        _must_be_real(row)
        before = shown_provider(row)
        row.secret = seal_secret(row, key)
        row.save(update_fields=["secret"])
        action = RegistryAction.PROVIDER_KEY_SET if key else RegistryAction.PROVIDER_KEY_REMOVED
        record_change(
            membership=membership,
            action=action,
            subject=row.name,
            before={"key": before["key"]},
            after={"key": "replaced" if key else "none"},
        )
    return row


def checked_endpoint(base_url: str, api_key: str) -> Endpoint:
    """Return address and key if they could be some. Raises `InvalidRequest` at `base_url` or `api_key`."""
    endpoint = Endpoint(base_url, api_key)
    try:
        address_guard().check_literal(*host_and_port(endpoint.base_url))
    except AddressRefused as refused:
        raise InvalidRequest(str(refused), field="base_url") from refused
    return endpoint


def _readdress(row: Provider, base_url: str, api_key: str) -> None:
    """Give `row` its new address and key. A key is only ever sent to the origin that it was entered for."""
    if not ProviderKind(row.kind).is_remote:
        if base_url.strip() or api_key.strip():
            _must_be_real(row)
        return
    endpoint = checked_endpoint(base_url, api_key)
    moved = origin_of(endpoint.base_url) != origin_of(row.base_url)
    if moved and row.secret and not endpoint.api_key:
        message = (
            f"The key was entered for {origin_of(row.base_url)}. Enter the key for the new address,"
            " or remove the stored one first."
        )
        raise InvalidRequest(message, field="api_key")
    row.base_url = endpoint.base_url
    if endpoint.api_key:
        row.secret = seal_secret(row, endpoint.api_key)


def _must_be_real(row: Provider) -> None:
    if not ProviderKind(row.kind).is_remote:
        message = f"{row.name} runs inside Orchestra: it has neither address nor key."
        raise InvalidRequest(message, field="base_url")
