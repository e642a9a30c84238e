"""The belief: what is expected of a model, what is believed of answers, and what one more is worth."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.strategies.engine.belief.model import (
    REASONS,
    AnswerRecord,
    Belief,
    Posterior,
    Reason,
    Term,
    Tried,
)
from orchestration.strategies.engine.belief.reading import (
    LONGEST_FORM,
    Form,
    QuestionTraits,
    ReadAnswer,
    answer_groups,
    question_traits,
    read_text,
)
from orchestration.strategies.engine.belief.shipped import belief_of_team, shipped_belief
from orchestration.strategies.engine.classification import TaskType
from orchestration.strategies.engine.consensus.answers import AnswerKind, Extracted
from orchestration.strategies.engine.profiles import Profile, expectation
from tests.support.models import spec_named

SIMPLE = Belief(coefficients={Term.VOTE: log(3), Term.RECORD: 1.0})
"""Each vote multiplies the odds of its group by 3, times the odds of its model's record."""
ASKED = QuestionTraits(kind="number", task=TaskType.REASONING, length=0.3, closed=True)
SIZES = st.lists(st.integers(1, 9), min_size=1, max_size=5)


def number(value: int | None, model: str = "m", **more: float) -> ReadAnswer:
    said = None if value is None else Extracted(kind=AnswerKind.NUMBER, key=str(value), raw=str(value))
    return ReadAnswer(model=model, answer=said, **more)


def answers(sizes: list[int]) -> list[ReadAnswer]:
    values = [value for value, size in enumerate(sizes) for _ in range(size)]
    return [number(value, f"m{place}") for place, value in enumerate(values)]


def evenly(right: float, seen: float = 10.0) -> AnswerRecord:
    tried = Tried(right=right * seen, seen=seen)
    return AnswerRecord(prior=right, by_task={"reasoning": tried}, by_kind={"number": tried})


def rights(posterior: Posterior) -> list[float]:
    return [group.right for group in posterior.groups]


@pytest.mark.parametrize(
    ("question", "kind", "closed"),
    [
        ("Which one?\nA. Rome\nB. Bern", "choice", True),
        ("What does this print?\n```\nprint(1)\n```", "code output", True),
        ("Find $x^2$ for $x=3$.", "formula", True),
        ("Simplify \\frac{2}{4}.", "formula", True),
        ("A pen costs $2 and an ink $30. How much are both?", "number", True),
        ("How many days has May?", "number", True),
        ("Write a poem about rain.", "creative", False),
        ("Translate “rain” into German.", "translation", False),
    ],
)
def test_the_kind_of_a_question_is_the_form_of_its_answer_else_its_task(
    question: str, kind: str, *, closed: bool
) -> None:
    traits = question_traits(question)
    assert (traits.kind, traits.closed) == (kind, closed)


def test_what_is_quoted_in_a_question_makes_it_no_harder() -> None:
    lengths = [question_traits("x" * size).length for size in (10, 1_000, 100_000)]
    assert lengths[0] < lengths[1] == lengths[2]


def test_an_answer_is_read_with_what_it_takes_back() -> None:
    read = read_text("ada", "Answer: 41\nWait, actually:\nAnswer: 42", "What is 6 times 7?")
    assert read.answer is not None
    assert read.answer.key == "42"
    assert read.hedging == pytest.approx(2 / 6)
    assert read_text("ada", "maybe, perhaps, it seems likely " * 99, "Why?").hedging == 1.0
    assert read.length < read_text("ada", "So " * 500, "Why?").length


def test_a_record_is_shrunk_from_level_to_level() -> None:
    task = Tried(right=6.0, seen=6.0)
    record = AnswerRecord(prior=0.5, by_task={"reasoning": task}, by_kind={"number": Tried(right=0, seen=8)})
    overall = (6 + 4 * 0.5) / (6 + 4)
    of_task = (6 + 8 * overall) / (6 + 8)
    assert record.right(ASKED) == pytest.approx((0 + 8 * of_task) / 16)
    assert record.right(replace(ASKED, kind="formula")) == pytest.approx(of_task)
    assert record.right(replace(ASKED, kind="formula", task=TaskType.CREATIVE)) == pytest.approx(overall)
    assert AnswerRecord(prior=0.3).right(ASKED) == pytest.approx(0.3)


