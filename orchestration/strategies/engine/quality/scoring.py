"""Evidence for or against an answer, and the one probability that it adds up to.

    log-odds(acceptable) = log-odds(believed) + sum of the checks' effects + mean over judges of
        confidence * JUDGE_WEIGHT * (score by the judge's rubric - MIDDLE)

What is believed is the posterior of the answer's group among the others, or that of the answer alone, see
`belief`. The weights of checks and judges are set by hand so that 9 of 10 from a judge gives 0.95, and an
accuracy of 1 to 2 of 10 in an otherwise good answer 0.3. An answer's speed has no effect.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from orchestration.llm.engine.types import FinishReason
from orchestration.strategies.engine.belief.model import BASE, Belief, Likelihood, logit
from orchestration.strategies.engine.belief.reading import QuestionTraits, ReadAnswer
from orchestration.strategies.engine.consensus.answers import AnswerKind
from orchestration.strategies.engine.quality.rubrics import FIVE_DIMENSIONS, MIDDLE, Dimension, Rubric
from orchestration.strategies.engine.types import Judgement, Quality, listed, percent


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
    """

    check: str
    evidence: str
    effect: float
    bounds: Mapping[Dimension, float] = field(default_factory=dict)
    disqualifying: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreement:
    """What the other answers say of one: the probability that it is `right`, with its reasons as `evidence`.

    `agreeing` of the `compared` answers are equal, this one included; both are 0 for an answer that nothing
    can be read in.
    """

    right: float
    evidence: str
    agreeing: int = 0
    compared: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgeRating:
    """The rating of one answer by one judge.

    `scores` are 0 to 1, by the keys of the rubric's criteria; `confidence` is 1 when repeated verdicts
    agreed, less the more they differed.
    """

    judge: str
    scores: Mapping[str, float]
    rubric: Rubric = FIVE_DIMENSIONS
    confidence: float = 1.0
    reason: str = ""
    remark: str = ""

    @property
    def judgement(self) -> Judgement:
        """What a run keeps of the rating."""
        return Judgement(
            judge=self.judge,
            rubric=self.rubric.name,
            version=self.rubric.version,
            score=round(self.rubric.score(self.scores), 4),
            confidence=round(self.confidence, 4),
            scores={key: round(score, 4) for key, score in self.scores.items()},
            reason=self.reason,
        )


JUDGE_WEIGHT = 7.0
DISQUALIFIED_AT_MOST = 0.05


def combine(
    findings: Sequence[Finding],
    ratings: Sequence[JudgeRating],
    remarks: Sequence[str] = (),
    *,
    believed: float = BASE,
    agreement: Agreement | None = None,
) -> Quality:
    """Return the quality, with evidence in words; `believed` is how likely one alone is right."""
    moves = [JUDGE_WEIGHT * r.confidence * (r.rubric.score(r.scores) - MIDDLE) for r in ratings]
    moved = sum(finding.effect for finding in findings) + (sum(moves) / len(moves) if moves else 0.0)
    others = agreement or Agreement(right=believed, evidence="")
    overall = 1.0 / (1.0 + math.exp(-(logit(others.right) + moved)))
    usable = not any(finding.disqualifying for finding in findings)
    if not usable:
        overall = min(overall, DISQUALIFIED_AT_MOST)
    return Quality(
        overall=round(overall, 4),
        judged=bool(findings or ratings or agreement),
        usable=usable,
        agreeing=others.agreeing,
        compared=others.compared,
        evidence=(*_in_words(findings, ratings, agreement), *remarks),
        judgements=tuple(rating.judgement for rating in ratings),
        **{dimension.value: _dimension(dimension, findings, ratings) for dimension in Dimension},
    )


def _dimension(
    dimension: Dimension, findings: Sequence[Finding], ratings: Sequence[JudgeRating]
) -> float | None:
    """Return the judges' mean, bounded by the checks; None where there is no evidence."""
    found = (rating.rubric.dimension(rating.scores, dimension) for rating in ratings)
    scores = [score for score in found if score is not None]
    bounds = [finding.bounds[dimension] for finding in findings if dimension in finding.bounds]
    mean = [sum(scores) / len(scores)] if scores else []
    return round(min(mean + bounds), 4) if mean or bounds else None


