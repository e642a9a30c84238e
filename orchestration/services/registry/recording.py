"""Adding a recording as a provider: checked whole, kept in the data folder, dropped with its provider."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID, uuid4

from orchestra_site.accounts.models import Membership
from orchestra_site.accounts.services import record_change
from orchestration.engine.errors import InvalidRequest
from orchestration.models import Provider, ProviderKind
from orchestration.providers.recorded import BrokenRecording, load_recording
from orchestration.providers.recorded.stored import STORED
from orchestration.services.registry.rows import RegistryAction, check, shown_provider, stored_whole
from orchestration.wiring.recordings import offered_folder, recording_file, recordings_folder, shelf

TAKEN = "Your team has a provider of this name. Choose another name."
MOST_BYTES = 64_000_000
CHUNK = 64 * 1024
ENDINGS = (".jsonl", ".jsonl.gz")


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
        message = f"{offered} cannot be read: {error.strerror or error}."
        raise InvalidRequest(message, field="offered") from None


def connect_recording(*, membership: Membership, name: str, source: str, chunks: Iterable[bytes]) -> Provider:
    """Store a recording as a provider; `source` is its file's name in messages.

    Raises `InvalidRequest` at `name`, `BrokenRecording` at `file`; then nothing is stored.
    """
    provider = Provider(team=membership.team, name=name.strip(), kind=ProviderKind.RECORDED)
    check(provider)
    with _kept(provider.id, source, chunks), stored_whole(TAKEN, "name"):
        provider.save(force_insert=True)
        record_change(
            membership=membership,
            action=RegistryAction.PROVIDER_CONNECTED,
            subject=provider.name,
            before={},
            after={**shown_provider(provider), "recording": source},
        )
    return provider


def drop_recording(provider: UUID) -> None:
    """Delete a provider's recording, if it has one."""
    path = recording_file(provider)
    shelf.forget(path)
    path.unlink(missing_ok=True)


@contextmanager
def _kept(provider: UUID, source: str, chunks: Iterable[bytes]) -> Iterator[None]:
    """Write and check the file, then do what is inside; when anything fails, no file stays."""
    temporary = recordings_folder() / f".{uuid4()}.part"
    try:
        _write(temporary, source, chunks)
        with temporary.open("rb") as file:
            load_recording(file, source, STORED)
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
                message = f"{source} is larger than {MOST_BYTES:,} bytes. Leave items or models out."
                raise InvalidRequest(message, field="file")
            file.write(chunk)
