"""Behind proxies: whose address counts, and which sockets come from this site."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django.fixtures import Settings

from orchestra_site.web.proxies import ClientAddress, SameOrigin, read_origin
from orchestra_site.web.sockets import AsgiEvent

PEER = ["10.0.0.1", 5]


async def client(trusted: int, *forwarded: str) -> Any:  # noqa: ANN401
    seen: list[Any] = []

    async def site(scope: AsgiEvent, _receive: object, _send: object) -> None:
        seen.append(scope["client"])

    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    scope = {"type": "http", "client": PEER, "headers": headers}
    await ClientAddress(site, trusted=trusted)(scope, None, None)  # type: ignore[arg-type]
    return seen[0][0]


@pytest.mark.parametrize(
    ("trusted", "forwarded", "address"),
    [
        (0, ["1.1.1.1"], "10.0.0.1"),
        (1, ["1.1.1.1"], "1.1.1.1"),
        (1, ["6.6.6.6, 1.1.1.1"], "1.1.1.1"),
        (1, ["6.6.6.6", "1.1.1.1"], "1.1.1.1"),
        (2, ["6.6.6.6, 1.1.1.1, 2.2.2.2"], "1.1.1.1"),
        (2, ["1.1.1.1"], "10.0.0.1"),
        (1, [], "10.0.0.1"),
        (1, ["unknown"], "10.0.0.1"),
        (1, ["1.1.1.1:4711"], "1.1.1.1"),
        (1, ["[2001:db8::1]:4711"], "2001:db8::1"),
        (1, ["2001:db8::1"], "2001:db8::1"),
    ],
)
async def test_the_address_is_taken_from_the_right(trusted: int, forwarded: list[str], address: str) -> None:
    assert await client(trusted, *forwarded) == address


async def opened(origin: str | None, host: str, **scope: Any) -> bool:  # noqa: ANN401
    seen: list[AsgiEvent] = []

    async def site(scope: AsgiEvent, _receive: object, _send: object) -> None:
        seen.append(scope)

    async def receive() -> AsgiEvent:
        return {"type": "websocket.connect"}

    async def send(event: AsgiEvent) -> None:
        assert event["type"] == "websocket.close"

    headers = [(b"host", host.encode()), *scope.pop("headers", [])]
    headers += [(b"origin", origin.encode())] if origin is not None else []
    whole = {"type": "websocket", "path": "/", "scheme": "ws", "headers": headers, **scope}
    await SameOrigin(site)(whole, receive, send)
    return bool(seen)


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        ("http://localhost:8000", "localhost:8000", True),
        ("http://localhost", "localhost:80", True),
        ("http://[::1]:8000", "[::1]:8000", True),
        ("http://LOCALHOST:8000", "localhost:8000", True),
        ("http://localhost:9000", "localhost:8000", False),
        ("https://localhost:8000", "localhost:8000", False),
        ("http://127.0.0.1:8000", "localhost:8000", False),
        ("http://evil.example", "evil.example", False),
        ("null", "localhost:8000", False),
        ("", "localhost:8000", False),
        (None, "localhost:8000", False),
        ("http://localhost:8000/path", "localhost:8000", False),
        ("http://a@localhost:8000", "localhost:8000", False),
    ],
)
async def test_a_socket_needs_scheme_host_and_port(
    settings: Settings, origin: str | None, host: str, *, allowed: bool
) -> None:
    settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
    assert await opened(origin, host) is allowed


async def test_a_trusted_origin_and_a_proxys_scheme_count(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["site.example"]
    settings.CSRF_TRUSTED_ORIGINS = ["https://other.example"]
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    secure = [(b"x-forwarded-proto", b"https")]
    assert await opened("https://site.example", "site.example", headers=secure)
    assert await opened("https://other.example", "site.example", headers=secure)
    assert not await opened("https://site.example", "site.example")
    assert await opened("https://site.example", "site.example", scheme="wss")


@pytest.mark.parametrize("text", ["http://[::1", "http://a:99999", "ftp://a", "http://"])
def test_what_is_no_origin_is_none(text: str) -> None:
    assert read_origin(text) is None