def test_the_posterior_is_the_product_of_the_odds_that_was_computed_by_hand() -> None:
    records = {"m0": evenly(0.5), "m1": evenly(0.5), "m2": evenly(0.8)}
    posterior = replace(SIMPLE, records=records).after(ASKED, answers([2, 1]))
    # 3 * 1 * 3 * 1 for the first group, 3 * 4 for the second, 1 for none
    assert rights(posterior) == pytest.approx([9 / 22, 12 / 22])
    assert posterior.none == pytest.approx(1 / 22)
    assert posterior.best.places == (2,)
    assert [posterior.of(place) for place in range(3)] == [posterior.groups[0]] * 2 + [posterior.groups[1]]


def test_offsets_of_a_model_count_for_all_questions_and_for_a_kind() -> None:
    records = {"m0": replace(evenly(0.5), offsets={"": log(2), "number": log(5), "choice": 9.0})}
    posterior = replace(SIMPLE, records=records).after(ASKED, answers([1]))
    assert rights(posterior) == pytest.approx([30 / 31])


@pytest.mark.parametrize(
    ("key", "found"),
    [
        (None, {Form.UNREAD: 1.0}),
        ("12", {Form.WHOLE: 1.0, Form.LENGTH: log(3)}),
        ("-7", {Form.WHOLE: 1.0, Form.LENGTH: log(3)}),
        ("1.25", {Form.DECIMAL: 1.0, Form.LENGTH: log(5)}),
        ("1/2", {Form.MARKED: 1.0, Form.LENGTH: log(4)}),
        ("\\pi", {Form.MARKED: 1.0, Form.LENGTH: log(4)}),
        ("9" * 5_000, {Form.WHOLE: 1.0, Form.LENGTH: LONGEST_FORM}),
    ],
)
def test_the_form_of_an_answer_is_read_from_its_key(key: str | None, found: dict[Form, float]) -> None:
    said = None if key is None else Extracted(kind=AnswerKind.TEXT, key=key, raw=key)
    form = ReadAnswer(model="m", answer=said).form
    assert {name: value for name, value in form.items() if value} == pytest.approx(found)


def test_the_form_of_the_answer_that_begins_a_group_counts_where_that_kind_was_learned() -> None:
    records = {"m0": evenly(0.5), "m1": evenly(0.5), "m2": evenly(0.5)}
    several, one = {Form.WHOLE: log(2), Form.NONE: log(5)}, {Form.WHOLE: log(4), Form.NONE: log(5)}
    forms = {"number": several, "number/alone": one, "formula": {Form.WHOLE: 9.0}}
    belief = replace(SIMPLE, records=records, forms=forms)
    # 3 * 3 * 2 for the first group, 3 * 2 for the second, 5 for none
    posterior = belief.after(ASKED, answers([2, 1]))
    assert [*rights(posterior), posterior.none] == pytest.approx([18 / 29, 6 / 29, 5 / 29])
    assert posterior.groups[0].terms[Reason.NUMBER] == pytest.approx(log(3))
    [alone] = belief.after(ASKED, [number(1, "m0")]).groups
    assert alone.right == pytest.approx(12 / 17)
    assert alone.terms[Reason.MANNER] == pytest.approx(log(4))
    assert alone.terms[Reason.HARDNESS] == pytest.approx(-log(5))
    other = belief.after(replace(ASKED, kind="choice"), answers([2, 1]))
    assert rights(other) == pytest.approx([9 / 13, 3 / 13])


def test_what_speaks_for_a_group_is_named_and_adds_up() -> None:
    posterior = shipped_belief().after(ASKED, answers([3, 1]))
    first, second = posterior.groups
    assert set(first.terms) == set(Reason) == {*REASONS.values(), Reason.RECOMPUTED}
    assert set(REASONS) == set(Term)
    assert sum(first.terms.values()) == pytest.approx(log(first.right / second.right))
    assert first.terms == {reason: pytest.approx(-effect) for reason, effect in second.terms.items()}
    assert first.terms[Reason.NUMBER] > 1
    [alone] = shipped_belief().after(ASKED, answers([1])).groups
    assert sum(alone.terms.values()) == pytest.approx(log(alone.right / (1 - alone.right)))


def test_answers_of_which_no_two_can_be_compared_have_no_groups() -> None:
    prose = [ReadAnswer(model=name, answer=None) for name in "ab"]
    posterior = shipped_belief().after(ASKED, prose)
    assert (posterior.groups, posterior.of(0), posterior.none) == ((), None, 1.0)
    assert answer_groups([]) == ()


