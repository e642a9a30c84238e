"""The estimated cost and time of a request, before it is sent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import reduce
from statistics import quantiles
from typing import TypeVar

from orchestra_site.accounts.models import Membership
from orchestration.llm.engine.types import TOKENS_PER_MESSAGE, ModelSpec, Purpose, Usage, estimate_tokens
from orchestration.llm.selectors import usable_models
from orchestration.llm.services.panel import model_spec
from orchestration.runs.engine.budget import price
from orchestration.runs.selectors.run_state import recent_calls
from orchestration.strategies.engine.errors import InvalidOptions
from orchestration.strategies.engine.options import helper_models, parse_options
from orchestration.strategies.engine.strategy import Effort, get_strategy
from orchestration.strategies.engine.types import Request

Number = TypeVar("Number", Decimal, float)
SHORT_ANSWER_TOKENS = 20
ENOUGH_HISTORY = 4
DECILES = 10
MOST_CALLS_READ = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """Ranges from the first decile of earlier answers to the last; a judge or aggregator counts once.

    Money is US dollars for the models that have a price (None when none has); seconds are None without
    history. `may_review` is True when each model may be called once more, for a review.
    """

    cost_low: Decimal | None
    cost_high: Decimal | None
    seconds_low: float | None
    seconds_high: float | None
    unpriced: tuple[str, ...]
    calls_low: int
    calls_high: int
    may_review: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class AnswerHistory:
    """The range of a model's recent answers in tokens and seconds; None without history."""

    tokens: tuple[float, float] | None = None
    seconds: tuple[float, float] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelShare:
    """One model's part of an estimate."""

    model: str
    tokens: tuple[float, float]
    cost: tuple[Decimal, Decimal] | None
    seconds: tuple[float, float] | None


def estimate_request(*, membership: Membership, request: Request) -> Estimate:
    """Estimate a request from prices and from recent answers of its models.

    It may still be incomplete: unknown models are left out, invalid options count as the defaults.
    """
    known = {model.name: model_spec(model) for model in usable_models(membership)}
    panel = [known[name] for name in request.models if name in known]
    strategy = get_strategy(request.strategy)
    try:
        options = parse_options(strategy.Options, request.options)
    except InvalidOptions:
        options = strategy.Options()
    helpers = [known[name] for name in helper_models(options) if name in known]
    histories = _answer_histories(membership, [spec.name for spec in (*panel, *helpers)])

    def model_shares(specs: Sequence[ModelSpec], prompt_tokens: int) -> list[ModelShare]:
        return [model_share(spec, prompt_tokens, histories.get(spec.name, AnswerHistory())) for spec in specs]

    words = estimate_tokens(request.text) + estimate_tokens(request.system) + TOKENS_PER_MESSAGE
    shares = model_shares(panel, words)
    read = words + round(sum(share.tokens[1] for share in shares))
    effort = strategy.effort(options, len(panel))
    whole = replace(by_effort(effort, shares, model_shares(panel, read)), may_review=effort.may_review)
    return followed_by(whole, at_once(model_shares(helpers, read))) if helpers else whole


def by_effort(effort: Effort, answers: Sequence[ModelShare], reviews: Sequence[ModelShare]) -> Estimate:
    """Add up models that answer, and then review, so many at a time."""
    whole = in_waves(answers, least=effort.answers[0], size=effort.at_once)
    if not effort.reviews[1]:
        return whole
    return followed_by(whole, in_waves(reviews, least=effort.reviews[0], size=effort.reviews_at_once))


def model_share(spec: ModelSpec, prompt_tokens: int, history: AnswerHistory) -> ModelShare:
    """Return the share of one model, by its history; without one from a short answer to its longest."""
    low, high = history.tokens or (min(SHORT_ANSWER_TOKENS, spec.max_output_tokens), spec.max_output_tokens)
    lowest, highest = (
        price(spec, Usage(input_tokens=prompt_tokens, output_tokens=round(n))) for n in (low, high)
    )
    cost = None if lowest is None or highest is None else (lowest, highest)
    return ModelShare(model=spec.name, tokens=(low, high), cost=cost, seconds=history.seconds)


def at_once(shares: Sequence[ModelShare]) -> Estimate:
    """Add up models that are all asked at the same time."""
    costs = [share.cost for share in shares if share.cost is not None]
    spans = [share.seconds for share in shares if share.seconds is not None]
    return Estimate(
        cost_low=sum((low for low, _ in costs), Decimal(0)) if costs else None,
        cost_high=sum((high for _, high in costs), Decimal(0)) if costs else None,
        seconds_low=max(low for low, _ in spans) if spans else None,
        seconds_high=max(high for _, high in spans) if spans else None,
        unpriced=tuple(share.model for share in shares if share.cost is None),
        calls_low=len(shares),
        calls_high=len(shares),
    )


def in_waves(shares: Sequence[ModelShare], *, least: int, size: int) -> Estimate:
    """Add up models asked `size` at a time until it is enough: from the first `least` of them to all."""
    first = at_once(shares[:least])
    waves = [at_once(shares[start : start + size]) for start in range(0, len(shares), max(1, size))]
    whole = reduce(followed_by, waves, at_once([]))
    needed = reduce(followed_by, waves[: -(-least // max(1, size))], at_once([]))
    return replace(whole, cost_low=first.cost_low, seconds_low=needed.seconds_low, calls_low=first.calls_low)


def followed_by(first: Estimate, then: Estimate) -> Estimate:
    """Add up two stages that run one after the other."""
    return Estimate(
        cost_low=_sum(first.cost_low, then.cost_low),
        cost_high=_sum(first.cost_high, then.cost_high),
        seconds_low=_sum(first.seconds_low, then.seconds_low),
        seconds_high=_sum(first.seconds_high, then.seconds_high),
        unpriced=tuple(dict.fromkeys((*first.unpriced, *then.unpriced))),
        calls_low=first.calls_low + then.calls_low,
        calls_high=first.calls_high + then.calls_high,
        may_review=first.may_review or then.may_review,
    )


def _sum(left: Number | None, right: Number | None) -> Number | None:
    """Add two numbers; None, for unknown, counts as nothing."""
    if left is None or right is None:
        return right if left is None else left
    return left + right


def _answer_histories(membership: Membership, models: Sequence[str]) -> dict[str, AnswerHistory]:
    """Return the history of `models` in the team's newest runs, where there are enough answers."""
    seen: dict[str, list[tuple[int, float]]] = defaultdict(list)
    calls = recent_calls(membership, models).filter(purpose=Purpose.ANSWER, latency_s__isnull=False)
    for name, tokens, seconds in calls.values_list("model", "output_tokens", "latency_s")[:MOST_CALLS_READ]:
        seen[name].append((tokens, seconds or 0.0))
    return {
        name: AnswerHistory(tokens=_range([t for t, _ in pairs]), seconds=_range([s for _, s in pairs]))
        for name, pairs in seen.items()
        if len(pairs) >= ENOUGH_HISTORY
    }


def _range(values: Sequence[float]) -> tuple[float, float]:
    """Return the first and the last decile."""
    cuts = quantiles(values, n=DECILES, method="inclusive")
    return cuts[0], cuts[-1]
