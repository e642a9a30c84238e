"""Log lines: without the secrets that this process knows, control characters, and floods of one warning.

Secrets are replaced by value, so that it does not matter where they are printed: logs and error reports show
`[redacted]`.
"""

from __future__ import annotations

import json
import logging
import re
import time
from base64 import b64encode
from collections.abc import Iterator
from html import escape
from threading import Lock
from urllib.parse import quote, quote_plus

REPLACEMENT = "[redacted]"
SHORTEST = 8  # characters: shorter values ("none", "ollama") are no secrets; replacing them garbles logs
FEWEST_DIFFERENT = 5  # characters: eight blanks or dashes are no secret either
HIDDEN = {
    number: f"\\u{number:04x}"  # as JSON and Python read it
    for number in (
        *(*range(9), *range(11, 32), *range(0x7F, 0xA0)),  # C0 without tab and line feed, DEL, C1
        *(0x61C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A)),  # line ends, directions
        *range(0xD800, 0xE000),  # halves of characters, which no stream can write
    )
}
CONTINUED = "\n    "
WARNING_INTERVAL_S = 10.0
PERCENT = re.compile(r"%[0-9A-F]{2}")
URL_SAFE = str.maketrans("+/", "-_")


class Redactor:
    """Replaces the secrets registered with it. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._forms: frozenset[str] = frozenset()
        self._pattern: re.Pattern[str] | None = None

    def register(self, value: str) -> None:
        """Redact `value`, if not too short, plain and as in JSON, HTML, a URL and a Python literal."""
        if not is_secret(value):
            return
        with self._lock:
            forms = self._forms | spellings(value)
            if forms == self._forms:
                return
            longest_first = sorted(forms, key=lambda form: (-len(form), form))
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))
            self._forms = forms

    def redact(self, text: str) -> str:
        """Return `text` with every registered secret replaced."""
        return self._pattern.sub(REPLACEMENT, text) if self._pattern else text


def is_secret(value: str) -> bool:
    """Return True for a value that is long and varied enough not to stand in texts by chance."""
    return len(value) >= SHORTEST and len(set(value)) >= FEWEST_DIFFERENT


def spellings(value: str) -> frozenset[str]:
    """Return `value` as it is written in plain text, JSON, URLs, Python literals, HTML, base64 and hex."""
    in_literal = repr(value)[1:-1]
    quoted = quote(value, safe="")
    forms = {value, json.dumps(value)[1:-1], quoted, quote(value), quote_plus(value), in_literal}
    lower = {PERCENT.sub(lambda found: found[0].lower(), form) for form in (quoted, quote_plus(value))}
    raw = value.encode("utf-8", "surrogatepass")
    return frozenset(
        {*forms, *lower, escape(value), escape(in_literal), raw.hex(), raw.hex().upper(), *_base64(raw)}
    )


def _base64(raw: bytes) -> Iterator[str]:
    """Yield what `raw` becomes wherever it stands inside longer text: only its last characters vary."""
    for before in range(3):
        encoded = b64encode(bytes(before) + raw)
        start = (0, 2, 3)[before]
        whole = encoded[start : (before + len(raw)) * 8 // 6].decode()
        yield from (whole, whole.translate(URL_SAFE))


def printable(text: str) -> str:
    """Return `text` with what a terminal obeys, or what reorders a line, escaped as in Python."""
    return text.translate(HIDDEN)


_redactor = Redactor()  # of every log line and error page of this process
register_secret, redact = _redactor.register, _redactor.redact


class RedactingFormatter(logging.Formatter):
    """Redacts the formatted line: message, arguments, exception and stack.

    Control characters are escaped, and further lines of a message are indented, so that none looks like a
    line of its own.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # logging's name
        """Return the message, its further lines indented."""
        return super().formatMessage(record).replace("\n", CONTINUED)

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without secrets and control characters."""
        return printable(redact(super().format(record)))


class ThrottledWarning:
    """A warning that many tasks would log at the same moment: logged once, then suppressed for a while."""

    def __init__(
        self, logger: logging.Logger, message: str, *, interval_s: float = WARNING_INTERVAL_S
    ) -> None:
        """Log `message`, which has one `%s` for the error, at most once in `interval_s` seconds."""
        self._logger, self._message, self._interval_s = logger, message, interval_s
        self._silent_until = 0.0

    def warn(self, error: BaseException) -> None:
        """Log the warning unless that was done less than the interval ago."""
        now = time.monotonic()
        if now >= self._silent_until:
            self._silent_until = now + self._interval_s
            self._logger.warning(self._message, error)
