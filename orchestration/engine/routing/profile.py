"""What is known of a model for one type of task."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from orchestration.engine.routing.task_types import TaskType


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """Sums over what a model did: they add up, and what was added can be taken back.

    `asked` counts askings that were the model's to answer, `answered` usable answers among them; `timed`
    counts the answers that `seconds` and tokens are summed over; `quality` sums estimates (0 to 1), each
    times its weight, and `judged` the weights.
    """

    asked: int = 0
    answered: int = 0
    timed: int = 0
    seconds: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0
    quality: float = 0.0
    judged: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """What to expect of a model: quality of a usable answer and chance of one (0 to 1), seconds, US dollars.

    `cost_usd` is None without a price. `evidence` is the weight of judged answers and ratings behind the
    quality, `asked` the askings behind the rest; both are 0 for what rests on the registry alone.
    """

    task: TaskType
    quality: float
    success: float
    seconds: float
    cost_usd: Decimal | None = None
    evidence: float = 0.0
    asked: int = 0

    @property
    def expected(self) -> float:
        """The expected quality of asking: a failure is worth nothing."""
        return self.quality * self.success
