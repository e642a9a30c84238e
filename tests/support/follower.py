"""A page that stays open: it follows a run over its socket and reconnects as the page's script does."""

from __future__ import annotations

import re
import threading
import time
from socket import create_connection
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from benchmarks.member import Member

EVENT = re.compile(r'<li id="event-(\d+)"')
REFUSED, RESTART = 1006, 4503
RECONNECTS_AFTER = {REFUSED, 1011, RESTART}
"""The codes after which a page opens its socket again."""
AGAIN_S = 0.5


def page_socket(member: Member, run: str, *, after: int) -> ClientConnection:
    """Open the socket of a run's page, as a browser does that may be behind a proxy."""
    site, process = urlsplit(member.site), urlsplit(member.address)
    return connect(
        f"ws://{site.netloc}/ws/runs/{run}/?after={after}",
        sock=create_connection((process.hostname, process.port)),
        origin=Origin(member.site),
        additional_headers={"x-forwarded-proto": "https", "cookie": member.cookies},
        max_size=None,
    )


class Follower:
    """`seen` are the numbers of the events that came, `closed` the codes its sockets were closed with."""

    def __init__(self, member: Member, run: str) -> None:
        self._member, self._run = member, run
        self.seen: list[int] = []
        self.closed: list[int] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join(20)

    def _follow(self) -> None:
        while not self._over.is_set():
            try:
                with page_socket(self._member, self._run, after=max(self.seen, default=0)) as socket:
                    self._listen(socket)
            except (ConnectionClosed, InvalidStatus, OSError) as error:
                self.closed.append(_code(error))
                if self.closed[-1] not in RECONNECTS_AFTER:
                    return
                time.sleep(AGAIN_S)

    def _listen(self, socket: ClientConnection) -> None:
        while not self._over.is_set():
            try:
                message = str(socket.recv(timeout=0.2))
            except TimeoutError:
                continue
            self.seen += map(int, EVENT.findall(message))


def _code(error: Exception) -> int:
    close = error.rcvd if isinstance(error, ConnectionClosed) else None
    return close.code if close else REFUSED
