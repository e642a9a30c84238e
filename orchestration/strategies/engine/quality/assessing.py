"""Score answers: one estimate of each answer from checks, agreement and judges."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from itertools import chain

from orchestration.expressions.embedded import json_values, unfenced
from orchestration.expressions.schemas import parse_schema
from orchestration.expressions.values import off_loop
from orchestration.llm.engine.model import ChatModel
from orchestration.runs.engine.types import RunEvent
from orchestration.strategies.engine.asking import READ_AT_ONCE, StepTimer, read_candidate
from orchestration.strategies.engine.belief.model import BASE
from orchestration.strategies.engine.belief.reading import ReadAnswer, question_traits
from orchestration.strategies.engine.options import AnswerOptions, JudgeOptions, StrategyOptions
from orchestration.strategies.engine.quality.checks import MISFIT, examine
from orchestration.strategies.engine.quality.judging import JudgeReport, ask_judge, assign
from orchestration.strategies.engine.quality.rubrics import Dimension
from orchestration.strategies.engine.quality.scoring import (
    ExaminedAnswer,
    Finding,
    JudgeRating,
    combine,
    compare_answers,
    recomputed_finding,
)
from orchestration.strategies.engine.rounds import run_together
from orchestration.strategies.engine.strategy import Panel
from orchestration.strategies.engine.types import (
    Candidate,
    Quality,
    Request,
    StrategyEvent,
    answered_candidates,
    listed,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Scorer:
    """Scores a run's candidates by the panel's belief, by agreement, and by judges.

    `recompute` says whether they are compared with what the question comes to by computation.
    """

    request: Request
    timer: StepTimer
    panel: Panel
    judges: Sequence[ChatModel] = ()
    recompute: bool = True

    @classmethod
    def judged_by(cls, options: StrategyOptions, request: Request, panel: Panel, timer: StepTimer) -> Scorer:
        """Return a scorer with the judges that the options name, if they name any."""
        named = (options.judge, options.second_judge) if isinstance(options, JudgeOptions) else ()
        recompute = not isinstance(options, AnswerOptions) or options.recompute
        return cls(
            request=request,
            timer=timer,
            panel=panel,
            judges=panel.each_named(*named),
            recompute=recompute,
        )

    async def check(self, candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
        """Return the candidates with their quality by the checks alone: asks no judge, compares with none."""
        return await replace(self, judges=()).score(candidates, "", independent=())

    async def score(
        self,
        candidates: Sequence[Candidate],
        step: str,
        *,
        beside: Sequence[Candidate] = (),
        independent: Sequence[Candidate] | None = None,
    ) -> tuple[Candidate, ...]:
        """Return the candidates with their quality; `step` names the judging in the path.

        Answers `beside` them are not scored, but agreement with them counts. Where not all candidates were
        written independently, agreement counts among the `independent` ones alone.
        """
        compared = (*beside, *candidates) if independent is None else independent
        timed = self.timer.step(step, listed([judge.spec.name for judge in self.judges]))
        if self.judges:
            await self.timer.begin("judging")
        with timed if self.judges else nullcontext():
            qualities = await self.assess(candidates, compared)
        return tuple(replace(each, quality=qualities.get(each.step)) for each in candidates)

    async def assess(
        self, candidates: Sequence[Candidate], compared: Sequence[Candidate] = ()
    ) -> dict[str, Quality]:
        """Return the quality of each answered candidate, by its step, and emit it as an event.

        Agreement counts among the `compared` answers, each written independently. Unusable answers (empty,
        refused, cut off) are neither compared nor shown to judges.
        """
        request, context, belief = self.request, self.timer.context, self.panel.belief
        answers = {c.step: c for c in answered_candidates([*compared, *candidates])}
        looked_at = {step: await _examined(request, answer) for step, answer in answers.items()}
        found = {step: findings for step, (findings, _) in looked_at.items()}
        read = {step: answer for step, (_, answer) in looked_at.items() if answer is not None}
        question = question_traits(request.text, request.system, recompute=self.recompute)
        independent = {c.step: read[c.step] for c in compared if c.step in read}
        agreed = compare_answers(belief, question, independent)
        scored = answered_candidates(candidates)
        named = self.panel.families
        families = {c.step: named.get(c.model, "") for c in scored if c.step in read}
        assigned = assign(self.judges, families)
        seen = ((judge, [answers[step] for step in steps]) for judge, steps in assigned)
        found_by = await run_together(ask_judge(judge, request, shown, context) for judge, shown in seen)
        reports = [(judge, report) for (judge, _), report in zip(assigned, found_by, strict=True)]
        qualities: dict[str, Quality] = {}
        for candidate in scored:
            step, believed = candidate.step, BASE
            if step in read and step not in agreed:
                believed = belief.after(question, [read[step]]).best.right
            judged = _judgement(step, reports, families.get(step, ""))
            recomputed = recomputed_finding(question, read[step]) if step in read else None
            findings = (*found[step], *([] if recomputed is None else [recomputed]))
            quality = combine(findings, *judged, believed=believed, agreement=agreed.get(step))
            qualities[step] = quality
            await context.emit(_scored(candidate, quality))
        return qualities


async def _examined(request: Request, one: Candidate) -> tuple[Sequence[Finding], ReadAnswer | None]:
    """Return the findings on an answer, and what a belief reads of it: None for an unusable one."""
    size = len(one.text) + len(request.text)
    found = await off_loop(size, _findings, request, one, at_most=READ_AT_ONCE)
    if any(finding.disqualifying for finding in found):
        return found, None
    return found, await off_loop(size, read_candidate, one, request.text, at_most=READ_AT_ONCE)


def _findings(request: Request, one: Candidate) -> tuple[Finding, ...]:
    """Return the findings; an answer that fits the schema it is to fit has none: the checks are for words."""
    answer = ExaminedAnswer(
        question=request.text, instructions=request.system, text=one.text, finish=one.finish
    )
    if request.response_schema is None:
        return examine(answer)
    parsed, whole = parse_schema(request.response_schema), unfenced(answer.text).strip()
    said = [whole] if request.response_schema.get("type") == "string" else []
    with suppress(ValueError, RecursionError):
        said.append(json.loads(whole))
    if any(not parsed.problems(value) for value in chain(said, json_values(answer.text))):
        return ()
    return (*examine(answer), MISFIT)


def _judgement(
    step: str, reports: Sequence[tuple[ChatModel, JudgeReport]], family: str
) -> tuple[list[JudgeRating], list[str]]:
    """Return the ratings of an answer, and remarks on judges who gave none or judge their own family."""
    ratings: list[JudgeRating] = []
    remarks: list[str] = []
    for judge, report in reports:
        said = report.get(step)
        if isinstance(said, JudgeRating):
            ratings.append(said)
            if judge.spec.family == family:
                remarks.append(
                    f"{judge.spec.name} judged an answer of its own model family: no other judge was there."
                )
        elif said is not None:
            remarks.append(said)
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
