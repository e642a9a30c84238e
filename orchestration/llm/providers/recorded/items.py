"""Recorded questions with their answers, and separately the labels.

Strategies, models and panels are made from `Item` alone. Only scoring and training examples read a `Label`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True, slots=True, order=True)
class ItemKey:
    """The identity of a recorded question."""

    dataset: str
    item: str
    turn: int = 0

    def __str__(self) -> str:
        return f"{self.dataset}/{self.item}" + (f"/{self.turn}" if self.turn else "")


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedAnswer:
    """A recorded answer; None where the recording has no value. `cost_usd` is at the price of its time."""

    text: str | None = None
    tokens: int | None = None
    cost_usd: Decimal | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """A question with the recorded answers by model."""

    key: ItemKey
    prompt: str
    task_type: str = ""
    prompt_tokens: int | None = None
    answers: Mapping[str, RecordedAnswer] = field(default_factory=dict)

    def holds(self, model: str) -> bool:
        """Tell whether there is a text of `model`, even an empty one."""
        answer = self.answers.get(model)
        return answer is not None and answer.text is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class AnswerLabel:
    """The label of an answer: whether it is right, a score, the final answer extracted from it."""

    correct: bool | None = None
    score: float | None = None
    extracted: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Label:
    """The label of a question: the right answer, and the labels of the answers by model."""

    reference: str | None = None
    answers: Mapping[str, AnswerLabel] = field(default_factory=dict)

    def correct(self, model: str) -> bool | None:
        """Return whether `model` was right, None where that is not labelled."""
        answer = self.answers.get(model)
        return None if answer is None else answer.correct


def same_words(text: str) -> str:
    """Return `text` with all white space as single blanks, for comparing prompts."""
    return " ".join(text.split())
