"""Connecting, changing, enabling, disabling and deleting providers, those that replay recordings included."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID, uuid4

from django.db import transaction

from orchestra_site.accounts.models import AuditAction, Membership
from orchestration.llm.engine.errors import AddressRefused, InvalidRequest
from orchestration.llm.models import Provider, ProviderKind
from orchestration.llm.providers.addresses import Endpoint, clean_key, host_and_port, origin
from orchestration.llm.providers.recorded.loading import BrokenRecording, load_recording
from orchestration.llm.providers.recorded.model import STORED_LIMITS
from orchestration.llm.services.credentials import seal_secret
from orchestration.llm.services.provider_kinds import (
    offered_folder,
    recording_cache,
    recording_file,
    recordings_folder,
)
from orchestration.llm.services.registry.rows import (
    check,
    difference,
    locked,
    record,
    shown_provider,
    stored_whole,
)
from orchestration.llm.services.resources import address_guard

TAKEN = "Your team has a provider of this name. Choose another name."
MOST_BYTES = 64_000_000
CHUNK = 64 * 1024
ENDINGS = (".jsonl", ".jsonl.gz")


def connect_provider(
    *,
    membership: Membership,
    name: str,
    base_url: str,
    api_key: str = "",
    kind: ProviderKind = ProviderKind.OPENAI_COMPATIBLE,
) -> Provider:
    """Store a provider with an address. Raises `InvalidRequest` at `name`, `base_url` or `api_key`."""
    endpoint = checked_endpoint(base_url, api_key)
    provider = Provider(team=membership.team, name=name.strip(), kind=kind, base_url=endpoint.base_url)
    provider.secret = seal_secret(provider, endpoint.api_key or "")
    check(provider)
    with stored_whole(TAKEN, "name"):
        provider.save(force_insert=True)
        record(membership, AuditAction.PROVIDER_CONNECTED, provider, {}, shown_provider(provider))
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
        _set_address(row, base_url, api_key)
        check(row)
        row.save()
        was, is_now = difference(before, shown_provider(row))
        if api_key.strip():
            is_now["key"] = "replaced"
        if is_now:
            record(membership, AuditAction.PROVIDER_CHANGED, row, was, is_now)
    return row


def set_secret(*, membership: Membership, provider: Provider, api_key: str) -> Provider:
    """Replace a provider's key, or remove it with an empty one. Raises `InvalidRequest` at `api_key`."""
    key = clean_key(api_key)
    with transaction.atomic():
        row = locked(provider, membership)
        _check_is_remote(row)
        before = {"key": shown_provider(row)["key"]}
        row.secret = seal_secret(row, key)
        row.save(update_fields=["secret"])
        action = AuditAction.PROVIDER_KEY_SET if key else AuditAction.PROVIDER_KEY_REMOVED
        record(membership, action, row, before, {"key": "replaced" if key else "none"})
    return row


def checked_endpoint(base_url: str, api_key: str) -> Endpoint:
    """Return a valid address and key. Raises `InvalidRequest` at `base_url` or `api_key`."""
    endpoint = Endpoint(base_url, api_key)
    try:
        address_guard().check_literal(*host_and_port(endpoint.base_url))
    except AddressRefused as refused:
        raise InvalidRequest(str(refused), field="base_url") from refused
    return endpoint


def _set_address(row: Provider, base_url: str, api_key: str) -> None:
    """Set the address and key of `row`. A key is only ever sent to the origin that it was entered for."""
    if not ProviderKind(row.kind).is_remote:
        if base_url.strip() or api_key.strip():
            _check_is_remote(row)
        return
    endpoint = checked_endpoint(base_url, api_key)
    moved = origin(endpoint.base_url) != origin(row.base_url)
    if moved and row.secret and not endpoint.api_key:
        raise InvalidRequest(
            f"The key was entered for {origin(row.base_url)}. Enter the key for the new address,"
            " or remove the stored one first.",
            field="api_key",
        )
    row.base_url = endpoint.base_url
    if endpoint.api_key:
        row.secret = seal_secret(row, endpoint.api_key)


