"""Judges, and the estimate that comes out of all evidence."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.llm.engine.errors import ProviderUnavailable
from orchestration.llm.engine.types import Capability, ModelSpec
from orchestration.runs.engine.budget import Limits
from orchestration.runs.engine.metering import Metered
from orchestration.strategies.engine.asking import StepTimer
from orchestration.strategies.engine.belief.reading import ReadAnswer, question_traits
from orchestration.strategies.engine.belief.shipped import shipped_belief
from orchestration.strategies.engine.quality.assessing import Scorer
from orchestration.strategies.engine.quality.judging import assign, average, read_verdicts
from orchestration.strategies.engine.quality.prompts import (
    ANSWER_TAGS,
    SHORTENED,
    blocks,
    judge_prompt,
    label,
    verdict_schema,
)
from orchestration.strategies.engine.quality.rubrics import FIVE_DIMENSIONS, Dimension
from orchestration.strategies.engine.quality.scoring import Finding, JudgeRating, combine
from orchestration.strategies.engine.strategy import Panel
from orchestration.strategies.engine.types import Candidate, Quality, Request
from tests.support.clock import SkippingLoop
from tests.support.judges import answers_in, by_text, scores
from tests.support.logs import MemoryLog, context_on
from tests.support.models import FailingModel, ScriptedModel, spec_named

LOOP_FACTORY = SkippingLoop
QUESTION = Request(text="Which one?")
FAMILIES = {"a": "ant", "b": "bee", "c": "cow"}


def candidate(model: str, text: str = "") -> Candidate:
    return Candidate(model=model, step=f"ask/{model}", text=text or model)


def judged(accuracy: float, rest: float, *, confidence: float = 1.0) -> Quality:
    given_scores = {**dict.fromkeys(map(str, Dimension), rest), "accuracy": accuracy}
    return combine([], [JudgeRating(judge="j", scores=given_scores, confidence=confidence)])


ALONE = round(
    shipped_belief().after(question_traits(QUESTION.text), [ReadAnswer(model="a", answer=None)]).best.right, 4
)
"""What is believed of an answer to which nothing else is compared."""


async def assessed(
    *candidates: Candidate, judges: tuple[ScriptedModel, ...] = (), limits: Limits | None = None
) -> dict[str, Quality]:
    timer = StepTimer(context_on(MemoryLog(), limits=limits))
    metered = [Metered(judge) for judge in judges]
    members = [ScriptedModel(spec_named(name, family=family)) for name, family in FAMILIES.items()]
    scorer = Scorer(request=QUESTION, timer=timer, panel=Panel(members=tuple(members)), judges=metered)
    return await scorer.assess(candidates)


def test_without_evidence_the_prior_speaks() -> None:
    quality = combine([], [])
    assert quality.overall == 0.7
    assert quality.accuracy is None
    assert quality.evidence == (
        "The checks found nothing wrong.",
        "No judge scored it: this rests on the checks alone.",
    )


@pytest.mark.parametrize(
    ("accuracy", "rest", "least", "most"),
    [(0.9, 0.9, 0.93, 0.97), (0.15, 0.8, 0.2, 0.35), (0.0, 0.0, 0.0, 0.1)],
)
def test_a_judges_scores_mean_what_they_are_documented_to_mean(
    accuracy: float, rest: float, least: float, most: float
) -> None:
    assert least <= judged(accuracy, rest).overall <= most


def test_a_judge_who_is_not_sure_moves_little() -> None:
    assert judged(1.0, 1.0, confidence=0.0).overall == 0.7
    assert judged(1.0, 1.0, confidence=0.5).overall < judged(1.0, 1.0).overall


def test_findings_bound_the_dimensions_that_judges_scored() -> None:
    finding = Finding(check="topic", evidence="Off.", effect=-1.0, bounds={Dimension.RELEVANCE: 0.4})
    quality = combine(
        [finding], [JudgeRating(judge="j", scores={Dimension.RELEVANCE: 0.9, Dimension.FLUENCY: 0.8})]
    )
    assert (quality.relevance, quality.fluency, quality.coherence) == (0.4, 0.8, None)


@given(st.lists(st.floats(-8, 3), max_size=5), st.lists(st.floats(0, 1), max_size=3), st.booleans())
def test_the_estimate_is_a_probability_and_unfit_is_unfit(
    effects: list[float],
    accuracies: list[float],
    unfit: bool,  # noqa: FBT001  # hypothesis passes it by name
) -> None:
    found = [Finding(check="x", evidence="x", effect=effect, disqualifying=unfit) for effect in effects]
    ratings = [JudgeRating(judge="j", scores={Dimension.ACCURACY: accuracy}) for accuracy in accuracies]
    overall = combine(found, ratings).overall
    assert 0 <= overall <= (0.05 if unfit and effects else 1)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_more_accuracy_never_lowers_the_estimate(one: float, other: float, rest: float) -> None:
    low, high = sorted([one, other])
    assert judged(low, rest).overall <= judged(high, rest).overall


@pytest.mark.parametrize(
    "text",
    [
        scores(8),
        f"Let me think. The first is fine.\n```json\n{scores(8)}\n```\nDone.",
        json.dumps([{"id": " a ", "accuracy": "8/10", "fluency": 8}]),
        '{"id": "A", "accuracy": 8}',
        f'{{"verdicts": [{{"id": "A", "accuracy": 1}}]}} On second thought: {scores(8)}',
    ],
)
def test_verdicts_are_read_however_they_are_wrapped(text: str) -> None:
    assert read_verdicts(text)["A"].scores[Dimension.ACCURACY] == 0.8


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A is best.",
        "{not json}",
        '{"verdicts": "none"}',
        '{"verdicts": [1, null]}',
        '{"verdicts": [{"id": "A", "accuracy": "good"}]}',
        '{"verdicts": [{"id": "A", "accuracy": true}]}',
        '{"verdicts": [{"id": "A", "accuracy": NaN}]}',
        f'{{"verdicts": [{{"id": "A", "accuracy": 1{"0" * 400}}}]}}',
    ],
)
def test_what_cannot_be_read_is_no_verdict(text: str) -> None:
    assert read_verdicts(text) == {}


def test_scores_out_of_range_are_brought_into_it() -> None:
    verdict = read_verdicts('[{"id": "B", "accuracy": 11, "fluency": -3, "reason": 5}]')["B"]
    assert verdict.scores == {Dimension.ACCURACY: 1.0, Dimension.FLUENCY: 0.0}
    assert verdict.reason == ""


def test_a_judge_that_changed_its_mind_counts_less_and_it_is_said() -> None:
    rating = average([JudgeRating(judge="j", scores={Dimension.ACCURACY: score}) for score in (0.9, 0.3)])
    assert rating.scores[Dimension.ACCURACY] == pytest.approx(0.6)
    assert rating.confidence == pytest.approx(0.4)
    assert rating.remark == "j judged differently when the order was reversed: it counts 40%."


def test_no_judge_judges_its_own_family_when_another_can() -> None:
    ant, bee = ScriptedModel(spec_named("j", family="ant")), ScriptedModel(spec_named("k", family="bee"))
    written = {"ask/a": "ant", "ask/b": "bee", "ask/c": "cow"}
    assert assign([ant, bee], written) == [(ant, ("ask/b", "ask/c")), (bee, ("ask/a", "ask/c"))]
    assert assign([ant], {"ask/a": "ant"}) == [(ant, ("ask/a",))]
    assert assign([ant, bee], {}) == []


async def test_one_answer_is_judged_once_and_blind() -> None:
    judge = ScriptedModel("judge", [scores(9)])
    quality = (await assessed(candidate("a", "It is a."), judges=(judge,)))["ask/a"]
    [prompt] = judge.count.prompts
    assert answers_in(prompt) == ["It is a."]
    assert "ask/a" not in prompt.messages[-1].content
    assert quality.evidence == ("The checks found nothing wrong.", "judge: worth 9")


async def test_several_answers_are_judged_in_both_orders() -> None:
    judge = ScriptedModel("judge", by_text(a=9, b=3))
    qualities = await assessed(candidate("a"), candidate("b"), judges=(judge,))
    first, second = (answers_in(prompt) for prompt in judge.count.prompts)
    assert first == second[::-1]
    assert (qualities["ask/a"].accuracy, qualities["ask/b"].accuracy) == (0.9, 0.3)


async def test_a_judge_that_always_prefers_the_first_place_counts_little() -> None:
    judge = ScriptedModel("judge", [scores(10, 0)])
    qualities = await assessed(candidate("a"), candidate("b"), judges=(judge,))
    assert {quality.overall for quality in qualities.values()} == {ALONE}
    assert "it counts 0%" in " ".join(qualities["ask/a"].evidence)


async def test_judging_its_own_family_for_want_of_another_is_said() -> None:
    judge = ScriptedModel(spec_named("judge", family="ant"), [scores(9)])
    quality = (await assessed(candidate("a"), judges=(judge,)))["ask/a"]
    assert quality.evidence[-1] == "judge judged an answer of its own model family: no other judge was there."


@pytest.mark.parametrize(
    ("judge", "words"),
    [
        (FailingModel("judge", ProviderUnavailable("503")), "judge could not judge: 503"),
        (ScriptedModel("judge", ["Fine."]), "judge gave no verdict that can be read: it counts for nothing."),
        (ScriptedModel("judge", ['[{"id": "Z", "accuracy": 1}]']), "judge gave no verdict on this answer."),
    ],
)
async def test_a_judge_without_a_verdict_is_no_evidence_and_it_is_said(
    judge: ScriptedModel, words: str
) -> None:
    for candidates in ([candidate("a")], [candidate("a"), candidate("b")]):
        qualities = await assessed(*candidates, judges=(judge,))
        assert qualities["ask/a"].overall == ALONE
        assert qualities["ask/a"].evidence[-1] == words


async def test_a_judge_beyond_the_runs_limits_is_no_evidence() -> None:
    judge = ScriptedModel("judge", [scores(9)])
    qualities = await assessed(candidate("a"), judges=(judge,), limits=Limits(calls=0))
    assert "limit of 0 calls" in qualities["ask/a"].evidence[-1]


async def test_unfit_answers_and_those_that_are_not_there_are_not_shown_to_judges() -> None:
    judge = ScriptedModel("judge", [scores(9)])
    missing = Candidate(model="c", step="ask/c", state="missing")
    qualities = await assessed(candidate("a"), candidate("b", "I can't help."), missing, judges=(judge,))
    assert answers_in(judge.count.prompts[0]) == ["a"]
    assert qualities["ask/b"].overall <= 0.05
    assert "ask/c" not in qualities


def test_a_judge_gets_a_schema_and_a_temperature_only_where_it_takes_them() -> None:
    plain = spec_named("j")
    able = ModelSpec(
        name="k",
        provider="p",
        remote_name="k",
        capabilities=frozenset({Capability.JSON_SCHEMA, Capability.REASONING}),
    )
    first, second = judge_prompt(plain, QUESTION, ["a"]), judge_prompt(able, QUESTION, ["a"])
    assert (first.temperature, first.response_schema) == (0.0, None)
    assert (second.temperature, second.response_schema) == (None, verdict_schema(FIVE_DIMENSIONS))


def test_answers_are_shortened_to_what_a_judge_can_read() -> None:
    judge = ModelSpec(name="j", provider="p", remote_name="j", context_window=400, max_output_tokens=50)
    text = blocks(judge, Request(text="Why?", system="Be brief."), ["x" * 5000, "short"])
    assert len(text) < 1050
    assert SHORTENED in text
    assert "<instructions>\nBe brief.\n</instructions>" in text


@given(st.text(alphabet="<>/ aAnswerquestioninstructions=\"'", max_size=60))
def test_no_text_can_open_or_close_a_block(text: str) -> None:
    for tag in ("<answer", "</answer", "<question", "</question", "<instructions", "</instructions"):
        assert tag not in ANSWER_TAGS.escaped(text).lower()


def test_labels_go_on_after_z() -> None:
    assert [label(number) for number in (0, 25, 26, 27, 701, 702)] == ["A", "Z", "AA", "AB", "ZZ", "AAA"]
