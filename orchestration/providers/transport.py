"""The one way out: every request to a provider goes through the client that is built here.

Connections are pooled by aiohttp, because httpx's own pool collapses under concurrency.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import cast

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from orchestration.engine.errors import BadAnswer
from orchestration.providers.guard import AddressGuard
from orchestration.providers.inflating import inflater_for
from orchestration.providers.resolver import GuardedResolver, Lookup, look_up

BODY_LIMIT = 16 * 1024 * 1024
CONNECTIONS = 1000
KEEP_ALIVE_S = 60.0
USER_AGENT = "orchestra"


def build_client(
    *,
    guard: AddressGuard,
    lookup: Lookup = look_up,
    verify: ssl.SSLContext | None = None,
    body_limit: int = BODY_LIMIT,
) -> httpx.AsyncClient:
    """Return a client that connects to guarded addresses only, without redirects, proxies or cookies.

    Build one for each process and loop, and close it with `aclose`. `body_limit` caps what an answer may
    hold, in bytes after decompression. `lookup` and `verify` replace the system's resolver and certificates.
    """
    context = verify or httpx.create_ssl_context(trust_env=False)
    return httpx.AsyncClient(
        transport=GuardedTransport(GuardedResolver(guard, lookup), context, body_limit),
        trust_env=False,
        follow_redirects=False,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        headers={"user-agent": USER_AGENT, "accept-encoding": "identity"},
    )


class GuardedTransport(httpx.AsyncBaseTransport):
    """Sends requests over aiohttp; whatever goes wrong is an `httpx.TransportError` or a `ModelError`."""

    def __init__(self, resolver: GuardedResolver, context: ssl.SSLContext, body_limit: int) -> None:
        self._body_limit = body_limit
        self._inner = AiohttpTransport(
            verify=context, trust_env=False, client=lambda: _session(resolver, context)
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send `request`; the response's body is decompressed and counted while it is read."""
        if request.url.scheme not in {"http", "https"}:
            message = f"Only http and https addresses can be used, not {request.url.scheme!r}."
            raise httpx.UnsupportedProtocol(message)
        try:
            response = await self._inner.handle_async_request(request)
        except (aiohttp.ClientError, OSError) as error:
            raise httpx.RemoteProtocolError(str(error) or type(error).__name__) from error
        encoding = response.headers.pop("content-encoding", "identity").strip().lower()
        raw = cast("httpx.AsyncByteStream", response.stream)  # the transport below is asynchronous
        response.stream = CappedBody(raw, encoding, self._body_limit)
        return response

    async def aclose(self) -> None:
        """Close every connection."""
        await self._inner.aclose()


class CappedBody(httpx.AsyncByteStream):
    """A response body, decompressed, that ends with `BadAnswer` when it grows past its limit."""

    def __init__(self, raw: httpx.AsyncByteStream, encoding: str, limit: int) -> None:
        self._raw = raw
        self._encoding = encoding
        self._limit = limit

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the body's bytes. Raises `httpx.ReadError` when the connection breaks."""
        inflate = inflater_for(self._encoding)
        size = 0
        try:
            async for raw in self._raw:
                for chunk in inflate(raw):
                    size += len(chunk)
                    if size > self._limit:
                        message = f"The answer is larger than {self._limit // 1024:,} KiB, so it was cut off."
                        raise BadAnswer(message)
                    yield chunk
        except (aiohttp.ClientError, OSError) as error:
            raise httpx.ReadError(str(error) or type(error).__name__) from error

    async def aclose(self) -> None:
        """End the request, wherever it is."""
        await self._raw.aclose()


def _session(resolver: GuardedResolver, context: ssl.SSLContext) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(
        resolver=resolver,
        socket_factory=resolver.open_socket,
        use_dns_cache=False,
        ssl=context,
        limit=CONNECTIONS,
        keepalive_timeout=KEEP_ALIVE_S,
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=None),
    )
