"""How a strategy learns: from labelled answers it is handed, into values of its own options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol, runtime_checkable

from orchestration.engine.strategies.options import StrategyOptions
from orchestration.engine.types import Json, ModelSpec


@dataclass(frozen=True, kw_only=True, slots=True)
class GradedAnswer:
    """A model's answer of the past, what it cost in US dollars, and whether it was right."""

    text: str
    correct: bool
    cost_usd: Decimal | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingExample:
    """A recorded question with graded answers, by model."""

    prompt: str
    task_type: str = ""
    reference: str | None = None
    answers: Mapping[str, GradedAnswer] = field(default_factory=dict)


@runtime_checkable
class Learner(Protocol):
    """A strategy that can learn.

    What it learns is options: plain values that are stored, shown and edited like any others.
    """

    def learn(
        self, examples: Sequence[TrainingExample], panel: Sequence[ModelSpec], options: StrategyOptions
    ) -> Mapping[str, Json]:
        """Return values for the options worth setting for this panel, given those that are set already."""


@runtime_checkable
class Profiler(Protocol):
    """A strategy that goes by what models have shown before, and reads it from their specs."""

    def profiled(self, spec: ModelSpec, examples: Sequence[TrainingExample]) -> ModelSpec:
        """Return the model as it is known after these examples."""
