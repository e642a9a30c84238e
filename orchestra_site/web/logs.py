"""Log lines: without the secrets that this process knows, and without floods of one warning.

Secrets are replaced by value, so that it does not matter where they are printed: logs and error reports show
`[redacted]`.
"""

from __future__ import annotations

import json
import logging
import re
import time
from html import escape
from threading import Lock
from urllib.parse import quote

REPLACEMENT = "[redacted]"
SHORTEST = 8  # characters: shorter values ("none", "ollama") are no secrets; replacing them garbles logs
WARNING_INTERVAL_S = 10.0


class Redactor:
    """Replaces the secrets registered with it. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._forms: frozenset[str] = frozenset()
        self._pattern: re.Pattern[str] | None = None

    def register(self, value: str) -> None:
        """Redact `value`, if not too short, plain and as in JSON, HTML, a URL and a Python literal."""
        if len(value) < SHORTEST:
            return
        with self._lock:
            forms = self._forms | _spellings(value)
            if forms == self._forms:
                return
            longest_first = sorted(forms, key=lambda form: (-len(form), form))
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))
            self._forms = forms

    def redact(self, text: str) -> str:
        """Return `text` with every registered secret replaced."""
        return self._pattern.sub(REPLACEMENT, text) if self._pattern else text


def _spellings(value: str) -> frozenset[str]:
    """Return `value` as it is written in plain text, JSON, URLs, Python literals and HTML."""
    in_literal = repr(value)[1:-1]
    forms = {value, json.dumps(value)[1:-1], quote(value, safe=""), in_literal}
    return frozenset(forms | {escape(value), escape(in_literal)})


_redactor = Redactor()  # of every log line and error page of this process
register_secret, redact = _redactor.register, _redactor.redact


class RedactingFormatter(logging.Formatter):
    """Redacts the formatted line: message, arguments, exception and stack."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without secrets."""
        return redact(super().format(record))


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
