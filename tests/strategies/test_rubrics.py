"""Rubrics: their scores, what judges are told by them, and the verdicts that are read by them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from orchestration.llm.engine.types import Capability
from orchestration.runs.engine.metering import Metered
from orchestration.strategies.engine.asking import StepTimer
from orchestration.strategies.engine.quality.assessing import Scorer
from orchestration.strategies.engine.quality.judging import read_verdicts
from orchestration.strategies.engine.quality.prompts import instructions, judge_prompt, verdict_schema
from orchestration.strategies.engine.quality.rubrics import (
    FIVE_DIMENSIONS,
    MIDDLE,
    Criterion,
    Dimension,
    JudgedExample,
    Rubric,
    frozen_rubric,
    rubric_changes,
)
from orchestration.strategies.engine.strategy import Panel
from orchestration.strategies.engine.types import Candidate, Quality, Request
from tests.support.clock import SkippingLoop
from tests.support.judges import answers_in
from tests.support.logs import MemoryLog, context_on
from tests.support.models import ScriptedModel, spec_named

LOOP_FACTORY = SkippingLoop
TONE = Criterion(name="Tone & manners", description="kind", weight=3, dimension=Dimension.FLUENCY)
FACTS = Criterion(name="Facts", weight=1)
HOUSE = Rubric(
    name="House style",
    version=4,
    guidance="Be strict.",
    points=5,
    criteria=(TONE, FACTS),
    examples=(JudgedExample(question="Hi?", answer="No.", verdict="Tone 0 of 5: curt."),),
)


def test_a_score_is_the_weighted_mean_and_what_was_not_scored_counts_as_the_middle() -> None:
    assert HOUSE.score({"tone_manners": 1.0, "facts": 0.0}) == 0.75
    assert HOUSE.score({"facts": 1.0}) == pytest.approx((3 * MIDDLE + 1) / 4)
    assert HOUSE.score({}) == pytest.approx(MIDDLE)
    assert HOUSE.dimension({"tone_manners": 0.4}, Dimension.FLUENCY) == pytest.approx(0.4)
    assert HOUSE.dimension({"tone_manners": 0.4}, Dimension.ACCURACY) is None


@given(st.lists(st.floats(0, 1), min_size=5, max_size=5))
def test_the_score_by_the_shipped_rubric_is_within_the_scores(values: list[float]) -> None:
    scores = dict(zip(FIVE_DIMENSIONS.keys, values, strict=True))
    assert min(values) - 1e-9 <= FIVE_DIMENSIONS.score(scores) <= max(values) + 1e-9


def test_criteria_have_keys_that_a_model_can_write() -> None:
    names = ("Reason", "id", "Ärger", "客观", "a-b", "A b", "x" * 60)
    rubric = Rubric(name="r", criteria=tuple(Criterion(name=name) for name in names))
    assert list(rubric.keys) == [
        "criterion_1",
        "criterion_2",
        "rger",
        "criterion_4",
        "a_b",
        "criterion_6",
        "x" * 40,
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"criteria": ()}, "at least 1 item"),
        ({"criteria": (TONE, Criterion(name="TONE & MANNERS"))}, "same name"),
        ({"criteria": tuple(Criterion(name=str(n)) for n in range(13))}, "at most 12"),
        ({"points": 7}, "5, 10 or 100"),
        ({"name": "  "}, "at least 1 character"),
    ],
)
def test_a_rubric_that_cannot_be_is_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Rubric.model_validate({"name": "r", "criteria": (TONE,), **change})


@pytest.mark.parametrize("weight", [0, -1, float("nan"), float("inf"), 101])
def test_a_weight_is_a_number_above_zero(weight: float) -> None:
    with pytest.raises(ValidationError):
        Criterion(name="c", weight=weight)


def test_a_judge_is_told_the_criteria_the_scale_and_the_examples() -> None:
    spec = replace(spec_named("j"), capabilities=frozenset({Capability.JSON_SCHEMA}))
    prompt = judge_prompt(spec, Request(text="Q?"), ["one", "two"], HOUSE)
    told, asked = (message.content for message in prompt.messages)
    assert (
        "Be strict, then score each answer from 0 to 5 on each of:\n- Tone & manners: kind\n- Facts\n" in told
    )
    assert "Question: Hi?\nAnswer: No.\nVerdict: Tone 0 of 5: curt." in told
    assert '"tone_manners":0-5,"facts":0-5,"reason"' in asked
    assert prompt.response_schema == verdict_schema(HOUSE)
    assert (
        instructions(HOUSE.model_copy(update={"guidance": ""}))
        .splitlines()[1]
        .startswith("Score each answer")
    )


def test_verdicts_are_read_on_the_rubrics_scale() -> None:
    reply = {"id": "A", "tone_manners": "4/5", "facts": 9, "accuracy": 5, "reason": "fine"}
    verdict = read_verdicts(json.dumps({"verdicts": [reply]}), HOUSE)["A"]
    assert verdict.scores == {"tone_manners": 0.8, "facts": 1.0}


def test_a_frozen_rubric_is_read_back() -> None:
    assert frozen_rubric(HOUSE.model_dump(mode="json")) == HOUSE
    assert frozen_rubric(None) is FIVE_DIMENSIONS


async def judged(rubric: Rubric, **worth: int) -> dict[str, Quality]:
    def reply(prompt: object) -> str:
        found = answers_in(prompt)  # type: ignore[arg-type]
        verdicts = [
            {"id": "AB"[place], **dict.fromkeys(rubric.keys, worth[text]), "reason": "so"}
            for place, text in enumerate(found)
        ]
        return json.dumps({"verdicts": verdicts})

    judge = Metered(ScriptedModel("j", reply))
    candidates = [Candidate(model=name, step=f"ask/{name}", text=name) for name in worth]
    asked = Request(text="Which?", rubric=rubric.model_dump(mode="json"))
    panel, timer = Panel(members=(ScriptedModel("a"),)), StepTimer(context_on(MemoryLog()))
    scorer = Scorer(request=asked, timer=timer, panel=panel, judges=(judge,))
    return await scorer.assess(candidates)


async def test_what_a_judge_said_is_kept_with_the_quality_and_moves_it() -> None:
    found = await judged(HOUSE, good=5, poor=1)
    good, poor = found["ask/good"], found["ask/poor"]
    [said] = good.judgements
    assert (said.judge, said.rubric, said.version, said.score, said.reason) == (
        "j",
        "House style",
        4,
        1.0,
        "so",
    )
    assert [each.score for each in poor.judgements] == [pytest.approx(0.2)]
    assert poor.overall < 0.3 < good.overall
    assert (good.fluency, good.accuracy) == (1.0, None)


def test_what_changed_between_versions_is_said_in_sentences() -> None:
    facts = FACTS.model_copy(update={"weight": 2.5, "description": "true"})
    changed = Rubric(name="Style", points=10, criteria=(facts, Criterion(name="Length")))
    assert rubric_changes(HOUSE, HOUSE) == []
    assert rubric_changes(HOUSE, changed) == [
        "The name changed.",
        "What is said first changed.",
        "The scale is 0 to 10, it was 0 to 5.",
        "Tone & manners was taken out.",
        "Length was added, with weight 1.",
        "Facts weighs 2.5, it weighed 1.",
        "What Facts means changed.",
        "The examples changed.",
    ]
