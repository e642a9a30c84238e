"""A simulated model as the engine sees models: it streams, takes its time, costs, and fails now and then."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator

from orchestration.llm.engine.errors import ContextWindowExceeded, ProviderUnavailable, RateLimited
from orchestration.llm.engine.model import AnswerStream, StreamingModel
from orchestration.llm.engine.types import Completion, Delta, FinishReason, ModelSpec, Prompt, Usage
from orchestration.llm.providers.simulated.attempt import asked_of
from orchestration.llm.providers.simulated.catalog import SimulatedProfile
from orchestration.llm.providers.simulated.chance import draw
from orchestration.llm.providers.simulated.question import identity
from orchestration.llm.providers.simulated.reply import reply_to
from orchestration.llm.providers.simulated.tokens import CHARACTERS_PER_TOKEN, count_messages, count_text, cut

_RATE_LIMITED_SHARE = 0.3
_LONG_PROMPT = 2_000
_WORD = re.compile(r"\s*\S+\s*")


class SimulatedModel(StreamingModel):
    """A model that solves small tasks by itself.

    What it answers hangs on the prompt alone; `seed` and the number of the attempt decide only whether the
    attempt fails. `pace` stretches its waits: 1 is its stated speed, 0 none at all.
    """

    def __init__(self, spec: ModelSpec, profile: SimulatedProfile, *, seed: int, pace: float = 1.0) -> None:
        self._spec = spec
        self._profile = profile
        self._seed = seed
        self._pace = pace
        self._attempts = 0

    @property
    def spec(self) -> ModelSpec:
        """What the model is."""
        return self._spec

    async def stream(self, prompt: Prompt) -> AnswerStream:
        """Answer word by word at the profile's speed.

        Raises `ContextWindowExceeded`, and at the stated rate `ProviderUnavailable` or `RateLimited`.
        """
        clock = asyncio.get_running_loop().time
        started = clock()
        self._attempts += 1
        sent_tokens = self._fitting(prompt)
        text, finish = await self._written(prompt, sent_tokens)
        await self._until(started, 0)
        self._fail_at_times(prompt, self._attempts)
        first_token_s = clock() - started
        for offset, word in _words(text):
            await self._until(started, offset)
            yield Delta(text=text[: offset + len(word)], offset=offset)
        await self._until(started, len(text))
        yield Completion(
            text=text,
            usage=Usage(input_tokens=sent_tokens, output_tokens=count_text(text)),
            finish=finish,
            latency_s=clock() - started,
            first_token_s=first_token_s,
            reported_model=f"{self._profile.name} (simulated)",
        )

    def _fitting(self, prompt: Prompt) -> int:
        """Return the prompt's tokens; there must be room for at least one more."""
        tokens, window = count_messages(prompt.messages), self._spec.context_window
        if tokens < window:
            return tokens
        raise ContextWindowExceeded(
            f"{self._spec.name} reads at most {window} tokens and the prompt has {tokens}."
            " Shorten it, or ask a model with a larger context window."
        )

    async def _written(self, prompt: Prompt, sent_tokens: int) -> tuple[str, FinishReason]:
        """Return the text as far as stop sequences and limits let it come."""
        if sent_tokens * CHARACTERS_PER_TOKEN > _LONG_PROMPT:
            text = await asyncio.to_thread(reply_to, self._profile, prompt)
        else:
            text = reply_to(self._profile, prompt)
        for stop in filter(None, prompt.stop):
            text = text.partition(stop)[0]
        wanted = self._spec.max_output_tokens if prompt.max_tokens is None else prompt.max_tokens
        limit = min(wanted, self._spec.max_output_tokens, self._spec.context_window - sent_tokens)
        if count_text(text) > limit:
            return cut(text, limit), FinishReason.LENGTH
        return text, FinishReason.STOP

    async def _until(self, started: float, characters: int) -> None:
        """Wait until so much text is due."""
        if self._pace <= 0:
            return
        tokens = characters / CHARACTERS_PER_TOKEN
        due = self._profile.first_token_s + tokens / self._profile.tokens_per_s
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, started + self._pace * due - loop.time()))

    def _fail_at_times(self, prompt: Prompt, number: int) -> None:
        name, rate = self._spec.name, self._profile.failure_rate
        parts = (self._profile.name, identity(asked_of(prompt).question), self._seed, number)
        if draw("failure", *parts) >= rate:
            return
        if draw("failure kind", *parts) < _RATE_LIMITED_SHARE:
            wait = self._profile.first_token_s * max(self._pace, 0.0)
            raise RateLimited(f"{name} is simulated to be busy: too many requests.", retry_after_s=wait)
        raise ProviderUnavailable(f"{name} is simulated to be out of order for this attempt.")


def _words(text: str) -> Iterator[tuple[int, str]]:
    """Yield the text word by word with the character at which each begins."""
    for found in _WORD.finditer(text):
        yield found.start(), found[0]
