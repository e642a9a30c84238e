"""What a run may use and has used: limits, prices, and the ledger of money and calls."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from orchestration.llm.engine.types import MILLION, ModelSpec, Prompt, Usage
from orchestration.runs.engine.errors import LimitReached

LARGEST_COST = Decimal(9_999_999)
"""US dollars: the largest amount that columns hold, with SQLite's 15 digits too.

A call beyond it counts as one of unknown cost.
"""


def price(spec: ModelSpec, usage: Usage) -> Decimal | None:
    """Return what `usage` costs in US dollars, None when the model has no price.

    Input that was read from the provider's cache has a price of its own where one is known. The amount may
    be more than can be stored: see `LARGEST_COST`.
    """
    if (prices := spec.prices) is None:
        return None
    read = prices.cached_input_per_million
    cached = 0 if read is None else min(usage.cached_input_tokens, usage.input_tokens)
    return (
        (usage.input_tokens - cached) * prices.input_per_million
        + cached * (read or 0)
        + usage.output_tokens * prices.output_per_million
    ) / MILLION


def cost_to_reserve(spec: ModelSpec, prompt: Prompt) -> Decimal:
    """Return what is set aside for answering `prompt`: the price of its tokens and of the expected answer.

    That is the longest one where nothing else is expected of the model. One without a price counts as free: a
    run with a money limit is refused such a model beforehand.
    """
    given = prompt.input_tokens
    longest, allowance = prompt.output_limit(spec), spec.allowances.get(prompt.purpose)
    written = longest if allowance is None else min(allowance.expected, longest)
    return price(spec, Usage(input_tokens=given, output_tokens=written)) or Decimal(0)


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
    """What earlier claims of the same run have used.

    `unknown` is what was reserved for calls that may have been billed, by an amount that nobody reported.
    """

    money: Decimal = Decimal(0)
    unknown: Decimal = Decimal(0)
    calls: int = 0


NOTHING_SPENT = Spent()


class Ledger:
    """Money and calls of one run: reserved before a call, settled after it.

    The limit acts on what is spent: a call reserves what it is expected to cost. One that costs more takes
    the rest from what is left, and once nothing is left no call starts. A call that may have been billed by
    an unknown amount keeps its reservation until the run ends.
    """

    def __init__(self, limits: Limits, spent: Spent) -> None:
        self._limits = limits
        self._money = spent.money
        self._unknown = spent.unknown
        self._calls = spent.calls
        self._reserved = Decimal(0)

    @property
    def spent(self) -> Decimal:
        """US dollars that calls which have ended are known to have cost."""
        return self._money

    @property
    def money_left(self) -> Decimal | None:
        """US dollars neither spent nor reserved; below zero when calls cost more than reserved."""
        if self._limits.money is None:
            return None
        return self._limits.money - self._money - self._unknown - self._reserved

    @property
    def calls_left(self) -> int | None:
        """Calls not yet started."""
        return None if self._limits.calls is None else self._limits.calls - self._calls

    def reserve(self, spec: ModelSpec, prompt: Prompt) -> Decimal:
        """Set aside what a call is expected to cost, and return it. Raises `LimitReached`."""
        if self.calls_left is not None and self.calls_left < 1:
            raise LimitReached(
                f"The limit of {self._limits.calls} calls is used up. Raise it or use fewer models.",
                limit="calls",
            )
        cost, left = cost_to_reserve(spec, prompt), self.money_left
        if left is not None and (cost > left or left <= 0):
            raise LimitReached(
                f"Asking {spec.name} is expected to cost up to ${cost:.6f}, and {self._what_is_left(left)}."
                " Raise the limit or use a cheaper model.",
                limit="money",
            )
        self._reserved += cost
        self._calls += 1
        return cost

    def settle(self, reserved: Decimal, cost: Decimal | None, *, maybe_billed: bool = False) -> None:
        """Give back what was reserved and book what the call cost.

        Where the cost is unknown and the call may have been billed, the reservation stays.
        """
        self._reserved -= reserved
        if cost is not None:
            self._money += cost
        elif maybe_billed:
            self._unknown += reserved

    def _what_is_left(self, left: Decimal) -> str:
        """Return in words what is left of the money limit, and what stands against it beside known costs."""
        limit = self._limits.money
        words = (
            f"${left:.6f} of the limit of ${limit} is left"
            if left >= 0
            else f"the limit of ${limit} is exceeded by ${-left:.6f}"
        )
        unknown = f" (${self._unknown:.6f} is kept for calls that may have been billed)"
        return words + (unknown if self._unknown else "")
