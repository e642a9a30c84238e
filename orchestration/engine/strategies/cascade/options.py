"""What can be set for a cascade."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from pydantic import Field

from orchestration.engine.strategies.options import AnswerOptions, JudgedOptions, StrategyOptions


class Accept(StrEnum):
    """What makes a level's answer acceptable."""

    SCORE = "score"
    AGREEMENT = "agreement"
    BOTH = "both"


class Order(StrEnum):
    """What puts the models in order."""

    PRICE = "price"
    PANEL = "panel"


class Preset(StrEnum):
    """How readily a cascade is content."""

    QUALITY = "quality"
    BALANCED = "balanced"
    ECONOMY = "economy"


THRESHOLDS: Mapping[Preset, float] = {Preset.QUALITY: 0.95, Preset.BALANCED: 0.8, Preset.ECONOMY: 0.6}
"""By agreement alone: three alike reach the first, two the second, one clean answer the third."""


class CascadeChoices(StrategyOptions):
    """What is the cascade's own."""

    accept: Accept = Field(
        default=Accept.SCORE,
        title="Accept by",
        description="score: the estimated quality reaches the threshold; it counts agreement, too. agreement:"
        " more than half of the answers so far, at least two, say the same. both: one and the other.",
    )
    preset: Preset = Field(
        default=Preset.BALANCED,
        title="Preset",
        description="How sure an answer must be before no dearer model is asked. quality: 0.95, balanced:"
        " 0.8, economy: 0.6.",
    )
    threshold: float | None = Field(
        default=None,
        ge=0,
        le=1,
        title="Threshold",
        description="Estimated quality (0 to 1) at which an answer is accepted. Empty: what the preset says.",
    )
    width: int = Field(
        default=2,
        ge=1,
        le=10,
        title="First level",
        description="How many of the cheapest models are asked at once to begin with; dearer ones follow one"
        " at a time.",
    )
    order: Order = Field(
        default=Order.PRICE,
        title="Order",
        description="price: cheapest first; where a model has no price, the panel's order. panel: as chosen.",
    )
    draft: bool = Field(
        default=False,
        title="Show drafts",
        description="Whether a dearer model is shown the answers so far, marked as data. It may learn from"
        " them; its agreement with them then proves nothing and does not count.",
    )


class CascadeOptions(AnswerOptions, JudgedOptions, CascadeChoices):
    """What can be set."""

    @property
    def needed(self) -> float:
        """The estimated quality at which an answer is accepted."""
        return THRESHOLDS[self.preset] if self.threshold is None else self.threshold

    @property
    def by_score(self) -> bool:
        """Whether the estimated quality decides."""
        return self.accept is not Accept.AGREEMENT

    @property
    def by_agreement(self) -> bool:
        """Whether agreement decides."""
        return self.accept is not Accept.SCORE
