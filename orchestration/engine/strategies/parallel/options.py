"""What can be set for the parallel strategy."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from orchestration.engine.strategies.options import AnswerOptions, JudgedOptions, ModelName, StrategyOptions


class Select(StrEnum):
    """How the answer comes out of the candidates."""

    BEST = "best"
    FIRST_GOOD_ENOUGH = "first_good_enough"
    SYNTHESIS = "synthesis"


class ParallelChoices(StrategyOptions):
    """What is the parallel strategy's own."""

    select: Select = Field(
        default=Select.BEST,
        title="Select",
        description="best: the answer of the highest quality. first_good_enough: the first one that reaches"
        " the threshold; the other calls are cancelled. synthesis: one model combines the answers.",
    )
    threshold: float = Field(
        default=0.6,
        ge=0.1,
        le=0.99,
        title="Good enough",
        description="Estimated quality (0 to 1) that ends the wait when the first good answer is selected.",
    )
    aggregator: ModelName | None = Field(
        default=None,
        title="Aggregator",
        description="Model that combines the answers in a synthesis. Empty: the first model of the panel.",
    )
    max_parallel: int = Field(
        default=10,
        ge=1,
        le=50,
        title="At once",
        description="Models asked at the same time; the others wait for their turn.",
    )
    deadline_s: float | None = Field(
        default=None,
        gt=0,
        le=3600,
        title="Deadline",
        description="Seconds after which the answers there are must do; who is missing is named. Empty: wait"
        " for all.",
    )
    at_least: int = Field(
        default=1,
        ge=1,
        le=50,
        title="At least",
        description="Answers to wait for even when the deadline has passed.",
    )


class ParallelOptions(AnswerOptions, JudgedOptions, ParallelChoices):
    """What can be set."""
