"""What to expect of a model, from what the registry says of it and what it has shown.

    quality = (prior * PRIOR_WEIGHT + sum of weighted estimates) / (PRIOR_WEIGHT + sum of weights)

and likewise for success and seconds: the mean of a Beta-like distribution whose pseudo-counts are the
prior's. The prior knows tier, price and whether the model reasons; nothing else of the registry says
anything about quality.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal

from orchestration.engine.routing.profile import Evidence, Profile
from orchestration.engine.routing.task_types import TaskType
from orchestration.engine.types import MILLION, Capability, ModelSpec, Prices, Tier

PRIOR_WEIGHT = 4.0
"""Judged answers that the prior's quality counts as."""
SUCCESS, SUCCESS_WEIGHT = 0.95, 5.0
SECONDS_WEIGHT = 2.0
TOKENS_READ, TOKENS_WRITTEN = 300, 300
"""Tokens of an asking where nothing is known yet."""

QUALITY: Mapping[Tier, float] = {Tier.SMALL: 0.62, Tier.MEDIUM: 0.72, Tier.LARGE: 0.8}
SECONDS: Mapping[Tier, float] = {Tier.SMALL: 2.0, Tier.MEDIUM: 4.0, Tier.LARGE: 8.0}
USUAL_PRICE: Mapping[Tier, float] = {Tier.SMALL: 0.5, Tier.MEDIUM: 2.0, Tier.LARGE: 10.0}
"""US dollars per million tokens, read and written in equal parts."""
PRICE_SAYS = 0.03
"""What ten times the usual price of its tier adds to a model's quality; a tenth of it takes as much away."""
REASONS_BETTER = 0.04
"""What a reasoning model has ahead in tasks that need it."""
NEEDS_REASONING = frozenset({TaskType.REASONING, TaskType.CODE_GENERATION, TaskType.ANALYSIS})
NOTHING_SHOWN = Evidence()


def expectation(spec: ModelSpec, task: TaskType, shown: Evidence = NOTHING_SHOWN) -> Profile:
    """Return what to expect of a model in a type of task, given what it has shown."""
    return Profile(
        task=task,
        quality=_blend(_prior_quality(spec, task), PRIOR_WEIGHT, shown.quality, shown.judged),
        success=_blend(SUCCESS, SUCCESS_WEIGHT, shown.answered, shown.asked),
        seconds=_blend(SECONDS[spec.tier], SECONDS_WEIGHT, shown.seconds, shown.timed),
        cost_usd=_cost(spec.prices, shown),
        evidence=shown.judged,
        asked=shown.asked,
    )


def profile_for(spec: ModelSpec, task: TaskType) -> Profile:
    """Return the profile that was frozen with the model, else what the registry lets one expect."""
    frozen = (profile for profile in spec.profiles if profile.task is task)
    return next(frozen, None) or expectation(spec, task)


def _blend(prior: float, weight: float, total: float, count: float) -> float:
    return (prior * weight + total) / (weight + count)


def _prior_quality(spec: ModelSpec, task: TaskType) -> float:
    reasons = Capability.REASONING in spec.capabilities and task in NEEDS_REASONING
    return QUALITY[spec.tier] + _price_says(spec) + (REASONS_BETTER if reasons else 0.0)


def _price_says(spec: ModelSpec) -> float:
    """Return what the price adds; one of zero (a model of one's own) or an unknown one says nothing."""
    if spec.prices is None:
        return 0.0
    mean = float(spec.prices.input_per_million + spec.prices.output_per_million) / 2
    if mean <= 0:
        return 0.0
    decades = math.log10(mean / USUAL_PRICE[spec.tier])
    return PRICE_SAYS * min(max(decades, -1.0), 1.0)


def _cost(prices: Prices | None, shown: Evidence) -> Decimal | None:
    """Price an asking of the usual length at the model's price of today."""
    if prices is None:
        return None
    read = shown.input_tokens / shown.timed if shown.timed else TOKENS_READ
    written = shown.output_tokens / shown.timed if shown.timed else TOKENS_WRITTEN
    dollars = (
        Decimal(round(read)) * prices.input_per_million + Decimal(round(written)) * prices.output_per_million
    )
    return dollars / MILLION
