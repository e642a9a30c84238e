"""The quality controller: checks, agreement and judges on one side, one estimate per answer on the other."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from orchestration.engine.context import RunContext
from orchestration.engine.events import EventKind, RunEvent
from orchestration.engine.model import ChatModel
from orchestration.engine.quality.agreement import compare
from orchestration.engine.quality.checks import examine
from orchestration.engine.quality.evidence import Dimension, Finding, Rating, Subject
from orchestration.engine.quality.judging.bench import OWN_FAMILY, Findings, assign, hear
from orchestration.engine.quality.scoring import combine
from orchestration.engine.types import Candidate, Quality, Request


async def assess(
    request: Request,
    candidates: Sequence[Candidate],
    judges: Sequence[ChatModel],
    context: RunContext,
    *,
    families: Mapping[str, str],
    compared: Sequence[Candidate] = (),
) -> dict[str, Quality]:
    """Return the quality of each answered candidate, by its step, and tell it as an event.

    `families` maps each model to its family. Among the `compared` answers, each given without knowing the
    others, agreement counts. Unfit ones (empty, refused, cut off) are neither compared nor shown to judges.
    """
    answered = [candidate for candidate in candidates if candidate.state == "answered"]
    found = {candidate.step: examine(_subject(request, candidate)) for candidate in answered}
    fit = {c.step: c for c in answered if not _unfit(found[c.step])}
    independent = [c for c in compared if c.state == "answered" and not _unfit(_found(request, c, found))]
    agreed = compare(request.text, independent)
    written = {step: families.get(candidate.model, "") for step, candidate in fit.items()}
    heard = await _hear_all(request, fit, assign(judges, written), context)
    qualities = {
        step: _estimate(step, findings, heard, written.get(step, ""), agreed.get(step))
        for step, findings in found.items()
    }
    for candidate in answered:
        await context.emit(_scored(candidate, qualities[candidate.step]))
    return qualities


def _subject(request: Request, candidate: Candidate) -> Subject:
    return Subject.of(candidate, question=request.text, instructions=request.system, schema=None)


def _found(
    request: Request, candidate: Candidate, found: Mapping[str, Sequence[Finding]]
) -> Sequence[Finding]:
    known = found.get(candidate.step)
    return examine(_subject(request, candidate)) if known is None else known


def _unfit(findings: Sequence[Finding]) -> bool:
    return any(finding.disqualifying for finding in findings)


async def _hear_all(
    request: Request,
    fit: Mapping[str, Candidate],
    assigned: Sequence[tuple[ChatModel, tuple[str, ...]]],
    context: RunContext,
) -> list[tuple[ChatModel, Findings]]:
    async with asyncio.TaskGroup() as group:
        tasks = [
            (judge, group.create_task(hear(judge, request, [fit[step] for step in steps], context)))
            for judge, steps in assigned
        ]
    return [(judge, task.result()) for judge, task in tasks]


def _estimate(
    step: str,
    findings: Sequence[Finding],
    heard: Sequence[tuple[ChatModel, Findings]],
    family: str,
    agreement: Finding | None,
) -> Quality:
    ratings: list[Rating] = []
    remarks: list[str] = []
    for judge, said in heard:
        if step in said.ratings:
            ratings.append(said.ratings[step])
            if judge.spec.family == family:
                remarks.append(OWN_FAMILY.format(judge=judge.spec.name))
        elif step in said.remarks:
            remarks.append(said.remarks[step])
    return combine(findings, ratings, remarks, agreement=agreement)


def _scored(candidate: Candidate, quality: Quality) -> RunEvent:
    return RunEvent(
        kind=EventKind.CANDIDATE_SCORED,
        step=candidate.step,
        data={
            "model": candidate.model,
            "step": candidate.step,
            "overall": quality.overall,
            "dimensions": {dimension.value: getattr(quality, dimension.value) for dimension in Dimension},
            "evidence": list(quality.evidence),
        },
    )
