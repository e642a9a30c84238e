"""Models that replay a recording."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from threading import Lock

from orchestration.llm.engine.errors import ModelUnavailable, ProviderUnavailable, RequestRejected
from orchestration.llm.engine.model import AnswerStream, ChatModel
from orchestration.llm.engine.types import (
    Completion,
    Delta,
    ModelSpec,
    Prompt,
    Usage,
    estimate_input_tokens,
    estimate_tokens,
)
from orchestration.llm.providers.recorded.loading import BrokenRecording, RecordingLimits, load_recording
from orchestration.llm.providers.recorded.recording import Item, RecordedAnswer, Recording, same_words

CHARACTERS_PER_DELTA = 24
QUOTED = 60
CACHED_RECORDINGS = 3
STORED_LIMITS = RecordingLimits(bytes=128_000_000, lines=100_000, line_bytes=4_000_000)
"""Limits of a recording that is stored: it stays in memory while its models are asked."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """What was not recorded: waits in seconds, and the share of attempts that fail.

    `failure_rate` is per attempt, drawn from `seed`, the model, the prompt and the number of the attempt.
    """

    first_token_s: float = 0.0
    tokens_per_s: float = 0.0
    failure_rate: float = 0.0
    seed: int = 0


AT_ONCE = Pace()


class RecordedModel(ChatModel):
    """Replays recorded answers, and answers nothing else.

    A prompt is looked up by its one user message, white space aside; instructions are ignored. Its `sample`
    selects among the answers where the same prompt was recorded several times.
    """

    def __init__(self, spec: ModelSpec, recording: Recording, *, pace: Pace = AT_ONCE) -> None:
        super().__init__(spec)
        self._recording = recording
        self._pace = pace
        self._attempts = 0

    async def stream(self, prompt: Prompt) -> AnswerStream:
        """Replay the recorded answer. Raises `RequestRejected` where there is none, `ProviderUnavailable`."""
        self._attempts += 1
        await asyncio.sleep(self._pace.first_token_s)
        item, answer = self._answer(prompt)
        self._fail_sometimes(item, self._attempts)
        text = answer.text or ""
        for piece in self._pieces(text):
            yield piece
            if self._pace.tokens_per_s > 0:
                await asyncio.sleep(estimate_tokens(piece.text[piece.offset :]) / self._pace.tokens_per_s)
        yield Completion(text=text, usage=_usage(item, answer), reported_model=self.spec.remote_name)

    def _pieces(self, text: str) -> list[Delta]:
        """Return the text in pieces if it is streamed at a pace, else in one."""
        if self._pace.tokens_per_s <= 0:
            return [Delta(text=text, offset=0)] if text else []
        starts = range(0, len(text), CHARACTERS_PER_DELTA)
        return [Delta(text=text[: start + CHARACTERS_PER_DELTA], offset=start) for start in starts]

    def _answer(self, prompt: Prompt) -> tuple[Item, RecordedAnswer]:
        name = self.spec.name
        said = [message for message in prompt.messages if message.role != "system"]
        if len(said) != 1 or said[0].role != "user":
            raise RequestRejected(
                f"{name} replays answers to single questions; this is a conversation of {len(said)} messages."
            )
        asked = said[0].content
        found = self._recording.find(self.spec.remote_name, asked)
        if not found:
            words = same_words(asked)
            quoted = words if len(words) <= QUOTED else f"{words[:QUOTED]}…"
            raise RequestRejected(
                f"The recording of {name} has no answer to “{quoted}”. It replays"
                f" {len(self._recording.items):,} recorded questions word for word and answers nothing else."
            )
        if prompt.sample >= len(found):
            raise RequestRejected(
                f"The recording of {name} has {len(found)} of the {prompt.sample + 1} samples requested."
            )
        return found[prompt.sample]

    def _fail_sometimes(self, item: Item, attempt: int) -> None:
        if self._pace.failure_rate <= 0:
            return
        drawn = Random(f"{self._pace.seed}/{self.spec.name}/{item.key}/{attempt}")  # noqa: S311  # repeatable
        if drawn.random() < self._pace.failure_rate:
            raise ProviderUnavailable(f"{self.spec.name} is made to fail this attempt: a simulated outage.")


def _usage(item: Item, answer: RecordedAnswer) -> Usage:
    """Return the recorded tokens; what the recording does not say is estimated."""
    given, made = item.prompt_tokens, answer.tokens
    return Usage(
        input_tokens=estimate_input_tokens([item.prompt]) if given is None else given,
        output_tokens=estimate_tokens(answer.text or "") if made is None else made,
        estimated=given is None or made is None,
    )


class RecordingCache:
    """The recordings of this process that were used last; safe to use from any thread.

    A stored file never changes: another recording is another file.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._recordings: OrderedDict[Path, Recording] = OrderedDict()

    def get(self, path: Path) -> Recording:
        """Return the recording kept at `path`. Raises `ModelUnavailable`."""
        with self._lock:
            if path not in self._recordings:
                self._recordings[path] = _read(path)
            self._recordings.move_to_end(path)
            while len(self._recordings) > CACHED_RECORDINGS:
                self._recordings.popitem(last=False)
            return self._recordings[path]

    def drop(self, path: Path) -> None:
        """Drop a recording whose file is deleted."""
        with self._lock:
            self._recordings.pop(path, None)


def _read(path: Path) -> Recording:
    try:
        with path.open("rb") as file:
            return load_recording(file, "The recording", STORED_LIMITS).recording
    except OSError as error:
        raise ModelUnavailable(
            "The recording is not in this machine's data folder any more"
            f" ({error.strerror or error}). Delete its provider and add it again."
        ) from None
    except BrokenRecording as error:
        raise ModelUnavailable(str(error)) from None


class StoredModel(ChatModel):
    """A recorded model whose recording is read off the event loop when it is first asked."""

    def __init__(self, spec: ModelSpec, recordings: RecordingCache, path: Path, *, pace: Pace) -> None:
        super().__init__(spec)
        self._recordings = recordings
        self._path = path
        self._pace = pace

    async def stream(self, prompt: Prompt) -> AnswerStream:
        """Replay the recorded answer. Raises `ModelUnavailable`, `RequestRejected`."""
        recording = await asyncio.to_thread(self._recordings.get, self._path)
        async with aclosing(RecordedModel(self.spec, recording, pace=self._pace).stream(prompt)) as pieces:
            async for piece in pieces:
                yield piece
