"""One model behind an OpenAI-compatible API."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from time import perf_counter

import httpx

from orchestration.llm.engine.errors import (
    BadAnswer,
    ContentRefused,
    ModelError,
    ModelTimeout,
    ProviderUnavailable,
    StreamBroken,
)
from orchestration.llm.engine.model import AnswerStream, ChatModel
from orchestration.llm.engine.types import (
    Completion,
    Delta,
    FinishReason,
    Json,
    ModelSpec,
    Prompt,
    Usage,
    estimate_input_tokens,
    estimate_tokens,
)
from orchestration.llm.providers.addresses import Endpoint
from orchestration.llm.providers.exchange import Body, Deadlines, Exchange, broken_off
from orchestration.llm.providers.openai_compatible.refusals import (
    Dialect,
    Refusal,
    learned_dialects,
    model_error,
)
from orchestration.llm.providers.reading import (
    SSEParser,
    TextCleaner,
    items,
    mapping,
    parse_json,
    string,
    whole_number,
)

OK = 200
TAIL_S = 5.0
DEFAULT_DEADLINES = Deadlines()
END_MARK = "[DONE]"
LONGEST_NAME = 120

FINISH = {
    "stop": FinishReason.STOP,
    "eos": FinishReason.STOP,
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "max_tokens": FinishReason.LENGTH,
    "model_length": FinishReason.LENGTH,
    "content_filter": FinishReason.CONTENT_FILTER,
}
INTERRUPTED = frozenset({"error", "insufficient_system_resource", "abort", "cancelled"})


class OpenAICompatibleModel(ChatModel):
    """Streams answers from `POST {base_url}/chat/completions`.

    Optional parameters that a server refuses are left out, then and in later requests.
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
    ) -> None:
        super().__init__(spec)
        self._endpoint = Endpoint(base_url, api_key)
        self._client = client
        self._deadlines = deadlines
        self._dialects = learned_dialects(client)
        self._place = (self._endpoint.base_url, spec.remote_name)

    async def stream(self, prompt: Prompt) -> AnswerStream:
        """Answer piece by piece. Closing the generator closes the HTTP response at once."""
        started = perf_counter()
        first_token: float | None = None
        transcript = Transcript(self._endpoint, self.spec.remote_name)
        exchange = Exchange(self._client, self._endpoint, self._deadlines)
        dialect: Dialect | None = self._dialects.get(self._place, Dialect())
        while dialect is not None:
            payload = dialect.body(self.spec, prompt)
            async with exchange.response("POST", "chat/completions", payload) as body:
                if body.status == OK:
                    self._dialects[self._place] = dialect
                    async with aclosing(_deltas(body, transcript)) as deltas:
                        async for delta in deltas:
                            if first_token is None:
                                first_token = perf_counter() - started
                            yield delta
                    break
                refusal = Refusal.from_body(body.status, await body.rest())
                failure = model_error(refusal, self._endpoint, self.spec.remote_name, body.headers)
            dialect = dialect.adapted(refusal, payload)
            if dialect is None:
                raise failure
        if not transcript.is_complete:
            raise transcript.charged(broken_off(self._endpoint.host, len(transcript.text)))
        yield transcript.completion(prompt, latency_s=perf_counter() - started, first_token_s=first_token)


async def _deltas(body: Body, transcript: Transcript) -> AsyncGenerator[Delta, None]:
    """Yield the text of an answer, streamed or in one piece, and stop where it ends or breaks."""
    start = await _first_bytes(body)
    if start.lstrip().startswith(b"<"):
        raise BadAnswer("A web page came back instead of an answer: the address is not that of an API.")
    if start.lstrip().startswith((b"{", b"[")):
        if delta := transcript.add_whole(await body.rest(start)):
            yield delta
        return
    parser, chunk = SSEParser(), start
    while chunk:
        for event in parser.feed(chunk):
            if delta := transcript.add_event(event):
                yield delta
        if transcript.ended:
            await body.drain()
            return
        chunk = await _more(body, transcript)


async def _first_bytes(body: Body) -> bytes:
    """Return the first chunks up to one that shows what the body is."""
    chunks = []
    while chunk := await body.next_chunk():
        chunks.append(chunk)
        if chunk.strip():
            break
    return b"".join(chunks)


async def _more(body: Body, transcript: Transcript) -> bytes:
    """Return the next chunk; once the answer is complete, nothing if it is late or broken."""
    if not transcript.is_complete:
        return await body.next_chunk(characters=len(transcript.text))
    try:
        return await body.next_chunk(at_most=TAIL_S)
    except (ModelTimeout, StreamBroken):
        return b""


