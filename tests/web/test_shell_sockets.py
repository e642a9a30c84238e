"""What holds for every socket: refused while the database is away, with one line in the log for all."""

from __future__ import annotations

import logging

import pytest
from django.db import OperationalError

from orchestra_site.web.asgi import AsgiEvent, Receive, Send, SocketDatabaseGate
from orchestra_site.web.logs import ThrottledWarning


async def _unanswered(_scope: AsgiEvent, _receive: Receive, _send: Send) -> None:
    raise OperationalError("the database is starting up")


async def test_a_socket_is_refused_while_the_database_is_away() -> None:
    sent: list[AsgiEvent] = []

    async def send(event: AsgiEvent) -> None:
        sent.append(event)

    async def receive() -> AsgiEvent:
        return {"type": "websocket.connect"}

    await SocketDatabaseGate(_unanswered)({"type": "websocket"}, receive, send)
    assert sent == [{"type": "websocket.close"}]


@pytest.mark.parametrize(
    ("interval_s", "said"), [(60.0, ["It is away (1)."]), (0.0, ["It is away (1).", "It is away (2)."])]
)
def test_what_many_warn_of_at_once_is_said_once(
    interval_s: float, said: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    away = ThrottledWarning(logging.getLogger("tests.throttled"), "It is away (%s).", interval_s=interval_s)
    for attempt in (1, 2):
        away.warn(OSError(attempt))
    assert caplog.messages == said