def _check_is_remote(row: Provider) -> None:
    if not ProviderKind(row.kind).is_remote:
        raise InvalidRequest(
            f"{row.name} runs inside Orchestra: it has neither address nor key.", field="base_url"
        )


@transaction.atomic
def switch_provider(*, membership: Membership, provider: Provider, enabled: bool) -> Provider:
    """Offer the provider's models to new runs, or not. Raises `InvalidRequest` when it was deleted."""
    row = locked(provider, membership)
    if row.enabled != enabled:
        action = AuditAction.PROVIDER_ENABLED if enabled else AuditAction.PROVIDER_DISABLED
        record(membership, action, row, {"enabled": row.enabled}, {"enabled": enabled})
        row.enabled = enabled
        row.save(update_fields=["enabled"])
    return row


@transaction.atomic
def delete_provider(*, membership: Membership, provider: Provider) -> None:
    """Delete a provider with its key, models and prices. Raises `InvalidRequest` when it was deleted."""
    row = locked(provider, membership)
    models = sorted(row.language_models.values_list("name", flat=True))
    before = {**shown_provider(row), "models": models}
    record(membership, AuditAction.PROVIDER_DELETED, row, before, {})
    recording = row.id if row.kind == ProviderKind.RECORDED else None
    row.delete()
    if recording is not None:
        transaction.on_commit(lambda: drop_recording(recording))


def offered_recordings() -> tuple[str, ...]:
    """Return the names of the files that the operator offers, in alphabetical order."""
    try:
        found = [file.name for file in offered_folder().iterdir() if file.is_file()]
    except FileNotFoundError:
        return ()
    return tuple(sorted(name for name in found if name.endswith(ENDINGS)))


def connect_offered(*, membership: Membership, name: str, offered: str) -> Provider:
    """Store one of the operator's recordings as a provider of the team. Raises `InvalidRequest`."""
    if offered not in offered_recordings():
        raise InvalidRequest("This file is not offered any more. Choose another one.", field="offered")
    try:
        with (offered_folder() / offered).open("rb") as file:
            chunks = iter(lambda: file.read(CHUNK), b"")
            return connect_recording(membership=membership, name=name, source=offered, chunks=chunks)
    except BrokenRecording as error:
        error.field = "offered"
        raise
    except OSError as error:
        raise InvalidRequest(
            f"{offered} cannot be read: {error.strerror or error}.", field="offered"
        ) from None


def connect_recording(*, membership: Membership, name: str, source: str, chunks: Iterable[bytes]) -> Provider:
    """Store a recording as a provider; `source` is its file's name in messages.

    Raises `InvalidRequest` at `name`, `BrokenRecording` at `file`; then nothing is stored.
    """
    provider = Provider(team=membership.team, name=name.strip(), kind=ProviderKind.RECORDED)
    check(provider)
    with _stored_file(provider.id, source, chunks), stored_whole(TAKEN, "name"):
        provider.save(force_insert=True)
        after = {**shown_provider(provider), "recording": source}
        record(membership, AuditAction.PROVIDER_CONNECTED, provider, {}, after)
    return provider


def drop_recording(provider: UUID) -> None:
    """Delete a provider's recording, if it has one."""
    path = recording_file(provider)
    recording_cache.drop(path)
    path.unlink(missing_ok=True)


@contextmanager
def _stored_file(provider: UUID, source: str, chunks: Iterable[bytes]) -> Iterator[None]:
    """Write and check the file around a transaction; when anything fails, no file is left."""
    temporary = recordings_folder() / f".{uuid4()}.part"
    try:
        _write(temporary, source, chunks)
        with temporary.open("rb") as file:
            load_recording(file, source, STORED_LIMITS)
        temporary.rename(recording_file(provider))
        try:
            yield
        except BaseException:
            drop_recording(provider)
            raise
    finally:
        temporary.unlink(missing_ok=True)


def _write(path: Path, source: str, chunks: Iterable[bytes]) -> None:
    size = 0
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        for chunk in chunks:
            size += len(chunk)
            if size > MOST_BYTES:
                raise InvalidRequest(
                    f"{source} is larger than {MOST_BYTES:,} bytes. Leave items or models out.", field="file"
                )
            file.write(chunk)
