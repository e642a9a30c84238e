"""The judges of a run: who judges whom, and how their looks at the same answers become ratings."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from orchestration.engine.context import RunContext
from orchestration.engine.context.records import step_key
from orchestration.engine.errors import LimitReached, ModelError
from orchestration.engine.model import ChatModel
from orchestration.engine.quality.evidence import Dimension, Rating
from orchestration.engine.quality.judging.blocks import label
from orchestration.engine.quality.judging.prompt import judge_prompt
from orchestration.engine.quality.judging.verdicts import Verdict, read_verdicts
from orchestration.engine.types import Candidate, Request

FAR_APART = 0.3
OWN_FAMILY = "{judge} judged an answer of its own model family: no other judge was there."


@dataclass(kw_only=True, slots=True)
class Findings:
    """What a judge has to say: ratings by the step of the answer, and why others have none."""

    ratings: dict[str, Rating] = field(default_factory=dict)
    remarks: dict[str, str] = field(default_factory=dict)


def assign(
    judges: Sequence[ChatModel], families: Mapping[str, str]
) -> list[tuple[ChatModel, tuple[str, ...]]]:
    """Return each judge with the steps it is to judge, given the family that wrote each.

    A judge never judges its own family when another one is there.
    """
    assigned: list[tuple[ChatModel, tuple[str, ...]]] = []
    for judge in judges:
        others = {other.spec.family for other in judges} - {judge.spec.family}
        steps = (step for step, family in families.items() if family != judge.spec.family or not others)
        assigned.append((judge, tuple(steps)))
    return [(judge, steps) for judge, steps in assigned if steps]


async def hear(
    judge: ChatModel, request: Request, candidates: Sequence[Candidate], context: RunContext
) -> Findings:
    """Have `judge` score the candidates.

    One answer is looked at once; several are looked at twice, the second time in reverse order, and the
    scores are averaged. The first order is drawn at random and journaled.
    """
    name = judge.spec.name
    if len(candidates) == 1:
        looks = [
            await _look(judge, request, candidates, context, step_key("judge", name, candidates[0].step))
        ]
        return _merged(name, candidates, looks)
    drawn = [candidate.step for candidate in candidates]
    context.random.shuffle(drawn)
    order = await context.decide(step_key("judge", name, "order"), drawn)
    by_step = {candidate.step: candidate for candidate in candidates}
    there = [by_step[step] for step in order]
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_look(judge, request, seen, context, step_key("judge", name, number)))
            for number, seen in (("1", there), ("2", there[::-1]))
        ]
    return _merged(name, candidates, [task.result() for task in tasks])


Look = Mapping[str, Verdict] | str
"""Verdicts by step, or why there are none."""


async def _look(
    judge: ChatModel, request: Request, seen: Sequence[Candidate], context: RunContext, step: str
) -> Look:
    prompt = judge_prompt(judge.spec, request, [candidate.text for candidate in seen])
    try:
        completion = await context.ask(judge, prompt, step)
    except (ModelError, LimitReached) as error:
        return f"{judge.spec.name} could not judge: {error}"
    verdicts = read_verdicts(completion.text)
    if not verdicts:
        return f"{judge.spec.name} gave no verdict that can be read: it counts for nothing."
    return {
        candidate.step: verdicts[label(number)]
        for number, candidate in enumerate(seen)
        if label(number) in verdicts
    }


def _merged(judge: str, candidates: Sequence[Candidate], looks: Sequence[Look]) -> Findings:
    findings = Findings()
    troubles = [look for look in looks if isinstance(look, str)]
    for step in (candidate.step for candidate in candidates):
        verdicts = [look[step] for look in looks if not isinstance(look, str) and step in look]
        if verdicts:
            findings.ratings[step] = average(judge, verdicts)
        else:
            findings.remarks[step] = troubles[0] if troubles else f"{judge} gave no verdict on this answer."
    return findings


def average(judge: str, verdicts: Sequence[Verdict]) -> Rating:
    """Return the mean of one judge's verdicts on one answer; the farther apart, the less they count."""
    heard = {
        dimension: [verdict.scores[dimension] for verdict in verdicts if dimension in verdict.scores]
        for dimension in Dimension
    }
    apart = max(max(scores) - min(scores) for scores in heard.values() if scores)
    confidence = 1.0 - apart
    remark = ""
    if apart >= FAR_APART:
        remark = f"{judge} judged differently when the order was reversed: it counts {confidence:.0%}."
    return Rating(
        judge=judge,
        scores={dimension: sum(scores) / len(scores) for dimension, scores in heard.items() if scores},
        confidence=confidence,
        reason=verdicts[0].reason,
        remark=remark,
    )
