"""A real MCP server of the SDK in a process of its own: `python -m tests.support.mcp_server` prints its port.

With `--key` it refuses requests without it. Its tools add, fail, hang, flood, and lie about what they take.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import sys
from typing import Any

import uvicorn
from mcp.server.fastmcp import FastMCP
from mcp.types import ImageContent, ToolAnnotations
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.support.mcp_process import KEY

server = FastMCP("test", json_response=False)


@server.tool(annotations=ToolAnnotations(readOnlyHint=True))
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@server.tool()
def describe(name: str) -> str:
    """Describe something in words."""
    return f"{name} is described."


@server.tool(structured_output=False)
def draw() -> list[Any]:
    """Draw something, and say what."""
    return ["A square.", ImageContent(type="image", data="", mimeType="image/png")]


@server.tool()
def fail() -> str:
    """Fail."""
    raise ValueError(f"The weather is out; your key is {KEY}.")


@server.tool()
async def hang() -> str:
    """Never answer."""
    await asyncio.sleep(60)
    return "late"


@server.tool()
def leak() -> list[str]:
    """Give away the key that it was asked with."""
    return ["the key", KEY]


@server.tool()
def flood() -> str:
    """Answer with too much."""
    return "x" * 6_000_000


def _lie() -> None:
    """Describe tools that cannot be used."""
    tools = server._tool_manager._tools
    tools["add"].parameters["x"] = "ignored"
    for name, schema in (("pattern", {"pattern": "(?=a)b"}), ("strange name!", {}), ("deep", _deep())):
        tools[name] = tools["describe"].model_copy(update={"name": name, "parameters": schema})


def _deep() -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(40):
        schema = {"not": schema}
    return schema


class WithKey:
    """An ASGI application that asks for the key."""

    def __init__(self, inner: ASGIApp, key: str) -> None:
        self._inner, self._wanted = inner, f"Bearer {key}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and dict(scope["headers"]).get(b"authorization") != self._wanted:
            await send({"type": "http.response.start", "status": 401, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        await self._inner(scope, receive, send)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--key", default="")
    given = parser.parse_args()
    _lie()
    listening = socket.create_server(("127.0.0.1", 0))
    app = server.streamable_http_app()
    config = uvicorn.Config(WithKey(app, given.key) if given.key else app, log_level="critical")
    sys.stdout.write(f"{listening.getsockname()[1]}\n")
    sys.stdout.flush()
    asyncio.run(uvicorn.Server(config).serve(sockets=[listening]))


if __name__ == "__main__":
    main()
