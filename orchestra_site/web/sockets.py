"""A limit on what the client of a socket sends, kept as it arrives."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

AsgiEvent: TypeAlias = dict[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[AsgiEvent]]
Send: TypeAlias = Callable[[AsgiEvent], Awaitable[None]]
Application: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]

SOCKET_MESSAGE_BYTES = 64 * 1024
SOCKET_MESSAGES = 10_000
SOCKET_BYTES = 4 * 1024 * 1024
TOO_BIG_CLOSE = 4413
TOO_MANY_CLOSE = 4429
GONE = 1006


class SocketLimit:
    """Closes a socket whose client sends messages that are too big or too many; pages send almost none.

    Messages are counted by a task of their own as the server receives them: an application takes one in each
    turn of the loop, so that a flood would otherwise be noticed only when it pauses.
    """

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._arrived: asyncio.Queue[AsgiEvent] = asyncio.Queue()
        self._count = self._bytes = 0

    async def serve(self, app: Application, scope: AsgiEvent) -> None:
        """Serve the socket with `app`; the counting ends with it."""
        counting = asyncio.create_task(self._count_messages())
        try:
            await app(scope, self._arrived.get, self._send)
        finally:
            counting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await counting

    async def _count_messages(self) -> None:
        """Hand on what arrives until the client disconnects or has sent too much."""
        ended: AsgiEvent = {"type": "websocket.disconnect", "code": GONE, "reason": None}
        try:
            while True:
                event = await self._receive()
                if event["type"] == "websocket.disconnect":
                    ended = event
                    return
                if event["type"] == "websocket.receive" and (code := self._excess(event)):
                    ended = {**ended, "code": code}
                    self._drop_messages()
                    await self._send({"type": "websocket.close", "code": code, "reason": None})
                    return
                self._arrived.put_nowait(event)
        finally:
            self._arrived.put_nowait(ended)

    def _excess(self, event: AsgiEvent) -> int:
        """Return the code to close with after a message that is too big or one too many, else 0."""
        size = len(event.get("bytes") or (event.get("text") or "").encode())
        self._count += 1
        self._bytes += size
        if size > SOCKET_MESSAGE_BYTES:
            return TOO_BIG_CLOSE
        return TOO_MANY_CLOSE if self._count > SOCKET_MESSAGES or self._bytes > SOCKET_BYTES else 0

    def _drop_messages(self) -> None:
        """Forget what waits for the application, which learns at once that the socket is closed."""
        while not self._arrived.empty():
            self._arrived.get_nowait()
