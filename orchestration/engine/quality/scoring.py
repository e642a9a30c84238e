"""From evidence to one probability: a logistic combination with stated weights.

    log-odds(acceptable) = PRIOR + sum of the checks' effects + agreement's effect + mean over judges of
        confidence * (ACCURACY_WEIGHT * (accuracy - MIDDLE) + REST_WEIGHT * (mean of the others - MIDDLE))

The prior says that 70 % of unremarkable answers are acceptable, about what capable models reach on mixed
questions; `agreement` says how far the answers of others move that. The weights are set by hand so that 9 of
10 from a judge means 0.95, and an accuracy of 1 to 2 of 10 in an otherwise smooth answer means 0.3. An
answer's length and speed do not enter.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from orchestration.engine.quality.evidence import Dimension, Finding, Rating
from orchestration.engine.types import Quality

BASE = 0.7
PRIOR = math.log(BASE / (1 - BASE))
ACCURACY_WEIGHT = 5.0
REST_WEIGHT = 2.0
MIDDLE = 0.6
DISQUALIFIED_AT_MOST = 0.05


def log_odds(probability: float) -> float:
    """Return the log-odds of a probability between 0 and 1."""
    return math.log(probability / (1 - probability))


def combine(
    findings: Sequence[Finding],
    ratings: Sequence[Rating],
    remarks: Sequence[str] = (),
    *,
    agreement: Finding | None = None,
) -> Quality:
    """Return the estimate that an answer is acceptable, with everything it rests on in words."""
    moved = sum(finding.effect for finding in findings) + _judged(ratings)
    moved += agreement.effect if agreement is not None else 0.0
    overall = 1.0 / (1.0 + math.exp(-(PRIOR + moved)))
    if any(finding.disqualifying for finding in findings):
        overall = min(overall, DISQUALIFIED_AT_MOST)
    scores = {dimension: _dimension(dimension, findings, ratings) for dimension in Dimension}
    return Quality(
        overall=round(overall, 4),
        coherence=scores[Dimension.COHERENCE],
        relevance=scores[Dimension.RELEVANCE],
        completeness=scores[Dimension.COMPLETENESS],
        accuracy=scores[Dimension.ACCURACY],
        fluency=scores[Dimension.FLUENCY],
        evidence=(*_in_words(findings, ratings, agreement), *remarks),
    )


def _judged(ratings: Sequence[Rating]) -> float:
    moves = [rating.confidence * _move(rating) for rating in ratings]
    return sum(moves) / len(moves) if moves else 0.0


def _move(rating: Rating) -> float:
    """Return how a judge's scores move the log-odds; a dimension it left out moves nothing."""
    accuracy = rating.scores.get(Dimension.ACCURACY, MIDDLE)
    rest = [score for dimension, score in rating.scores.items() if dimension is not Dimension.ACCURACY]
    mean = sum(rest) / len(rest) if rest else MIDDLE
    return ACCURACY_WEIGHT * (accuracy - MIDDLE) + REST_WEIGHT * (mean - MIDDLE)


def _dimension(dimension: Dimension, findings: Sequence[Finding], ratings: Sequence[Rating]) -> float | None:
    """Return the judges' mean, bounded by what the checks found; None where neither says anything."""
    said = [rating.scores[dimension] for rating in ratings if dimension in rating.scores]
    bounds = [finding.bounds[dimension] for finding in findings if dimension in finding.bounds]
    mean = [sum(said) / len(said)] if said else []
    return round(min(mean + bounds), 4) if mean or bounds else None


def _in_words(findings: Sequence[Finding], ratings: Sequence[Rating], agreement: Finding | None) -> list[str]:
    words = [finding.evidence for finding in findings] or ["The checks found nothing wrong."]
    words += [agreement.evidence] if agreement is not None else []
    for rating in ratings:
        words.append(f"{rating.judge}: {rating.reason}" if rating.reason else f"Scored by {rating.judge}.")
        if rating.remark:
            words.append(rating.remark)
    if not ratings:
        rest = "the checks alone" if agreement is None else "the checks and on the other answers"
        words.append(f"No judge scored it: this rests on {rest}.")
    return words
