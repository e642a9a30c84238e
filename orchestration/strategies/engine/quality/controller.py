"""Assess answers: run checks, agreement and judges, and make one estimate of each answer from them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from orchestration.llm.engine.model import ChatModel
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.types import RunEvent
from orchestration.strategies.engine.quality.assessing import OWN_FAMILY, JudgeReport, ask_judge, assign
from orchestration.strategies.engine.quality.checks import examine
from orchestration.strategies.engine.quality.scoring import (
    Dimension,
    ExaminedAnswer,
    Finding,
    JudgeRating,
    combine,
    compare_answers,
)
from orchestration.strategies.engine.types import Candidate, Quality, Request, StrategyEvent


async def assess(
    request: Request,
    candidates: Sequence[Candidate],
    judges: Sequence[ChatModel],
    context: RunContext,
    *,
    families: Mapping[str, str],
    compared: Sequence[Candidate] = (),
) -> dict[str, Quality]:
    """Return the quality of each answered candidate, by its step, and emit it as an event.

    `families` maps each model to its family. Agreement counts among the `compared` answers, each written
    independently. Unfit answers (empty, refused, cut off) are neither compared nor shown to judges.
    """
    answered = [candidate for candidate in candidates if candidate.state == "answered"]
    found = {c.step: _examined(request, c) for c in answered}
    fit = {c.step: c for c in answered if not _unfit(found[c.step])}
    others = (c for c in compared if c.state == "answered" and c.step not in found)
    examined = found | {c.step: _examined(request, c) for c in others}
    independent = [c for c in compared if c.step in examined and not _unfit(examined[c.step])]
    agreed = compare_answers(request.text, independent)
    written = {step: families.get(candidate.model, "") for step, candidate in fit.items()}
    reports = await _ask_judges(request, fit, assign(judges, written), context)
    qualities = {
        step: _estimate(step, findings, reports, written.get(step, ""), agreed.get(step))
        for step, findings in found.items()
    }
    for candidate in answered:
        await context.emit(_scored(candidate, qualities[candidate.step]))
    return qualities


def _examined(request: Request, candidate: Candidate) -> Sequence[Finding]:
    answer = ExaminedAnswer(
        question=request.text, instructions=request.system, text=candidate.text, finish=candidate.finish
    )
    return examine(answer)


def _unfit(findings: Sequence[Finding]) -> bool:
    return any(finding.disqualifying for finding in findings)


async def _ask_judges(
    request: Request,
    fit: Mapping[str, Candidate],
    assigned: Sequence[tuple[ChatModel, tuple[str, ...]]],
    context: RunContext,
) -> list[tuple[ChatModel, JudgeReport]]:
    async with asyncio.TaskGroup() as group:
        tasks = [
            (judge, group.create_task(ask_judge(judge, request, [fit[step] for step in steps], context)))
            for judge, steps in assigned
        ]
    return [(judge, task.result()) for judge, task in tasks]


def _estimate(
    step: str,
    findings: Sequence[Finding],
    reports: Sequence[tuple[ChatModel, JudgeReport]],
    family: str,
    agreement: Finding | None,
) -> Quality:
    ratings: list[JudgeRating] = []
    remarks: list[str] = []
    for judge, report in reports:
        if step in report.ratings:
            ratings.append(report.ratings[step])
            if judge.spec.family == family:
                remarks.append(OWN_FAMILY.format(judge=judge.spec.name))
        elif step in report.remarks:
            remarks.append(report.remarks[step])
    return combine(findings, ratings, remarks, agreement=agreement)


def _scored(candidate: Candidate, quality: Quality) -> RunEvent:
    return RunEvent(
        kind=StrategyEvent.CANDIDATE_SCORED,
        step=candidate.step,
        data={
            "model": candidate.model,
            "step": candidate.step,
            "overall": quality.overall,
            "dimensions": {dimension.value: getattr(quality, dimension.value) for dimension in Dimension},
            "evidence": list(quality.evidence),
        },
    )
