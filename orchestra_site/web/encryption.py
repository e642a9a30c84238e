"""Secrets at rest: AES-256-GCM under a list of keys, the first of which encrypts and all of which decrypt.

What only has to be recognised is stored as an HMAC-SHA-256 under the same keys.

To rotate, put a new key first and keep the old ones until every secret has been stored again. An envelope
is one version byte, four bytes that identify the key, a nonce of twelve, and the ciphertext with its tag.
`context` is authenticated with it: an envelope copied to another row cannot be decrypted there. Every secret
that is encrypted or decrypted is redacted in the logs of this process.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from io import BytesIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from orchestra_site.web.logs import register_secret

VERSION = b"\x01"
KEY_SIZE, KEY_ID_SIZE, NONCE_SIZE = 32, 4, 12


class SecretUnreadable(Exception):
    """The secret was encrypted under another key or for another context, or is damaged."""


class Keyring:
    """The keys of an installation. Raises `ValueError` for a key that is not 32 bytes in URL-safe base64."""

    def __init__(self, keys: Iterable[str]) -> None:
        raw = [decoded_key(key) for key in keys]
        if not raw:
            raise ValueError("There is no encryption key.")
        self._ciphers: dict[bytes, AESGCM] = {}
        self._hash_keys: list[bytes] = []
        for key in raw:
            if key is None:
                raise ValueError(f"An encryption key must be {KEY_SIZE} bytes in URL-safe base64.")
            self._ciphers[sha256(b"orchestra key id" + key).digest()[:KEY_ID_SIZE]] = AESGCM(key)
            self._hash_keys.append(hmac.digest(key, b"orchestra hash key", "sha256"))
        self._first = next(iter(self._ciphers))

    def seal(self, secret: str, *, context: str) -> bytes:
        """Return `secret` encrypted; only the same `context` decrypts it."""
        register_secret(secret)
        nonce = os.urandom(NONCE_SIZE)
        sealed = self._ciphers[self._first].encrypt(nonce, secret.encode(), context.encode())
        return VERSION + self._first + nonce + sealed

    def open(self, envelope: bytes, *, context: str) -> str:
        """Return the secret of an envelope made for `context`. Raises `SecretUnreadable`."""
        parts = BytesIO(envelope)
        version, key_id, nonce = map(parts.read, (len(VERSION), KEY_ID_SIZE, NONCE_SIZE))
        sealed = parts.read()
        if version != VERSION or not sealed:
            raise SecretUnreadable("Its format is unknown to this version.")
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise SecretUnreadable(
                "It was encrypted with a key that is no longer in ORCHESTRA_ENCRYPTION_KEYS."
            )
        try:
            secret = cipher.decrypt(nonce, sealed, context.encode()).decode()
        except InvalidTag as error:
            raise SecretUnreadable("It was encrypted for another row, or is damaged.") from error
        register_secret(secret)
        return secret

    def hashes(self, secret: str, *, context: str) -> list[str]:
        """Return the HMAC-SHA-256 of a secret in hex under each key, the first one's first."""
        message = f"{context}\0{secret}".encode()
        return [hmac.digest(key, message, "sha256").hex() for key in self._hash_keys]


@cache
def keyring() -> Keyring:
    """Return this installation's keys."""
    return Keyring(settings.ENCRYPTION_KEYS)


def decoded_key(key: str) -> bytes | None:
    """Return an encryption key from URL-safe base64, None for one that is not 32 bytes long."""
    try:
        raw = base64.b64decode(key, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if len(raw) == KEY_SIZE else None
