"""How much of its panel a strategy asks, known before it is run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from orchestration.engine.strategies.options import StrategyOptions


@dataclass(frozen=True, kw_only=True, slots=True)
class Effort:
    """Fewest and most models that answer and that then review all answers, and how many at the same time."""

    answers: tuple[int, int]
    at_once: int
    reviews: tuple[int, int] = (0, 0)
    reviews_at_once: int = 1

    @property
    def may_review(self) -> bool:
        """True when the answers decide whether they are reviewed."""
        fewest, most = self.reviews
        return fewest == 0 < most


@runtime_checkable
class Foresees(Protocol):
    """A strategy whose options say how much of the panel it asks."""

    def effort(self, options: StrategyOptions, panel: int) -> Effort:
        """Return the effort with a panel of so many models."""
