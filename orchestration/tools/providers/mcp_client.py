"""Servers of the Model Context Protocol, asked with its SDK over the guarded transport.

The SDK is large: it is imported when the first server is asked, off the event loop.
"""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import httpx

from orchestra_site.web.patterns import Pattern
from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.schemas import parse_schema
from orchestration.llm.engine.errors import AddressRefused, ModelError
from orchestration.llm.engine.types import Json
from orchestration.llm.providers.addresses import AddressGuard, Endpoint
from orchestration.llm.providers.exchange import reason
from orchestration.llm.providers.reading import KeyFilter
from orchestration.llm.providers.transport import USER_AGENT, GuardedResolver, GuardedTransport
from orchestration.tools.engine.tool import ToolFailed, ToolFault, storable

if TYPE_CHECKING:
    from mcp import ClientSession

Given = TypeVar("Given")
ANSWER_LIMIT = 4 * 1024 * 1024
MOST_TOOLS, MOST_PAGES = 100, 10
LONGEST_DESCRIPTION = 2_000
TOOL_NAME = Pattern(r"[A-Za-z0-9_.-]{1,64}")
REDIRECTS = range(300, 400)
CONNECTING = httpx.Timeout(None, connect=10.0, pool=10.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoteTool:
    """A tool as its server describes it. `problem` says why it cannot be used, "" where it can."""

    name: str
    description: str = ""
    schema: Mapping[str, Json] = field(default_factory=dict)
    repeatable: bool = False
    problem: str = ""


class _Sdk(NamedTuple):
    types: Any
    session: Any
    connect: Any


@cache
def _sdk() -> _Sdk:
    import mcp.types  # noqa: PLC0415  # large: see above
    from mcp.client.session import ClientSession  # noqa: PLC0415
    from mcp.client.streamable_http import streamable_http_client  # noqa: PLC0415

    # It logs tracebacks, which may show what was sent; what failed is said by errors.
    logging.getLogger("mcp").setLevel(logging.CRITICAL)
    return _Sdk(types=mcp.types, session=ClientSession, connect=streamable_http_client)


@cache
def _certificates() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)


class WatchedTransport(httpx.AsyncBaseTransport):
    """Follows no redirect. Keeps what went wrong first with a message, and calls `stop`: the SDK goes on.

    Messages are posted; streams and ends of sessions, for which it uses other methods, may fail.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport, host: str, stop: Callable[[], None]) -> None:
        self._inner = inner
        self._host = host
        self._stop = stop
        self.fault: ToolFailed | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; a redirect is an error."""
        is_message = request.method == "POST"
        try:
            response = await self._inner.handle_async_request(request)
        except (ModelError, httpx.TransportError) as error:
            if is_message:
                self._keep(error)
            raise
        if is_message and response.status_code >= HTTPStatus.MULTIPLE_CHOICES:
            self.fault = self.fault or ToolFailed(_refusal(self._host, response.status_code))
        if response.status_code in REDIRECTS:
            await response.aclose()
            raise httpx.RemoteProtocolError("A redirect is not followed.")
        if is_message:
            response.stream = _WatchedBody(response.stream, self._keep)
        return response

    async def aclose(self) -> None:
        """Close every connection."""
        await self._inner.aclose()

    async def look_at(self, message: object) -> None:
        """Keep what the SDK could not read; other messages that nobody asked for are ignored."""
        if isinstance(message, Exception):
            self._end(ToolFailed(f"{self._host} does not answer as an MCP server should."))

    def _keep(self, error: Exception) -> None:
        refused = isinstance(error, AddressRefused)
        words = str(error) if isinstance(error, ModelError) else f"{self._host} failed: {reason(error)}."
        self._end(ToolFailed(words, fault=ToolFault.REFUSED if refused else ToolFault.FAILED))

    def _end(self, fault: ToolFailed) -> None:
        self.fault = self.fault or fault
        self._stop()


class _WatchedBody(httpx.AsyncByteStream):
    def __init__(self, inner: Any, keep: Callable[[Exception], None]) -> None:  # noqa: ANN401  # of both transports
        self._inner = inner
        self._keep = keep

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._inner:
                yield chunk
        except (ModelError, httpx.TransportError) as error:
            self._keep(error)
            raise

    async def aclose(self) -> None:
        await self._inner.aclose()


def _refusal(host: str, status: int) -> str:
    if status in REDIRECTS:
        return f"{host} answers with a redirect, which is not followed. Use the address itself."
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return f"{host} refused the key ({status})."
    if status == HTTPStatus.NOT_FOUND:
        return f"{host} has nothing at this address (404). Check the path; many servers answer under /mcp."
    return f"{host} answered with {status}."


