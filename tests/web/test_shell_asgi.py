"""ASGI wrappers: limits on bodies, JSON and socket messages; sockets without a database."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Iterable
from typing import Any

import pytest
from django.db import OperationalError
from hypothesis import given
from hypothesis import strategies as st

from orchestra_site.web.asgi import (
    DEEPEST_JSON,
    LONG_SCAN_BYTES,
    BodyLimit,
    SocketDatabaseGate,
    json_depth_within,
)
from orchestra_site.web.logs import ThrottledWarning
from orchestra_site.web.sockets import (
    SOCKET_BYTES,
    SOCKET_MESSAGE_BYTES,
    SOCKET_MESSAGES,
    TOO_BIG_CLOSE,
    TOO_MANY_CLOSE,
    AsgiEvent,
    Receive,
    Send,
)
from orchestration.runs.consumers import CloseCode
from tests.support.tree import ROOT

BIG = 10_000_000
JSON = [(b"content-type", b"application/json; charset=utf-8")]


class Echo:
    """An application that reads the whole body and says how long it was."""

    def __init__(self) -> None:
        self.read: list[AsgiEvent] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401
        more = True
        while more:
            self.read.append(event := await receive())
            more = event.get("more_body", False) or event["type"] == "websocket.receive"
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"read"})


async def ask(
    echo: Echo, chunks: Iterable[bytes], headers: Iterable[tuple[bytes, bytes]] = ()
) -> tuple[int, str]:
    pieces = list(chunks)
    events = [
        {"type": "http.request", "body": piece, "more_body": n < len(pieces) - 1}
        for n, piece in enumerate(pieces)
    ]
    sent = await drive(echo, {"type": "http", "headers": list(headers)}, events)
    return sent[0]["status"], sent[1]["body"].decode()


async def drive(
    echo: Echo, scope: AsgiEvent, events: list[AsgiEvent], max_bytes: int = 1000
) -> list[AsgiEvent]:
    sent: list[AsgiEvent] = []

    async def receive() -> AsgiEvent:
        return events.pop(0)

    async def send(event: AsgiEvent) -> None:
        sent.append(event)

    await BodyLimit(echo, max_bytes=max_bytes)(scope, receive, send)
    return sent


async def test_a_body_within_the_limit_arrives_whole() -> None:
    echo = Echo()
    assert await ask(echo, [b"a" * 600, b"b" * 400]) == (200, "read")
    assert b"".join(event["body"] for event in echo.read) == b"a" * 600 + b"b" * 400


async def test_a_body_that_says_it_is_too_big_is_refused_unread() -> None:
    echo = Echo()
    status, words = await ask(echo, [b"a"], [(b"content-length", b"1001")])
    assert (status, echo.read) == (413, [])
    assert "larger than 1,000 bytes" in words


async def test_a_body_that_grows_too_big_is_refused() -> None:
    assert (await ask(Echo(), [b"a" * 600, b"b" * 401]))[0] == 413


async def test_json_within_the_depth_arrives_whole() -> None:
    echo = Echo()
    body = b"[" * DEEPEST_JSON + b"]" * DEEPEST_JSON
    assert (await ask(echo, [body[:70], body[70:]], JSON))[0] == 200
    assert b"".join(event["body"] for event in echo.read) == body


async def test_json_nested_too_deep_is_refused_unread() -> None:
    echo = Echo()
    status, words = await ask(echo, [b"[" * (DEEPEST_JSON + 1)], JSON)
    assert (status, echo.read) == (400, [])
    assert "deeper than 64 levels" in words


async def test_what_is_no_json_may_hold_brackets() -> None:
    assert (await ask(Echo(), [b"[" * 500], [(b"content-type", b"text/plain")]))[0] == 200


async def test_a_client_that_goes_away_is_told_to_the_application() -> None:
    echo = Echo()
    events: list[AsgiEvent] = [
        {"type": "http.request", "body": b"{", "more_body": True},
        {"type": "http.disconnect"},
    ]
    await drive(echo, {"type": "http", "headers": JSON}, events)
    assert echo.read[-1] == {"type": "http.disconnect"}


async def test_small_socket_messages_pass() -> None:
    echo = Echo()
    events: list[AsgiEvent] = [{"type": "websocket.receive", "text": "hi"}, {"type": "websocket.disconnect"}]
    assert await drive(echo, {"type": "websocket"}, events) == []
    assert len(echo.read) == 2


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([{"type": "websocket.receive", "text": "x" * (SOCKET_MESSAGE_BYTES + 1)}], 4413),
        ([{"type": "websocket.receive", "bytes": b"x"}] * (SOCKET_MESSAGES + 1), 4429),
        ([{"type": "websocket.receive", "bytes": b"x" * 60_000}] * (SOCKET_BYTES // 60_000 + 1), 4429),
    ],
)
async def test_socket_messages_too_big_or_too_many_close_it(messages: list[AsgiEvent], code: int) -> None:
    echo = Echo()
    sent = await drive(echo, {"type": "websocket"}, list(messages))
    assert (sent[0]["type"], sent[0]["code"]) == ("websocket.close", code)
    assert echo.read[-1]["type"] == "websocket.disconnect"


async def test_a_flood_is_cut_off_while_the_application_still_has_its_first_messages() -> None:
    """However slowly an application takes its messages, the limit counts those that arrived."""
    sent: list[AsgiEvent] = []
    taken: list[AsgiEvent] = []
    arriving = 0

    async def flood() -> AsgiEvent:
        nonlocal arriving
        arriving += 1
        await asyncio.sleep(0)
        return {"type": "websocket.receive", "text": "x"}

    async def send(event: AsgiEvent) -> None:
        sent.append(event)

    async def slow(_scope: AsgiEvent, receive: Receive, _send: Send) -> None:
        while not taken or taken[-1]["type"] != "websocket.disconnect":
            taken.append(await receive())
            for _ in range(100):
                await asyncio.sleep(0)

    await BodyLimit(slow, max_bytes=1)({"type": "websocket"}, flood, send)
    assert sent == [{"type": "websocket.close", "code": TOO_MANY_CLOSE, "reason": None}]
    assert arriving == SOCKET_MESSAGES + 1
    assert len(taken) < SOCKET_MESSAGES / 10


async def test_a_server_that_fails_ends_the_socket() -> None:
    echo = Echo()

    async def broken() -> AsgiEvent:
        raise OSError("reset")

    async def send(_event: AsgiEvent) -> None: ...

    with pytest.raises(OSError, match="reset"):
        await BodyLimit(echo, max_bytes=1)({"type": "websocket"}, broken, send)
    assert [event["type"] for event in echo.read] == ["websocket.disconnect"]


async def test_the_servers_own_life_is_left_alone() -> None:
    echo = Echo()
    await drive(echo, {"type": "lifespan"}, [{"type": "lifespan.startup"}])
    assert echo.read == [{"type": "lifespan.startup"}]


@pytest.mark.parametrize(
    ("body", "within"),
    [
        (b"", True),
        (b"[[]]", True),
        (b"[[[]]]", False),
        (b'{"a":{"b":{}}}', False),
        (b'["[[[[", {}]', True),
        (rb'["\"[[[[", {}]', True),
        (b'["[[[[', True),
        (b"[]" * 50, True),
        (b'[["a\\\\", [1]]]', False),
    ],
)
def test_depth_counts_brackets_outside_of_strings(body: bytes, *, within: bool) -> None:
    assert json_depth_within(body, 2) is within


@given(
    st.recursive(
        st.text(alphabet='"\\[]{}a', max_size=4), lambda inner: st.lists(inner, max_size=3), max_leaves=12
    )
)
def test_depth_is_that_of_the_parsed_value(value: Any) -> None:  # noqa: ANN401
    body = json.dumps(value).encode()
    assert json_depth_within(body, deepest_of(value))
    assert deepest_of(value) == 0 or not json_depth_within(body, deepest_of(value) - 1)


def deepest_of(value: Any) -> int:  # noqa: ANN401
    return 1 + max(map(deepest_of, value), default=0) if isinstance(value, list) else 0


async def test_a_long_body_is_scanned_once_however_hostile() -> None:
    hostile = b'"' + b'\\"' * LONG_SCAN_BYTES
    assert json_depth_within(hostile)
    sent = await drive(
        Echo(), {"type": "http", "headers": JSON}, [{"type": "http.request", "body": hostile}], BIG
    )
    assert sent[0]["status"] == 200


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


def test_the_page_knows_every_code_after_which_it_does_not_reconnect() -> None:
    script = (ROOT / "static/js/live.js").read_text(encoding="utf-8")
    reasons = {int(code): words for code, words in re.findall(r"^ +(4\d\d\d): (.+),$", script, re.MULTILINE)}
    assert reasons.keys() == {*CloseCode, TOO_BIG_CLOSE, TOO_MANY_CLOSE} - {CloseCode.RESTART}
    assert "a message that is larger" in reasons[TOO_BIG_CLOSE]
    assert "more messages than" in reasons[TOO_MANY_CLOSE]
