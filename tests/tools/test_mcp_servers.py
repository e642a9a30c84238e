"""A real MCP server of the SDK, in its own process: its tools, its failures, and what it may not do."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from orchestration.llm.engine.types import Json
from orchestration.llm.providers.addresses import AddressGuard, Endpoint
from orchestration.tools.engine.tool import ToolFailed
from orchestration.tools.providers.mcp_client import call_tool, list_tools
from tests.support.raw_server import LOOPBACK, raw_server, saying

REDIRECT = b"HTTP/1.1 307 Moved\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n"
HTML = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>"
NO_JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 3\r\n\r\n{{{"


async def test_its_tools_are_listed_and_those_with_false_schemas_marked(mcp_server: Endpoint) -> None:
    tools = {tool.name: tool for tool in await list_tools(mcp_server, LOOPBACK)}
    usable = {name for name, tool in tools.items() if not tool.problem}
    assert usable == {"add", "describe", "draw", "fail", "hang", "leak", "flood"}
    assert (tools["add"].repeatable, tools["describe"].repeatable) == (True, False)
    assert tools["add"].description == "Add two numbers."
    assert "cannot be read" in tools["pattern"].problem
    assert "32 levels" in tools["deep"].problem
    assert "other characters" in tools["strange name!"].problem


@pytest.mark.parametrize(
    ("name", "arguments", "result"),
    [
        ("add", {"a": 1, "b": 2}, {"result": 3}),
        ("describe", {"name": "Oslo"}, {"result": "Oslo is described."}),
        ("draw", {}, "A square.\n(image, left out)"),
        ("leak", {}, {"result": ["the key", "[key]"]}),
    ],
)
async def test_a_call_gives_structured_content_or_text_and_never_the_key(
    mcp_server: Endpoint, name: str, arguments: Json, result: Json
) -> None:
    assert await call_tool(mcp_server, LOOPBACK, name, arguments) == result


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("fail", r"fail failed: Error executing tool fail: The weather is out; your key is \[key\]\."),
        ("nothing", "nothing failed: Unknown tool"),
        ("add", "validation errors"),
        ("flood", "larger than 4,096 KiB"),
    ],
)
async def test_what_goes_wrong_at_the_server_is_said(mcp_server: Endpoint, name: str, words: str) -> None:
    with pytest.raises(ToolFailed, match=words):
        await call_tool(mcp_server, LOOPBACK, name, {})


async def test_a_server_that_hangs_is_left_when_time_is_up_and_can_be_asked_again(
    mcp_server: Endpoint,
) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await call_tool(mcp_server, LOOPBACK, "hang", {})
    assert await call_tool(mcp_server, LOOPBACK, "add", {"a": 2, "b": 2}) == {"result": 4}


async def test_without_the_key_at_another_path_or_behind_the_guard_nothing_is_listed(
    mcp_server: Endpoint,
) -> None:
    with pytest.raises(ToolFailed, match=r"refused the key \(401\)"):
        await list_tools(Endpoint(mcp_server.base_url), LOOPBACK)
    with pytest.raises(ToolFailed, match="nothing at this address"):
        await list_tools(replace(mcp_server, base_url=f"{mcp_server.base_url}/more"), LOOPBACK)
    with pytest.raises(ToolFailed, match="not a public address") as refused:
        await list_tools(mcp_server, AddressGuard())
    assert refused.value.code == "tool_refused"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (REDIRECT, "redirect, which is not followed"),
        (HTML, "does not answer as an MCP server should"),
        (NO_JSON, "does not answer as an MCP server should"),
        (b"HTTP/1.1 500 Down\r\nContent-Length: 0\r\n\r\n", "answered with 500"),
        (b"nonsense\r\n\r\n", "what came back is not HTTP"),
        (b"", "closed the connection without an answer"),
    ],
)
async def test_what_is_no_mcp_server_is_said_to_be_none(answer: bytes, words: str) -> None:
    async with raw_server(saying(answer)) as port:
        with pytest.raises(ToolFailed, match=words):
            async with asyncio.timeout(5):
                await list_tools(Endpoint(f"http://127.0.0.1:{port}/mcp"), LOOPBACK)


async def test_a_server_that_there_is_not_is_said_not_to_listen() -> None:
    with pytest.raises(ToolFailed, match="nothing listens there"):
        await list_tools(Endpoint("http://127.0.0.1:9/mcp"), LOOPBACK)
