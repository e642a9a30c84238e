"""The tool that sends HTTP requests: one address, one answer, credentials for their own origin only."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from orchestration.llm.engine.types import Json
from orchestration.llm.providers.addresses import AddressGuard
from orchestration.llm.providers.transport import build_client
from orchestration.tools.engine.tool import ToolFailed, ToolFault
from orchestration.tools.providers.http_request import HttpCredential, HttpRequestTool
from tests.support.raw_server import LOOPBACK

SECRET = "Bearer key-9c8b7a6d5e4f"
ANSWERS: dict[str, tuple[int, str, bytes]] = {
    "/text": (200, "text/plain", "grüß".encode()),
    "/broken": (200, "application/json", b"{"),
    "/missing": (404, "text/plain", b"no such\nthing"),
    "/image": (200, "image/png", b"\x89PNG"),
    "/large": (200, "text/plain", b"x" * 1_000_001),
    "/moved": (302, "text/plain", b""),
    "/infinite": (200, "application/json", b"[1e999]"),
}


async def respond(request: web.Request) -> web.Response:
    if request.path == "/token":
        return web.Response(text=request.headers["Authorization"].partition(" ")[2])
    if request.path in ANSWERS:
        status, kind, body = ANSWERS[request.path]
        headers = {"Location": "/text"} if status == 302 else None
        return web.Response(status=status, body=body, content_type=kind, headers=headers)
    said: Json = {"method": request.method, "query": request.query_string, "body": await request.text()}
    return web.json_response(
        {**said, "headers": {name.lower(): each for name, each in request.headers.items()}}
    )


@asynccontextmanager
async def the_tool(guard: AddressGuard = LOOPBACK) -> AsyncIterator[tuple[HttpRequestTool, str]]:
    """Give the tool, and the address of a server that says what it was sent."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", respond)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    address = f"http://127.0.0.1:{runner.addresses[0][1]}"

    async def credential(name: str) -> HttpCredential:
        if name != "shop":
            raise ToolFailed("There is no such credential.", fault=ToolFault.REFUSED)
        return HttpCredential(name=name, origin=address, header="Authorization", value=SECRET)

    async with build_client(guard=guard) as client:
        yield HttpRequestTool(lambda: client, credential), address
    await runner.cleanup()


async def test_a_get_gives_status_type_and_json() -> None:
    async with the_tool() as (tool, address):
        given = await tool.call({"url": f"{address}/a?b=c&d", "headers": {"X-Colour": "blue"}})
    assert (given["status"], given["type"]) == (200, "application/json")
    assert (given["body"]["method"], given["body"]["query"]) == ("GET", "b=c&d")
    assert given["body"]["headers"]["x-colour"] == "blue"


@pytest.mark.parametrize(("body", "sent"), [({"a": 1}, {"a": 1}), ("plain", None), ([1], [1])])
async def test_a_body_is_sent_as_json_unless_it_is_a_text(body: Json, sent: Json) -> None:
    async with the_tool() as (tool, address):
        given = await tool.call({"url": address, "method": "POST", "body": body})
    received = given["body"]["body"]
    assert received == "plain" if body == "plain" else json.loads(received) == sent


async def test_only_a_get_may_be_repeated() -> None:
    async with the_tool() as (tool, _):
        assert [tool.repeats(given) for given in ({}, {"method": "GET"}, {"method": "PUT"})] == [
            True,
            True,
            False,
        ]


async def test_a_credential_is_sent_to_its_own_origin_and_never_shown() -> None:
    async with the_tool() as (tool, address):
        given = await tool.call({"url": address, "credential": "shop"})
        tokens = await tool.call({"url": f"{address}/token", "credential": "shop"})
        other = address.replace("127.0.0.1", "localhost")
        with pytest.raises(ToolFailed, match="is not sent to http://localhost") as refused:
            await tool.call({"url": other, "credential": "shop"})
        with pytest.raises(ToolFailed, match="no such credential"):
            await tool.call({"url": address, "credential": "other"})
    assert given["body"]["headers"]["authorization"] == "[key]"
    assert SECRET.split()[1] not in str(tokens)
    assert refused.value.code == "tool_refused"
    assert SECRET not in repr(HttpCredential(name="a", origin="b", header="c", value=SECRET))


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/broken", "announced JSON and sent something else"),
        ("/missing", "answered with 404: no such thing"),
        ("/image", "answered with image/png, which is not text"),
        ("/large", "larger than 1,000,000 bytes"),
        ("/moved", "redirect, which is not followed"),
        ("/infinite", "a number that cannot be stored"),
    ],
)
async def test_an_answer_that_is_of_no_use_fails_the_tool(path: str, words: str) -> None:
    async with the_tool() as (tool, address):
        with pytest.raises(ToolFailed, match=words) as failed:
            await tool.call({"url": f"{address}{path}"})
        assert (await tool.call({"url": f"{address}/text"}))["body"] == "grüß"
    assert failed.value.code == "tool_failed"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"url": "ftp://example.com/a"}, "must start with https"),
        ({"url": "file:///etc/passwd"}, "cannot be used"),
        ({"url": "http://user:pass@example.com"}, "user name or password"),
        ({"url": "http://[::1"}, "cannot be used"),
        ({"url": "http://exa mple.com"}, "cannot be used"),
        (
            {"url": "https://example.com", "headers": {"Cookie": "a"}},
            "sent with a credential of the team only",
        ),
        ({"url": "https://example.com", "headers": {"Host": "a"}}, "cannot be set"),
        ({"url": "https://example.com", "headers": {"A b": "a"}}, "cannot be set"),
        ({"url": "https://example.com", "headers": {"A": "a\r\nB: c"}}, "has to be printable"),
        ({"url": "http://127.0.0.1:22"}, "not a public address"),
        ({"url": "http://[::ffff:169.254.169.254]/latest"}, "not a public address"),
    ],
)
async def test_what_may_not_be_sent_is_refused(given: dict[str, Any], words: str) -> None:
    async with the_tool(AddressGuard()) as (tool, _):
        with pytest.raises(ToolFailed, match=words) as refused:
            await tool.call(given)
    assert refused.value.code == "tool_refused"


async def test_a_server_that_there_is_not_is_said_not_to_listen() -> None:
    async with the_tool() as (tool, _):
        with pytest.raises(ToolFailed, match="nothing listens there"):
            await tool.call({"url": "http://127.0.0.1:9/"})
