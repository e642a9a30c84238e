"""Assess answers: judge models, and one estimate of each answer from checks, agreement and judges.

Judges do not see which model wrote an answer, see several answers in both orders, and never judge their own
model family while another judge is there.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

from orchestration.expressions.embedded import json_values, unfenced
from orchestration.expressions.schemas import parse_schema
from orchestration.expressions.values import off_loop
from orchestration.llm.engine.errors import ModelError
from orchestration.llm.engine.model import ChatModel
from orchestration.llm.engine.types import FinishReason, Json
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.errors import LimitReached
from orchestration.runs.engine.records import step_key
from orchestration.runs.engine.types import RunEvent
from orchestration.strategies.engine.asking import READ_AT_ONCE
from orchestration.strategies.engine.belief.model import BASE, Belief
from orchestration.strategies.engine.belief.reading import ReadAnswer, question_traits, read_text
from orchestration.strategies.engine.quality.checks import examine
from orchestration.strategies.engine.quality.prompts import judge_prompt, label
from orchestration.strategies.engine.quality.scoring import (
    Dimension,
    ExaminedAnswer,
    Finding,
    JudgeRating,
    combine,
    compare_answers,
)
from orchestration.strategies.engine.types import (
    Candidate,
    Quality,
    Request,
    StrategyEvent,
    answered_candidates,
)

MOST_REASON = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgeVerdict:
    """The scores (0 to 1) of one answer and the judge's reason. A dimension without a score is absent."""

    scores: Mapping[Dimension, float]
    reason: str = ""


def read_verdicts(text: str) -> Mapping[str, JudgeVerdict]:
    """Return the verdicts in `text` by the label of their answer; empty when none can be read.

    Of several verdicts on one answer, as in a reply that includes its reasoning, the last one counts.
    """
    found: dict[str, JudgeVerdict] = {}
    for item in chain.from_iterable(map(_items, json_values(text))):
        scores = {each: score for each in Dimension if (score := _score(item, each)) is not None}
        if scores:
            label_given = str(item.get("id", "")).strip().upper()
            found[label_given] = JudgeVerdict(scores=scores, reason=stated_reason(item))
    return found


def _items(value: Json) -> Iterator[Mapping[str, Json]]:
    listed = value.get("verdicts", [value]) if isinstance(value, dict) else value
    if isinstance(listed, list):
        yield from (item for item in listed if isinstance(item, dict))


def _score(item: Mapping[str, Json], dimension: Dimension) -> float | None:
    raw = item.get(dimension.value)
    if isinstance(raw, str):
        raw = raw.strip().removesuffix("/10")
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        return None
    try:
        score = float(raw)
    except (ValueError, OverflowError):
        return None
    return min(max(score, 0.0), 10.0) / 10.0 if math.isfinite(score) else None


def stated_reason(reply: Mapping[str, Json]) -> str:
    """Return the reason that a reply gives, in one line and bounded; empty without one."""
    reason = reply.get("reason")
    return " ".join(reason.split())[:MOST_REASON] if isinstance(reason, str) else ""


FAR_APART = 0.3


@dataclass(kw_only=True, slots=True)
class JudgeReport:
    """The result of one judge: ratings by the step of the answer, and why others have none."""

    ratings: dict[str, JudgeRating] = field(default_factory=dict)
    remarks: dict[str, str] = field(default_factory=dict)


def assign(
    judges: Sequence[ChatModel], families: Mapping[str, str]
) -> list[tuple[ChatModel, tuple[str, ...]]]:
    """Return each judge with the steps of the answers it judges, given the family that wrote each.

    A judge does not judge its own family while a judge of another one is there.
    """
    alone = len({judge.spec.family for judge in judges}) == 1
    assigned = [
        (judge, tuple(step for step, family in families.items() if alone or family != judge.spec.family))
        for judge in judges
    ]
    return [(judge, steps) for judge, steps in assigned if steps]


