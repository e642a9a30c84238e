"""What the first bytes of a response show: an answer, streamed or whole, or something that is no chat API."""

from __future__ import annotations

from enum import Enum

BLANKS = b" \t\r\n\xef\xbb\xbf"
"""White space, and the bytes of a byte order mark, which some servers send first."""
FIELDS = (b"data", b"event", b"id", b"retry")
NO_CHAT = "the address is not that of a chat API. Check the address under Models"


class BodyKind(Enum):
    """What a body is; the value says so where it is no answer, with the host and a quotation."""

    EVENTS = ""
    JSON = "JSON"
    WEB_PAGE = "A web page came back from {host} instead of an answer: {no_chat}."
    PLAIN_TEXT = "{host} answered with plain text, “{quoted}”: {no_chat}."
    EMPTY = "{host} answered with nothing at all: {no_chat}, and that the model is loaded there."

    def sentence(self, host: str, quoted: str) -> str:
        """Return what is wrong with a body of this kind."""
        return self.value.format(host=host, quoted=quoted, no_chat=NO_CHAT)


def body_kind(start: bytes, *, is_whole: bool = False) -> BodyKind | None:
    """Return what a body is that starts with `start`, less its blanks; None while that cannot be said."""
    if not start:
        return BodyKind.EMPTY if is_whole else None
    if start.startswith(b"<"):
        return BodyKind.WEB_PAGE
    if start.startswith((b"{", b"[")):
        return BodyKind.JSON
    line = start.splitlines()[0]
    name, colon, _ = line.partition(b":")
    if colon or len(line) < len(start):
        return BodyKind.EVENTS if name in {b"", *FIELDS} else BodyKind.PLAIN_TEXT
    if not any(field.startswith(line) for field in FIELDS):
        return BodyKind.PLAIN_TEXT
    return BodyKind.EVENTS if is_whole else None
