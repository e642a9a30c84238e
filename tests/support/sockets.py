"""A browser's side of a live socket, reduced to what comes over it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.test import Client

from orchestra_site.asgi import application

PATIENCE_S = 20.0
STORY = re.compile(r'<li id="event-(\d+)"')
REACHED = re.compile(r'id="live-seq"[^>]* data-seq="(\d+)" data-first="(\d+)"')


class LiveSocket:
    """An open socket: `seen` are the numbers of the events that came, `seq` is where the page would stand."""

    def __init__(self, communicator: WebsocketCommunicator, *, seq: int) -> None:
        self._communicator = communicator
        self.seen: list[int] = []
        self.seq = seq
        self.html = ""

    async def next(self) -> str:
        """Wait for the next message."""
        html = str(await self._communicator.receive_from(PATIENCE_S))
        self.html += html
        self.seen += map(int, STORY.findall(html))
        for seq, _ in REACHED.findall(html):
            self.seq = int(seq)
        return html

    async def until(self, holds: Callable[[LiveSocket], bool]) -> str:
        """Take messages until something holds of what came; return the last one."""
        html = ""
        while not holds(self):
            html = await self.next()
        return html

    async def close_code(self) -> int:
        """Wait until the server closes; return its code."""
        while True:
            message = await self._communicator.receive_output(PATIENCE_S)
            if message["type"] == "websocket.close":
                code = message["code"]
                assert type(code) is int, "Daphne refuses even subclasses"
                return code


@asynccontextmanager
async def live_socket(
    path: str, client: Client | None = None, *, origin: str = "http://127.0.0.1:8000"
) -> AsyncIterator[LiveSocket]:
    """Open a socket with the cookies of `client`; close it afterwards."""
    communicator = communicator_for(path, client, origin=origin)
    connected, _ = await communicator.connect(PATIENCE_S)
    assert connected, "the handshake was refused"
    try:
        asked = path.rpartition("after=")[2]
        yield LiveSocket(communicator, seq=int(asked) if asked.isdigit() else 0)
    finally:
        await communicator.disconnect()


def communicator_for(
    path: str, client: Client | None = None, *, origin: str = "http://127.0.0.1:8000"
) -> WebsocketCommunicator:
    """Return a socket that has yet to connect."""
    session = client.cookies[settings.SESSION_COOKIE_NAME].value if client else ""
    cookie = f"{settings.SESSION_COOKIE_NAME}={session}"
    headers = [(b"origin", origin.encode()), (b"cookie", cookie.encode()), (b"host", b"127.0.0.1:8000")]
    return WebsocketCommunicator(application, path, headers=headers)
