"""Providers' keys: encrypted for their row, decrypted only to ask their models."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from orchestra_site.web.encryption import SecretUnreadable, keyring
from orchestration.llm.engine.errors import ModelUnavailable
from orchestration.llm.models import Provider
from orchestration.llm.providers.addresses import origin

logger = logging.getLogger(__name__)
UNREADABLE = "The stored key cannot be read with this installation's encryption keys. Enter the key again."


def seal_secret(provider: Provider, secret: str) -> bytes:
    """Return a provider's key encrypted; empty for an empty one."""
    return keyring().seal(secret, context=_context(provider)) if secret else b""


def open_secret(provider: Provider) -> str | None:
    """Return a provider's key, None where it has none. Raises `ModelUnavailable` when it cannot be read."""
    sealed = bytes(provider.secret)
    try:
        return keyring().open(sealed, context=_context(provider)) if sealed else None
    except SecretUnreadable as error:
        raise ModelUnavailable(UNREADABLE) from error


def reseal_secrets() -> tuple[int, list[str]]:
    """Encrypt every provider's key with the newest encryption key.

    Returns how many were, and the names of providers, with their teams, whose key cannot be read. A key that
    is entered meanwhile stays: it has been encrypted with the newest already.
    """
    resealed, unreadable = 0, []
    for provider in Provider.objects.exclude(secret=b"").select_related("team").order_by("created_at"):
        try:
            secret = open_secret(provider)
        except ModelUnavailable:
            unreadable.append(f"{provider.name} of {provider.team}")
            continue
        same = Provider.objects.filter(pk=provider.pk, secret=provider.secret, base_url=provider.base_url)
        resealed += same.update(secret=seal_secret(provider, secret or ""))
    return resealed, unreadable


def provider_secrets(team: UUID, providers: Collection[UUID]) -> dict[UUID, str | None]:
    """Return the keys of a team's enabled providers, without those that were deleted or cannot be read."""
    return _decrypted(Provider.objects.filter(team_id=team, id__in=providers, enabled=True))


def frozen_secrets(team: UUID, frozen: Mapping[UUID, str]) -> dict[UUID, str | None]:
    """Return the keys of providers that are still where a run froze them, given each one's base address.

    A key that was entered for another address since then is missing: it is never sent to the old one.
    """
    rows = Provider.objects.filter(team_id=team, id__in=frozen, enabled=True)
    return _decrypted(row for row in rows if _same_origin(frozen[row.id], row.base_url))


def _decrypted(providers: Iterable[Provider]) -> dict[UUID, str | None]:
    found: dict[UUID, str | None] = {}
    for provider in providers:
        try:
            found[provider.id] = open_secret(provider)
        except ModelUnavailable as error:
            logger.warning("The key of provider %s cannot be read: %s", provider.name, error.__cause__)
    return found


def _same_origin(one: str, other: str) -> bool:
    return one == other or bool(one and other and origin(one) == origin(other))


def _context(provider: Provider) -> str:
    """Return the encryption context: under another origin the key cannot be decrypted."""
    return f"provider/{provider.team_id}/{provider.id}/{origin(provider.base_url)}"
