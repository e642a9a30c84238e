"""One answer as it comes in: text, usage, and whether the provider said that it is complete."""

from __future__ import annotations

from collections.abc import Mapping

from orchestration.engine.errors import BadAnswer, ContentRefused, ModelError, ProviderUnavailable
from orchestration.engine.model import TOKENS_PER_MESSAGE, estimate_tokens
from orchestration.engine.types import Completion, Delta, FinishReason, Json, Prompt, Usage
from orchestration.providers.endpoint import Endpoint
from orchestration.providers.json_values import items, mapping, parse_json, text_of, whole_number
from orchestration.providers.openai_compatible.failures import Refusal, failure_of
from orchestration.providers.openai_compatible.tidying import Tidier

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


class Transcript:
    """Takes events, gives deltas, and at the end the completion."""

    def __init__(self, endpoint: Endpoint, model: str) -> None:
        self._endpoint = endpoint
        self._model = model
        self._tidier = Tidier()
        self._pieces: list[str] = []
        self._finish: FinishReason | None = None
        self._usage: Usage | None = None
        self._reported = ""
        self.characters = 0
        self.ended = False

    @property
    def is_complete(self) -> bool:
        """True once the provider said that the answer is whole."""
        return self.ended or self._finish is not None

    def take_event(self, data: str) -> Delta | None:
        """Take one streamed event and return the text that it adds. Raises `ModelError`."""
        if data.strip() == END_MARK:
            self.ended = True
            return None
        return self._add(self._chunk(data), "delta")

    def take_whole(self, body: bytes) -> Delta | None:
        """Take an answer that came in one piece."""
        delta = self._add(self._chunk(body), "message")
        self.ended = True
        return delta

    def completion(self, prompt: Prompt, *, latency_s: float, first_token_s: float | None) -> Completion:
        """Return the whole answer. Raises `BadAnswer` or `ContentRefused` when it is empty."""
        text = "".join(self._pieces)
        if not text.strip():
            raise self._nothing()
        return Completion(
            text=text,
            usage=self._usage or _estimate(prompt, text),
            finish=self._finish or FinishReason.OTHER,
            latency_s=latency_s,
            first_token_s=first_token_s,
            reported_model=self._reported,
        )

    def _chunk(self, data: str | bytes) -> Mapping[str, Json]:
        try:
            chunk = parse_json(data)
        except ValueError as error:
            raise BadAnswer(f"{self._endpoint.host} answered with something that is not JSON.") from error
        if not isinstance(chunk, dict):
            raise BadAnswer(f"{self._endpoint.host} answered with JSON that is no part of an answer.")
        if chunk.get("error") or chunk.get("object") == "error":
            raise failure_of(Refusal.of_event(chunk), self._endpoint, self._model)
        return chunk

    def _add(self, chunk: Mapping[str, Json], where: str) -> Delta | None:
        """Read the first choice's text, its end, the usage and the model's name out of `chunk`."""
        self._reported = text_of(chunk.get("model"))[:LONGEST_NAME] or self._reported
        self._usage = _usage(mapping(chunk.get("usage"))) or self._usage
        first = next((each for each in items(chunk.get("choices")) if not mapping(each).get("index")), None)
        choice = mapping(first)
        self._end(text_of(choice.get("finish_reason")).lower())
        said = mapping(choice.get(where))
        text = self._tidier.feed(_text(said.get("content")) or text_of(said.get("refusal")))
        if not text:
            return None
        delta = Delta(text=text, offset=self.characters)
        self._pieces.append(text)
        self.characters += len(text)
        return delta

    def _end(self, reason: str) -> None:
        if reason in INTERRUPTED:
            message = f"{self._endpoint.host} stopped in mid-answer and said why: {reason}."
            raise ProviderUnavailable(message)
        if reason:
            self._finish = FINISH.get(reason, FinishReason.OTHER)

    def _nothing(self) -> ModelError:
        host, error = self._endpoint.host, BadAnswer
        if self._finish is FinishReason.CONTENT_FILTER:
            return ContentRefused(f"The content filter of {host} refused to answer.")
        message = f"{host} answered with no text at all."
        if self._finish is FinishReason.LENGTH:
            message = (
                f"{host} used up all the tokens it was allowed before its first word. Allow it more output."
            )
        nothing = error(message)
        nothing.billed = True
        return nothing


def _text(content: Json) -> str:
    """Return the text of a content field: a string, or a list of parts of which some are text."""
    if isinstance(content, list):
        parts = [mapping(part) for part in content]
        return "".join(text_of(part.get("text")) for part in parts if part.get("type") == "text")
    return text_of(content)


def _usage(said: Mapping[str, Json]) -> Usage | None:
    """Return the usage as told; None when it is not there or all zero."""
    given = whole_number(said.get("prompt_tokens"))
    made = whole_number(said.get("completion_tokens"))
    return Usage(input_tokens=given, output_tokens=made) if given and made else None


def _estimate(prompt: Prompt, text: str) -> Usage:
    given = sum(estimate_tokens(message.content) + TOKENS_PER_MESSAGE for message in prompt.messages)
    return Usage(input_tokens=given, output_tokens=estimate_tokens(text), estimated=True)
