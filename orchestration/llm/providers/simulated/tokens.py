"""The token rule of simulated models: one token for every four characters, rounded up, and four a message."""

from __future__ import annotations

from collections.abc import Iterable

from orchestration.llm.engine.types import Message

CHARACTERS_PER_TOKEN = 4
_PER_MESSAGE = 4


def count_text(text: str) -> int:
    """Count the tokens of a text."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def count_messages(messages: Iterable[Message]) -> int:
    """Count the tokens of a prompt."""
    return sum(_PER_MESSAGE + count_text(message.content) for message in messages)


def cut(text: str, tokens: int) -> str:
    """Return as much of a text as fits into `tokens`."""
    return text[: tokens * CHARACTERS_PER_TOKEN]
