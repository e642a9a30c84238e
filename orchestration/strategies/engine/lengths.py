"""How long a model's answers are: from its earlier calls, and a prior where there are few.

Lengths are taken to be log-normal. With x the logarithms of n lengths, each center is shrunk towards the one
before it:

    center = (weight * center before + sum of x) / (weight + n)

from the prior, to the model's calls of the same purpose, to those of them for the same type of task. The
variance is shrunk likewise, and bounded from `ENOUGH` calls on, so that the first and the last decile are at
most a factor of `WIDEST` apart.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from orchestration.llm.engine.types import MILLION, Allowance, Capability, ModelSpec, Purpose
from orchestration.strategies.engine.classification import TaskType

ANSWER_TOKENS: Mapping[TaskType, int] = {
    TaskType.CONVERSATION: 40,
    TaskType.TRANSLATION: 100,
    TaskType.SUMMARIZATION: 150,
    TaskType.REASONING: 200,
    TaskType.ANALYSIS: 250,
    TaskType.GENERATION: 250,
    TaskType.CODE_GENERATION: 300,
    TaskType.CREATIVE: 350,
}
"""Tokens of a usual answer, before any was seen."""
SHORT_REQUEST, SHORTENED = 20, 0.7
"""Tokens below which a request is answered more briefly, and by how much.

In the recorded answers to questions that need reasoning the median is 113 tokens below it and 160 above it.
"""
VERDICT_TOKENS, REVIEW_TOKENS, CLASS_TOKENS = 70, 80, 40
REASONING_FACTOR = 4
"""Tokens of a reasoning model, which are billed with its thoughts, against those of another one."""

PRIOR_WEIGHT, MODEL_WEIGHT = 2.0, 3.0
"""Calls that the center before is worth."""
SPREAD = 0.8
WIDEST = 5
DECILE, QUARTILE = 1.2816, 0.6745
"""Standard deviations from the center to the last decile and to the last quartile."""
WIDEST_SPREAD = math.log(WIDEST) / (2 * DECILE)
FARTHEST_LENGTH = 3.0
"""The factor by which an answer is expected to be longer than usual, or shorter, at most."""
ENOUGH = 4
"""Calls from which on there is a history."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PastCall:
    """The length of an earlier answer and how long it took; `task` is None where it is not known."""

    purpose: Purpose
    tokens: int
    task: TaskType | None = None
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class AnswerLength:
    """How long an answer will be, in tokens; `calls` is the number of earlier ones that say so."""

    center: float
    spread: float
    longest: int
    calls: int

    def at(self, deviations: float) -> int:
        """Return the length so many standard deviations above the usual one."""
        return min(self.longest, max(1, round(math.exp(self.center + deviations * self.spread))))

    @property
    def is_known(self) -> bool:
        """True where there are enough earlier answers."""
        return self.calls >= ENOUGH

    @property
    def likely(self) -> tuple[int, int]:
        """The first and the last decile."""
        return self.at(-DECILE), self.at(DECILE)


def expected_length(
    spec: ModelSpec,
    purpose: Purpose,
    task: TaskType,
    past: Sequence[PastCall] = (),
    *,
    answers: int = 1,
    request: int = SHORT_REQUEST,
) -> AnswerLength:
    """Return how long an answer of a model will be, given its `past` calls.

    `answers` is the number of answers that a judge or reviewer is shown, `request` the tokens of what is
    asked.
    """
    same = [each for each in past if each.purpose is purpose]
    overall = [_log(each.tokens) for each in same]
    alike = [_log(each.tokens) for each in same if each.task is task]
    prior = _prior(spec, purpose, task, answers)
    if purpose is Purpose.ANSWER and request < SHORT_REQUEST:
        prior = round(SHORTENED * prior)
    center = _shrunk(_log(prior), PRIOR_WEIGHT, overall)
    center = _shrunk(center, MODEL_WEIGHT, alike)
    seen = alike if len(alike) >= ENOUGH else overall
    variance = _shrunk(SPREAD**2, PRIOR_WEIGHT, [(length - center) ** 2 for length in seen])
    spread = math.sqrt(variance)
    return AnswerLength(
        center=center,
        spread=min(spread, WIDEST_SPREAD) if len(overall) >= ENOUGH else spread,
        longest=spec.max_output_tokens,
        calls=len(overall),
    )


def length_beside_usual(answers: Iterable[tuple[int, int]]) -> float:
    """Return by what factor answers to one question are longer than usual: how long one more will be.

    Of each the tokens, and those that are usual for its model. The geometric mean of the factors, and of 1
    once, as if there had been one more of the usual length; at most `FARTHEST_LENGTH`, at least its inverse.
    """
    factors = [_log(tokens) - _log(usual) for tokens, usual in answers if tokens]
    farthest = math.log(FARTHEST_LENGTH)
    return math.exp(min(max(sum(factors) / (len(factors) + 1), -farthest), farthest))


def _log(tokens: int) -> float:
    return math.log(max(1, tokens))


def _shrunk(before: float, weight: float, seen: Sequence[float]) -> float:
    return (weight * before + sum(seen)) / (weight + len(seen))


def _prior(spec: ModelSpec, purpose: Purpose, task: TaskType, answers: int) -> int:
    known = {
        Purpose.JUDGE: VERDICT_TOKENS * answers,
        Purpose.RANK: REVIEW_TOKENS,
        Purpose.CLASSIFY: CLASS_TOKENS,
    }
    tokens = known.get(purpose, ANSWER_TOKENS[task])
    return tokens * REASONING_FACTOR if Capability.REASONING in spec.capabilities else tokens


LIMITED = (Purpose.ANSWER, Purpose.JUDGE, Purpose.RANK, Purpose.AGGREGATE, Purpose.CLASSIFY)
LEAST_ROOM = 4
"""The output limit of a call, as a multiple of the expected length; it is more where the money allows."""
SHORTEST_LIMIT = 256
"""Tokens that a call may always write: verdicts and rankings that are cut off cannot be read."""


def allowance(spec: ModelSpec, length: AnswerLength, share_usd: Decimal) -> Allowance:
    """Return what a call may write in a run with a money limit, of which `share_usd` falls to the call.

    Three of four answers are no longer than expected. Where there is no history a model is not refused for a
    guess: then no more is expected than the call's share pays for, down to the shorter quarter.
    """
    affordable = spec.max_output_tokens
    if spec.prices is not None and spec.prices.output_per_million:  # what is read is not counted
        affordable = int(share_usd * MILLION / spec.prices.output_per_million)
    usual = length.at(QUARTILE if length.is_known else 0)
    most = max(LEAST_ROOM * usual, SHORTEST_LIMIT, affordable)
    expected = usual if length.is_known else min(usual, max(length.at(-QUARTILE), affordable))
    return Allowance(expected=expected, most=min(most, spec.max_output_tokens))
