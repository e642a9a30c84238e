"""Profiles of models for a type of task: from the prior and the evidence of runs, and the ranking by them.

    quality = (prior * PRIOR_WEIGHT + sum of weighted estimates) / (PRIOR_WEIGHT + sum of weights)

and likewise for success and seconds: the mean of a Beta-like distribution whose pseudo-counts are the
prior's. The prior depends on tier, price and whether the model reasons; nothing else in the registry is
evidence of quality.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal

from pydantic import TypeAdapter

from orchestration.llm.engine.types import Capability, Json, ModelSpec, Purpose, Tier, Usage
from orchestration.runs.engine.budget import price
from orchestration.strategies.engine.belief.model import Tried
from orchestration.strategies.engine.classification import TaskType
from orchestration.strategies.engine.lengths import PastCall, expected_length
from orchestration.strategies.engine.quality.scoring import DISQUALIFIED_AT_MOST


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """Sums over the calls of a model, which can be added and subtracted.

    `asked` counts calls whose result depended on the model, `answered` usable answers among them; `timed`
    counts the answers that `seconds` and tokens are summed over; `quality` sums estimates (0 to 1), each
    times its weight, and `judged` the weights. `right` and `graded` are the part of these that rests on
    judges and ratings: a belief must not take for a record what agreement alone made it believe.
    """

    asked: int = 0
    answered: int = 0
    timed: int = 0
    seconds: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0
    quality: float = 0.0
    judged: float = 0.0
    right: float = 0.0
    graded: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """What to expect of a model: quality and probability of a usable answer (0 to 1), seconds, US dollars.

    `cost_usd` is None without a price. `evidence` is the weight of judged answers and ratings that the
    quality is learned from, and `estimated` the sum of their estimates; `asked` is the number of calls for
    the rest. All are 0 for a mere prior. `right` of `graded` is what judges and ratings say alone. What of
    either is known by kind of question stands in `seeming_kinds` and `graded_kinds`. `written` is the mean
    number of tokens of its answers.
    """

    task: TaskType
    quality: float
    success: float
    seconds: float
    cost_usd: Decimal | None = None
    evidence: float = 0.0
    asked: int = 0
    right: float = 0.0
    graded: float = 0.0
    estimated: float = 0.0
    graded_kinds: Mapping[str, Tried] = field(default_factory=dict)
    seeming_kinds: Mapping[str, Tried] = field(default_factory=dict)
    written: float = 0.0

    @property
    def expected(self) -> float:
        """The expected quality of a call: a failure counts 0."""
        return self.quality * self.success


Profiles = Mapping[str, Sequence[Profile]]
"""The profiles of models, by name, for each type of task."""
PRIOR_WEIGHT = 4.0
"""The number of judged answers that the prior of the quality is worth."""
SUCCESS, SUCCESS_WEIGHT = 0.95, 5.0
SECONDS_WEIGHT = 2.0
TOKENS_READ = 300
"""Tokens that a call reads where none was observed yet."""
MOST_COUNTED = 20
"""Calls for a type of task that count for the length of an answer."""

QUALITY: Mapping[Tier, float] = {Tier.SMALL: 0.62, Tier.MEDIUM: 0.72, Tier.LARGE: 0.8}
SECONDS: Mapping[Tier, float] = {Tier.SMALL: 2.0, Tier.MEDIUM: 4.0, Tier.LARGE: 8.0}
USUAL_PRICE: Mapping[Tier, float] = {Tier.SMALL: 0.5, Tier.MEDIUM: 2.0, Tier.LARGE: 10.0}
"""US dollars per million tokens, read and written in equal parts."""
PRICE_EFFECT = 0.03
"""Added to the quality of a model at ten times the usual price of its tier, subtracted at a tenth of it."""
REASONING_EFFECT = 0.04
"""Added to the quality of a reasoning model in tasks that need reasoning."""
NEEDS_REASONING = frozenset({TaskType.REASONING, TaskType.CODE_GENERATION, TaskType.ANALYSIS})
NO_KINDS: Mapping[str, Evidence] = {}
STORED = TypeAdapter(list[Profile])
"""Profiles of a model as a run froze them."""


def expectation(spec: ModelSpec, task: TaskType, by_kind: Mapping[str, Evidence] = NO_KINDS) -> Profile:
    """Return what to expect of a model for a type of task, given the evidence of its calls.

    Evidence stands by kind of question; what has none under an empty one.
    """
    shown, kinds = plus(*by_kind.values()), {kind: each for kind, each in by_kind.items() if kind}
    return Profile(
        task=task,
        quality=_blend(_prior_quality(spec, task), PRIOR_WEIGHT, shown.quality, shown.judged),
        success=_blend(SUCCESS, SUCCESS_WEIGHT, shown.answered, shown.asked),
        seconds=_blend(SECONDS[spec.tier], SECONDS_WEIGHT, shown.seconds, shown.timed),
        cost_usd=_cost(spec, task, shown),
        evidence=shown.judged,
        right=shown.right,
        graded=shown.graded,
        estimated=shown.quality,
        asked=shown.asked,
        graded_kinds={kind: Tried(right=each.right, seen=each.graded) for kind, each in kinds.items()},
        seeming_kinds={kind: Tried(right=each.quality, seen=each.judged) for kind, each in kinds.items()},
        written=shown.output_tokens / shown.timed if shown.timed else 0.0,
    )


def profile_for(spec: ModelSpec, task: TaskType, known: Iterable[Profile] = ()) -> Profile:
    """Return the `known` profile of the model for the task, else the prior."""
    found = (profile for profile in known if profile.task is task)
    return next(found, None) or expectation(spec, task)


def usual_length(spec: ModelSpec, task: TaskType, read: int, known: Iterable[Profile]) -> int:
    """Return how many tokens a model usually writes in answer to a request of so many, for a type of task.

    By its `known` profiles of all types.
    """
    past = [
        PastCall(purpose=Purpose.ANSWER, tokens=round(each.written), task=each.task)
        for each in known
        if each.written
        for _ in range(min(each.asked, MOST_COUNTED))
    ]
    return expected_length(spec, Purpose.ANSWER, task, past, request=read).at(0)


def answer_cost(
    spec: ModelSpec, task: TaskType, read: int, known: Iterable[Profile], longer: float = 1.0
) -> Decimal | None:
    """Return what an answer to a request of so many tokens costs, None without a price.

    It is taken to be `longer` than usual by a factor.
    """
    written = round(longer * usual_length(spec, task, read, known))
    return price(spec, Usage(input_tokens=read, output_tokens=min(written, spec.max_output_tokens)))


def _blend(prior: float, weight: float, total: float, count: float) -> float:
    return (prior * weight + total) / (weight + count)


def _prior_quality(spec: ModelSpec, task: TaskType) -> float:
    """Return the quality by the registry; a price of zero (a self-hosted model) or none says nothing."""
    found, prices = QUALITY[spec.tier], spec.prices
    mean = float(prices.input_per_million + prices.output_per_million) / 2 if prices else 0.0
    if mean > 0:
        decades = math.log10(mean / USUAL_PRICE[spec.tier])
        found += PRICE_EFFECT * min(max(decades, -1.0), 1.0)
    if Capability.REASONING in spec.capabilities and task in NEEDS_REASONING:
        found += REASONING_EFFECT
    return found


def _cost(spec: ModelSpec, task: TaskType, shown: Evidence) -> Decimal | None:
    """Return the cost of a call of the usual length at the model's price of today."""
    if not shown.timed:
        return answer_cost(spec, task, TOKENS_READ, ())
    read, written = (round(each / shown.timed) for each in (shown.input_tokens, shown.output_tokens))
    return price(spec, Usage(input_tokens=read, output_tokens=written))


