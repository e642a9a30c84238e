"""Secrets at rest."""

import base64
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestra_site.web.encryption import Keyring, SecretUnreadable
from orchestra_site.web.logs import redact

OLD, NEW = (base64.urlsafe_b64encode(bytes([n]) * 32).decode() for n in (1, 2))


@given(st.text(), st.text())
def test_what_was_sealed_opens_at_its_own_place(secret: str, context: str) -> None:
    assert Keyring([OLD]).open(Keyring([OLD]).seal(secret, context=context), context=context) == secret


def test_the_same_secret_looks_different_each_time_and_never_like_itself() -> None:
    ring = Keyring([OLD])
    sealed = {ring.seal("sk-canary", context="here") for _ in range(50)}
    assert len(sealed) == 50
    assert not any(b"canary" in envelope for envelope in sealed)


def test_a_secret_moved_to_another_place_does_not_open() -> None:
    envelope = Keyring([OLD]).seal("x", context="team a")
    with pytest.raises(SecretUnreadable, match="another place"):
        Keyring([OLD]).open(envelope, context="team b")


def test_every_changed_byte_is_noticed() -> None:
    ring = Keyring([OLD])
    envelope = ring.seal("sk-1", context="here")
    for position in range(len(envelope)):
        damaged = bytearray(envelope)
        damaged[position] ^= 1
        with pytest.raises(SecretUnreadable):
            ring.open(bytes(damaged), context="here")


@pytest.mark.parametrize("length", range(18))
def test_what_is_too_short_to_be_an_envelope_does_not_open(length: int) -> None:
    with pytest.raises(SecretUnreadable, match="form"):
        Keyring([OLD]).open(b"\x01" + os.urandom(length - 1) if length else b"", context="here")


def test_rotation_reads_the_old_and_writes_the_new() -> None:
    before, after = Keyring([OLD]), Keyring([NEW, OLD])
    envelope = before.seal("x", context="here")
    assert after.open(envelope, context="here") == "x"
    assert not after.is_current(envelope)
    fresh = after.seal("x", context="here")
    assert after.is_current(fresh)
    with pytest.raises(SecretUnreadable, match="ORCHESTRA_ENCRYPTION_KEYS"):
        before.open(fresh, context="here")


@pytest.mark.parametrize("key", ["", "short", "*" * 44, base64.urlsafe_b64encode(b"x" * 31).decode()])
def test_a_key_of_the_wrong_kind_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(ValueError, match="32 bytes in URL-safe base64") as raised:
        Keyring([key])
    assert not key or key not in str(raised.value)


def test_a_ring_without_keys_is_refused() -> None:
    with pytest.raises(ValueError, match="no encryption key"):
        Keyring([])


def test_every_secret_that_passes_is_kept_out_of_logs() -> None:
    envelope = Keyring([OLD]).seal("sk-sealed-canary", context="here")
    assert redact("key=sk-sealed-canary") == "key=[redacted]"
    assert Keyring([OLD]).open(envelope, context="here") == "sk-sealed-canary"