def test_one_that_says_nothing_differs_from_those_that_can_be_compared() -> None:
    assert answer_groups([number(1), number(None), number(1)]) == ((0, 2), (1,))
    assert answer_groups([number(1), number(None), number(1), number(None)]) == ((0, 2),)


def test_an_answer_longer_than_its_models_usual_is_a_sign_of_a_hard_question() -> None:
    belief = replace(shipped_belief(), records={"m": replace(evenly(0.7), usual={"": 5.0, "number": 4.0})})
    usual, longer = (belief.after(ASKED, [number(1, length=length)]).best.right for length in (4.0, 9.0))
    assert longer < usual
    assert belief.after(replace(ASKED, kind="x"), [number(1, length=5.0)]).best.right > longer


def test_hedging_counts_only_where_a_form_of_answer_is_asked_for() -> None:
    after = shipped_belief().after
    opened = replace(ASKED, closed=False)
    assert after(opened, [number(1, hedging=1.0)]).groups == after(opened, [number(1)]).groups
    assert after(ASKED, [number(1, hedging=1.0)]).best.right < after(ASKED, [number(1)]).best.right


@given(SIZES)
def test_the_probabilities_sum_to_one(sizes: list[int]) -> None:
    posterior = shipped_belief().after(ASKED, answers(sizes))
    assert sum(rights(posterior)) + posterior.none == pytest.approx(1.0)
    assert all(0 < right < 1 for right in rights(posterior))


@given(SIZES)
def test_of_equals_the_larger_group_is_the_likelier(sizes: list[int]) -> None:
    by_size = sorted(zip(sizes, rights(shipped_belief().after(ASKED, answers(sizes))), strict=True))
    assert all(less[1] <= more[1] + 1e-12 for less, more in pairwise(by_size))


@given(SIZES)
def test_one_more_that_agrees_never_hurts(sizes: list[int]) -> None:
    more = [sizes[0] + 1, *sizes[1:]]
    after = shipped_belief().after
    assert rights(after(ASKED, answers(more)))[0] >= rights(after(ASKED, answers(sizes)))[0] - 1e-12


@pytest.mark.parametrize(
    ("sizes", "least", "most"),
    [([1], 0.6, 0.8), ([2], 0.85, 0.95), ([3], 0.95, 1), ([1, 1], 0.2, 0.45), ([1] * 5, 0, 0.2)],
)
def test_the_shipped_belief_is_sober(sizes: list[int], least: float, most: float) -> None:
    assert least <= rights(shipped_belief().after(ASKED, answers(sizes)))[0] <= most


def test_two_that_are_often_wrong_are_believed_less_though_they_agree() -> None:
    weak = replace(shipped_belief(), records={"m0": evenly(0.35, 40), "m1": evenly(0.4, 40)})
    strong = replace(shipped_belief(), records={"m0": evenly(0.9, 40), "m1": evenly(0.85, 40)})
    assert weak.after(ASKED, answers([2])).best.right < 0.8 < strong.after(ASKED, answers([2])).best.right


def test_one_who_is_far_ahead_is_believed_against_two() -> None:
    records = {"m0": evenly(0.3, 200), "m1": evenly(0.3, 200), "m2": evenly(0.97, 200)}
    assert replace(shipped_belief(), records=records).after(ASKED, answers([2, 1])).best.places == (2,)


def test_what_a_second_answer_is_worth_is_the_expected_gain_computed_by_hand() -> None:
    """The first is right with 3/4. With a second one that differs, records 1 and 3 to 1: 3/13 and 9/13."""
    belief = replace(SIMPLE, records={"m0": evenly(0.5), "next": evenly(0.75)})
    posterior = belief.after(ASKED, answers([1]))
    assert rights(posterior) == pytest.approx([3 / 4])
    # if it agrees, 27/28; the first's 3/4 is the mean of that and 3/13, so that it differs with this chance
    differs = (27 / 28 - 3 / 4) / (27 / 28 - 3 / 13)
    assert belief.worth(posterior, ASKED, "next") == pytest.approx(differs * (9 / 13 - 3 / 13))


def test_a_second_answer_that_would_not_be_believed_is_worth_nothing() -> None:
    belief = replace(shipped_belief(), records={"m0": evenly(0.9, 99), "next": evenly(0.6, 99)})
    posterior = belief.after(ASKED, answers([1]))
    assert belief.worth(posterior, ASKED, "next") == 0.0
    # unless something else, as a judge, says that the first is wrong
    doubted = posterior.with_right(posterior.best, 0.1)
    assert belief.worth(doubted, ASKED, "next") > 0.1