def _in_words(
    findings: Sequence[Finding], ratings: Sequence[JudgeRating], agreement: Agreement | None
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


def recomputed_finding(question: QuestionTraits, answer: ReadAnswer) -> Finding | None:
    """Return whether an answer says what its question comes to by computation, None where that is not known.

    It has no effect by itself: what is believed of the answer counts it.
    """
    if question.result is None or answer.answer is None or (says := answer.says(question.result)) is None:
        return None
    gives = f"Recomputed step by step, the result is {quoted(question.result.raw)}"
    if says:
        evidence, accuracy = f"{gives}, as this answer says.", 1.0
    else:
        evidence, accuracy = f"{gives}; this answer says {quoted(answer.answer.raw)}.", 0.0
    return Finding(check="recomputed", evidence=evidence, effect=0.0, bounds={Dimension.ACCURACY: accuracy})


LONGEST_SHOWN = 60
LEAST_EFFECT = 0.2
"""Log-odds below which a reason is not named."""


def compare_answers(
    belief: Belief, question: QuestionTraits, read: Mapping[str, ReadAnswer]
) -> Mapping[str, Agreement]:
    """Return for each answer that can be compared, by its step, what is believed of it among the others.

    Free text that occurs once does not disagree: it may mean the same in different words. It is left out,
    unless most answers can be compared: then it counts as one more, different from all of them.
    """
    steps, answers = list(read), list(read.values())
    groups = belief.after(question, answers).groups if len(answers) > 1 else ()
    spoken = [group for group in groups if not _is_silent(group, answers)]
    total = sum(len(group.places) for group in spoken)
    found: dict[str, Agreement] = {}
    for group in groups:
        others = [each for each in spoken if each is not group]
        rival = max(others, key=lambda each: len(each.places), default=None)
        size = 0 if _is_silent(group, answers) else len(group.places)
        words = f"{size} of {total} comparable answers: {_shown(group, answers)}."
        other = "The strongest other"
        if not size:
            words, other = "No answer like the others' can be read in it.", "The strongest"
        against = f" {other}: {_shown(rival, answers)}, {len(rival.places)} of {total}." if rival else ""
        agreement = Agreement(
            right=group.right,
            evidence=f"{words}{against}{_because(group)}",
            agreeing=size,
            compared=total if size else 0,
        )
        found |= {steps[place]: agreement for place in group.places}
    return found


def _is_silent(group: Likelihood, answers: Sequence[ReadAnswer]) -> bool:
    """Return whether nothing that could be compared was read in the group's only answer."""
    answer = answers[group.places[0]].answer
    return len(group.places) == 1 and (answer is None or answer.kind is AnswerKind.TEXT)


def _because(group: Likelihood) -> str:
    """Return what speaks for and against a group in the belief, the strongest first."""
    named = sorted(group.terms.items(), key=lambda each: -abs(each[1]))
    for_it = [reason.value for reason, effect in named if effect >= LEAST_EFFECT]
    against = [reason.value for reason, effect in named if effect <= -LEAST_EFFECT]
    words = [f"for it: {listed(for_it)}"] if for_it else []
    words += [f"against it: {listed(against)}"] if against else []
    return f" Believed right in {percent(group.right)}; {'; '.join(words)}." if words else ""


def _shown(group: Likelihood, answers: Sequence[ReadAnswer]) -> str:
    raws = [
        " ".join(each.raw.split()) for place in group.places if (each := answers[place].answer) is not None
    ]
    return quoted(max(raws, key=raws.count, default=""))


def quoted(said: str) -> str:
    """Return an answer between quotation marks, on one line and shortened where it is long."""
    text = " ".join(said.split())
    return f"“{text}”" if len(text) <= LONGEST_SHOWN else f"“{text[:LONGEST_SHOWN]}…”"
