"""What equal answers of others say for an answer."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.llm.engine.types import FinishReason
from orchestration.strategies.engine.quality.assessing import assess
from orchestration.strategies.engine.quality.scoring import (
    SUREST,
    Dimension,
    Finding,
    JudgeRating,
    combine,
    compare_answers,
    group_probabilities,
)
from orchestration.strategies.engine.types import Candidate, Quality, Request
from tests.support.context import Stage
from tests.support.logs import MemoryLog, context_on
from tests.support.models import ScriptedModel

QUESTION = "What is six times seven?"
SIZES = st.lists(st.integers(1, 12), min_size=1, max_size=6)


def candidates(*texts: str) -> list[Candidate]:
    return [Candidate(model=f"m{n}", step=f"ask/m{n}", text=text) for n, text in enumerate(texts)]


async def assessed(*given_candidates: Candidate) -> list[Quality]:
    found = await assess(
        Request(text=QUESTION),
        given_candidates,
        (),
        context_on(MemoryLog()),
        families={},
        compared=given_candidates,
    )
    return list(found.values())


@pytest.mark.parametrize(
    ("sizes", "first"),
    [([1], 0.7), ([2], 0.913), ([1, 1], 0.362), ([3, 1, 1], 0.717), ([1] * 5, 0.164), ([2, 2, 1], 0.328)],
)
def test_the_formula_gives_these_chances(sizes: list[int], first: float) -> None:
    assert group_probabilities(sizes)[0] == pytest.approx(first, abs=0.001)


def test_what_an_answer_breaks_off_in_agrees_with_nothing() -> None:
    whole, cut = candidates("So it is 42.", "So it is 42.")
    assert len(compare_answers(QUESTION, [whole, cut])) == 2
    assert not compare_answers(QUESTION, [whole, replace(cut, finish=FinishReason.LENGTH)])


@given(SIZES)
def test_chances_are_probabilities_and_leave_room_for_none_being_right(sizes: list[int]) -> None:
    chances = group_probabilities(sizes)
    assert all(0 <= chance <= 1 for chance in chances)
    assert sum(chances) < 1 + 1e-9


@given(SIZES)
def test_the_larger_a_group_the_likelier_it_is(sizes: list[int]) -> None:
    chances = dict(zip(sizes, group_probabilities(sizes), strict=True))
    ranked = [chances[size] for size in sorted(chances)]
    assert all(less <= more + 1e-12 for less, more in pairwise(ranked))


@given(SIZES)
def test_one_more_who_agrees_never_hurts(sizes: list[int]) -> None:
    more = [sizes[0] + 1, *sizes[1:]]
    assert group_probabilities(more)[0] >= group_probabilities(sizes)[0] - 1e-12


def test_an_answer_that_stands_alone_is_neither_backed_nor_doubted() -> None:
    assert (
        compare_answers(
            QUESTION, candidates("Answer: 42", "I would rather talk of something else.\n\nTruly so")
        )
        == {}
    )


def test_agreement_and_dissent_are_said_in_words() -> None:
    found = compare_answers(QUESTION, candidates("Answer: 42", "It is \\boxed{42}.", "Answer: 41", "42"))
    assert found["ask/m0"].evidence == "3 of 4 comparable answers: “42”. The strongest other: “41”, 1 of 4."
    assert found["ask/m0"].effect > 0 > found["ask/m2"].effect


def test_who_states_nothing_among_answers_that_do_is_doubted_like_a_lone_dissenter() -> None:
    rambling = "Let us first consider what a product is.\n\nIt is a wide field"
    found = compare_answers(QUESTION, candidates("Answer: 42", "Answer: 42", "Answer: 41", rambling))
    assert found["ask/m3"].effect == pytest.approx(found["ask/m2"].effect, abs=0.5)
    assert found["ask/m3"].evidence == (
        "No answer like the others' can be read in it. The strongest: “42”, 2 of 3."
    )


def test_who_states_something_among_prose_says_nothing_of_the_prose() -> None:
    prose = [f"It is a matter of {what},\n\nand so on" for what in ("taste", "luck", "time")]
    found = compare_answers(QUESTION, candidates("Answer: 42", "Answer: 42", *prose))
    assert set(found) == {"ask/m0", "ask/m1"}


def test_free_text_in_other_words_is_no_dissent() -> None:
    assert (
        compare_answers(
            "Name the capital.", candidates("Paris, on the Seine", "It has to be the city of light")
        )
        == {}
    )


def test_no_number_of_models_makes_sure() -> None:
    found = compare_answers(QUESTION, candidates(*["Answer: 42"] * 50))
    alone = compare_answers(QUESTION, candidates(*["Answer: 42"] * 49, "Answer: 41"))
    assert all(0 < finding.effect < 4 for finding in found.values())
    assert alone["ask/m49"].effect > -6
    assert SUREST < 1


async def test_agreement_moves_the_estimate_and_is_among_the_evidence() -> None:
    first, second, _, last = await assessed(*candidates(*["Answer: 42"] * 3, "Answer: 7"))
    assert first.overall == second.overall > 0.7 > last.overall
    assert first.evidence[-1] == "No judge scored it: this rests on the checks and on the other answers."


async def test_unfit_answers_have_no_say() -> None:
    cut = Candidate(model="cut", step="ask/cut", text="Answer: 7", finish=FinishReason.LENGTH)
    first, _ = await assessed(*candidates("Answer: 42"), cut)
    assert first.overall == 0.7


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
    assert combine((), (), agreement=finding).judged
    assert combine((), (JudgeRating(judge="j", scores={Dimension.ACCURACY: 0.6}),)).judged