async def _asked(
    endpoint: Endpoint, guard: AddressGuard, ask: Callable[[_Sdk, ClientSession], Awaitable[Given]]
) -> Given:
    """Open a session with a server, ask it, and close the session. Raises `ToolFailed`."""
    sdk = await asyncio.to_thread(_sdk)
    inner = GuardedTransport(GuardedResolver(guard), _certificates(), ANSWER_LIMIT)
    limit = asyncio.timeout(None)
    now = asyncio.get_running_loop().time
    transport = WatchedTransport(inner, endpoint.host, lambda: limit.reschedule(now()))
    headers = {"user-agent": USER_AGENT, "accept-encoding": "identity", **endpoint.headers}
    client = httpx.AsyncClient(transport=transport, trust_env=False, timeout=CONNECTING, headers=headers)
    try:
        async with (
            limit,
            client,
            sdk.connect(endpoint.base_url, http_client=client) as (read, write, _),
            sdk.session(read, write, message_handler=transport.look_at) as session,
        ):
            await session.initialize()
            return await ask(sdk, session)
    except Exception as error:  # whatever the SDK raises, the server did not answer as it should
        raise transport.fault or _found(error) or _strange(endpoint, error) from error


def _found(error: BaseException) -> ToolFailed | None:
    """Return the error of ours that a group of the SDK's tasks contains."""
    if isinstance(error, BaseExceptionGroup):
        return next(filter(None, map(_found, error.exceptions)), None)
    return error if isinstance(error, ToolFailed) else None


def _strange(endpoint: Endpoint, error: Exception) -> ToolFailed:
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    said = endpoint.quote(str(error))
    return ToolFailed(f"{endpoint.host} does not answer as an MCP server should: {said or 'no reason given'}")


async def list_tools(endpoint: Endpoint, guard: AddressGuard) -> tuple[RemoteTool, ...]:
    """Return the tools of a server, at most 100. Raises `ToolFailed`."""

    async def ask(_sdk: _Sdk, session: ClientSession) -> tuple[RemoteTool, ...]:
        found: list[Any] = []
        cursor = None
        for _ in range(MOST_PAGES):
            page = await session.list_tools(cursor)
            found += page.tools
            cursor = page.nextCursor
            if not cursor or len(found) >= MOST_TOOLS:
                break
        return await asyncio.to_thread(lambda: tuple(map(_described, found[:MOST_TOOLS])))

    return await _asked(endpoint, guard, ask)


def _described(tool: Any) -> RemoteTool:  # noqa: ANN401  # of the SDK, which is not imported here
    name = storable(tool.name)[:64]
    if not TOOL_NAME.fullmatch(tool.name):
        return RemoteTool(name=name, problem="Its name has other characters than letters, digits and _.-")
    hints = tool.annotations
    try:
        parse_schema(tool.inputSchema)
        schema = storable(tool.inputSchema)
    except (ExpressionError, ToolFailed) as error:
        return RemoteTool(name=name, problem=f"Its schema cannot be used. {error}")
    return RemoteTool(
        name=name,
        description=storable((tool.description or "")[:LONGEST_DESCRIPTION]),
        schema=schema,
        repeatable=bool(hints and (hints.readOnlyHint or hints.idempotentHint)),
    )


async def call_tool(
    endpoint: Endpoint, guard: AddressGuard, name: str, arguments: Mapping[str, Json]
) -> Json:
    """Call a tool of a server and return what it gives: its structured content, else its text.

    Raises `ToolFailed`.
    """

    async def ask(sdk: _Sdk, session: ClientSession) -> Any:  # noqa: ANN401  # a result of the SDK
        # Not `session.call_tool`: it would match the result with patterns of the server's, in any time.
        params = sdk.types.CallToolRequestParams(name=name, arguments=dict(arguments))
        request = sdk.types.ClientRequest(sdk.types.CallToolRequest(params=params))
        return await session.send_request(request, sdk.types.CallToolResult)

    result = await _asked(endpoint, guard, ask)
    text = "\n".join(_shown(block) for block in result.content)
    if result.isError:
        raise ToolFailed(f"{name} failed: {endpoint.quote(text) or 'it gave no reason'}")
    given = result.structuredContent if result.structuredContent is not None else text
    return await asyncio.to_thread(_without_key, given, endpoint)


def _without_key(given: Json, endpoint: Endpoint) -> Json:
    written = json.dumps(given)
    if not any(form in written for form in endpoint.hidden_forms()):
        return given
    shown = KeyFilter(endpoint.hidden_forms())
    return json.loads(shown.feed(written) + shown.rest())


def _shown(block: Any) -> str:  # noqa: ANN401  # one of several classes of the SDK
    return str(block.text) if block.type == "text" else f"({block.type}, left out)"
