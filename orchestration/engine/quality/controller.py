"""The quality controller: checks and judges on one side, one estimate for each answer on the other."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from orchestration.engine.context import RunContext
from orchestration.engine.events import Event, EventKind
from orchestration.engine.model import ChatModel
from orchestration.engine.quality.checks import examine
from orchestration.engine.quality.evidence import Dimension, Finding, Rating, Subject
from orchestration.engine.quality.judging.bench import OWN_FAMILY, Findings, assign, hear
from orchestration.engine.quality.scoring import combine
from orchestration.engine.types import Candidate, Json, Quality, Request


async def assess(
    request: Request,
    candidates: Sequence[Candidate],
    judges: Sequence[ChatModel],
    context: RunContext,
    *,
    families: Mapping[str, str],
    schema: Mapping[str, Json] | None = None,
) -> dict[str, Quality]:
    """Return the quality of each answered candidate, by its step, and tell it as an event.

    `families` maps each model to its family. Unfit answers (empty, refused, cut off) are not shown to judges.
    """
    answered = [candidate for candidate in candidates if candidate.state == "answered"]
    found = {candidate.step: examine(_subject(request, candidate, schema)) for candidate in answered}
    fit = {c.step: c for c in answered if not any(finding.disqualifying for finding in found[c.step])}
    written = {step: families.get(candidate.model, "") for step, candidate in fit.items()}
    heard = await _hear_all(request, fit, assign(judges, written), context)
    qualities = {
        step: _estimate(step, findings, heard, written.get(step, "")) for step, findings in found.items()
    }
    for candidate in answered:
        await context.emit(_scored(candidate, qualities[candidate.step]))
    return qualities


def _subject(request: Request, candidate: Candidate, schema: Mapping[str, Json] | None) -> Subject:
    return Subject.of(candidate, question=request.text, instructions=request.system, schema=schema)


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
    step: str, findings: Sequence[Finding], heard: Sequence[tuple[ChatModel, Findings]], family: str
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
    return combine(findings, ratings, remarks)


def _scored(candidate: Candidate, quality: Quality) -> Event:
    return Event(
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
