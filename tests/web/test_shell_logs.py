"""What logs and terminals are shown of text from outside: no control characters, no secret in disguise."""

from __future__ import annotations

import base64
import io
import json
import logging
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from daphne.access import AccessLogGenerator

from orchestra_site.web.logs import RedactingFormatter, Redactor, printable
from orchestra_site.web.server import harden_server

KEY = "sk-proj_canary/4711+key==~"
ENCODINGS: dict[str, Callable[[str], str]] = {
    "plus": quote_plus,
    "lower case percent": lambda key: quote(key, safe="").lower(),
    "hex": lambda key: key.encode().hex(),
    "upper hex": lambda key: key.encode().hex().upper(),
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "base64 of a header": lambda key: base64.b64encode(f"Bearer {key}!".encode()).decode(),
    "base64 of a pair": lambda key: base64.b64encode(f"user:{key}".encode()).decode(),
    "URL base64": lambda key: base64.urlsafe_b64encode(f"ab{key}".encode()).decode(),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_secret_is_found_in_every_encoding(encoding: str) -> None:
    redactor = Redactor()
    redactor.register(KEY)
    assert "[redacted]" in redactor.redact(f"it said: {ENCODINGS[encoding](KEY)}.")


@pytest.mark.parametrize("value", ["ollama", " " * 20, "--------", "aaaabbbb"])
def test_what_has_little_to_guess_is_no_secret(value: str) -> None:
    redactor = Redactor()
    redactor.register(value)
    assert redactor.redact(f"a {value} b") == f"a {value} b"


@pytest.mark.parametrize(
    "text", ["\x1b]52;c;eA==\x07", "a\rb", "\x9b2J", "\u202eabc", "a\u2028b", "a\ud800b", "\x00", "\x7f"]
)
def test_a_line_has_no_control_characters(text: str) -> None:
    record = logging.LogRecord("n", logging.ERROR, "f", 1, "said %s", (text,), None)
    line = RedactingFormatter("%(message)s").format(record)
    assert line.isprintable()
    assert "\\" in line


def test_a_message_cannot_look_like_another_line() -> None:
    record = logging.LogRecord("n", logging.ERROR, "f", 1, "said %s", ("a\nERROR root: b",), None)
    assert RedactingFormatter("%(message)s").format(record) == "said a\n    ERROR root: b"


def test_text_for_people_stays_as_it_is() -> None:
    assert printable("Größe\n\t日本 👍") == "Größe\n\t日本 👍"


def test_json_for_a_terminal_is_still_the_same_json() -> None:
    given = {"answer": "\x1b]52;c;eA==\x07\r\x9b2J\u202e\n日本"}
    shown = printable(json.dumps(given, indent=2, ensure_ascii=False))
    assert json.loads(shown) == given
    assert all(line.isprintable() for line in shown.splitlines())


@pytest.mark.parametrize("path", ["/join/abc-DEF_123/", "/join/abc-DEF_123/?next=/", "//join/abc-DEF_123"])
def test_the_access_log_hides_invitation_tokens(path: str) -> None:
    harden_server()
    shown = io.StringIO()
    details = {"client": "::1", "method": "GET", "path": path, "status": 200, "size": 1}
    AccessLogGenerator(shown)("http", "complete", details)
    assert "abc-DEF_123" not in shown.getvalue()
    assert "/join/[hidden]" in shown.getvalue()


def test_the_access_log_is_redacted_and_printable() -> None:
    harden_server()
    shown = io.StringIO()
    AccessLogGenerator(shown)("websocket", "connected", {"client": "a\x1b[2J", "path": "/ws/\r\n"})
    assert shown.getvalue().removesuffix("\n").isprintable()
