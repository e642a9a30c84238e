"""The HTTP client that every request to a provider goes through.

It connects to guarded addresses only and caps what it reads. Connections are pooled by aiohttp, because
httpx's own pool collapses under concurrency.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, cast

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver, ResolveResult
from httpx_aiohttp import AiohttpTransport

from orchestration.llm.engine.errors import AddressRefused, BadAnswer
from orchestration.llm.providers.addresses import AddressGuard

BODY_LIMIT = 16 * 1024 * 1024
CONNECTIONS = 1000
KEEP_ALIVE_S = 60.0
USER_AGENT = "orchestra"
CHUNK_LIMIT = 64 * 1024
GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
GZIP_START, PADDING = b"\x1f", b"\0"
Lookup = Callable[[str, int], Awaitable[list[str]]]


async def look_up(host: str, port: int) -> list[str]:
    """Return the addresses of `host` from the system's resolver. Raises `OSError` when there are none."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return [str(sockaddr[0]) for *_, sockaddr in found]


def build_client(
    *,
    guard: AddressGuard,
    lookup: Lookup = look_up,
    verify: ssl.SSLContext | None = None,
    body_limit: int = BODY_LIMIT,
) -> httpx.AsyncClient:
    """Return a client that connects to guarded addresses only, without redirects, proxies or cookies.

    Build one for each process and loop, and close it with `aclose`. `body_limit` caps the size of an
    answer in bytes after decompression. `lookup` and `verify` replace the system's resolver and certificates.
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
            raise httpx.UnsupportedProtocol(
                f"Only http and https addresses can be used, not {request.url.scheme!r}."
            )
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


class CappedBody(httpx.AsyncByteStream):
    """A response body, decompressed, that ends with `BadAnswer` when it grows past its limit."""

    def __init__(self, raw: httpx.AsyncByteStream, encoding: str, limit: int) -> None:
        self._raw = raw
        self._encoding = encoding
        self._limit = limit

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the body's bytes. Raises `httpx.ReadError` when the connection breaks."""
        inflater = Inflater(self._encoding)
        size = 0
        try:
            async for raw in self._raw:
                for chunk in inflater.feed(raw):
                    size += len(chunk)
                    if size > self._limit:
                        raise BadAnswer(
                            f"The answer is larger than {self._limit // 1024:,} KiB, so it was cut off."
                        )
                    yield chunk
        except (aiohttp.ClientError, OSError) as error:
            raise httpx.ReadError(str(error) or type(error).__name__) from error

    async def aclose(self) -> None:
        """End the request, wherever it is."""
        await self._raw.aclose()


class Inflater:
    """Decompresses gzip or zlib in small parts, so that a few kilobytes cannot become gigabytes at once.

    `encoding` is the body's Content-Encoding. Raises `BadAnswer` for an unknown one.
    """

    def __init__(self, encoding: str) -> None:
        self._is_plain = encoding in {"", "identity"}
        if not self._is_plain and encoding not in {"gzip", "x-gzip", "deflate"}:
            raise BadAnswer(f"The answer is compressed with {encoding[:40]!r}, which was not requested.")
        self._has_members = "gzip" in encoding
        self._state = zlib.decompressobj(GZIP_OR_ZLIB)

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield what `chunk` adds, unpacked at most `CHUNK_LIMIT` bytes at a time.

        A gzip body may have several members; what follows the last one, and is none, is ignored.
        Raises `BadAnswer`.
        """
        if self._is_plain:
            yield chunk
            return
        rest = chunk
        while rest:
            if self._state.eof:
                rest = rest.lstrip(PADDING)
                if not (self._has_members and rest.startswith(GZIP_START)):
                    self._has_members = self._has_members and not rest
                    return
                self._state = zlib.decompressobj(GZIP_OR_ZLIB)
            try:
                part = self._state.decompress(rest, CHUNK_LIMIT)
            except zlib.error as error:
                raise BadAnswer("The answer is compressed wrongly and cannot be read.") from error
            rest = self._state.unused_data if self._state.eof else self._state.unconsumed_tail
            if part:
                yield part


class GuardedResolver(AbstractResolver):
    """Resolves a name once for a connection and returns the addresses that may be used.

    `open_socket` checks again right before a socket connects: it sees the address itself, however the URL
    was written, so that nothing is connected to that was not checked.
    """

    def __init__(self, guard: AddressGuard, lookup: Lookup = look_up) -> None:
        self._guard = guard
        self._lookup = lookup
        self._allowed_by_name: set[tuple[str, int]] = set()

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002  # the base class asks for it
    ) -> list[ResolveResult]:
        """Return the checked addresses of `host`. Raises `AddressRefused` when none may be used."""
        refusal: AddressRefused | None = None
        passed: list[ResolveResult] = []
        for address in dict.fromkeys(await self._lookup(host, port)):
            try:
                self._guard.check(host, port, address)
            except AddressRefused as error:
                refusal = error
            else:
                self._remember(address, port)
                passed.append(_result(host, port, address))
        if passed:
            return passed
        raise refusal or OSError(f"{host} has no address")

    async def close(self) -> None:
        """Nothing to close."""

    def open_socket(self, info: tuple[Any, ...]) -> socket.socket:
        """Return a socket for the address in `info` (as `getaddrinfo` gives it). Raises `AddressRefused`."""
        family, kind, protocol, _, (address, port, *_) = info
        if (address, port) not in self._allowed_by_name:
            self._guard.check(address, port, address)
        return socket.socket(family=family, type=kind, proto=protocol)

    def _remember(self, address: str, port: int) -> None:
        """Store an address that is allowed only through its name; the operator's list bounds how many."""
        try:
            self._guard.check(address, port, address)
        except AddressRefused:
            self._allowed_by_name.add((address, port))


def _result(host: str, port: int, address: str) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return ResolveResult(
        hostname=host,
        host=address,
        port=port,
        family=family,
        proto=socket.IPPROTO_TCP,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )
