"""Providers' keys: sealed for their row, opened only to ask their models."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from orchestra_site.web.encryption import SecretUnreadable, keyring
from orchestra_site.web.logs import register_secret
from orchestration.models import Provider
from orchestration.providers.address import origin_of

logger = logging.getLogger(__name__)


def seal_secret(provider: Provider, secret: str) -> bytes:
    """Return the envelope of a provider's key; empty for an empty one."""
    return keyring().seal(secret, context=_row(provider)) if secret else b""


def open_secret(provider: Provider) -> str | None:
    """Return a provider's key, None where it has none; logs redact it from then on.

    Raises `SecretUnreadable`.
    """
    sealed = bytes(provider.secret)
    if not sealed:
        return None
    secret = keyring().open(sealed, context=_row(provider))
    register_secret(secret)
    return secret


def secrets_of(team: UUID, providers: Collection[UUID]) -> dict[UUID, str | None]:
    """Return the keys of a team's enabled providers; those that are gone or unreadable are missing."""
    return _opened(Provider.objects.filter(team_id=team, id__in=providers, enabled=True))


def secrets_for(team: UUID, frozen: Mapping[UUID, str]) -> dict[UUID, str | None]:
    """Return the keys of providers that are still where a run froze them, given each one's base address.

    A key that was entered for another address since then is missing: it is never sent to the old one.
    """
    rows = Provider.objects.filter(team_id=team, id__in=frozen, enabled=True)
    return _opened(row for row in rows if _same(frozen[row.id], row.base_url))


def _opened(providers: Iterable[Provider]) -> dict[UUID, str | None]:
    found: dict[UUID, str | None] = {}
    for provider in providers:
        try:
            found[provider.id] = open_secret(provider)
        except SecretUnreadable as error:
            logger.warning("The key of provider %s cannot be read: %s", provider.name, error)
    return found


def _same(one: str, other: str) -> bool:
    return one == other or bool(one and other and origin_of(one) == origin_of(other))


def _row(provider: Provider) -> str:
    """Name the team, the row and the origin: under a changed address the key does not open."""
    return f"provider/{provider.team_id}/{provider.id}/{origin_of(provider.base_url)}"
