"""What Daphne does before the site sees a request: it spools the whole body to disk, and logs every path."""

from __future__ import annotations

from datetime import datetime
from io import BytesIO
from typing import IO, Any

from daphne import access, http_protocol
from django.conf import settings

from orchestra_site.web.logs import printable, redact
from orchestra_site.web.patterns import Pattern

SIGNED_OUT_BYTES = 64 * 1024
TOKEN = Pattern(r"/join/[^/?#\s]+")
LINGER_S = 1.0
"""How long the rest of a refused body is read and dropped, so that the client can read the refusal."""


class LimitedRequest(http_protocol.WebRequest):  # type: ignore[misc]  # it has no types
    """Refuses a body by its declared length, or at the chunk that exceeds the limit."""

    _read = 0
    _refused = False

    def gotLength(self, length: int | None) -> None:  # noqa: N802  # Twisted's name
        """Refuse at the end of the headers; a chunked body has no length yet."""
        if length is not None and length > self._most():
            self._refuse()
        else:
            super().gotLength(length)

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802  # Twisted's name
        """Store a piece of the body, or drop it once refused."""
        self._read += len(data)
        if not self._refused and self._read > self._most():
            self._refuse()
        if not self._refused:
            super().handleContentChunk(data)

    def process(self) -> object:
        """Pass a complete request to the site, unless it was refused."""
        return None if self._refused else super().process()

    def _most(self) -> int:
        """Return the most bytes that this request may send: few without a session cookie."""
        most: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        has_session = settings.SESSION_COOKIE_NAME.encode() in self.received_cookies
        return most if has_session else min(most, SIGNED_OUT_BYTES)

    def _refuse(self) -> None:
        self._refused = True
        spooled: IO[bytes] | None = self.content  # type: ignore[has-type]  # set by Twisted
        if spooled is not None:
            spooled.close()
        self.content = BytesIO()
        self.requestHeaders.removeHeader(b"Expect")  # or the channel would ask for the body
        words = f"The request is larger than {self._most():,} bytes, the most that is accepted"
        signed_out = self._most() < settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = f"{words}{' without signing in' if signed_out else ''}.".encode()
        self.channel.transport.write(
            b"HTTP/1.1 413 Content Too Large\r\nContent-Type: text/plain; charset=utf-8\r\n"
            b"Connection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        )
        self.channel.callLater(LINGER_S, self.channel.transport.abortConnection)


_write_entry = access.AccessLogGenerator.write_entry


def _write_safe_entry(log: object, host: object, date: datetime, request: str, **rest: Any) -> None:  # noqa: ANN401
    """Write a line of the access log without invitation tokens, known secrets and control characters."""
    shown = printable(redact(TOKEN.sub("/join/[hidden]", request))).replace("\n", "\\n")
    _write_entry(log, host=printable(str(host)), date=date, request=shown, **rest)


def harden_server() -> None:
    """Apply both to every Daphne of this process, be it `manage.py up` or `daphne`, which names its own."""
    http_protocol.WebRequest = LimitedRequest
    access.AccessLogGenerator.write_entry = _write_safe_entry
