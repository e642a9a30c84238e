"""What a run shows of a model: from its calls and what became of its answers to sums that add up."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

from orchestration.engine.errors import (
    AddressRefused,
    AuthenticationRejected,
    CircuitOpen,
    ContextWindowExceeded,
    ModelNotFound,
    ModelUnavailable,
    RequestRejected,
)
from orchestration.engine.quality.scoring import DISQUALIFIED_AT_MOST, PRIOR
from orchestration.engine.routing.profile import Evidence
from orchestration.engine.types import Json

JUDGED, AGREED, RATED = 1.0, 0.5, 2.0
"""What an estimate counts that judges stand behind, one that rests on other answers, a member's rating."""
SAYS_NOTHING = round(1.0 / (1.0 + math.exp(-PRIOR)), 4)
"""The estimate of an answer of which nothing is known."""
_NOT_ITS_FAULT = (
    AddressRefused(),
    AuthenticationRejected(),
    CircuitOpen("", retry_in_s=0.0),
    ContextWindowExceeded(),
    ModelNotFound(),
    ModelUnavailable(),
    RequestRejected(),
)
NOT_ITS_FAULT = frozenset(error.code for error in _NOT_ITS_FAULT)
"""Errors that say how a model is set up or what it was sent, not how well it does."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """The last attempt of a step that asked a model for an answer; `code` is its error's."""

    step: str
    done: bool
    code: str = ""
    seconds: float | None = None
    input_tokens: int = 0
    output_tokens: int = 0


def observed(
    attempts: Iterable[Attempt], candidates: Mapping[str, Mapping[str, Json]], consensus: Mapping[str, Json]
) -> Evidence:
    """Return what a model's attempts show, given the run's candidates by step and its consensus."""
    total = Evidence()
    for attempt in attempts:
        if attempt.done:
            candidate = candidates.get(attempt.step, {})
            total = plus(total, _of_answer(attempt), _of_quality(candidate, consensus))
        elif attempt.code not in NOT_ITS_FAULT:
            total = plus(total, Evidence(asked=1))
    return total


def liking(ratings: Iterable[int]) -> Evidence:
    """Return what members' ratings (1 or -1) say of the model whose answer was given."""
    votes = list(ratings)
    return Evidence(quality=RATED * sum(vote > 0 for vote in votes), judged=RATED * len(votes))


def plus(*parts: Evidence) -> Evidence:
    """Add evidence up."""
    return Evidence(**{f.name: sum(getattr(part, f.name) for part in parts) for f in fields(Evidence)})


def minus(whole: Evidence, part: Evidence) -> Evidence:
    """Take evidence back."""
    return Evidence(**{f.name: getattr(whole, f.name) - getattr(part, f.name) for f in fields(Evidence)})


def _of_answer(attempt: Attempt) -> Evidence:
    if attempt.seconds is None:
        return Evidence(asked=1, answered=1)
    return Evidence(
        asked=1,
        answered=1,
        timed=1,
        seconds=attempt.seconds,
        input_tokens=attempt.input_tokens,
        output_tokens=attempt.output_tokens,
    )


def _of_quality(candidate: Mapping[str, Json], consensus: Mapping[str, Json]) -> Evidence:
    """Return what is known of an answer's quality.

    One that the checks disqualify is no answer. An estimate that nothing has moved says nothing.
    """
    quality = candidate.get("quality") or {}
    if quality and quality["overall"] <= DISQUALIFIED_AT_MOST:
        return Evidence(answered=-1)
    if quality.get("accuracy") is not None:
        return Evidence(quality=JUDGED * quality["overall"], judged=JUDGED)
    if quality and quality["overall"] != SAYS_NOTHING:
        return Evidence(quality=AGREED * quality["overall"], judged=AGREED)
    if candidate and consensus:
        dissents = candidate["model"] in consensus.get("dissenters", ())
        agreement = consensus["agreement"]
        return Evidence(quality=AGREED * ((1.0 - agreement) if dissents else agreement), judged=AGREED)
    return Evidence()
