"""Secrets: encrypted at rest, redacted in logs and error reports."""

from __future__ import annotations

import base64
import json
import logging
import os
from html import escape
from types import TracebackType
from urllib.parse import quote

import pytest
from django.conf import settings
from django.utils.module_loading import import_string
from hypothesis import given
from hypothesis import strategies as st

from orchestra_site.web.encryption import Keyring, SecretUnreadable
from orchestra_site.web.logs import RedactingFormatter, Redactor, redact, register_secret

CANARY = 'canary/"4f1c\\é'


@pytest.fixture(autouse=True)
def _known() -> None:
    register_secret(CANARY)


@pytest.mark.parametrize(
    "form", [CANARY, escape(CANARY), json.dumps(CANARY), quote(CANARY, safe=""), repr(CANARY)]
)
def test_a_secret_is_replaced_however_it_is_written(form: str) -> None:
    assert "canary" not in redact(f"key={form};")
    assert "[redacted]" in redact(f"key={form};")


def test_text_without_secrets_stays_as_it_is() -> None:
    assert redact("nothing to hide") == "nothing to hide"


def test_short_values_are_not_secrets() -> None:
    redactor = Redactor()
    redactor.register("ollama")
    assert redactor.redact("ollama answered") == "ollama answered"


def test_a_secret_inside_a_longer_one_leaves_nothing_of_the_longer() -> None:
    redactor = Redactor()
    for value in ("abcdefgh", "abcdefgh-and-more", "abcdefgh"):
        redactor.register(value)
    assert redactor.redact("x abcdefgh-and-more y abcdefgh") == "x [redacted] y [redacted]"


def test_arguments_exceptions_and_stacks_are_redacted() -> None:
    record = logging.LogRecord("n", logging.ERROR, "f", 1, "sent %s", (CANARY,), _raised(), sinfo=CANARY)
    line = RedactingFormatter("%(message)s").format(record)
    assert "canary" not in line
    assert line.count("[redacted]") == 3


def test_every_handler_of_the_settings_redacts() -> None:
    formatters = settings.LOGGING["formatters"]
    used = {handler["formatter"] for handler in settings.LOGGING["handlers"].values()}
    assert {formatters[name]["()"] for name in used} == {"orchestra_site.web.logs.RedactingFormatter"}


def test_django_keeps_no_handlers_of_its_own() -> None:
    assert logging.getLogger("django").handlers == []
    assert logging.getLogger("django.server").handlers == []
    assert logging.getLogger("django.server").propagate


def test_the_secret_key_is_known_from_the_start() -> None:
    assert settings.SECRET_KEY not in redact(f"oops {settings.SECRET_KEY}")


def test_error_reports_are_redacted() -> None:
    reporter = import_string(settings.DEFAULT_EXCEPTION_REPORTER)(None, *_raised())
    page, text = reporter.get_traceback_html(), reporter.get_traceback_text()
    assert [form for form in (CANARY, escape(CANARY), repr(CANARY)) if form in page + text] == []
    assert "[redacted]" in page
    assert "[redacted]" in text


def _raised() -> tuple[type[BaseException], BaseException, TracebackType | None]:
    try:
        raise ValueError(CANARY)  # noqa: TRY301
    except ValueError as error:
        return type(error), error, error.__traceback__


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
    with pytest.raises(SecretUnreadable, match="another row"):
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
    fresh = after.seal("x", context="here")
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