class Transcript:
    """One answer as it arrives: text, usage, and whether the provider said that it is complete."""

    def __init__(self, endpoint: Endpoint, model: str) -> None:
        self._endpoint = endpoint
        self._model = model
        self._cleaner = TextCleaner()
        self._finish: FinishReason | None = None
        self._usage: Usage | None = None
        self._reported = ""
        self.text = ""
        self.ended = False

    @property
    def is_complete(self) -> bool:
        """True once the provider said that the answer is complete."""
        return self.ended or self._finish is not None

    def add_event(self, data: str) -> Delta | None:
        """Add a streamed event and return the text in it. Raises `ModelError`."""
        if data.strip() == END_MARK:
            self.ended = True
            return None
        return self._add(self._chunk(data), "delta")

    def add_whole(self, body: bytes) -> Delta | None:
        """Add an answer that came in one piece and return its text. Raises `ModelError`."""
        delta = self._add(self._chunk(body), "message")
        self.ended = True
        return delta

    def completion(self, prompt: Prompt, *, latency_s: float, first_token_s: float | None) -> Completion:
        """Return the whole answer. Raises `BadAnswer` or `ContentRefused` when it is empty."""
        if not self.text.strip():
            raise self._empty()
        given = estimate_input_tokens(message.content for message in prompt.messages)
        made = estimate_tokens(self.text)
        return Completion(
            text=self.text,
            usage=self._usage
            if self._usage and self._usage.output_tokens
            else Usage(input_tokens=given, output_tokens=made, estimated=True),
            finish=self._finish or FinishReason.OTHER,
            latency_s=latency_s,
            first_token_s=first_token_s,
            reported_model=self._reported,
        )

    def charged(self, error: ModelError) -> ModelError:
        """Return `error` with the usage that the provider reported for what it is about."""
        error.usage = self._usage
        return error

    def _chunk(self, data: str | bytes) -> Mapping[str, Json]:
        try:
            chunk = parse_json(data)
        except ValueError as error:
            raise BadAnswer(f"{self._endpoint.host} answered with something that is not JSON.") from error
        if not isinstance(chunk, dict):
            raise BadAnswer(f"{self._endpoint.host} answered with JSON that is no part of an answer.")
        if chunk.get("error") or chunk.get("object") == "error":
            raise model_error(Refusal.from_event(chunk), self._endpoint, self._model)
        return chunk

    def _add(self, chunk: Mapping[str, Json], where: str) -> Delta | None:
        """Read the first choice's text, its end, the usage and the model's name out of `chunk`."""
        self._reported = string(chunk.get("model"))[:LONGEST_NAME] or self._reported
        self._usage = _usage(mapping(chunk.get("usage"))) or self._usage
        first = next((each for each in items(chunk.get("choices")) if not mapping(each).get("index")), None)
        choice = mapping(first)
        self._end(string(choice.get("finish_reason")).lower())
        said = mapping(choice.get(where))
        more = self._cleaner.feed(_text(said.get("content")) or string(said.get("refusal")))
        if not more:
            return None
        offset = len(self.text)
        self.text += more
        return Delta(text=self.text, offset=offset)

    def _end(self, reason: str) -> None:
        if reason in INTERRUPTED:
            raise ProviderUnavailable(f"{self._endpoint.host} stopped in the middle of its answer: {reason}.")
        if reason:
            self._finish = FINISH.get(reason, FinishReason.OTHER)

    def _empty(self) -> ModelError:
        host = self._endpoint.host
        if self._finish is FinishReason.CONTENT_FILTER:
            return self.charged(ContentRefused(f"The content filter of {host} refused to answer."))
        message = f"{host} answered with no text at all."
        if self._finish is FinishReason.LENGTH:
            message = (
                f"{host} used up all the tokens it was allowed before its first word. Allow it more output."
            )
        empty = BadAnswer(message)
        empty.billed = True
        return self.charged(empty)


def _text(content: Json) -> str:
    """Return the text of a content field: a string, or a list of parts of which some are text."""
    if isinstance(content, list):
        parts = [mapping(part) for part in content]
        return "".join(string(part.get("text")) for part in parts if part.get("type") == "text")
    return string(content)


def _usage(said: Mapping[str, Json]) -> Usage | None:
    """Return the reported usage; None when it is missing or says that nothing was read."""
    given = whole_number(said.get("prompt_tokens"))
    made = whole_number(said.get("completion_tokens"))
    return Usage(input_tokens=given, output_tokens=made or 0) if given else None
