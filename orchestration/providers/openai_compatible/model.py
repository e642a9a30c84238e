"""One model behind an OpenAI-compatible API."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager

import httpx

from orchestration.engine.errors import BadAnswer, ModelTimeout, StreamBroken
from orchestration.engine.model import AnswerStream, StreamingModel
from orchestration.engine.types import Delta, ModelSpec, Prompt
from orchestration.providers.deadlines import CallTimer, Deadlines
from orchestration.providers.endpoint import Endpoint
from orchestration.providers.openai_compatible.body import Body, opened
from orchestration.providers.openai_compatible.dialect import Dialect, dialects_of
from orchestration.providers.openai_compatible.failures import Refusal, failure_of
from orchestration.providers.openai_compatible.transcript import Transcript
from orchestration.providers.sse import SSEParser
from orchestration.providers.unreachable import broken_off

OK = 200
TAIL_S = 5.0
DEFAULT_DEADLINES = Deadlines()


class OpenAICompatibleModel(StreamingModel):
    """Streams answers from `POST {base_url}/chat/completions`.

    Optional parameters that a server refuses are left out and the request tried again; the client remembers.
    Raises `InvalidRequest` when built with an address or key that cannot be one.
    """

    def __init__(
        self,
        spec: ModelSpec,
        *,
        base_url: str,
        api_key: str | None,
        client: httpx.AsyncClient,
        deadlines: Deadlines = DEFAULT_DEADLINES,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._spec = spec
        self._endpoint = Endpoint(base_url, api_key)
        self._client = client
        self._deadlines = deadlines
        self._clock = clock
        self._dialects = dialects_of(client)
        self._place = (self._endpoint.base_url, spec.remote_name)

    @property
    def spec(self) -> ModelSpec:
        """What the model is."""
        return self._spec

    async def stream(self, prompt: Prompt) -> AnswerStream:
        """Answer piece by piece. Closing the generator closes the HTTP response at once."""
        started = self._clock()
        first_token: float | None = None
        transcript = Transcript(self._endpoint, self._spec.remote_name)
        async with self._answer_to(prompt) as body, aclosing(_deltas(body, transcript)) as deltas:
            async for delta in deltas:
                if first_token is None:
                    first_token = self._clock() - started
                yield delta
        if not transcript.is_complete:
            raise broken_off(self._endpoint.host, transcript.characters)
        yield transcript.completion(prompt, latency_s=self._clock() - started, first_token_s=first_token)

    @asynccontextmanager
    async def _answer_to(self, prompt: Prompt) -> AsyncIterator[Body]:
        """Give the body of the first response that is an answer, asking more simply where that may help."""
        timer = CallTimer(self._deadlines, self._endpoint.host)
        dialect: Dialect | None = self._dialects.get(self._place, Dialect())
        while dialect is not None:
            payload = dialect.body(self._spec, prompt)
            request = ("POST", "chat/completions", payload)
            async with opened(self._client, request, self._endpoint, timer, self._deadlines) as body:
                if body.status == OK:
                    self._dialects[self._place] = dialect
                    yield body
                    return
                refusal = Refusal.of_body(body.status, await body.rest())
                failure = failure_of(refusal, self._endpoint, self._spec.remote_name, body.headers)
            dialect = dialect.adapted(refusal, payload)
            if dialect is None:
                raise failure


async def _deltas(body: Body, transcript: Transcript) -> AsyncGenerator[Delta, None]:
    """Yield the text of an answer, streamed or in one piece, and stop where it ends or breaks."""
    start = await _first_bytes(body)
    if start.lstrip().startswith(b"<"):
        message = "A web page came back instead of an answer: the address is not that of an API."
        raise BadAnswer(message)
    if start.lstrip().startswith((b"{", b"[")):
        if delta := transcript.take_whole(await body.rest(start)):
            yield delta
        return
    async with aclosing(_streamed(start, body, transcript)) as deltas:
        async for delta in deltas:
            yield delta


async def _streamed(start: bytes, body: Body, transcript: Transcript) -> AsyncGenerator[Delta, None]:
    """Yield the text of server-sent events up to the end mark, or to where the body ends."""
    parser, chunk = SSEParser(), start
    while chunk:
        for event in parser.feed(chunk):
            if delta := transcript.take_event(event.data):
                yield delta
        if transcript.ended:
            await body.drain()
            return
        chunk = await _more(body, transcript)


async def _first_bytes(body: Body) -> bytes:
    """Return the first chunks up to one that shows what the body is."""
    start = b""
    while chunk := await body.next_chunk():
        start += chunk
        if start.strip():
            break
    return start


async def _more(body: Body, transcript: Transcript) -> bytes:
    """Return the next chunk; once the answer is complete, only what comes soon and unbroken still matters."""
    if not transcript.is_complete:
        return await body.next_chunk(characters=transcript.characters)
    try:
        return await body.next_chunk(at_most=TAIL_S)
    except (ModelTimeout, StreamBroken):
        return b""
