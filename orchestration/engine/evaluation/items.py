"""What is evaluated on: recorded questions with their answers, and apart from them the labels.

Strategies, models and panels are made from `Item` alone. `Label` goes to scorers, and to what is fitted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True, slots=True, order=True)
class ItemKey:
    """What tells one recorded question from another."""

    dataset: str
    item: str
    turn: int = 0

    def __str__(self) -> str:
        return f"{self.dataset}/{self.item}" + (f"/{self.turn}" if self.turn else "")


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedAnswer:
    """What a model answered once: None where the recording does not say; `cost_usd` at that time's price."""

    text: str | None = None
    tokens: int | None = None
    cost_usd: Decimal | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One question with every model's answer, by model."""

    key: ItemKey
    prompt: str
    task_type: str = ""
    prompt_tokens: int | None = None
    answers: Mapping[str, RecordedAnswer] = field(default_factory=dict)

    def holds(self, model: str) -> bool:
        """Tell whether there is a text of `model`, be it an empty one."""
        answer = self.answers.get(model)
        return answer is not None and answer.text is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class AnswerLabel:
    """What is known of an answer: whether it is right, a score, the final answer somebody extracted."""

    correct: bool | None = None
    score: float | None = None
    extracted: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Label:
    """What is known of a question: the right answer, and of each model's answer whether it was that."""

    reference: str | None = None
    answers: Mapping[str, AnswerLabel] = field(default_factory=dict)

    def correct(self, model: str) -> bool | None:
        """Return whether `model` was right, None where nobody says."""
        answer = self.answers.get(model)
        return None if answer is None else answer.correct


def same_words(text: str) -> str:
    """Return `text` with every stretch of white space as one blank: how prompts are compared."""
    return " ".join(text.split())
