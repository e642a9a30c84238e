"""What equal answers of others say for an answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestration.llm.engine.types import FinishReason
from orchestration.strategies.engine.asking import StepTimer
from orchestration.strategies.engine.belief.reading import question_traits, read_text
from orchestration.strategies.engine.belief.shipped import shipped_belief
from orchestration.strategies.engine.quality.assessing import Scorer
from orchestration.strategies.engine.quality.rubrics import Dimension
from orchestration.strategies.engine.quality.scoring import (
    Agreement,
    Finding,
    JudgeRating,
    combine,
    compare_answers,
)
from orchestration.strategies.engine.strategy import Panel
from orchestration.strategies.engine.types import Candidate, Quality, Request
from tests.support.context import Stage
from tests.support.logs import MemoryLog, context_on
from tests.support.models import ScriptedModel

QUESTION = "What is six times seven?"


def candidates(*texts: str) -> list[Candidate]:
    return [Candidate(model=f"m{n}", step=f"ask/m{n}", text=text) for n, text in enumerate(texts)]


def compared(question: str, given_candidates: list[Candidate]) -> dict[str, Agreement]:
    read = {
        each.step: read_text(each.model, each.text, question, cut_off=each.finish is FinishReason.LENGTH)
        for each in given_candidates
    }
    return dict(compare_answers(shipped_belief(), question_traits(question), read))


async def assessed(*given_candidates: Candidate) -> list[Quality]:
    asked, timer = Request(text=QUESTION), StepTimer(context_on(MemoryLog()))
    scorer = Scorer(request=asked, timer=timer, panel=Panel(members=(ScriptedModel("m0"),)))
    return list((await scorer.assess(given_candidates, given_candidates)).values())


def test_what_an_answer_breaks_off_in_agrees_with_nothing() -> None:
    whole, cut = candidates("So it is 42.", "So it is 42.")
    assert len(compared(QUESTION, [whole, cut])) == 2
    assert not compared(QUESTION, [whole, replace(cut, finish=FinishReason.LENGTH)])


def test_an_answer_that_stands_alone_is_neither_backed_nor_doubted() -> None:
    assert (
        compared(QUESTION, candidates("Answer: 42", "I would rather talk of something else.\n\nTruly so"))
        == {}
    )


def test_agreement_and_dissent_are_said_in_words() -> None:
    found = compared(QUESTION, candidates("Answer: 42", "It is \\boxed{42}.", "Answer: 41", "42"))
    words = "3 of 4 comparable answers: “42”. The strongest other: “41”, 1 of 4. Believed right in "
    assert found["ask/m0"].evidence.startswith(words)
    reasons = "how many say so and what is expected of the models that say so."
    assert found["ask/m0"].evidence.endswith(f"; for it: {reasons}")
    assert found["ask/m2"].evidence.endswith(f"; against it: {reasons}")
    assert found["ask/m0"].right > 0.7
    assert found["ask/m2"].right < 0.3
    assert (found["ask/m0"].agreeing, found["ask/m0"].compared) == (3, 4)


def test_who_states_nothing_among_answers_that_do_is_doubted_like_a_lone_dissenter() -> None:
    rambling = "Let us first consider what a product is.\n\nIt is a wide field"
    found = compared(QUESTION, candidates("Answer: 42", "Answer: 42", "Answer: 41", rambling))
    assert found["ask/m3"].right == pytest.approx(found["ask/m2"].right, abs=0.05)
    words = "No answer like the others' can be read in it. The strongest: “42”, 2 of 3."
    assert found["ask/m3"].evidence.startswith(words)
    assert (found["ask/m3"].agreeing, found["ask/m3"].compared) == (0, 0)


def test_who_states_something_among_prose_says_nothing_of_the_prose() -> None:
    prose = [f"It is a matter of {what},\n\nand so on" for what in ("taste", "luck", "time")]
    found = compared(QUESTION, candidates("Answer: 42", "Answer: 42", *prose))
    assert set(found) == {"ask/m0", "ask/m1"}


def test_free_text_in_other_words_is_no_dissent() -> None:
    assert (
        compared("Name the capital.", candidates("Paris, on the Seine", "It has to be the city of light"))
        == {}
    )


def test_an_answer_that_is_read_in_no_words_is_shown_as_it_is() -> None:
    long = "Answer: " + "9" * 100
    found = compared(QUESTION, candidates(long, long))
    assert f"“{'9' * 60}…”" in found["ask/m0"].evidence


async def test_agreement_moves_the_estimate_and_is_among_the_evidence() -> None:
    first, second, _, last = await assessed(*candidates(*["Answer: 42"] * 3, "Answer: 7"))
    assert first.overall == second.overall > 0.7 > last.overall
    assert first.evidence[-1] == "No judge scored it: this rests on the checks and on the other answers."


async def test_unfit_answers_have_no_say() -> None:
    cut = Candidate(model="cut", step="ask/cut", text="Answer: 7", finish=FinishReason.LENGTH)
    first, _ = await assessed(*candidates("Answer: 42"), cut)
    assert not first.judged
    assert first.overall == pytest.approx(0.7, abs=0.1)


async def test_the_best_of_a_panel_is_the_one_that_others_agree_with() -> None:
    members = [
        ScriptedModel(name, [f"Answer: {said}"]) for name, said in zip("abcd", (7, 42, 42, 42), strict=True)
    ]
    outcome = await Stage(strategy="parallel", members=members, question=QUESTION).run()
    assert (outcome.answer, outcome.chosen) == ("Answer: 42", "ask/b")
    assert outcome.quality is not None
    assert outcome.quality.overall > 0.7


def test_a_score_with_nothing_behind_it_is_not_judged() -> None:
    finding = Finding(check="x", evidence="Found.", effect=-0.5)
    assert not combine((), ()).judged
    assert combine((finding,), ()).judged
    assert combine((), (), agreement=Agreement(right=0.5, evidence="Found.")).judged
    assert combine((), (JudgeRating(judge="j", scores={Dimension.ACCURACY: 0.6}),)).judged
