"""Which models a cascade asks first, and which only where it takes them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from orchestration.engine.context.metering import price
from orchestration.engine.model import ChatModel, estimate_tokens
from orchestration.engine.strategies.cascade.options import CascadeOptions, Order
from orchestration.engine.types import ModelSpec, Usage

TYPICAL_ANSWER_TOKENS = 300

Level = tuple[ChatModel, ...]


def levels_of(members: Sequence[ChatModel], options: CascadeOptions, text: str) -> tuple[Level, ...]:
    """Return the members cheap to dear: the first `width` together, the others one by one.

    By price where each has one, else as on the panel.
    """
    ordered = list(members)
    costs = [expected_cost(model.spec, text) for model in members]
    known = [cost for cost in costs if cost is not None]
    if options.order is Order.PRICE and len(known) == len(costs):
        places = sorted(range(len(ordered)), key=known.__getitem__)
        ordered = [ordered[place] for place in places]
    first, rest = ordered[: options.width], ordered[options.width :]
    return (tuple(first), *((model,) for model in rest))


def expected_cost(spec: ModelSpec, text: str, answer_tokens: int = TYPICAL_ANSWER_TOKENS) -> Decimal | None:
    """Return about what asking `text` costs in US dollars, None without a price."""
    given = Usage(input_tokens=estimate_tokens(text), output_tokens=answer_tokens)
    return price(spec, given)
