"""Evidence for or against an answer, and the one probability that it adds up to.

    log-odds(acceptable) = PRIOR + sum of the checks' effects + agreement's effect + mean over judges of
        confidence * (ACCURACY_WEIGHT * (accuracy - MIDDLE) + REST_WEIGHT * (mean of the others - MIDDLE))

The prior says that 70 % of unremarkable answers are acceptable, about what capable models reach on mixed
questions. The weights are set by hand so that 9 of 10 from a judge gives 0.95, and an accuracy of 1 to 2 of
10 in an otherwise good answer 0.3. An answer's length and speed have no effect.

Agreement of independent answers: every question has a difficulty that all models share. Each is right with a
probability p drawn from Beta(SAMPLE * BASE, SAMPLE * (1 - BASE)), where BASE is the prior above; a wrong one
makes one of m equally likely mistakes, m being 3, or half the number of answers above six. When s of n
answers are equal:

    weight of "these s are right"    = E[p^s (1 - p)^(n - s)] / m^(n - s)
    weight of "none given is right"  = E[(1 - p)^n] / m^n, times the answers that nobody gave

and their shares of the sum are probabilities: the larger of two groups is more likely right, and one more
equal answer never lowers its probability. A single answer keeps BASE. Of five answers, all equal give 0.99,
three against two different ones 0.72, five different ones 0.16 each. Models learn from the same texts, so
that the probability is bounded by SUREST. Nothing here is learned; the constants are round numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain

from orchestration.llm.engine.types import FinishReason
from orchestration.strategies.engine.consensus.extraction import extract_answer
from orchestration.strategies.engine.consensus.grouping import Group, comparable_groups
from orchestration.strategies.engine.types import Candidate, Quality


class Dimension(StrEnum):
    """The five dimensions of an answer's quality."""

    COHERENCE = "coherence"
    RELEVANCE = "relevance"
    COMPLETENESS = "completeness"
    ACCURACY = "accuracy"
    FLUENCY = "fluency"


@dataclass(frozen=True, kw_only=True, slots=True)
class ExaminedAnswer:
    """An answer to be checked, with its question and instructions."""

    question: str
    text: str
    instructions: str = ""
    finish: FinishReason | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """The result of one check.

    `evidence` is a sentence, `effect` is added to the log-odds of being acceptable, `bounds` (0 to 1) cap the
    dimensions it concerns. A `disqualifying` finding makes the answer unusable whatever else is found.
    One on agreement says that `agreeing` of the `compared` answers are equal, this one included.
    """

    check: str
    evidence: str
    effect: float
    bounds: Mapping[Dimension, float] = field(default_factory=dict)
    disqualifying: bool = False
    agreeing: int = 0
    compared: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgeRating:
    """The rating of one answer by one judge.

    `scores` are 0 to 1; `confidence` is 1 when repeated verdicts agreed, less the more they differed.
    """

    judge: str
    scores: Mapping[Dimension, float]
    confidence: float = 1.0
    reason: str = ""
    remark: str = ""


BASE = 0.7
PRIOR = math.log(BASE / (1 - BASE))
ACCURACY_WEIGHT = 5.0
REST_WEIGHT = 2.0
MIDDLE = 0.6
DISQUALIFIED_AT_MOST = 0.05


def combine(
    findings: Sequence[Finding],
    ratings: Sequence[JudgeRating],
    remarks: Sequence[str] = (),
    *,
    agreement: Finding | None = None,
) -> Quality:
    """Return the probability that an answer is acceptable, with all evidence in words."""
    moves = [rating.confidence * _move(rating) for rating in ratings]
    moved = sum(finding.effect for finding in findings) + (sum(moves) / len(moves) if moves else 0.0)
    moved += agreement.effect if agreement is not None else 0.0
    overall = 1.0 / (1.0 + math.exp(-(PRIOR + moved)))
    usable = not any(finding.disqualifying for finding in findings)
    if not usable:
        overall = min(overall, DISQUALIFIED_AT_MOST)
    return Quality(
        overall=round(overall, 4),
        judged=bool(findings or ratings or agreement),
        usable=usable,
        agreeing=agreement.agreeing if agreement is not None else 0,
        compared=agreement.compared if agreement is not None else 0,
        evidence=(*_in_words(findings, ratings, agreement), *remarks),
        **{dimension.value: _dimension(dimension, findings, ratings) for dimension in Dimension},
    )


def _move(rating: JudgeRating) -> float:
    """Return what a judge's scores add to the log-odds; a missing dimension adds nothing."""
    accuracy = rating.scores.get(Dimension.ACCURACY, MIDDLE)
    rest = [score for dimension, score in rating.scores.items() if dimension is not Dimension.ACCURACY]
    mean = sum(rest) / len(rest) if rest else MIDDLE
    return ACCURACY_WEIGHT * (accuracy - MIDDLE) + REST_WEIGHT * (mean - MIDDLE)


