"""Server-sent events out of bytes, however those were cut into chunks (WHATWG HTML, section 9.2).

Stricter than a browser in one thing: bytes that are not UTF-8 are an error, not a replacement character.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from orchestration.engine.errors import BadAnswer

EVENT_LIMIT = 4 * 1024 * 1024
BOM = b"\xef\xbb\xbf"
LINE_END = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One dispatched event."""

    data: str
    event: str = "message"
    id: str = ""


class SSEParser:
    """Collects chunks and gives the events that they complete; one without its blank line never comes out.

    Raises `BadAnswer` for invalid UTF-8 and for an event larger than `limit` bytes.
    """

    def __init__(self, *, limit: int = EVENT_LIMIT) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._searched = 0
        self._after_cr = False
        self._first_line = True
        self._data: list[str] = []
        self._size = 0
        self._event = ""
        self._id = ""

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """Return the events that `chunk` completes."""
        self._append(chunk)
        events: list[ServerSentEvent] = []
        start = 0
        while found := LINE_END.search(self._buffer, max(start, self._searched)):
            line = bytes(self._buffer[start : found.start()])
            start = found.end()
            self._after_cr = start == len(self._buffer) and self._buffer[start - 1] == ord("\r")
            if event := self._take(line):
                events.append(event)
        del self._buffer[:start]
        self._searched = len(self._buffer)
        self._check_size(self._searched)
        return events

    def _append(self, chunk: bytes) -> None:
        """Add `chunk`, less the LF of a line end whose CR closed the chunk before."""
        if self._after_cr and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._after_cr = False
        self._buffer += chunk

    def _take(self, line: bytes) -> ServerSentEvent | None:
        """Handle a whole line; a blank one dispatches."""
        if self._first_line:
            line = line.removeprefix(BOM)
            self._first_line = False
        if not line:
            return self._dispatch()
        self._check_size(len(line))
        try:
            name, _, value = line.decode("utf-8").partition(":")
        except UnicodeDecodeError as error:
            message = "The answer holds bytes that are not UTF-8."
            raise BadAnswer(message) from error
        self._set(name, value.removeprefix(" "))
        return None

    def _set(self, name: str, value: str) -> None:
        """Apply a field; comments (no name) and unknown fields do nothing."""
        if name == "data":
            self._data.append(value)
            self._size += len(value)
        elif name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self._id = value

    def _dispatch(self) -> ServerSentEvent | None:
        data, event = self._data, self._event
        self._data, self._event, self._size = [], "", 0
        if not data:
            return None
        return ServerSentEvent("\n".join(data), event or "message", self._id)

    def _check_size(self, more: int) -> None:
        if self._size + more > self._limit:
            message = f"One event of the answer is larger than {self._limit // 1024:,} KiB."
            raise BadAnswer(message)
