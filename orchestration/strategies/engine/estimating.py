"""The estimated cost and time of a request: the calls that it makes, or may make, added up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import reduce
from itertools import cycle, islice
from math import sqrt
from operator import add
from statistics import median, quantiles

from orchestration.llm.engine.types import ModelSpec, Purpose, Usage
from orchestration.runs.engine.budget import price
from orchestration.strategies.engine.classification import TaskType
from orchestration.strategies.engine.effort import Effort, Span
from orchestration.strategies.engine.lengths import ENOUGH, WIDEST, PastCall, expected_length
from orchestration.strategies.engine.types import Number

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
    """What a call, or all calls of a request, will probably cost and take, without a fallback strategy.

    Money is US dollars for the models that have a price (None when none has). Where `is_known`, all of these
    have a history: then the range is at most a factor of five wide, and lies where the strategy's earlier
    runs do. `cost_most` is what all calls cost that may be made. Seconds are None without history. `tokens`
    are those that are written. `may_review` is True when each model may be called once more, for a review.
    """

    cost_low: Decimal | None
    cost_high: Decimal | None
    seconds_low: float | None
    seconds_high: float | None
    unpriced: tuple[str, ...] = ()
    calls_low: int = 1
    calls_high: int = 1
    tokens: Span = (0, 0)
    may_review: bool = False
    is_known: bool = True
    cost_most: Decimal | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """What calls are estimated by: the task, tokens of the request, those `read` of answers, past calls."""

    task: TaskType
    words: int
    past: Mapping[str, Sequence[PastCall]]
    answers: int = 0
    read: Span = (0, 0)

    def call(self, spec: ModelSpec, purpose: Purpose, answers: int = 0) -> Estimate:
        """Estimate one call that is shown so many of the answers.

        Without a history an answer may also be a short one, whatever the type of task. What helpers write is
        short and has a form: for that the prior does.
        """
        seen = self.past.get(spec.name, ())
        length = expected_length(spec, purpose, self.task, seen, answers=max(1, answers), request=self.words)
        is_known = length.is_known or purpose is not Purpose.ANSWER
        low, high = length.likely
        written = (low if is_known else min(SHORT_ANSWER_TOKENS, low), high)
        told = self.words + INSTRUCTIONS.get(purpose, 0)
        part = answers / max(1, self.answers)
        cost_low, cost_high = (
            price(spec, Usage(input_tokens=told + round(read * part), output_tokens=tokens))
            for read, tokens in zip(self.read, written, strict=True)
        )
        took = [each.seconds for each in seen if each.purpose is purpose]
        cuts = quantiles(took, n=DECILES, method="inclusive") if len(took) >= ENOUGH else [None]
        return Estimate(
            cost_low=cost_low,
            cost_high=cost_high,
            seconds_low=cuts[0],
            seconds_high=cuts[-1],
            unpriced=(spec.name,) if cost_low is None else (),
            tokens=written,
            is_known=is_known or cost_low is None,
        )


def add_up(
    draft: Draft, effort: Effort, panel: Sequence[ModelSpec], known: Mapping[str, ModelSpec]
) -> Estimate:
    """Add up all calls that are made, or may be: models answer, answer again and review, and others help."""
    answers = [draft.call(spec, Purpose.ANSWER) for spec in panel]
    draft = replace(draft, read=at_once(answers).tokens)
    again = [draft.call(spec, Purpose.AGGREGATE, len(panel)) for spec in panel]
    reviews = [draft.call(spec, Purpose.RANK, len(panel) - 1) for spec in panel]
    stages = [
        in_waves(answers, effort.answers, effort.at_once),
        in_waves(again, effort.again, len(panel)),
        in_waves(reviews, effort.reviews, effort.reviews_at_once),
    ]
    for each in effort.helping:
        call = draft.call(known[each.model], each.purpose, each.answers)
        stages.append(in_waves([call], each.calls, size=each.calls[1]))
    whole = in_order(stages)
    if whole.seconds_low is None:
        whole = replace(whole, seconds_high=None)
    return replace(whole, may_review=effort.may_review, cost_most=whole.cost_high)


def reach(effort: Effort, calls: Sequence[float], panel: int) -> float:
    """Return how far (0 to 1) most runs go from fewest to most calls; `calls` are those for each member."""
    few, most = effort.calls
    if most == few:
        return 0.0
    gone = [min(1.0, max(0.0, (each * panel - few) / (most - few))) for each in calls]
    return median([*gone, *ASSUMED])


def narrowed(whole: Estimate, at: float) -> Estimate:
    """Return the estimate with ranges at most a factor of five wide, around what is `at` a share of them."""
    cost_low, cost_high = _within(whole.cost_low, whole.cost_high, at=at)
    seconds = (None if each is None else Decimal(each) for each in (whole.seconds_low, whole.seconds_high))
    soonest, latest = (None if each is None else float(each) for each in _within(*seconds, at=at))
    return replace(whole, cost_low=cost_low, cost_high=cost_high, seconds_low=soonest, seconds_high=latest)


def _within(low: Decimal | None, high: Decimal | None, *, at: float) -> tuple[Decimal | None, Decimal | None]:
    """Return a narrower range; one that begins at nothing, as with models that are free, stays."""
    if not low or high is None or high <= WIDEST * low:
        return low, high
    center = low + (high - low) * Decimal(at)
    first = min(max(low, center / Decimal(sqrt(WIDEST))), high / WIDEST)
    return first, WIDEST * first


def in_waves(calls: Sequence[Estimate], made: Span, size: int) -> Estimate:
    """Add up calls, in turn and `size` at a time, of which the fewest to the most of a span are made."""
    (few, most), size = made, max(1, size)
    turns = list(islice(cycle(calls), most))
    waves = [at_once(turns[start : start + size]) for start in range(0, len(turns), size)]
    first, whole = at_once(turns[:few]), in_order(waves)
    needed = in_order(waves[: -(-few // size)])
    nothing = None if whole.cost_low is None else Decimal(0)
    return replace(
        whole,
        cost_low=first.cost_low if few else nothing,
        seconds_low=needed.seconds_low,
        calls_low=first.calls_low,
        tokens=(first.tokens[0], whole.tokens[1]),
    )


def at_once(parts: Sequence[Estimate]) -> Estimate:
    """Add up what is done at the same time."""
    return _joined(parts, max)


def in_order(parts: Sequence[Estimate]) -> Estimate:
    """Add up what is done one after the other."""
    return _joined(parts, add)


def _joined(parts: Sequence[Estimate], lasting: Callable[[float, float], float]) -> Estimate:
    return Estimate(
        cost_low=_known((each.cost_low for each in parts), add),
        cost_high=_known((each.cost_high for each in parts), add),
        seconds_low=_known((each.seconds_low for each in parts), lasting),
        seconds_high=_known((each.seconds_high for each in parts), lasting),
        unpriced=tuple(dict.fromkeys(name for each in parts for name in each.unpriced)),
        calls_low=sum(each.calls_low for each in parts),
        calls_high=sum(each.calls_high for each in parts),
        tokens=(sum(each.tokens[0] for each in parts), sum(each.tokens[1] for each in parts)),
        is_known=all(each.is_known for each in parts),
    )


def _known(amounts: Iterable[Number | None], join: Callable[[Number, Number], Number]) -> Number | None:
    """Join the amounts that are known; None without one."""
    known = [each for each in amounts if each is not None]
    return reduce(join, known) if known else None
