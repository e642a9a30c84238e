"""What holds for every socket: refused while the database is away, with one line in the log for all."""

from __future__ import annotations

import logging

import pytest
from django.db import OperationalError

from orchestra_site.web.limits import Event, Receive, Send
from orchestra_site.web.seldom import Seldom
from orchestra_site.web.sockets import KnownOnly


async def _unanswered(_scope: Event, _receive: Receive, _send: Send) -> None:
    raise OperationalError("the database is starting up")


async def test_a_socket_is_refused_while_the_database_is_away() -> None:
    sent: list[Event] = []

    async def send(event: Event) -> None:
        sent.append(event)

    async def receive() -> Event:
        return {"type": "websocket.connect"}

    await KnownOnly(_unanswered)({"type": "websocket"}, receive, send)
    assert sent == [{"type": "websocket.close"}]


@pytest.mark.parametrize(
    ("quiet_s", "said"), [(60.0, ["It is away (1)."]), (0.0, ["It is away (1).", "It is away (2)."])]
)
def test_what_many_warn_of_at_once_is_said_once(
    quiet_s: float, said: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    away = Seldom(logging.getLogger("tests.seldom"), "It is away (%s).", quiet_s=quiet_s)
    for attempt in (1, 2):
        away.warn(OSError(attempt))
    assert caplog.messages == said