JUDGED, AGREED, RATED = 1.0, 0.5, 2.0
"""Weights of an estimate by judges, of one by agreement with other answers, and of a member's rating."""
PRIOR_ESTIMATE = 0.7
"""The estimate of an answer without any evidence, in runs that do not say what was judged."""
SETUP_ERRORS = frozenset(
    {"address_refused", "authentication_rejected", "circuit_open", "context_window_exceeded"}
    | {"model_not_found", "model_unavailable", "request_rejected"}
)
"""Codes of errors that depend on how a model is set up or what it was sent, not on the model itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ObservedAttempt:
    """The last attempt of a step that asked a model for an answer; `code` is that of its error."""

    step: str
    done: bool
    code: str = ""
    seconds: float | None = None
    input_tokens: int = 0
    output_tokens: int = 0


def observed(
    attempts: Iterable[ObservedAttempt],
    candidates: Mapping[str, Mapping[str, Json]],
    consensus: Mapping[str, Json],
) -> Evidence:
    """Return the evidence of a model's attempts, given the run's candidates by step and its consensus."""
    total = Evidence()
    for attempt in attempts:
        if attempt.done:
            answer = Evidence(asked=1, answered=1)
            if attempt.seconds is not None:
                answer = replace(
                    answer,
                    timed=1,
                    seconds=attempt.seconds,
                    input_tokens=attempt.input_tokens,
                    output_tokens=attempt.output_tokens,
                )
            total = plus(total, answer, _quality_evidence(candidates.get(attempt.step, {}), consensus))
        elif attempt.code not in SETUP_ERRORS:
            total = plus(total, Evidence(asked=1))
    return total


def rating_evidence(ratings: Iterable[int]) -> Evidence:
    """Return the evidence of members' ratings (1 or -1) for the model whose answer was given."""
    votes = list(ratings)
    liked, rated = RATED * sum(vote > 0 for vote in votes), RATED * len(votes)
    return Evidence(quality=liked, judged=rated, right=liked, graded=rated)


def plus(*parts: Evidence) -> Evidence:
    """Return the sum of evidence."""
    return Evidence(**{f.name: sum(getattr(part, f.name) for part in parts) for f in fields(Evidence)})


def minus(whole: Evidence, part: Evidence) -> Evidence:
    """Return `whole` without `part`."""
    return Evidence(**{f.name: getattr(whole, f.name) - getattr(part, f.name) for f in fields(Evidence)})


def _quality_evidence(candidate: Mapping[str, Json], consensus: Mapping[str, Json]) -> Evidence:
    """Return the evidence of an answer's quality, none if not judged; disqualified it is no answer."""
    quality = candidate.get("quality") or {}
    if quality and quality["overall"] <= DISQUALIFIED_AT_MOST:
        return Evidence(answered=-1)
    if quality.get("accuracy") is not None:
        found = JUDGED * quality["overall"]
        return Evidence(quality=found, judged=JUDGED, right=found, graded=JUDGED)
    if quality and quality.get("judged", quality["overall"] != PRIOR_ESTIMATE):
        return Evidence(quality=AGREED * quality["overall"], judged=AGREED)
    if candidate and consensus:
        dissents = candidate["model"] in consensus.get("dissenters", ())
        agreement = consensus["agreement"]
        return Evidence(quality=AGREED * ((1.0 - agreement) if dissents else agreement), judged=AGREED)
    return Evidence()
