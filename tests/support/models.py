"""Models for tests: they say, fail and take as long as they are told, and count."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from decimal import Decimal

from orchestration.llm.engine.errors import ModelError
from orchestration.llm.engine.model import AnswerStream, ChatModel
from orchestration.llm.engine.types import (
    Capability,
    Completion,
    Delta,
    FinishReason,
    Message,
    ModelSpec,
    Prices,
    Prompt,
    ToolCall,
    Usage,
)
from orchestration.strategies.engine.profiles import Profile

Reply = str | Completion | ModelError
PRICES = Prices(input_per_million=Decimal(1), output_per_million=Decimal(4))


def spec_named(
    name: str, *, family: str = "", window: int = 8192, prices: Prices | None = PRICES
) -> ModelSpec:
    """Return a spec for a test's model."""
    return ModelSpec(
        name=name,
        provider="test",
        remote_name=name,
        family=family or name,
        context_window=window,
        prices=prices,
    )


def prompt_of(text: str, *, sample: int = 0) -> Prompt:
    """Return a prompt with one user message."""
    return Prompt(messages=(Message(role="user", content=text),), sample=sample)


@dataclass
class Counters:
    """What a fake was put through; `answered` counts streams that came to an end of their own."""

    started: int = 0
    answered: int = 0
    closed_early: int = 0
    prompts: list[Prompt] = field(default_factory=list)

    @property
    def under_way(self) -> int:
        return self.started - self.answered - self.closed_early


class ScriptedModel(ChatModel):
    """Gives its replies in turn, the last one for ever; a `ModelError` among them is raised.

    Words come one by one, `word_s` seconds apart, after `first_s` seconds. `profiles` are what a stage says
    that results have shown of it.
    """

    profiles: tuple[Profile, ...] = ()

    def __init__(
        self,
        spec: ModelSpec | str,
        replies: Iterable[Reply] | Callable[[Prompt], Reply] = ("ok",),
        *,
        first_s: float = 0.0,
        word_s: float = 0.0,
    ) -> None:
        super().__init__(spec_named(spec) if isinstance(spec, str) else spec)
        self._replies = replies if callable(replies) else _in_turn(list(replies))
        self._first_s = first_s
        self._word_s = word_s
        self.count = Counters()

    async def stream(self, prompt: Prompt) -> AnswerStream:
        self.count.started += 1
        self.count.prompts.append(prompt)
        over = False
        try:
            async with aclosing(self._say(self._replies(prompt), prompt)) as pieces:
                async for piece in pieces:
                    over = isinstance(piece, Completion)
                    self.count.answered += over
                    yield piece
        except ModelError:
            over = True
            self.count.answered += 1
            raise
        finally:
            self.count.closed_early += not over

    async def _say(self, reply: Reply, prompt: Prompt) -> AnswerStream:
        await asyncio.sleep(self._first_s)
        if isinstance(reply, ModelError):
            raise reply
        answer = reply if isinstance(reply, Completion) else answer_of(reply, prompt)
        text = ""
        for word in answer.text.split(" "):
            offset = len(text)
            text += word if not offset else f" {word}"
            yield Delta(text=text, offset=offset)
            await asyncio.sleep(self._word_s)
        yield answer


class RawModel(ChatModel):
    """Streams exactly the given pieces, another list each time; an exception among them is raised."""

    def __init__(self, spec: ModelSpec | str, *streams: Iterable[Delta | Completion | Exception]) -> None:
        super().__init__(spec_named(spec) if isinstance(spec, str) else spec)
        self._streams = [list(stream) for stream in streams]

    async def stream(self, prompt: Prompt) -> AnswerStream:  # noqa: ARG002  # it says the same to all
        for piece in self._streams.pop(0):
            if isinstance(piece, Exception):
                raise piece
            await asyncio.sleep(0)
            yield piece


def FailingModel(spec: ModelSpec | str, *errors: ModelError, then: str | None = None) -> ScriptedModel:  # noqa: N802
    """Return a model that raises `errors` in turn, then answers `then` (or goes on with the last error)."""
    return ScriptedModel(spec, [*errors, *([] if then is None else [then])])


def saying(*texts: str) -> list[ScriptedModel]:
    """Return models that are called what they say."""
    return [ScriptedModel(text, [text]) for text in texts]


def SlowModel(spec: ModelSpec | str, seconds: float, reply: str = "late") -> ScriptedModel:  # noqa: N802
    """Return a model that is silent for `seconds` of the event loop's time before it answers."""
    return ScriptedModel(spec, [reply], first_s=seconds)


def answer_of(text: str, prompt: Prompt, finish: FinishReason = FinishReason.STOP) -> Completion:
    """Return a completion whose usage counts words."""
    given = sum(len(message.content.split()) for message in prompt.messages)
    return Completion(
        text=text, finish=finish, usage=Usage(input_tokens=given, output_tokens=len(text.split()))
    )


def caller(
    name: str, *rounds: Sequence[tuple[str, str]], then: str = "Answer: 42", forever: bool = False
) -> ScriptedModel:
    """Return a model that can call tools.

    For each of `rounds` it calls tools, by name and arguments, then it answers; `forever` repeats the last.
    """
    replies = [wanting(*each) for each in rounds]
    spec = replace(spec_named(name), capabilities=frozenset({Capability.TOOLS}))
    return ScriptedModel(spec, replies if forever else [*replies, then])


def wanting(*calls: tuple[str, str]) -> Completion:
    """Return a round that calls tools, by name and arguments; it counts ten tokens read and five written."""
    wanted = (ToolCall(id=f"c{n}", name=name, arguments=given) for n, (name, given) in enumerate(calls))
    usage = Usage(input_tokens=10, output_tokens=5)
    return Completion(text="", tool_calls=tuple(wanted), finish=FinishReason.TOOL_CALLS, usage=usage)


def truncated(text: str) -> Completion:
    """Return an answer that was cut off at the length limit."""
    return Completion(text=text, finish=FinishReason.LENGTH)


def _in_turn(replies: list[Reply]) -> Callable[[Prompt], Reply]:
    left = list(replies)

    def reply(_prompt: Prompt) -> Reply:
        return left.pop(0) if len(left) > 1 else left[0]

    return reply
