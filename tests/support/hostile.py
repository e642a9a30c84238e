"""Hostile values for every field, and the forms that a page offers, with values that are valid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from urllib.parse import quote_from_bytes, urlsplit

Pairs = tuple[tuple[str, str], ...]

VALUES: dict[str, str] = {
    "400 digits": "9" * 400,
    "beyond floats": "1e400",
    "tiny": "1e-999999999",
    "minus zero": "-0",
    "not a number": "NaN",
    "infinite": "-Infinity",
    "NUL": "a\0b",
    "lone surrogate": "a\ud800b",
    "right to left": "\u202eabc\u2066",
    "20 kB": "x" * 20_000,
    "path": "../../../../etc/passwd",
    "encoded NUL": "%00%ff",
    "JSON bomb": "[" * 5_000,
    "negative id": "-1",
    "huge id": str(2**64),
    "huge float": "1.7976931348623157e308",
    "bad address": "http://[::1/x?a=\\",
    "far day": "99999-12-31",
    "other digits": "\u0663\u00b2\u2460",
    "empty": "",
    "control characters": "\r\nSet-Cookie: a=b\x1b]52;c;eA==\x07",
}

WORST = ("400 digits", "not a number", "NUL", "lone surrogate", "other digits")
"""One of each kind: too large, no number, what no database keeps, what is no UTF-8, what only `int` reads."""

VALID = {
    "text": "What is 2 + 2?",
    "prompt": "What is 2 + 2?",
    "name": "Fuzzed",
    "email": "fuzzed@example.org",
    "base_url": "http://127.0.0.1:9/v1",
    "old_password": "long-enough-words",
    "new_password1": "other-long-enough-words",
    "new_password2": "other-long-enough-words",
    "password": "long-enough-words",
    "input_per_million": "1",
    "output_per_million": "2",
    "valid_from": "2026-01-01",
    "value": "1",
}
BOUNDARY = "hostile-boundary"


def encoded(pairs: Pairs) -> str:
    """Return a query or a form's body; lone surrogates are sent as bytes that are not UTF-8."""
    return "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in pairs)


def _quoted(text: str) -> str:
    return quote_from_bytes(text.encode("utf-8", "surrogatepass"), safe="")


def multipart(pairs: Pairs) -> bytes:
    """Return the body of a form with files; a field named `file` is sent as one."""
    parts = []
    for name, value in pairs:
        upload = '; filename="a.jsonl"\r\nContent-Type: application/json' if name == "file" else ""
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{upload}\r\n\r\n'
        parts.append(head.encode() + value.encode("utf-8", "surrogatepass") + b"\r\n")
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


@dataclass(frozen=True, kw_only=True)
class Form:
    """A form as a browser would send it when all its fields are valid."""

    action: str
    method: str = "GET"
    pairs: Pairs = ()
    uploads: bool = field(default=False)

    @property
    def names(self) -> list[str]:
        """Return its fields, each once."""
        return list(dict.fromkeys(name for name, _ in self.pairs))

    def with_value(self, name: str, *values: str) -> Form:
        """Return the form with other values for one field."""
        kept = tuple(pair for pair in self.pairs if pair[0] != name)
        return replace(self, pairs=(*kept, *((name, value) for value in values)))


class _FormReader(HTMLParser):
    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = address
        self.forms: list[Form] = []
        self.links: list[str] = []
        self._inside = False
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a" and "?" in given.get("href", ""):
            self.links.append(given["href"])
        posted = given.get("hx-post")
        if posted and tag != "form":
            self.forms.append(Form(action=posted, method="POST"))
        if tag == "form":
            self._inside = True
            action = given.get("action") or urlsplit(self.address).path
            method = given.get("method", "get").upper()
            self.forms.append(Form(action=action, method=method, uploads="multipart" in str(given)))
        elif self._inside and tag in {"input", "textarea", "button", "select"} and given.get("name"):
            self._field(tag, given)
        elif tag == "option" and self._select and ("selected" in given or self._fresh()):
            self._set(self._select, given.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
        elif tag == "select":
            self._select = ""

    def _field(self, tag: str, given: dict[str, str]) -> None:
        name = given["name"]
        if tag == "select":
            self._select = name
            self._set(name, "")
        elif tag == "button" or name == "csrfmiddlewaretoken":
            return
        elif given.get("type") in {"checkbox", "radio"} and "checked" not in given:
            if name not in self.forms[-1].names:
                self._set(name, given.get("value", "on"))
        else:
            self._set(name, given.get("value") or VALID.get(name.rsplit("-", 1)[-1], ""))

    def _fresh(self) -> bool:
        return dict(self.forms[-1].pairs).get(self._select) == ""

    def _set(self, name: str, value: str) -> None:
        self.forms[-1] = self.forms[-1].with_value(name, value)


def forms_in(page: str, address: str) -> Iterator[Form]:
    """Return the forms of a page, and each link with parameters as a form that is sent by GET."""
    reader = _FormReader(address)
    reader.feed(page)
    yield from reader.forms
    for link in reader.links:
        parts = urlsplit(link)
        pairs = tuple((pair.partition("=")[0], pair.partition("=")[2]) for pair in parts.query.split("&"))
        yield Form(action=parts.path or urlsplit(address).path, pairs=pairs)