async def ask_judge(
    judge: ChatModel, request: Request, candidates: Sequence[Candidate], context: RunContext
) -> JudgeReport:
    """Have `judge` score the candidates.

    A single answer is scored once; several are scored twice, the second time in reverse order, and the
    scores are averaged. The first order is random and journaled.
    """
    name = judge.spec.name
    if len(candidates) == 1:
        step = step_key("judge", name, candidates[0].step)
        return _merged(name, candidates, [await _verdicts(judge, request, candidates, context, step)])
    drawn = [candidate.step for candidate in candidates]
    context.random.shuffle(drawn)
    order = await context.decide(step_key("judge", name, "order"), drawn)
    by_step = {candidate.step: candidate for candidate in candidates}
    ordered = [by_step[step] for step in order]
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_verdicts(judge, request, seen, context, step_key("judge", name, number)))
            for number, seen in (("1", ordered), ("2", ordered[::-1]))
        ]
    return _merged(name, candidates, [task.result() for task in tasks])


Verdicts = Mapping[str, JudgeVerdict] | str
"""Verdicts by step, or why there are none."""


async def _verdicts(
    judge: ChatModel, request: Request, seen: Sequence[Candidate], context: RunContext, step: str
) -> Verdicts:
    prompt = judge_prompt(judge.spec, request, [candidate.text for candidate in seen])
    try:
        completion = await context.ask(judge, prompt, step)
    except (ModelError, LimitReached) as error:
        return f"{judge.spec.name} could not judge: {error}"
    verdicts = read_verdicts(completion.text)
    if not verdicts:
        return f"{judge.spec.name} gave no verdict that can be read: it counts for nothing."
    labelled = {label(number): candidate.step for number, candidate in enumerate(seen)}
    return {step: verdicts[name] for name, step in labelled.items() if name in verdicts}


def _merged(judge: str, candidates: Sequence[Candidate], readings: Sequence[Verdicts]) -> JudgeReport:
    report = JudgeReport()
    failures = [reading for reading in readings if isinstance(reading, str)]
    for step in (candidate.step for candidate in candidates):
        verdicts = [reading[step] for reading in readings if not isinstance(reading, str) and step in reading]
        if verdicts:
            report.ratings[step] = average(judge, verdicts)
        else:
            report.remarks[step] = failures[0] if failures else f"{judge} gave no verdict on this answer."
    return report


