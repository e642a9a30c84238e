"""The one interface to a model. What wraps a model is a model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from contextlib import aclosing

from orchestration.llm.engine.errors import BadAnswer
from orchestration.llm.engine.types import Completion, Delta, ModelSpec, Prompt

AnswerStream = AsyncGenerator[Delta | Completion, None]


class ChatModel(ABC):
    """A model that can be asked.

    `stream` yields any number of `Delta` and then exactly one `Completion`, whose text is the whole answer;
    it raises only `ModelError` (and what the caller's own cancellation raises). Closing the generator ends
    the request.
    """

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec

    @abstractmethod
    def stream(self, prompt: Prompt) -> AnswerStream:
        """Answer piece by piece."""

    async def complete(self, prompt: Prompt) -> Completion:
        """Answer in one piece."""
        async with aclosing(self.stream(prompt)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Completion):
                    return piece
        raise BadAnswer(f"{self.spec.name} ended its stream without an answer.")


class WrappedModel(ChatModel):
    """A model around another one; a subclass overrides `stream`."""

    def __init__(self, inner: ChatModel) -> None:
        super().__init__(inner.spec)
        self.inner = inner
