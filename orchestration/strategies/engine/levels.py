"""The levels of a cascade: its options, presets and order, and what stopping at a level saves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import StrEnum

from pydantic import Field

from orchestration.llm.engine.model import ChatModel
from orchestration.llm.engine.types import ModelSpec, Usage, estimate_tokens
from orchestration.runs.engine.budget import price
from orchestration.strategies.engine.fallback import JudgedOptions
from orchestration.strategies.engine.options import AnswerOptions, StrategyOptions
from orchestration.strategies.engine.types import (
    AS_SHARE,
    Candidate,
    Request,
    answered_candidates,
    dollars,
)

TYPICAL_ANSWER_TOKENS = 300


class Order(StrEnum):
    """By what the models are ordered."""

    PRICE = "price"
    PANEL = "panel"


class Preset(StrEnum):
    """How readily a cascade accepts an answer."""

    QUALITY = "quality"
    BALANCED = "balanced"
    ECONOMY = "economy"


Level = tuple[ChatModel, ...]
DIALS: Mapping[Preset, float] = {Preset.QUALITY: 0.03, Preset.BALANCED: 0.08, Preset.ECONOMY: 0.12}
"""The least gain in the probability of a right answer for which the most expensive model is asked.

On recorded answers of two cheap models and an expensive one, in five folds, the cascade loses 0.0 points of
accuracy at 46 % of the cost of the expensive one alone with the second; with the third 1.8 at 29 %.
"""


class CascadeChoices(StrategyOptions):
    """Options of the cascade alone."""

    preset: Preset = Field(
        default=Preset.BALANCED,
        title="Preset",
        description="What a better answer may cost: the most expensive model is asked where it is expected to"
        " add so much to the probability of a right answer, a cheaper one for less in proportion to its"
        " price. quality: 3 points, balanced: 8, economy: 12.",
    )
    threshold: float | None = Field(
        default=None,
        ge=0,
        le=1,
        title="Threshold",
        description="Estimated quality at which an answer is accepted, and below which it is not. Empty: what"
        " the preset says.",
        json_schema_extra=AS_SHARE,
    )
    width: int = Field(
        default=2,
        ge=1,
        le=10,
        title="First level",
        description="How many of the cheapest models are asked at once to begin with; more expensive ones"
        " follow one at a time. At least one does: of two models one is asked first.",
    )
    order: Order = Field(
        default=Order.PRICE,
        title="Order",
        description="price: cheapest first; where a model has no price, the panel's order. panel: as chosen.",
    )
    draft: bool = Field(
        default=False,
        title="Show drafts",
        description="Whether a more expensive model is shown the answers so far, marked as data. It may learn"
        " from them; its agreement with them then proves nothing and does not count.",
    )


class CascadeOptions(AnswerOptions, JudgedOptions, CascadeChoices):
    """Options of a cascade."""

    main = ("preset", "width")


def levels(members: Sequence[ChatModel], options: CascadeOptions, text: str) -> tuple[Level, ...]:
    """Return the members from cheap to expensive: the first `width` together, the others one by one.

    By price where each has one, else as on the panel. There is always a level after the first, so that a more
    expensive model decides where the first level's answers are not accepted.
    """
    ordered = [members[place] for place in places([model.spec for model in members], options, text)]
    width = first_width(options, len(ordered))
    first, rest = ordered[:width], ordered[width:]
    return (tuple(first), *((model,) for model in rest))


def places(specs: Sequence[ModelSpec], options: CascadeOptions, text: str) -> Sequence[int]:
    """Return the places of the models in the order in which they are asked."""
    costs = [expected_cost(spec, text) for spec in specs]
    known = [cost for cost in costs if cost is not None]
    if options.order is Order.PRICE and len(known) == len(costs):
        return sorted(range(len(specs)), key=known.__getitem__)
    return range(len(specs))


def first_width(options: CascadeOptions, panel: int) -> int:
    """Return how many models of a panel of so many the first level has."""
    return max(1, min(options.width, panel - 1))


def expected_cost(spec: ModelSpec, text: str, answer_tokens: int = TYPICAL_ANSWER_TOKENS) -> Decimal | None:
    """Return about what asking `text` costs in US dollars, None without a price."""
    return price(spec, Usage(input_tokens=estimate_tokens(text), output_tokens=answer_tokens))


def price_shares(members: Sequence[ChatModel], text: str) -> Mapping[str, float]:
    """Return what each member costs as a share of the most expensive, 1 where one of them has no price."""
    costs = {model.spec.name: expected_cost(model.spec, text) for model in members}
    known = [cost for cost in costs.values() if cost is not None]
    highest = max(known, default=Decimal(0))
    if len(known) < len(costs) or not highest:
        return dict.fromkeys(costs, 1.0)
    return {name: float((cost or highest) / highest) for name, cost in costs.items()}


def savings_sentence(
    last: ChatModel, candidates: Sequence[Candidate], request: Request, *, drafted: bool
) -> str:
    """Return what the answers cost and what the last, most expensive model alone would have cost.

    Empty without prices. What it did cost counts where it answered the plain question; else it is assumed to
    write as much as the others did on average. Judges are not counted: that model alone would have had none.
    """
    asked = answered_candidates(candidates)
    if any(candidate.cost_usd is None for candidate in asked):
        return ""
    name = last.spec.name
    paid = sum((candidate.cost_usd or Decimal(0) for candidate in asked), Decimal(0))
    own = [candidate.cost_usd for candidate in asked if candidate.model == name and not drafted]
    lengths = [candidate.usage.output_tokens for candidate in asked]
    typical = round(sum(lengths) / len(lengths)) if lengths else 0
    alone = own[0] if own else expected_cost(last.spec, request.system + request.text, typical)
    if alone is None:
        return ""
    about = "" if own else "about "
    costs = f"The answers cost {dollars(paid)}; {name} alone {about}{dollars(alone)}"
    if paid <= alone:
        return f"{costs}: {about}{dollars(alone - paid)} saved."
    return f"{costs}: {about}{dollars(paid - alone)} more was spent, nothing saved."
