"""One HTTP exchange with a provider under its deadlines."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace

import aiohttp
import httpx

from orchestration.llm.engine.errors import ModelError, ModelTimeout, ProviderUnavailable, StreamBroken
from orchestration.llm.engine.model import AnswerStream, ChatModel, WrappedModel
from orchestration.llm.engine.types import Json, Prompt
from orchestration.llm.providers.addresses import Endpoint

DRAIN_S = 0.1
CONNECTING_SHARE = 0.9
"""Of the whole time: what runs into that deadline has a connection, and sent its request."""
REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (socket.gaierror, "its name is not known. Check the spelling of the address"),
    (aiohttp.ClientConnectorDNSError, "its name is not known. Check the spelling of the address"),
    (ssl.SSLCertVerificationError, "its certificate is not valid for this address"),
    (ssl.SSLError, "no secure connection could be made. Check whether the address should start with http://"),
    (ConnectionRefusedError, "nothing listens there. Check the address, and that the server runs"),
    (aiohttp.ServerDisconnectedError, "it closed the connection without an answer"),
    (ConnectionResetError, "it reset the connection"),
    (aiohttp.ClientResponseError, "what came back is not HTTP"),
    (TimeoutError, "no connection was made in time"),
)
"""Words for what went wrong, the most specific cause first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Deadlines:
    """Seconds: to connect, from one piece of text to the next, and in all.

    Until the first word of its answer a model has the whole time (`total_s`): it may think, and need not
    show that it does. From then on anything that arrives counts as life: text, reasoning, usage, a comment
    that keeps the connection open.
    """

    connect_s: float = 10.0
    idle_s: float = 45.0
    total_s: float = 300.0

    def thinking(self) -> Deadlines:
        """Return the deadlines of a model that may think in silence in the middle of its answer, too."""
        return replace(self, idle_s=self.total_s)


class CallTimer:
    """The deadlines of one call, counted on the event loop's clock from when this is made.

    `name` stands in the sentences of errors: a host, or a model. `is_billable` is set once a request is sent.
    """

    def __init__(self, deadlines: Deadlines, name: str) -> None:
        self._deadlines = deadlines
        self._name = name
        self._started = self._now()
        self.is_billable = False

    @asynccontextmanager
    async def waiting(self, *, writing: bool = False, at_most: float | None = None) -> AsyncIterator[None]:
        """Limit what is awaited inside, to `at_most` seconds, too; `writing`: the answer's text has begun.

        Raises `ModelTimeout`, naming the deadline that passed; billed once a request was sent, final where it
        is the call's whole time limit.
        """
        left, final = self._left(writing=writing)
        if left <= 0:
            raise self._timeout(writing=writing, final=final)
        limit = asyncio.timeout(left if at_most is None else min(left, at_most))
        try:
            async with limit:
                yield
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise self._timeout(writing=writing, final=final) from error

    def _left(self, *, writing: bool) -> tuple[float, bool]:
        """Return the seconds to the nearest deadline, and whether it is that of the whole call.

        The idle deadline counts from now: the time that a reader takes between two events is not the
        provider's.
        """
        limits = self._deadlines
        total = self._started + limits.total_s - self._now()
        return (limits.idle_s, False) if writing and limits.idle_s < total else (total, True)

    def _timeout(self, *, writing: bool, final: bool) -> ModelTimeout:
        limits = self._deadlines
        if not final:
            fault = f"sent nothing for {limits.idle_s:g} seconds in the middle of its answer"
        elif writing:
            fault = f"did not finish its answer within {limits.total_s:g} seconds"
        else:
            fault = f"did not start to answer within {limits.total_s:g} seconds"
        error = ModelTimeout(f"{self._name} {fault}.", final=final)
        error.billed = self.is_billable
        return error

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


class Timed(WrappedModel):
    """A model inside this process, under the deadlines of one behind a network: each piece is an event."""

    def __init__(self, inner: ChatModel, deadlines: Deadlines) -> None:
        super().__init__(inner)
        self._deadlines = deadlines

    async def stream(self, prompt: Prompt) -> AnswerStream:
        """Pass the inner stream on. Raises `ModelTimeout`."""
        timer = CallTimer(self._deadlines, self.spec.name)
        async with aclosing(self.inner.stream(prompt)) as pieces:
            while True:
                async with timer.waiting(writing=timer.is_billable):
                    piece = await anext(pieces, None)
                if piece is None:
                    return
                timer.is_billable = True
                yield piece


def broken_off(host: str, characters: int) -> StreamBroken:
    """Return the error for an answer that stopped before its end mark."""
    so_far = f"after {characters:,} characters" if characters else "before its first word"
    return StreamBroken(f"{host} ended the answer too early, {so_far}. It may have been billed.")


def reason(error: BaseException) -> str:
    """Return the words for the most specific error in the chain of causes."""
    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in chain:
        chain.append(cause)
        cause = getattr(cause, "os_error", None) or cause.__cause__ or cause.__context__
    for kind, words in REASONS:
        if any(isinstance(each, kind) for each in chain):
            return words
    return "the connection failed"


class Body:
    """The chunks of one response."""

    def __init__(self, response: httpx.Response, host: str, timer: CallTimer) -> None:
        self.status = response.status_code
        self.headers = response.headers
        self._chunks = aiter(response.aiter_raw())
        self._host = host
        self._timer = timer

    async def next_chunk(self, *, characters: int = 0, at_most: float | None = None) -> bytes:
        """Return the next bytes, none at the end; `characters` were read so far, as an error then says.

        Raises `StreamBroken`, `ModelTimeout` (also after `at_most` seconds), `BadAnswer`.
        """
        try:
            async with self._timer.waiting(writing=characters > 0, at_most=at_most):
                return await anext(self._chunks, b"")
        except httpx.TransportError as error:
            raise broken_off(self._host, characters) from error

    async def rest(self, start: bytes = b"") -> bytes:
        """Return `start` and everything that follows."""
        chunks = [start]
        while chunk := await self.next_chunk():
            chunks.append(chunk)
        return b"".join(chunks)

    async def drain(self) -> None:
        """Read past the end mark, so that the connection can be used again; give up after `DRAIN_S`."""
        try:
            async with asyncio.timeout(DRAIN_S):
                await self.rest()
        except (ModelError, TimeoutError):
            return


class Exchange:
    """The requests of one call to a provider, all under the call's deadlines."""

    def __init__(self, client: httpx.AsyncClient, endpoint: Endpoint, deadlines: Deadlines) -> None:
        self._client = client
        self._endpoint = endpoint
        connect_s = min(deadlines.connect_s, CONNECTING_SHARE * deadlines.total_s)
        self._connecting = httpx.Timeout(None, connect=connect_s, pool=connect_s)
        self._timer = CallTimer(deadlines, endpoint.host)

    @asynccontextmanager
    async def response(self, method: str, path: str, payload: Json = None) -> AsyncIterator[Body]:
        """Send a request with a JSON body and give the body of the response; leaving ends it at once.

        Raises `ProviderUnavailable`, `AddressRefused`, `ModelTimeout`.
        """
        endpoint = self._endpoint
        request = self._client.build_request(
            method, endpoint.url(path), json=payload, headers=endpoint.headers, timeout=self._connecting
        )
        self._timer.is_billable = True
        try:
            async with self._timer.waiting():
                response = await self._client.send(request, stream=True)
        except httpx.TransportError as error:
            raise ProviderUnavailable(f"{endpoint.host} could not be reached: {reason(error)}.") from error
        try:
            yield Body(response, endpoint.host, self._timer)
        finally:
            await response.aclose()