@given(SIZES, st.floats(0.1, 0.9), st.floats(0.05, 0.95))
def test_what_else_is_known_of_a_group_weighs_as_its_odds(
    sizes: list[int], right: float, judged: float
) -> None:
    belief = replace(shipped_belief(), records={"next": evenly(right)})
    posterior = belief.after(ASKED, answers(sizes))
    known = posterior.with_right(posterior.best, judged)
    assert known.groups[posterior.groups.index(posterior.best)].right == judged
    assert sum(group.right for group in known.groups) + known.none == pytest.approx(1)
    assert 0 <= belief.worth(known, ASKED, "next") <= 1


def test_one_more_is_worth_most_where_the_others_disagree_and_it_is_good() -> None:
    belief = replace(shipped_belief(), records={"good": evenly(0.95, 99), "poor": evenly(0.4, 99)})
    agreed, torn = (belief.after(ASKED, answers(sizes)) for sizes in ([4], [2, 2]))
    assert belief.worth(torn, ASKED, "good") > belief.worth(torn, ASKED, "poor")
    assert belief.worth(torn, ASKED, "good") > 10 * belief.worth(agreed, ASKED, "good")
    nothing = belief.after(ASKED, [ReadAnswer(model="poor", answer=None)] * 2)
    rights = belief.before(ASKED, "good"), belief.before(ASKED, "poor")
    assert belief.worth(nothing, ASKED, "good") == pytest.approx(rights[0] * (1 - rights[1]))
    assert belief.worth(belief.after(ASKED, []), ASKED, "good") == rights[0]


@given(SIZES, st.floats(0.05, 0.99))
def test_to_ask_one_more_is_never_worth_less_than_nothing_nor_more_than_certainty(
    sizes: list[int], right: float
) -> None:
    belief = replace(shipped_belief(), records={"next": evenly(right)})
    posterior = belief.after(ASKED, answers(sizes))
    assert 0 <= belief.worth(posterior, ASKED, "next") <= 1 - posterior.best.right + 1e-9


def test_a_teams_profiles_are_records_and_a_model_without_one_has_the_prior_of_its_tier() -> None:
    known, new = spec_named("known"), spec_named("new")
    usual = Profile(task=TaskType.REASONING, quality=0.9, success=1.0, seconds=1.0, evidence=100.0)
    profile = replace(usual, right=90.0, graded=100.0)
    belief = belief_of_team([known, new], {"known": [profile]})
    assert belief.before(ASKED, "known") == pytest.approx(0.9, abs=0.03)
    assert belief.before(ASKED, "new") == pytest.approx(expectation(new, TaskType.GENERATION).quality)
    assert belief.coefficients == shipped_belief().coefficients
    agreeing = belief_of_team([known], {"known": [replace(usual, estimated=90.0)]})
    assert agreeing.before(ASKED, "known") == belief.before(ASKED, "new")
    assert agreeing.expected(ASKED, "known") == pytest.approx(0.9, abs=0.03)
    assert shipped_belief().expected(ASKED, "known") == shipped_belief().before(ASKED, "known")


def test_hedging_counts_only_with_the_kinds_of_questions_that_it_was_learned_on() -> None:
    unsure = [replace(number(1), hedging=1.0)]
    everywhere, elsewhere, here = (
        replace(shipped_belief(), hedging_kinds=kinds).after(ASKED, unsure).best.right
        for kinds in (None, frozenset({"choice"}), frozenset({"choice", "number"}))
    )
    assert here == everywhere < elsewhere == shipped_belief().after(ASKED, [number(1)]).best.right


def test_a_teams_own_coefficients_stand_in_place_of_those_that_ship() -> None:
    own = {"coefficients": {"size": 2.0}, "hedging_kinds": ["number"]}
    forms = {"number": {"whole number": 0.5}}
    belief = belief_of_team([spec_named("m")], {}, {**own, "offsets": {"m": {"": 0.5}}, "forms": forms})
    assert belief.forms == {"number": {Form.WHOLE: 0.5}}
    assert belief.coefficients == {Term.SIZE: 2.0}
    assert (belief.hedging_kinds, belief.records["m"].offset("x")) == (frozenset({"number"}), 0.5)
