"""Providers' keys: sealed for their row, opened only to ask their models."""

from __future__ import annotations

import logging
from collections.abc import Collection
from functools import cache
from uuid import UUID

from django.conf import settings

from orchestra_site.web.encryption import SecretBox, UnreadableSecret
from orchestration.models import Provider

logger = logging.getLogger(__name__)


@cache
def secret_box() -> SecretBox:
    """Return the box that the settings' keys make."""
    return SecretBox(settings.ENCRYPTION_KEYS)


def seal_secret(provider: Provider, secret: str) -> bytes:
    """Return the envelope of a provider's key; empty for an empty one."""
    return secret_box().seal(secret, bound_to=_row(provider)) if secret else b""


def open_secret(provider: Provider) -> str | None:
    """Return a provider's key, None where it has none. Raises `UnreadableSecret`."""
    sealed = bytes(provider.secret)
    return secret_box().open(sealed, bound_to=_row(provider)) if sealed else None


def secrets_of(team: UUID, providers: Collection[UUID]) -> dict[UUID, str | None]:
    """Return the keys of a team's enabled providers; those that are gone or unreadable are missing."""
    found: dict[UUID, str | None] = {}
    for provider in Provider.objects.filter(team_id=team, id__in=providers, enabled=True):
        try:
            found[provider.id] = open_secret(provider)
        except UnreadableSecret as error:
            logger.warning("The key of provider %s cannot be read: %s", provider.name, error)
    return found


def _row(provider: Provider) -> str:
    return f"provider/{provider.team_id}/{provider.id}"
