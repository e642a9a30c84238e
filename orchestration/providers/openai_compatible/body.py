"""A response's body, read chunk by chunk under the call's deadlines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from orchestration.engine.errors import ModelError
from orchestration.engine.types import Json
from orchestration.providers.deadlines import CallTimer, Deadlines
from orchestration.providers.endpoint import Endpoint
from orchestration.providers.unreachable import broken_off, unreachable

DRAIN_S = 0.1


class Body:
    """The chunks of one response."""

    def __init__(self, response: httpx.Response, endpoint: Endpoint, timer: CallTimer) -> None:
        self.status = response.status_code
        self.headers = response.headers
        self._chunks = aiter(response.aiter_raw())
        self._host = endpoint.host
        self._timer = timer

    async def next_chunk(self, *, characters: int = 0, at_most: float | None = None) -> bytes:
        """Return the next bytes, none at the end. Raises `StreamBroken`, `ModelTimeout`, `BadAnswer`."""
        try:
            async with self._timer.waiting(at_most=at_most):
                chunk = await anext(self._chunks, b"")
        except httpx.TransportError as error:
            raise broken_off(self._host, characters) from error
        if chunk:
            self._timer.event()
        return chunk

    async def rest(self, start: bytes = b"") -> bytes:
        """Return everything that is still to come, after `start`."""
        chunks = [start]
        while chunk := await self.next_chunk():
            chunks.append(chunk)
        return b"".join(chunks)

    async def drain(self) -> None:
        """Read past the end mark, so that the connection can be used again; give up after a moment."""
        try:
            async with asyncio.timeout(DRAIN_S):
                await self.rest()
        except (ModelError, TimeoutError):
            return


@asynccontextmanager
async def opened(
    client: httpx.AsyncClient,
    request: tuple[str, str, Json],
    endpoint: Endpoint,
    timer: CallTimer,
    deadlines: Deadlines,
) -> AsyncIterator[Body]:
    """Send `request` (method, path, JSON body or None) and give its body; leaving ends the request at once.

    Raises `ProviderUnavailable`, `AddressRefused`, `ModelTimeout`.
    """
    method, path, payload = request
    built = client.build_request(
        method,
        endpoint.url(path),
        json=payload,
        headers=endpoint.headers,
        timeout=deadlines.for_connecting(),
    )
    timer.request_sent()
    try:
        async with timer.waiting():
            response = await client.send(built, stream=True)
    except httpx.TransportError as error:
        raise unreachable(error, endpoint.host) from error
    try:
        yield Body(response, endpoint, timer)
    finally:
        await response.aclose()
