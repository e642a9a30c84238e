"""A simulated model as the engine sees models: it streams, needs time, costs, and fails now and then."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from orchestra_site.web.patterns import Pattern
from orchestration.llm.engine.errors import ContextWindowExceeded, ProviderUnavailable, RateLimited
from orchestration.llm.engine.model import AnswerStream, ChatModel
from orchestration.llm.engine.types import (
    CHARACTERS_PER_TOKEN,
    Completion,
    Delta,
    FinishReason,
    ModelSpec,
    Prompt,
    ToolCall,
    Usage,
    estimate_tokens,
)
from orchestration.llm.providers.simulated.attempt import asked_question, dice
from orchestration.llm.providers.simulated.catalog import SimulatedProfile
from orchestration.llm.providers.simulated.reading import identity
from orchestration.llm.providers.simulated.reply import reply_to, wanted_call

_RATE_LIMITED_SHARE, _LONG_PROMPT = 0.3, 500
_WORD = Pattern(r"\S+\s*")


class SimulatedModel(ChatModel):
    """A model that solves small tasks by itself.

    What it answers depends on the prompt alone; `seed` and the number of the attempt decide only whether the
    attempt fails. `pace` stretches its waits: 1 is its stated speed, 0 none at all.
    """

    def __init__(self, spec: ModelSpec, profile: SimulatedProfile, *, seed: int, pace: float = 1.0) -> None:
        super().__init__(spec)
        self._profile, self._seed, self._pace = profile, seed, pace
        self._attempts = 0

    async def stream(self, prompt: Prompt) -> AnswerStream:
        """Answer word by word at the profile's speed, or ask for the call of a tool that is offered.

        Raises `ContextWindowExceeded`, and at the stated rate `ProviderUnavailable` or `RateLimited`.
        """
        clock = asyncio.get_running_loop().time
        started = clock()
        self._attempts += 1
        answer = await self._written(prompt)
        text = answer.text
        await self._until(started, 0)
        self._fail_at_times(prompt, self._attempts)
        first_token_s = clock() - started
        for word in _WORD.finditer(text):
            await self._until(started, word.start())
            yield Delta(text=text[: word.end()], offset=word.start())
        await self._until(started, len(text))
        yield replace(answer, latency_s=clock() - started, first_token_s=first_token_s)

    async def _written(self, prompt: Prompt) -> Completion:
        """Return the answer as far as stop sequences and limits allow; there must be room for a token."""
        window = self.spec.context_window
        sent = prompt.input_tokens
        if sent >= window:
            raise ContextWindowExceeded(
                f"{self.spec.name} reads at most {window} tokens and the prompt has {sent}."
                " Shorten it, or ask a model with a larger context window."
            )
        aside = asyncio.to_thread(self._reply, prompt) if sent > _LONG_PROMPT else None
        text, calls = await aside if aside else self._reply(prompt)
        wanted = self.spec.max_output_tokens if prompt.max_tokens is None else prompt.max_tokens
        limit = min(wanted, self.spec.max_output_tokens, window - sent)
        finish = FinishReason.TOOL_CALLS if calls else FinishReason.STOP
        written = estimate_tokens("".join([text, *(call.name + call.arguments for call in calls)]))
        if written > limit:
            text, calls, finish, written = (
                text[: limit * CHARACTERS_PER_TOKEN],
                (),
                FinishReason.LENGTH,
                limit,
            )
        return Completion(
            text=text,
            usage=Usage(input_tokens=sent, output_tokens=written),
            finish=finish,
            reported_model=f"{self._profile.name} (simulated)",
            tool_calls=calls,
        )

    def _reply(self, prompt: Prompt) -> tuple[str, tuple[ToolCall, ...]]:
        """Return what is written up to a stop sequence, or the tool call that is asked for instead."""
        call = wanted_call(prompt)
        if call is not None:
            return "", (call,)
        text = reply_to(self._profile, prompt)
        for stop in filter(None, prompt.stop):
            text = text.partition(stop)[0]
        return text, ()

    async def _until(self, started: float, characters: int) -> None:
        """Wait until so much text is due."""
        if self._pace > 0:
            tokens = characters / CHARACTERS_PER_TOKEN
            due = started + self._pace * (self._profile.first_token_s + tokens / self._profile.tokens_per_s)
            await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))

    def _fail_at_times(self, prompt: Prompt, number: int) -> None:
        name, question = self.spec.name, identity(asked_question(prompt).question)
        chance = dice("failure", self._profile.name, question, str(self._seed), str(number))
        if chance.random() >= self._profile.failure_rate:
            return
        if chance.random() < _RATE_LIMITED_SHARE:
            wait = self._profile.first_token_s * max(self._pace, 0.0)
            raise RateLimited(f"{name} is simulated to be busy: too many requests.", retry_after_s=wait)
        raise ProviderUnavailable(f"{name} is simulated to be out of order for this attempt.")
