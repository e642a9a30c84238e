"""What keeps Orchestra from starting. Pure: values in, sentences out."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence

KEY_BYTES = 32
SHORTEST_SECRET_KEY = 50


def encryption_key_problems(keys: str) -> list[str]:
    """Return a sentence for each of the comma-separated `keys` that AES-256 could not use."""
    return [
        f"ORCHESTRA_ENCRYPTION_KEYS: key {position} is not {KEY_BYTES} bytes in URL-safe base64."
        for position, key in enumerate(keys.split(","), start=1)
        if not _is_encryption_key(key.strip())
    ]


def production_problems(
    *, secret_key: str, encryption_keys: str, allowed_hosts: Sequence[str], database_url: str, redis_url: str
) -> list[str]:
    """Return a sentence for everything that production must have and these settings lack."""
    return [
        *_secret_key_problems(secret_key),
        *_missing(
            "ORCHESTRA_ENCRYPTION_KEYS", encryption_keys, "the keys that provider secrets are stored under"
        ),
        *_host_problems(allowed_hosts),
        *_missing("ORCHESTRA_DATABASE_URL", database_url, "the PostgreSQL database that all processes share"),
        *_missing(
            "ORCHESTRA_REDIS_URL", redis_url, "the Redis that processes tell each other of changes through"
        ),
    ]


def _secret_key_problems(secret_key: str) -> Iterator[str]:
    yield from _missing("ORCHESTRA_SECRET_KEY", secret_key, "the key that sessions are signed with")
    if 0 < len(secret_key) < SHORTEST_SECRET_KEY:
        yield f"ORCHESTRA_SECRET_KEY: shorter than {SHORTEST_SECRET_KEY} characters, which could be guessed."


def _host_problems(allowed_hosts: Sequence[str]) -> Iterator[str]:
    yield from _missing(
        "ORCHESTRA_ALLOWED_HOSTS", ",".join(allowed_hosts), "the names that the site answers to"
    )
    if "*" in allowed_hosts:
        yield "ORCHESTRA_ALLOWED_HOSTS: * would answer to any name; list the names of this site."


def _missing(variable: str, value: str, meaning: str) -> Iterator[str]:
    if not value:
        yield f"{variable}: production needs {meaning}."


def _is_encryption_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key, altchars=b"-_", validate=True)) == KEY_BYTES
    except (binascii.Error, ValueError):
        return False
