"""Keeps known secrets out of logs and error pages by value: whatever prints one, prints `[redacted]`."""

from __future__ import annotations

import json
import logging
import re
from html import escape
from threading import Lock
from urllib.parse import quote

REPLACEMENT = "[redacted]"
SHORTEST = 8  # shorter values ("none", "ollama") are no secrets, and replacing them would garble every log


class Redactor:
    """The secrets of one process. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._forms: frozenset[str] = frozenset()
        self._pattern: re.Pattern[str] | None = None

    def register(self, value: str) -> None:
        """Redact `value` from now on, plain and as it looks in JSON, HTML, a URL and a Python literal."""
        if len(value) < SHORTEST:
            return
        with self._lock:
            forms = self._forms | _forms_of(value)
            if forms == self._forms:
                return
            longest_first = sorted(forms, key=lambda form: (-len(form), form))
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))
            self._forms = forms

    def redact(self, text: str) -> str:
        """Return `text` with every registered secret replaced."""
        return self._pattern.sub(REPLACEMENT, text) if self._pattern else text


def _forms_of(value: str) -> frozenset[str]:
    """Return the ways in which `value` is usually written."""
    in_literal = repr(value)[1:-1]
    forms = {value, json.dumps(value)[1:-1], quote(value, safe=""), in_literal}
    return frozenset(forms | {escape(value), escape(in_literal)})


_redactor = Redactor()


def register_secret(value: str) -> None:
    """Keep `value` out of every log line and error page of this process, if it has 8 characters or more."""
    _redactor.register(value)


def redact(text: str) -> str:
    """Return `text` without the secrets that this process knows."""
    return _redactor.redact(text)


class RedactingFormatter(logging.Formatter):
    """Redacts the finished line: message, arguments, exception and stack alike."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without secrets."""
        return redact(super().format(record))
