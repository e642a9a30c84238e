"""One model behind an OpenAI-compatible API."""

from __future__ import annotations

import asyncio
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
    CHARACTERS_PER_TOKEN,
    OVERRUN,
    Capability,
    Completion,
    Delta,
    FinishReason,
    Json,
    ModelSpec,
    Prompt,
    ToolCall,
    Usage,
    estimate_tokens,
)
from orchestration.llm.providers.addresses import Endpoint
from orchestration.llm.providers.exchange import Body, Deadlines, Exchange, broken_off
from orchestration.llm.providers.openai_compatible.opening import BLANKS, NO_CHAT, BodyKind, body_kind
from orchestration.llm.providers.openai_compatible.refusals import (
    Dialect,
    Refusal,
    learned_dialects,
    model_error,
)
from orchestration.llm.providers.openai_compatible.tool_calls import CallCollector
from orchestration.llm.providers.reading import (
    KeyFilter,
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
SHOW_EVERY_S = 0.04
LARGE_CHUNK = 8 * 1024
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
    "tool_calls": FinishReason.TOOL_CALLS,
    "tool_use": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
}
WITH_CALLS = frozenset({None, FinishReason.STOP, FinishReason.TOOL_CALLS})
"""How an answer ends whose tool calls are whole; one that says nothing has at least its end mark."""
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
        thinks = Capability.REASONING in spec.capabilities
        self._deadlines = deadlines.thinking() if thinks else deadlines
        self._dialects = learned_dialects(client)
        self._place = (self._endpoint.base_url, spec.remote_name)

    async def stream(self, prompt: Prompt) -> AnswerStream:
        """Answer piece by piece. Closing the generator closes the HTTP response at once."""
        started = perf_counter()
        first_token: float | None = None
        transcript = Transcript(
            self._endpoint,
            self.spec.remote_name,
            output_limit=prompt.output_limit(self.spec),
            takes_calls=bool(prompt.tools),
        )
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
            raise transcript.charged(broken_off(self._endpoint.host, transcript.length))
        yield transcript.completion(prompt, latency_s=perf_counter() - started, first_token_s=first_token)


async def _deltas(body: Body, transcript: Transcript) -> AsyncGenerator[Delta, None]:
    """Yield the text of an answer, streamed or in one piece, and stop where it ends or breaks."""
    try:
        kind, start = await _opening(body)
        if kind is BodyKind.JSON:
            transcript.add_whole(await body.rest(start))
        elif kind is BodyKind.EVENTS:
            async with aclosing(_streamed(body, transcript, start)) as deltas:
                async for delta in deltas:
                    yield delta
        else:
            raise BadAnswer(kind.sentence(transcript.host, transcript.quote(start)))
    except ModelError as error:
        error.billed = error.billed or transcript.is_chat
        if unseen := transcript.growth(at_end=True):
            yield unseen
        raise
    if unseen := transcript.growth(at_end=True):
        yield unseen


async def _streamed(body: Body, transcript: Transcript, start: bytes) -> AsyncGenerator[Delta, None]:
    """Yield what chunks add, at most every `SHOW_EVERY_S`, and leave other calls half of the loop's time.

    Small chunks are waited for, so that many events arrive as one; large ones mean that more is there.
    """
    now = asyncio.get_running_loop().time
    parser, chunk, shown_at = SSEParser(), start, -SHOW_EVERY_S
    while chunk and not transcript.ended:
        began, pause = now(), 0.0
        for event in parser.feed(chunk):
            transcript.add_event(event)
        is_due = began - shown_at >= SHOW_EVERY_S
        if (is_due or len(chunk) < LARGE_CHUNK) and (delta := transcript.growth()):
            pause, shown_at = max(0.0, shown_at + SHOW_EVERY_S - began), began
            yield delta
        if not transcript.is_complete:
            await asyncio.sleep(max(pause, now() - began))
        chunk = b"" if transcript.overran else await _more(body, transcript)
    if transcript.ended:
        await body.drain()
    elif not transcript.is_complete:
        transcript.check_is_chat(unended_lines=parser.unended_lines)


