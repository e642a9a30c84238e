"""Judge models: what each is asked, how its verdicts are read, and the rating that they come to.

Judges do not see which model wrote an answer, see several answers in both orders, and never judge their own
model family while another judge is there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain

from orchestration.expressions.embedded import json_values
from orchestration.llm.engine.errors import ModelError
from orchestration.llm.engine.model import ChatModel
from orchestration.llm.engine.types import Completion, Json
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.errors import LimitReached
from orchestration.runs.engine.records import step_key
from orchestration.strategies.engine.quality.prompts import judge_prompt, label
from orchestration.strategies.engine.quality.rubrics import FIVE_DIMENSIONS, Rubric, frozen_rubric
from orchestration.strategies.engine.quality.scoring import JudgeRating
from orchestration.strategies.engine.rounds import run_together
from orchestration.strategies.engine.types import Candidate, Request

MOST_REASON = 300


def read_verdicts(text: str, rubric: Rubric = FIVE_DIMENSIONS, judge: str = "") -> Mapping[str, JudgeRating]:
    """Return the verdicts in `text` by the label of their answer; empty when none can be read.

    A criterion without a score is absent. Of several verdicts on one answer, as in a reply that includes its
    reasoning, the last one counts.
    """
    found: dict[str, JudgeRating] = {}
    for item in chain.from_iterable(map(verdict_items, json_values(text))):
        read = {key: _score(item.get(key), rubric.points) for key in rubric.keys}
        if scores := {key: score for key, score in read.items() if score is not None}:
            label_given = str(item.get("id", "")).strip().upper()
            reason = stated_reason(item)
            found[label_given] = JudgeRating(judge=judge, scores=scores, rubric=rubric, reason=reason)
    return found


def verdict_items(value: Json) -> Iterator[Mapping[str, Json]]:
    """Yield what may be verdicts in a reply: those of an object, a list of them, or a single one."""
    listed = value.get("verdicts", [value]) if isinstance(value, dict) else value
    if isinstance(listed, list):
        yield from (item for item in listed if isinstance(item, dict))


def _score(raw: Json, points: int) -> float | None:
    if isinstance(raw, str):
        raw = raw.strip().removesuffix(f"/{points}")
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        return None
    try:
        score = float(raw)
    except (ValueError, OverflowError):
        return None
    return min(max(score, 0.0), float(points)) / points if math.isfinite(score) else None


def stated_reason(reply: Mapping[str, Json]) -> str:
    """Return the reason that a reply gives, in one line and bounded; empty without one."""
    reason = reply.get("reason")
    return " ".join(reason.split())[:MOST_REASON] if isinstance(reason, str) else ""


FAR_APART = 0.3


JudgeReport = Mapping[str, JudgeRating | str]
"""The result of one judge, by the step of each answer: its rating, or why there is none."""


def assign(
    judges: Sequence[ChatModel], families: Mapping[str, str]
) -> list[tuple[ChatModel, tuple[str, ...]]]:
    """Return each judge with the steps it judges; none judges its own family while another judge is there."""
    alone = len({judge.spec.family for judge in judges}) == 1
    assigned = [
        (judge, tuple(step for step, family in families.items() if alone or family != judge.spec.family))
        for judge in judges
    ]
    return [(judge, steps) for judge, steps in assigned if steps]


async def ask_judge(
    judge: ChatModel, request: Request, candidates: Sequence[Candidate], context: RunContext
) -> JudgeReport:
    """Have `judge` score the candidates by the request's rubric.

    A single answer is scored once; several are scored twice, the second time in reverse order, and the
    scores are averaged. The first order is random and journaled.
    """
    name, texts = judge.spec.name, {each.step: each.text for each in candidates}
    rubric = frozen_rubric(request.rubric)

    async def reply(key: str, order: Sequence[str]) -> Completion | str:
        prompt = judge_prompt(judge.spec, request, [texts[step] for step in order], rubric)
        try:
            return await context.ask(judge, prompt, step_key("judge", name, key))
        except (ModelError, LimitReached) as error:
            return f"{name} could not judge: {error}"

    drawn = list(texts)
    if len(drawn) == 1:
        return judge_report(name, [(drawn, await reply(drawn[0], drawn))], rubric)
    context.random.shuffle(drawn)
    order = await context.decide(step_key("judge", name, "order"), drawn)
    orders = (order, order[::-1])
    said = await run_together(reply(str(place), shown) for place, shown in enumerate(orders, start=1))
    return judge_report(name, list(zip(orders, said, strict=True)), rubric)


def judge_report(
    judge: str, said: Sequence[tuple[Sequence[str], Completion | str]], rubric: Rubric
) -> JudgeReport:
    """Return the result of a judge: from its replies, or why there is none, and the steps each was shown."""
    failures: list[str] = []
    verdicts: dict[str, list[JudgeRating]] = {step: [] for step in said[0][0]}
    for order, reply in said:
        found = {} if isinstance(reply, str) else read_verdicts(reply.text, rubric, judge)
        if not found:
            unread = f"{judge} gave no verdict that can be read: it counts for nothing."
            failures.append(reply if isinstance(reply, str) else unread)
        for place, step in enumerate(order):
            if label(place) in found:
                verdicts[step].append(found[label(place)])
    none = failures[0] if failures else f"{judge} gave no verdict on this answer."
    return {step: average(given) if given else none for step, given in verdicts.items()}


def average(verdicts: Sequence[JudgeRating]) -> JudgeRating:
    """Return the mean of one judge's verdicts on one answer, with less confidence the more they differ."""
    first = verdicts[0]
    given = {key: [each.scores[key] for each in verdicts if key in each.scores] for key in first.rubric.keys}
    apart = max(max(scores) - min(scores) for scores in given.values() if scores)
    confidence, remark = 1.0 - apart, ""
    if apart >= FAR_APART:
        remark = f"{first.judge} judged differently when the order was reversed: it counts {confidence:.0%}."
    scores = {key: sum(scores) / len(scores) for key, scores in given.items() if scores}
    return replace(first, scores=scores, confidence=confidence, remark=remark)