def _dimension(
    dimension: Dimension, findings: Sequence[Finding], ratings: Sequence[JudgeRating]
) -> float | None:
    """Return the judges' mean, bounded by the checks; None where there is no evidence."""
    scores = [rating.scores[dimension] for rating in ratings if dimension in rating.scores]
    bounds = [finding.bounds[dimension] for finding in findings if dimension in finding.bounds]
    mean = [sum(scores) / len(scores)] if scores else []
    return round(min(mean + bounds), 4) if mean or bounds else None


def _in_words(
    findings: Sequence[Finding], ratings: Sequence[JudgeRating], agreement: Finding | None
) -> list[str]:
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


SAMPLE = 2.0
FEWEST_MISTAKES = 3
SUREST = 0.99
LONGEST_SHOWN = 60


def compare_answers(question: str, candidates: Sequence[Candidate]) -> Mapping[str, Finding]:
    """Return for each answer that can be compared, by its step, the evidence of the other answers.

    Free text that occurs once does not disagree: it may mean the same in different words. It is left out,
    unless most answers can be compared: then it counts as one more, different from all of them.
    """
    answers = [
        extract_answer(each.text, question=question, cut_off=each.finish is FinishReason.LENGTH)
        for each in candidates
    ]
    groups = comparable_groups(answers)
    if sum(len(group.members) for group in groups) < 2:  # noqa: PLR2004
        return {}
    sizes = [len(group.members) for group in groups]
    found = {
        candidates[member].step: _finding(group, chance, groups)
        for group, chance in zip(groups, group_probabilities(sizes), strict=True)
        for member in group.members
    }
    silent = [candidate for candidate in candidates if candidate.step not in found]
    if silent and sum(sizes) > len(silent):
        found |= dict.fromkeys((each.step for each in silent), _unlike(groups))
    return found


def group_probabilities(sizes: Sequence[int]) -> list[float]:
    """Return for each group of equal answers, given by size, the probability that it is right."""
    total = sum(sizes)
    mistakes = max(FEWEST_MISTAKES, total / 2)
    left = max(1.0, mistakes + 1 - len(sizes))
    weights = [_log_weight(size, total, mistakes) for size in sizes]
    none = _log_weight(0, total, mistakes) + math.log(left)
    highest = max(*weights, none)
    odds = [math.exp(weight - highest) for weight in weights]
    return [each / (sum(odds) + math.exp(none - highest)) for each in odds]


def _log_weight(right: int, total: int, mistakes: float) -> float:
    """Return the log-probability of `right` right answers and the others spread over mistakes."""
    able, unable = SAMPLE * BASE, SAMPLE * (1 - BASE)
    wrong = total - right
    rises = chain((able + step for step in range(right)), (unable + step for step in range(wrong)))
    falls = (SAMPLE + step for step in range(total))
    return sum(map(math.log, rises)) - sum(map(math.log, falls)) - wrong * math.log(mistakes)


def _finding(group: Group, chance: float, groups: Sequence[Group]) -> Finding:
    total, size = sum(len(each.members) for each in groups), len(group.members)
    others = [each for each in groups if each is not group]
    words = f"{size} of {total} comparable answers: {_shown(group)}."
    if others:
        rival = max(others, key=lambda each: len(each.members))
        words = f"{words} The strongest other: {_shown(rival)}, {len(rival.members)} of {total}."
    return Finding(check="agreement", evidence=words, effect=_effect(chance), agreeing=size, compared=total)


def _unlike(groups: Sequence[Group]) -> Finding:
    """Return the finding for an answer that none of the others equals: a further group of one."""
    sizes = [len(group.members) for group in groups]
    leader = max(groups, key=lambda each: len(each.members))
    words = (
        "No answer like the others' can be read in it."
        f" The strongest: {_shown(leader)}, {len(leader.members)} of {sum(sizes)}."
    )
    effect = _effect(group_probabilities([*sizes, 1])[-1])
    return Finding(check="agreement", evidence=words, effect=effect)


def _effect(chance: float) -> float:
    """Return what a probability adds to the prior log-odds."""
    bounded = min(max(chance, 1 - SUREST), SUREST)
    return math.log(bounded / (1 - bounded)) - PRIOR


def _shown(group: Group) -> str:
    text = " ".join(group.raw.split())
    return f"“{text}”" if len(text) <= LONGEST_SHOWN else f"“{text[:LONGEST_SHOWN]}…”"
