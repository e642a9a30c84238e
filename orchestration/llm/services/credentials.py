"""Keys of providers and tools: encrypted for their row, decrypted only to send them to its address."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Protocol
from uuid import UUID

from django.db import models

from orchestra_site.web.encryption import SecretUnreadable, keyring
from orchestration.llm.engine.errors import ModelUnavailable
from orchestration.llm.models import Provider
from orchestration.llm.providers.addresses import origin

logger = logging.getLogger(__name__)
UNREADABLE = "The stored key cannot be read with this installation's encryption keys. Enter the key again."


class SecretRow(Protocol):
    """A row of a team with a secret that is sent to the origin of its address only."""

    id: UUID
    team_id: UUID
    base_url: str
    secret: bytes | memoryview


_tables: list[Any] = [Provider]  # of rows with a secret, a name and a team


def register_secrets(*tables: type[models.Model]) -> None:
    """Have `reseal_secrets` encrypt the secrets of these tables, too; their rows have names and teams."""
    _tables.extend(table for table in tables if table not in _tables)


def seal_secret(row: SecretRow, secret: str) -> bytes:
    """Return a row's key encrypted; empty for an empty one."""
    return keyring().seal(secret, context=_context(row)) if secret else b""


def open_secret(row: SecretRow) -> str | None:
    """Return a row's key, None where it has none. Raises `ModelUnavailable` when it cannot be read."""
    sealed = bytes(row.secret)
    try:
        return keyring().open(sealed, context=_context(row)) if sealed else None
    except SecretUnreadable as error:
        raise ModelUnavailable(UNREADABLE) from error


def reseal_secrets() -> tuple[int, list[str]]:
    """Encrypt every key with the newest encryption key.

    Returns how many were, and the names of rows, with their teams, whose key cannot be read. A key that
    is entered meanwhile stays: it has been encrypted with the newest already.
    """
    resealed, unreadable = 0, []
    for rows in (table._default_manager for table in _tables):  # noqa: SLF001  # Django's own name for it
        for row in rows.exclude(secret=b"").select_related("team").order_by("created_at"):
            try:
                secret = open_secret(row)
            except ModelUnavailable:
                unreadable.append(f"{row} of {row.team}")
                continue
            same = rows.filter(pk=row.pk, secret=row.secret, base_url=row.base_url)
            resealed += same.update(secret=seal_secret(row, secret or ""))
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


def _context(row: SecretRow) -> str:
    """Return the encryption context: under another origin the key cannot be decrypted."""
    return f"{type(row).__name__.lower()}/{row.team_id}/{row.id}/{origin(row.base_url)}"