async def _opening(body: Body) -> tuple[BodyKind, bytes]:
    """Return what a body is, and its bytes up to where that shows, less blanks and a byte order mark."""
    start, kind = b"", None
    while kind is None and (chunk := await body.next_chunk()):
        start = (start + chunk).lstrip(BLANKS)
        kind = body_kind(start)
    return kind or body_kind(start, is_whole=True) or BodyKind.EMPTY, start


async def _more(body: Body, transcript: Transcript) -> bytes:
    """Return the next chunk; once the answer is complete, nothing if it is late or broken."""
    if not transcript.is_complete:
        return await body.next_chunk(characters=transcript.length)
    try:
        return await body.next_chunk(at_most=TAIL_S)
    except (ModelTimeout, StreamBroken):
        return b""


class Transcript:
    """One answer as it arrives: text, usage, and whether the provider said that it is complete.

    The text is collected in pieces, and cut off at `OVERRUN` times `output_limit`, in tokens. `length` counts
    the characters that arrived, those of tool calls, too; `text` has those that `growth` returned. `is_chat`
    is True once anything came that only a chat API sends. Tool calls that nobody offered are ignored.
    """

    def __init__(
        self, endpoint: Endpoint, model: str, *, output_limit: int, takes_calls: bool = False
    ) -> None:
        self.host = endpoint.host
        self._longest = OVERRUN * CHARACTERS_PER_TOKEN * output_limit
        self._endpoint = endpoint
        self._model = model
        self._cleaner, self._key_filter = TextCleaner(), KeyFilter(endpoint.hidden_forms())
        self._finish: FinishReason | None = None
        self._usage: Usage | None = None
        self._reported = ""
        self._arrived: list[str] = []
        self._collector = CallCollector() if takes_calls else None
        self._reads_events = False
        self.text, self.length = "", 0
        self.is_chat = self.overran = self.ended = False

    @property
    def is_complete(self) -> bool:
        """True once the provider said that the answer is complete."""
        return self.ended or self._finish is not None

    def add_event(self, data: str) -> None:
        """Add a streamed event. Raises `ModelError`."""
        if data.strip() == END_MARK:
            self.ended = True
        elif not self.overran:
            self._add(self._chunk(data), "delta")

    def add_whole(self, body: bytes) -> None:
        """Add an answer that came in one piece. Raises `ModelError`."""
        self._add(self._chunk(body), "message")
        self.ended = True

    def growth(self, *, at_end: bool = False) -> Delta | None:
        """Add what arrived to `text`, without the key; return it, None when that is nothing."""
        more = self._key_filter.feed("".join(self._arrived))
        self._arrived.clear()
        if at_end:
            more += self._key_filter.rest()
        offset = len(self.text)
        self.text += more
        return Delta(text=self.text, offset=offset) if more else None

    def check_is_chat(self, *, unended_lines: int) -> None:
        """Raise `BadAnswer` where a stream has ended and nothing in it came from a chat API."""
        if not self.is_chat and unended_lines > 1:
            raise BadAnswer(f"{self.host} sent events without the blank line that ends each: {NO_CHAT}.")
        if not self.is_chat and self._reads_events:
            raise self._foreign()

    def quote(self, body: bytes) -> str:
        """Return the beginning of a body as it can be shown."""
        return self._endpoint.quote(body.decode("utf-8", "replace"))

    def completion(self, prompt: Prompt, *, latency_s: float, first_token_s: float | None) -> Completion:
        """Return the whole answer. Raises `BadAnswer` or `ContentRefused` when it is empty."""
        calls, finish = self._whole_calls(), self._finish or FinishReason.OTHER
        if not self.text.strip() and not calls:
            raise self._empty()
        if calls or finish is FinishReason.TOOL_CALLS:
            finish = FinishReason.TOOL_CALLS if calls else FinishReason.OTHER
        made = sum(map(estimate_tokens, (self.text, *(call.name + call.arguments for call in calls))))
        return Completion(
            text=self.text,
            usage=self._usage
            if self._usage and self._usage.output_tokens
            else Usage(input_tokens=prompt.input_tokens, output_tokens=made, estimated=True),
            finish=finish,
            latency_s=latency_s,
            first_token_s=first_token_s,
            reported_model=self._endpoint.quote(self._reported),
            overran=self.overran,
            tool_calls=calls,
        )

    def _whole_calls(self) -> tuple[ToolCall, ...]:
        """Return the tool calls, without the key; none where the end of the answer may have cut one off."""
        if self._collector is None or self._finish not in WITH_CALLS:
            return ()
        return self._collector.calls(self._shown)

    def _shown(self, text: str) -> str:
        key_filter = KeyFilter(self._endpoint.hidden_forms())
        return key_filter.feed(TextCleaner().feed(text)) + key_filter.rest()

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

    def _add(self, chunk: Mapping[str, Json], where: str) -> None:
        """Read the first choice's text, its end, the usage and the model's name out of `chunk`."""
        self._reads_events = True
        self.is_chat = self.is_chat or "choices" in chunk
        self._reported = string(chunk.get("model"))[:LONGEST_NAME] or self._reported
        self._usage = _usage(mapping(chunk.get("usage"))) or self._usage
        first = next((each for each in items(chunk.get("choices")) if not mapping(each).get("index")), None)
        choice = mapping(first)
        self._end(string(choice.get("finish_reason")).lower())
        said = mapping(choice.get(where))
        more = self._cleaner.feed(_text(said.get("content")) or string(said.get("refusal")))
        self._arrived.append(more[: self._longest - self.length])
        self.length += len(self._arrived[-1])
        if self._collector is not None:
            self.length += sum(map(self._collector.add, map(mapping, items(said.get("tool_calls")))))
        if len(self._arrived[-1]) < len(more) or self.length > self._longest:
            self.overran, self._finish = True, FinishReason.LENGTH

    def _end(self, reason: str) -> None:
        if reason in INTERRUPTED:
            raise ProviderUnavailable(f"{self._endpoint.host} stopped in the middle of its answer: {reason}.")
        if reason:
            self._finish = FINISH.get(reason.replace("-", "_"), FinishReason.OTHER)

    def _empty(self) -> ModelError:
        host = self.host
        if not self.is_chat:
            return self._foreign()
        if self._finish is FinishReason.CONTENT_FILTER:
            return self.charged(ContentRefused(f"The content filter of {host} refused to answer."))
        message = f"{host} answered with no text at all."
        if self._collector is not None and self._collector.count:
            message = f"{host} stopped in the middle of a tool call, so it was not made."
        elif self._finish is FinishReason.LENGTH:
            message = (
                f"{host} used up all the tokens it was allowed before its first word. Allow it more output."
            )
        empty = BadAnswer(message)
        empty.billed = True
        return self.charged(empty)

    def _foreign(self) -> ModelError:
        return BadAnswer(f"{self.host} answered with JSON that is no chat answer: {NO_CHAT}.")


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
    if not given:
        return None
    return Usage(input_tokens=given, output_tokens=made or 0, cached_input_tokens=min(_cached(said), given))


def _cached(said: Mapping[str, Json]) -> int:
    """Return how many tokens of the prompt were read from a cache; all providers count them as read, too.

    OpenAI's field first, then DeepSeek's, then the one of gateways to Anthropic.
    """
    details = mapping(said.get("prompt_tokens_details"))
    reported = (
        details.get("cached_tokens"),
        said.get("prompt_cache_hit_tokens"),
        said.get("cache_read_input_tokens"),
    )
    return next((number for number in map(whole_number, reported) if number), 0)
