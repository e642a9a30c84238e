"""What can be set for the expert strategy."""

from __future__ import annotations

from pydantic import Field

from orchestration.engine.routing.profiles import Prefer
from orchestration.engine.strategies.options import ModelName, StrategyOptions
from orchestration.engine.strategies.searching import SearchOptions


class ExpertChoices(StrategyOptions):
    """What is the expert strategy's own."""

    prefer: Prefer = Field(
        default=Prefer.QUALITY,
        title="Prefer",
        description="quality: the best answer to be expected, whatever it costs. balanced: a dear model must"
        " be clearly better. cheap: it must be far better.",
    )
    ask: int = Field(
        default=1,
        ge=1,
        le=5,
        title="Ask",
        description="Models asked at once, of whose answers the best is taken; the others stay in reserve.",
    )
    classifier: ModelName | None = Field(
        default=None,
        title="Classifier",
        description="Model that says what kind of task it is. Empty: the words of the question decide.",
    )


class ExpertOptions(SearchOptions, ExpertChoices):
    """What can be set."""