def average(judge: str, verdicts: Sequence[JudgeVerdict]) -> JudgeRating:
    """Return the mean of one judge's verdicts on one answer, with less confidence the more they differ."""
    given = {
        dimension: [verdict.scores[dimension] for verdict in verdicts if dimension in verdict.scores]
        for dimension in Dimension
    }
    apart = max(max(scores) - min(scores) for scores in given.values() if scores)
    confidence = 1.0 - apart
    remark = ""
    if apart >= FAR_APART:
        remark = f"{judge} judged differently when the order was reversed: it counts {confidence:.0%}."
    return JudgeRating(
        judge=judge,
        scores={dimension: sum(scores) / len(scores) for dimension, scores in given.items() if scores},
        confidence=confidence,
        reason=verdicts[0].reason,
        remark=remark,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Assessor:
    """What answers are assessed by: a belief, and judge models where there are some.

    `families` maps each model to its family.
    """

    belief: Belief
    judges: Sequence[ChatModel] = ()
    families: Mapping[str, str] = field(default_factory=dict)

    async def assess(
        self,
        request: Request,
        candidates: Sequence[Candidate],
        context: RunContext,
        *,
        compared: Sequence[Candidate] = (),
    ) -> dict[str, Quality]:
        """Return the quality of each answered candidate, by its step, and emit it as an event.

        Agreement counts among the `compared` answers, each written independently. Unusable answers (empty,
        refused, cut off) are neither compared nor shown to judges.
        """
        answered = answered_candidates(candidates)
        found = {c.step: await _examined(request, c) for c in answered}
        usable = {c.step: c for c in answered if not _is_unusable(found[c.step])}
        others = (c for c in compared if c.state == "answered" and c.step not in found)
        examined = found | {c.step: await _examined(request, c) for c in others}
        independent = [c for c in compared if c.step in examined and not _is_unusable(examined[c.step])]
        question = question_traits(request.text, request.system)
        read = {c.step: await _read(request, c) for c in [*usable.values(), *independent]}
        agreed = compare_answers(self.belief, question, {c.step: read[c.step] for c in independent})
        alone = {
            step: self.belief.after(question, [read[step]]).best.right
            for step in usable
            if step not in agreed
        }
        written = {step: self.families.get(candidate.model, "") for step, candidate in usable.items()}
        async with asyncio.TaskGroup() as group:
            tasks = [
                (
                    judge,
                    group.create_task(ask_judge(judge, request, [usable[step] for step in steps], context)),
                )
                for judge, steps in assign(self.judges, written)
            ]
        reports = [(judge, task.result()) for judge, task in tasks]
        qualities = {
            step: combine(
                findings,
                *_judgement(step, reports, written.get(step, "")),
                believed=alone.get(step, BASE),
                agreement=agreed.get(step),
            )
            for step, findings in found.items()
        }
        for candidate in answered:
            await context.emit(_scored(candidate, qualities[candidate.step]))
        return qualities


async def _examined(request: Request, one: Candidate) -> Sequence[Finding]:
    answer = ExaminedAnswer(
        question=request.text, instructions=request.system, text=one.text, finish=one.finish
    )
    read = partial(examine, answer)
    if request.response_schema is not None:
        read = partial(_examined_json, answer, request.response_schema)
    return await off_loop(len(one.text) + len(request.text), read, at_most=READ_AT_ONCE)


async def _read(request: Request, one: Candidate) -> ReadAnswer:
    read = partial(read_text, one.model, one.text, request.text, cut_off=one.finish is FinishReason.LENGTH)
    return await off_loop(len(one.text) + len(request.text), read, at_most=READ_AT_ONCE)


MISFIT = Finding(
    check="schema",
    evidence="The answer is not JSON that fits the schema that was asked for.",
    effect=-3.0,
    bounds={Dimension.RELEVANCE: 0.5, Dimension.COMPLETENESS: 0.4},
)


def _examined_json(answer: ExaminedAnswer, schema: Mapping[str, Json]) -> tuple[Finding, ...]:
    """Return the findings on an answer that is to fit a schema; the other checks are for answers in words."""
    parsed, whole = parse_schema(schema), unfenced(answer.text).strip()
    said = [whole] if schema.get("type") == "string" else []
    with suppress(ValueError, RecursionError):
        said.append(json.loads(whole))
    if any(not parsed.problems(value) for value in chain(said, json_values(answer.text))):
        return ()
    return (*examine(answer), MISFIT)


def _is_unusable(findings: Sequence[Finding]) -> bool:
    return any(finding.disqualifying for finding in findings)


def _judgement(
    step: str, reports: Sequence[tuple[ChatModel, JudgeReport]], family: str
) -> tuple[list[JudgeRating], list[str]]:
    """Return the ratings of an answer, and remarks on judges who gave none or judge their own family."""
    ratings: list[JudgeRating] = []
    remarks: list[str] = []
    for judge, report in reports:
        if step in report.ratings:
            ratings.append(report.ratings[step])
            if judge.spec.family == family:
                remarks.append(
                    f"{judge.spec.name} judged an answer of its own model family: no other judge was there."
                )
        elif step in report.remarks:
            remarks.append(report.remarks[step])
    return ratings, remarks


def _scored(candidate: Candidate, quality: Quality) -> RunEvent:
    return RunEvent(
        kind=StrategyEvent.CANDIDATE_SCORED,
        step=candidate.step,
        data={
            "model": candidate.model,
            "step": candidate.step,
            "overall": quality.overall,
            "judged": quality.judged,
            "usable": quality.usable,
            "dimensions": {dimension.value: getattr(quality, dimension.value) for dimension in Dimension},
            "evidence": list(quality.evidence),
        },
    )
