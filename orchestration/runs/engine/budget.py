"""What a run may use and has used: limits, prices, and the ledger of money and calls."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from orchestration.llm.engine.types import MILLION, ModelSpec, Prompt, Usage, estimate_input_tokens
from orchestration.runs.engine.errors import LimitReached


def price(spec: ModelSpec, usage: Usage) -> Decimal | None:
    """Return what `usage` costs in US dollars, None when the model has no price."""
    if spec.prices is None:
        return None
    return (
        usage.input_tokens * spec.prices.input_per_million
        + usage.output_tokens * spec.prices.output_per_million
    ) / MILLION


def most_it_can_cost(spec: ModelSpec, prompt: Prompt) -> Decimal:
    """Return the most that answering `prompt` can cost: its tokens and the longest answer allowed.

    A model without a price counts as free here: a run with a money limit is refused such a model beforehand.
    """
    given = estimate_input_tokens(message.content for message in prompt.messages)
    longest = min(prompt.max_tokens or spec.max_output_tokens, spec.max_output_tokens)
    return price(spec, Usage(input_tokens=given, output_tokens=longest)) or Decimal(0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What a run may use. None means no limit; `seconds` is run time, waiting not counted.

    `steps` are those of a run or of a child by itself, `steps_in_all` those of a run with its children.
    """

    money: Decimal | None = None
    calls: int | None = None
    seconds: float | None = None
    depth: int = 8
    steps: int = 500
    steps_in_all: int = 5000


@dataclass(frozen=True, kw_only=True, slots=True)
class Spent:
    """What earlier claims of the same run have used."""

    money: Decimal = Decimal(0)
    calls: int = 0


NOTHING_SPENT = Spent()


class Ledger:
    """Money and calls of one run: reserved before a call, settled after it."""

    def __init__(self, limits: Limits, spent: Spent) -> None:
        self._limits = limits
        self._money = spent.money
        self._calls = spent.calls
        self._reserved = Decimal(0)

    @property
    def money_left(self) -> Decimal | None:
        """US dollars neither spent nor reserved."""
        return None if self._limits.money is None else self._limits.money - self._money - self._reserved

    @property
    def calls_left(self) -> int | None:
        """Calls not yet started."""
        return None if self._limits.calls is None else self._limits.calls - self._calls

    def reserve(self, spec: ModelSpec, prompt: Prompt) -> Decimal:
        """Set aside the most that a call can cost, and return it. Raises `LimitReached`."""
        if self.calls_left is not None and self.calls_left < 1:
            raise LimitReached(
                f"The limit of {self._limits.calls} calls is used up. Raise it or use fewer models.",
                limit="calls",
            )
        most = most_it_can_cost(spec, prompt)
        if self.money_left is not None and most > self.money_left:
            left = max(self.money_left, Decimal(0))
            raise LimitReached(
                f"Asking {spec.name} could cost up to ${most:.6f}, and ${left:.6f} of the limit of"
                f" ${self._limits.money} is left. Raise the limit or use a cheaper model.",
                limit="money",
            )
        self._reserved += most
        self._calls += 1
        return most

    def settle(self, reserved: Decimal, cost: Decimal) -> None:
        """Give back what was reserved and book what the call cost."""
        self._reserved -= reserved
        self._money += cost
