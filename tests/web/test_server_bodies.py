"""Bodies that are too long: refused by the server before they are written to disk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from daphne.http_protocol import HTTPFactory
from django.conf import settings
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from orchestra_site.web.server import LINGER_S, SIGNED_OUT_BYTES, harden_server

COOKIE = f"Cookie: a=b; {settings.SESSION_COOKIE_NAME}=x\r\n"
MOST = settings.DATA_UPLOAD_MAX_MEMORY_SIZE


class Server:
    """What a request needs of Daphne's server; it counts the requests that reach the site."""

    proxy_forwarded_address_header = ""
    root_path = ""
    server_name = "orchestra"
    request_buffer_size = 8192

    def __init__(self) -> None:
        self.served = 0

    def protocol_connected(self, request: object) -> None: ...

    def protocol_disconnected(self, request: object) -> None: ...

    def create_application(self, *_: object) -> None:
        self.served += 1


class Connection:
    """One client's connection."""

    def __init__(self) -> None:
        harden_server()
        self.server, self.clock = Server(), Clock()
        self.transport: Any = StringTransport()  # type: ignore[no-untyped-call]  # Twisted's own
        factory = HTTPFactory(self.server)
        self.channel = factory.buildProtocol(None)
        inner = getattr(self.channel, "_channel", self.channel)
        inner.callLater = self.clock.callLater
        self.channel.makeConnection(self.transport)
        self.inner = inner

    def send(self, text: str) -> bytes:
        """Send and return all that was answered."""
        self.channel.dataReceived(text.encode("latin-1"))
        return bytes(self.transport.value())

    def spooled(self) -> int:
        """Return how many bytes of the body are kept."""
        return int(self.inner.requests[-1].content.tell())


@pytest.fixture
def connection() -> Iterator[Connection]:
    connection = Connection()
    yield connection
    connection.inner.setTimeout(None)
    for request in connection.inner.requests:
        request.content.close()


def post(*headers: str) -> str:
    return f"POST /account/sign-in/ HTTP/1.1\r\nHost: localhost\r\n{''.join(headers)}\r\n"


def chunk(size: int) -> str:
    return f"{size:x}\r\n{'x' * size}\r\n"


CHUNKED = "Transfer-Encoding: chunked\r\n"


@pytest.mark.parametrize(
    ("headers", "length"), [("", SIGNED_OUT_BYTES + 1), ("", 600_000_000), (COOKIE, MOST + 1)]
)
def test_a_length_over_the_limit_is_refused_at_the_headers(
    connection: Connection, headers: str, length: int
) -> None:
    expects = "Expect: 100-continue\r\n"
    answer = connection.send(post(headers, expects, f"Content-Length: {length}\r\n"))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"100 Continue" not in answer
    connection.send("x" * 100_000)
    assert (connection.spooled(), connection.server.served) == (0, 0)


@pytest.mark.parametrize(("headers", "most"), [("", SIGNED_OUT_BYTES), (COOKIE, MOST)])
def test_a_chunked_body_is_cut_at_the_limit(connection: Connection, headers: str, most: int) -> None:
    assert connection.send(post(headers, CHUNKED) + chunk(most)) == b""
    assert connection.spooled() == most
    answer = connection.send(chunk(1) + chunk(50_000))
    assert answer.count(b"HTTP/1.1 413 ") == 1
    connection.send("0\r\n\r\n")
    assert (connection.spooled(), connection.server.served) == (0, 0)


@pytest.mark.parametrize("headers", [f"Content-Length: {SIGNED_OUT_BYTES}\r\n", CHUNKED])
def test_a_body_within_the_limit_reaches_the_site(connection: Connection, headers: str) -> None:
    body = "x" * SIGNED_OUT_BYTES if headers != CHUNKED else chunk(SIGNED_OUT_BYTES) + "0\r\n\r\n"
    connection.send(post(headers) + body)
    assert connection.server.served == 1


def test_a_client_that_goes_on_sending_is_cut_off(connection: Connection) -> None:
    connection.send(post(CHUNKED) + chunk(SIGNED_OUT_BYTES + 1))
    connection.clock.advance(LINGER_S)
    assert connection.transport.disconnected or connection.transport.disconnecting


def test_the_site_sets_the_limits_wherever_it_is_served() -> None:
    from daphne import http_protocol  # noqa: PLC0415

    from orchestra_site import asgi  # noqa: PLC0415

    assert callable(asgi.application)
    assert http_protocol.WebRequest.__module__ == "orchestra_site.web.server"
