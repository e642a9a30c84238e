"""ASGI wrappers around the whole site: limits on requests and sockets, and sockets without a database."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from http import HTTPStatus

from orchestra_site.web.errors import DATABASE_AWAY
from orchestra_site.web.logs import ThrottledWarning
from orchestra_site.web.sockets import Application, AsgiEvent, Receive, Send, SocketLimit

DEEPEST_JSON = 64
LONG_SCAN_BYTES = 64 * 1024

_database_warning = ThrottledWarning(
    logging.getLogger(__name__), "The database does not answer (%s); live pages are refused and try again."
)

# A string (unended ones run to the end; possessive, so that none is read twice) or a bracket outside of one.
_JSON_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


class RequestRefused(Exception):
    """The body is too big or nested too deep: `status` and the message say which."""

    def __init__(self, status: HTTPStatus, words: str) -> None:
        super().__init__(words)
        self.status = status


class BodyLimit:
    """An ASGI wrapper that answers 413 to bodies over `max_bytes` and 400 to JSON nested too deep."""

    def __init__(self, app: Application, *, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: AsgiEvent, receive: Receive, send: Send) -> None:
        """Forward what is within the limits."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await SocketLimit(receive, send).serve(self._app, scope)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: AsgiEvent, receive: Receive, send: Send) -> None:
        try:
            headers = dict(scope["headers"])
            declared = headers.get(b"content-length", b"")
            self._check_size(int(declared) if declared.isdigit() else 0)
            limited = _BodyReader(receive, self._check_size)
            if b"json" in headers.get(b"content-type", b"").lower():
                await _check_depth(await limited.read_whole())
            await self._app(scope, limited, send)
        except RequestRefused as refusal:
            words = str(refusal).encode()
            answer = [
                (b"content-type", b"text/plain; charset=utf-8"),
                (b"content-length", str(len(words)).encode()),
                (b"connection", b"close"),
            ]
            await send({"type": "http.response.start", "status": refusal.status.value, "headers": answer})
            await send({"type": "http.response.body", "body": words})

    def _check_size(self, size: int) -> None:
        if size > self._max_bytes:
            raise RequestRefused(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"The request is larger than {self._max_bytes:,} bytes, the most that is accepted.",
            )


class _BodyReader:
    """Counts a body as it is read; `read_whole` buffers it and then replays its events."""

    def __init__(self, receive: Receive, check_size: Callable[[int], None]) -> None:
        self._receive = receive
        self._check_size = check_size
        self._size = 0
        self._buffered: list[AsgiEvent] = []

    async def __call__(self) -> AsgiEvent:
        if self._buffered:
            return self._buffered.pop(0)
        event = await self._receive()
        if event["type"] == "http.request":
            self._size += len(event.get("body", b""))
            self._check_size(self._size)
        return event

    async def read_whole(self) -> bytes:
        """Read to the end of the body, or until the client disconnects, and return it."""
        events, more = [], True
        while more:
            event = await self()
            events.append(event)
            more = event["type"] == "http.request" and event.get("more_body", False)
        self._buffered = events
        return b"".join(event.get("body", b"") for event in events)


class SocketDatabaseGate:
    """An ASGI wrapper that refuses sockets while the database, which stores the sessions, does not answer."""

    def __init__(self, app: Application) -> None:
        self._app = app

    async def __call__(self, scope: AsgiEvent, receive: Receive, send: Send) -> None:
        """Serve a socket, or refuse the handshake; browsers retry."""
        try:
            await self._app(scope, receive, send)
        except DATABASE_AWAY as error:
            _database_warning.warn(error)
            await send({"type": "websocket.close"})


def json_depth_within(body: bytes, deepest: int = DEEPEST_JSON) -> bool:
    """Return whether brackets outside of strings nest at most `deepest` deep, in one pass over `body`."""
    depth = 0
    for token in _JSON_TOKEN.finditer(body):
        mark = token[0][:1]
        if mark in b"[{":
            depth += 1
            if depth > deepest:
                return False
        elif mark in b"]}":
            depth -= 1
    return True


async def _check_depth(body: bytes) -> None:
    """Raise RequestRefused for JSON nested too deep; long bodies are read in a thread."""
    long = len(body) > LONG_SCAN_BYTES
    fits = await asyncio.to_thread(json_depth_within, body) if long else json_depth_within(body)
    if not fits:
        raise RequestRefused(
            HTTPStatus.BAD_REQUEST, f"The JSON is nested deeper than {DEEPEST_JSON} levels. Send it flatter."
        )
