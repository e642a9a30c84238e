"""What a run is worth beside the best single model of its panel: observed or predicted, and in a sentence."""

from __future__ import annotations

from dataclasses import asdict, replace
from decimal import Decimal
from typing import Any

import pytest

from orchestration.llm.engine.errors import ProviderUnavailable
from orchestration.runs.engine.metering import Metered
from orchestration.strategies.engine.belief.model import AnswerRecord, Tried
from orchestration.strategies.engine.belief.shipped import shipped_belief
from orchestration.strategies.engine.single_model import (
    Basis,
    SingleModel,
    panel_worth,
    say_the_same,
    single_model,
)
from orchestration.strategies.engine.strategy import Panel
from orchestration.strategies.engine.types import Candidate, Quality, Request, StrategyOutcome
from tests.support.clock import SkippingLoop
from tests.support.context import Stage
from tests.support.models import FailingModel, ScriptedModel

LOOP_FACTORY = SkippingLoop
QUESTION = Request(text="How many are there?")
RECORDS = {"best": AnswerRecord(by_task={"general": Tried(right=40, seen=40)})}
BELIEF = replace(shipped_belief(), records=RECORDS)


def a_panel(*names: str) -> Panel:
    return Panel(members=tuple(Metered(ScriptedModel(name, ["?"])) for name in names), belief=BELIEF)


def answered(model: str, text: str, quality: float = 0.5, **more: Any) -> Candidate:  # noqa: ANN401  # its fields
    found = Candidate(model=model, step=f"ask/{model}", text=text, latency_s=1.5, cost_usd=Decimal("0.001"))
    return replace(found, quality=Quality(overall=quality), **more)


def beside(
    *candidates: Candidate, answer: str = "Answer: 4", chosen: str = "ask/other"
) -> SingleModel | None:
    outcome = StrategyOutcome(answer=answer, candidates=candidates, chosen=chosen)
    return single_model(QUESTION, a_panel("other", "best"), outcome)


@pytest.mark.parametrize(
    ("text", "agrees"), [("Answer: 4", True), ("It is 4.\nAnswer: 4", True), ("Answer: 5", False)]
)
def test_its_own_answer_is_observed_with_all_others_in_sight(text: str, agrees: bool) -> None:  # noqa: FBT001
    found = beside(answered("other", "Answer: 4"), answered("best", text, 0.8))
    wanted: dict[str, Any] = {
        "model": "best",
        "basis": Basis.ANSWERED,
        "quality": 0.8,
        "cost_usd": 0.001,
        "seconds": 1.5,
    }
    assert found == SingleModel(**wanted, agrees=agrees)


def test_what_it_was_not_asked_alone_is_predicted_from_its_record() -> None:
    rewritten = answered("best", "Answer: 4", step="answer-2/ask/best")
    stopped = answered("best", "", state="cancelled")
    for late in (rewritten, stopped):
        found = beside(answered("other", "Answer: 4"), late)
        assert found is not None
        assert (found.model, found.basis, found.agrees) == ("best", Basis.PREDICTED, None)
        assert 0.9 < (found.quality or 0) < 1
        assert (found.seconds or 0) > 0


def test_one_that_failed_or_that_nothing_judged_is_observed_as_that() -> None:
    failed = beside(
        answered("other", "Answer: 4"), Candidate(model="best", step="ask/best", state="failed", error="503")
    )
    assert failed == SingleModel(model="best", basis=Basis.ANSWERED, seconds=0.0, agrees=False, error="503")
    poem = answered("best", "A poem.", quality=0.7)
    unjudged = replace(poem, quality=Quality(overall=0.7, judged=False), cost_usd=None)
    found = beside(unjudged, answered("other", "Another poem."), chosen="ask/best")
    assert (
        (found.quality, found.cost_usd, found.agrees) == (None, None, True) if found else pytest.fail("none")
    )


def test_a_run_that_asked_for_one_answer_is_compared_with_nothing() -> None:
    missing = Candidate(model="best", step="ask/best", state="missing")
    assert beside(answered("other", "Answer: 4"), missing) is None
    assert panel_worth(None, 0.9, 0.1, 1.0) is None


def test_answers_are_compared_as_far_as_they_can_be() -> None:
    assert say_the_same("How many?", "Answer: 4", "Four is it.\nAnswer: 4") is True
    assert say_the_same("How many?", "Answer: 4", "Answer: 5") is False
    assert say_the_same("Write a poem.", "Rain.", "Sun.") is None
    assert say_the_same("Write a poem.", "Rain.", " Rain.\n") is True


SINGLE = SingleModel(
    model="best", basis=Basis.ANSWERED, quality=0.8, cost_usd=0.001, seconds=2.0, agrees=False
)


@pytest.mark.parametrize(
    ("changed", "quality", "sentence"),
    [
        (
            {},
            0.87,
            "The run added 7 points of estimated quality to best alone, for $0.0012 more and 1.3 s more.",
        ),
        (
            {"cost_usd": 0.0034},
            0.87,
            "The run added 7 points of estimated quality to best alone, for $0.0012 less and",
        ),
        (
            {"agrees": True},
            0.802,
            "best alone gives the same answer: the run confirmed it, for $0.0012 more and",
        ),
        ({"quality": 0.805}, 0.9996, "The run added 20 points of estimated quality to best alone, for"),
        ({}, 0.806, "The run added 1 point of estimated quality to best alone, for"),
        ({}, 0.802, "The run added no estimated quality to best alone, for"),
        ({"cost_usd": None}, 0.7, "The run is estimated 10 points below best alone, for 1.3 s more."),
        ({"error": "503"}, 0.9, "best alone gave no answer, for"),
        (
            {"quality": None, "cost_usd": None, "seconds": None},
            0.9,
            "Nothing judged the answers: what the run added",
        ),
        ({}, None, "Nothing judged the answers: what the run added to best alone is not known, for"),
    ],
)
def test_what_a_run_adds_is_said_with_its_price(
    changed: dict[str, Any], quality: float | None, sentence: str
) -> None:
    worth = panel_worth(asdict(replace(SINGLE, **changed)), quality, 0.0022, 3.3)
    assert worth is not None
    assert worth.sentence.startswith(sentence)
    assert worth.as_json()["sentence"] == worth.sentence


def test_what_was_asked_only_to_compare_is_no_cost_of_the_run() -> None:
    asked = asdict(replace(SINGLE, basis=Basis.ASKED))
    worth, untimed = panel_worth(asked, 0.9, 0.005, 7.0), panel_worth(asked, 0.9, 0.005, None)
    assert worth is not None
    assert untimed is not None
    assert (worth.cost_usd, worth.seconds, untimed.seconds, untimed.extra_s) == (0.004, 5.0, None, None)
    assert worth.gain == pytest.approx(0.1)


async def test_a_vote_is_compared_with_the_answer_of_its_best_member() -> None:
    members = [ScriptedModel("other", ["Answer: 4"]), FailingModel("best", ProviderUnavailable("503"))]
    run = Stage(strategy="voting", members=[*members, ScriptedModel("third", ["Answer: 4"])], belief=BELIEF)
    found = single_model(QUESTION, a_panel("other", "best", "third"), await run.run(ballot="answers"))
    assert found is not None
    assert (found.model, found.basis, bool(found.error)) == ("best", Basis.ANSWERED, True)
