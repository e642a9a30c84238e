"""The estimated cost and time of a request: the calls that it makes, or may make, added up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import reduce
from itertools import cycle, islice
from math import sqrt
from statistics import median, quantiles
from typing import TypeVar

from orchestration.llm.engine.types import ModelSpec, Purpose, Usage
from orchestration.runs.engine.budget import price
from orchestration.strategies.engine.classification import TaskType
from orchestration.strategies.engine.effort import Effort
from orchestration.strategies.engine.lengths import ENOUGH, WIDEST, AnswerLength, PastCall, expected_length

Number = TypeVar("Number", Decimal, float)
SHORT_ANSWER_TOKENS = 20
DECILES = 10
INSTRUCTIONS: Mapping[Purpose, int] = {
    Purpose.JUDGE: 350,
    Purpose.RANK: 250,
    Purpose.AGGREGATE: 200,
    Purpose.CLASSIFY: 200,
}
"""Tokens of what a helper is told beside question and answers."""
ASSUMED = (0.0, 0.0)
"""Runs that are assumed to have needed as few calls as they can, beside those that there were."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """What a request will probably cost and take; a fallback strategy is not counted.

    Money is US dollars for the models that have a price (None when none has). Where `is_known`, all of these
    have a history: then the range is at most a factor of five wide, and lies where the strategy's earlier
    runs do. `cost_most` is what all calls cost that may be made. Seconds are None without history.
    `may_review` is True when each model may be called once more, for a review.
    """

    cost_low: Decimal | None
    cost_high: Decimal | None
    seconds_low: float | None
    seconds_high: float | None
    unpriced: tuple[str, ...]
    calls_low: int
    calls_high: int
    may_review: bool = False
    is_known: bool = True
    cost_most: Decimal | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelShare:
    """One call of one model, as a part of an estimate."""

    model: str
    tokens: tuple[int, int]
    cost: tuple[Decimal, Decimal] | None
    seconds: tuple[float, float] | None
    is_known: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """What calls of a request are estimated by: its kind of task, its tokens, the calls of its models."""

    task: TaskType
    words: int
    past: Mapping[str, Sequence[PastCall]]
    answers: int = 0
    read: tuple[int, int] = (0, 0)

    def share(self, spec: ModelSpec, purpose: Purpose, answers: int = 0) -> ModelShare:
        """Return the share of a call that is shown so many of the answers.

        What helpers write is short and has a form: for that the prior does without a history.
        """
        seen = self.past.get(spec.name, ())
        length = expected_length(spec, purpose, self.task, seen, answers=max(1, answers), request=self.words)
        part = answers / max(1, self.answers)
        told = self.words + INSTRUCTIONS.get(purpose, 0)
        given = (told + round(self.read[0] * part), told + round(self.read[1] * part))
        took = [each.seconds for each in seen if each.purpose is purpose]
        return model_share(
            spec,
            given,
            length,
            is_known=length.is_known or purpose is not Purpose.ANSWER,
            seconds=_range(took) if len(took) >= ENOUGH else None,
        )


def add_up(
    draft: Draft, effort: Effort, panel: Sequence[ModelSpec], known: Mapping[str, ModelSpec]
) -> Estimate:
    """Add up all calls that are made, or may be."""
    answers = [draft.share(spec, Purpose.ANSWER) for spec in panel]
    read = (sum(each.tokens[0] for each in answers), sum(each.tokens[1] for each in answers))
    draft = replace(draft, read=read)
    reviews = [draft.share(spec, Purpose.RANK, len(panel) - 1) for spec in panel] if effort.reviews[1] else []
    again = [draft.share(spec, Purpose.AGGREGATE, len(panel)) for spec in panel] if effort.again[1] else []
    whole = by_effort(effort, answers, reviews, again)
    helps = [
        times(draft.share(known[each.model], each.purpose, each.answers), each.calls)
        for each in effort.helping
    ]
    whole = reduce(followed_by, helps, whole)
    if whole.seconds_low is None:
        whole = replace(whole, seconds_high=None)
    return replace(whole, may_review=effort.may_review, cost_most=whole.cost_high)


def reach(effort: Effort, calls: Sequence[float], panel: int) -> float:
    """Return how far, from 0 to 1, most runs go from the fewest calls to the most.

    `calls` are those of earlier runs for each member of their panel.
    """
    few, most = effort.calls
    if most == few:
        return 0.0
    gone = [min(1.0, max(0.0, (each * panel - few) / (most - few))) for each in calls]
    return median([*gone, *ASSUMED])


def narrowed(whole: Estimate, at: float) -> Estimate:
    """Return the estimate with ranges at most a factor of five wide, around what is `at` a share of them."""
    cost_low, cost_high = _within(whole.cost_low, whole.cost_high, at)
    soonest, latest = _within(_decimal(whole.seconds_low), _decimal(whole.seconds_high), at)
    return replace(
        whole,
        cost_low=cost_low,
        cost_high=cost_high,
        seconds_low=None if soonest is None else float(soonest),
        seconds_high=None if latest is None else float(latest),
    )


def _decimal(seconds: float | None) -> Decimal | None:
    return None if seconds is None else Decimal(seconds)


def _within(low: Decimal | None, high: Decimal | None, at: float) -> tuple[Decimal | None, Decimal | None]:
    """Return a narrower range; one that begins at nothing, as with models that are free, stays."""
    if not low or high is None or high <= WIDEST * low:
        return low, high
    center = low + (high - low) * Decimal(at)
    first = min(max(low, center / Decimal(sqrt(WIDEST))), high / WIDEST)
    return first, WIDEST * first


def by_effort(
    effort: Effort,
    answers: Sequence[ModelShare],
    reviews: Sequence[ModelShare],
    again: Sequence[ModelShare] = (),
) -> Estimate:
    """Add up models that answer, answer again, and then review, so many at a time."""
    whole = in_waves(in_turn(answers, effort.answers), least=effort.answers[0], size=effort.at_once)
    if effort.again[1]:
        repeated = in_waves(in_turn(again, effort.again), least=effort.again[0], size=len(again))
        whole = followed_by(whole, repeated)
    if not effort.reviews[1]:
        return whole
    return followed_by(whole, in_waves(reviews, least=effort.reviews[0], size=effort.reviews_at_once))


def in_turn(shares: Sequence[ModelShare], span: tuple[int, int]) -> Sequence[ModelShare]:
    """Return the shares of the most calls of a span: of the models in turn, each several times if needed."""
    return list(islice(cycle(shares), span[1]))


def model_share(
    spec: ModelSpec,
    given: tuple[int, int],
    length: AnswerLength,
    *,
    is_known: bool,
    seconds: tuple[float, float] | None = None,
) -> ModelShare:
    """Return the share of one call that reads `given` tokens, fewest and most.

    Without a history (`is_known`) its answer may also be a short one, whatever the type of task.
    """
    low, high = length.likely
    low = low if is_known else min(SHORT_ANSWER_TOKENS, low)
    lowest, highest = (
        price(spec, Usage(input_tokens=read, output_tokens=written))
        for read, written in zip(given, (low, high), strict=True)
    )
    cost = None if lowest is None or highest is None else (lowest, highest)
    return ModelShare(model=spec.name, tokens=(low, high), cost=cost, seconds=seconds, is_known=is_known)


def times(share: ModelShare, calls: tuple[int, int]) -> Estimate:
    """Return the estimate of a call that is made so many times, at the same time."""
    few, most = calls
    one = at_once([share])
    return replace(
        one,
        cost_low=None if one.cost_low is None else few * one.cost_low,
        cost_high=None if one.cost_high is None else most * one.cost_high,
        seconds_low=one.seconds_low if few else None,
        calls_low=few,
        calls_high=most,
    )


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
        is_known=all(share.is_known for share in shares if share.cost is not None),
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
        is_known=first.is_known and then.is_known,
    )


def _sum(left: Number | None, right: Number | None) -> Number | None:
    """Add two numbers; None, for unknown, counts as nothing."""
    if left is None or right is None:
        return right if left is None else left
    return left + right


def _range(values: Sequence[float]) -> tuple[float, float]:
    """Return the first and the last decile."""
    cuts = quantiles(values, n=DECILES, method="inclusive")
    return cuts[0], cuts[-1]
