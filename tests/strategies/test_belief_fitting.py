"""What is learned from graded answers: records, coefficients, and offsets of single models."""

from __future__ import annotations

from dataclasses import replace
from math import log
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.strategies.engine.belief.fitting import (
    FEWEST_EXAMPLES,
    FEWEST_FOR_OFFSETS,
    LONGEST_STEP,
    MOST_STEPS,
    ReadExample,
    fit,
    maximise,
    read_examples,
    with_records,
)
from orchestration.strategies.engine.belief.model import Belief, Term
from orchestration.strategies.engine.belief.reading import Form
from orchestration.strategies.engine.belief.shipped import shipped_belief
from orchestration.strategies.engine.consensus.answers import AnswerKind, Extracted
from orchestration.strategies.engine.strategy import GradedAnswer, TrainingExample
from tests.support.graded_questions import ASKED, questions, said

PLAIN = Belief(coefficients={Term.VOTE: 1.0})


def accuracy(belief: Belief, examples: list[ReadExample]) -> float:
    best = [(each, belief.after(each.question, each.answers).best) for each in examples]
    return sum(bool(each.right[group.places[0]]) for each, group in best) / len(examples)


def test_examples_are_read_with_their_labels_and_empty_ones_left_out() -> None:
    answers = {
        "ada": GradedAnswer(text="Answer: 4", correct=True),
        "bob": GradedAnswer(text="I cannot tell.\n\nIt depends on so many things", correct=False),
    }
    examples = [TrainingExample(prompt="How many are 2 and 2?", answers=answers), TrainingExample(prompt="?")]
    [read] = read_examples(examples)
    assert (read.question.kind, read.right) == ("number", (True, False))
    assert [each.answer and each.answer.key for each in read.answers] == ["4", None]


def test_records_are_counts_by_kind_and_task_with_the_usual_length() -> None:
    other = replace(ASKED, kind="formula")
    examples = [
        ReadExample(question=ASKED, answers=(replace(said("a", 0), length=2.0),), right=(True,)),
        ReadExample(question=other, answers=(replace(said("a", 1), length=4.0),), right=(False,)),
    ]
    learned = with_records(shipped_belief(), examples)
    record = learned.records["a"]
    assert {kind: (each.right, each.seen) for kind, each in record.by_kind.items()} == {
        "number": (1, 1),
        "formula": (0, 1),
    }
    assert (record.by_task["reasoning"].right, record.by_task["reasoning"].seen) == (1, 2)
    assert record.usual == {"": 3.0, "number": 2.0, "formula": 4.0}
    assert learned.kinds["number"].right == 1
    assert with_records(learned, []).records == learned.records


def test_too_few_examples_leave_the_coefficients_as_they_are() -> None:
    learned = fit(questions(FEWEST_EXAMPLES - 1, {"a": 0.9, "b": 0.5}), PLAIN)
    assert learned.coefficients == PLAIN.coefficients
    assert learned.before(ASKED, "a") > learned.before(ASKED, "b")


def test_what_is_learned_beats_plurality_where_one_model_is_far_ahead_and_is_calibrated() -> None:
    skills = {"good": 0.97, **dict.fromkeys("abcd", 0.35)}
    train, held = questions(200, skills), questions(400, skills, seed=1)
    learned = fit(train, PLAIN)
    assert accuracy(learned, held) > 0.93 > accuracy(PLAIN, held)
    estimates = [learned.after(each.question, each.answers).best.right for each in held]
    assert sum(estimates) / len(held) == pytest.approx(accuracy(learned, held), abs=0.05)


def test_the_form_of_answers_is_learned_for_a_kind_with_enough_questions_alone() -> None:
    """Wrong answers are decimals: said by one model, nothing else gives them away."""
    examples = []
    for number, each in enumerate(questions(80, {"a": 0.5})):
        key = "0" if each.right[0] else "1.5"
        answer = replace(each.answers[0], answer=Extracted(kind=AnswerKind.NUMBER, key=key, raw=key))
        kind = "number" if number < 70 else "formula"
        examples.append(replace(each, answers=(answer,), question=replace(each.question, kind=kind)))
    learned = fit(examples, PLAIN)
    assert list(learned.forms) == ["number/alone"]
    assert learned.forms["number/alone"][Form.WHOLE] > 0 > learned.forms["number/alone"][Form.DECIMAL]
    estimates = [learned.after(each.question, each.answers).best.right for each in examples[:70]]
    right = [estimate for estimate, each in zip(estimates, examples, strict=False) if each.right[0]]
    wrong = [estimate for estimate, each in zip(estimates, examples, strict=False) if not each.right[0]]
    assert min(right) > max(wrong) + 0.2
    assert fit(questions(40, {"a": 0.5, "b": 0.5}), learned).forms.keys() == {"number", "number/alone"}


def test_the_same_examples_and_seed_give_the_same_belief() -> None:
    examples = questions(60, {"a": 0.8, "b": 0.6, "c": 0.5})
    assert fit(examples, PLAIN, seed=3) == fit(examples, PLAIN, seed=3)
    assert fit(examples, PLAIN, seed=3) != fit(examples, PLAIN, seed=4)


def test_models_that_err_together_lose_weight_once_there_are_enough_examples() -> None:
    """The records of the twins are as good as the others'; only that they always agree gives them away."""
    drawn = Random(0)
    examples = []
    for each in questions(FEWEST_FOR_OFFSETS, dict.fromkeys(["twin", "x", "y"], 0.6)):
        answers = (*each.answers, replace(each.answers[0], model="other"))
        examples.append(replace(each, answers=answers, right=(*each.right, each.right[0])))
    drawn.shuffle(examples)
    learned, few = fit(examples, PLAIN), fit(examples[:-1], PLAIN)
    weights = {name: record.offset("number") for name, record in learned.records.items()}
    assert max(weights["twin"], weights["other"]) < min(weights["x"], weights["y"])
    assert all(not record.offsets for record in few.records.values())
    assert all(not record.offsets for record in fit(examples, PLAIN, offsets=False).records.values())


def test_questions_of_which_nothing_can_be_compared_teach_records_only() -> None:
    silent = ReadExample(question=ASKED, answers=(said("a", None), said("b", None)), right=(True, False))
    examples = [*questions(FEWEST_FOR_OFFSETS, {"a": 0.9, "b": 0.6}), *[silent] * 10]
    learned = fit(examples, PLAIN)
    assert learned.records["a"].by_kind["number"].seen == FEWEST_FOR_OFFSETS + 10


@given(st.integers(0, 1_000))
def test_the_maximum_is_one(seed: int) -> None:
    """At the maximum of a concave function its gradient is zero, computed here by differences."""
    drawn = np.random.default_rng(seed)
    values = drawn.normal(size=(12, 3, 2))
    base = np.zeros((12, 3))
    base[:4, 2] = -np.inf
    right = drawn.dirichlet([1.0, 1.0], 12) @ np.eye(2, 3)
    strengths, start = np.array([1.0, 3.0]), np.array([0.5, -0.5])

    def density(found: np.ndarray) -> float:
        utility = values @ found + base
        likely = utility - np.log(np.exp(utility).sum(axis=1, keepdims=True))
        return float(likely[right > 0] @ right[right > 0] - (strengths * (found - start) ** 2).sum() / 2)

    found = maximise(values, base, right, start, strengths)
    for step in np.eye(2) * 1e-4:
        assert (density(found + step) - density(found - step)) / 2e-4 == pytest.approx(0, abs=1e-4)
    assert density(found) >= density(start)


def test_one_vote_of_a_sure_thing_is_worth_its_log_odds() -> None:
    """With a weak prior, a vote that is right in 3 of 4 against "none" has the utility log 3."""
    values = np.zeros((400, 2, 1))
    values[:, 0, 0] = 1.0
    right = np.eye(2)[[0] * 300 + [1] * 100]
    found = maximise(values, np.zeros((400, 2)), right, np.zeros(1), np.full(1, 1e-9))
    assert float(found[0]) == pytest.approx(log(3), abs=1e-6)


def test_a_maximum_that_is_too_far_away_is_only_approached() -> None:
    values = np.zeros((400, 2, 1))
    values[:, 0, 0] = 1e-3
    right = np.eye(2)[[0] * 300 + [1] * 100]
    found = maximise(values, np.zeros((400, 2)), right, np.zeros(1), np.full(1, 1e-9))
    assert float(found[0]) == pytest.approx(MOST_STEPS * LONGEST_STEP)


def test_questions_whose_answers_cannot_be_compared_teach_no_coefficients() -> None:
    given_answers = tuple(said(model, None) for model in "abc")
    silent = ReadExample(question=ASKED, answers=given_answers, right=(True, False, False))
    skilled = questions(40, {"a": 0.9, "b": 0.6, "c": 0.6})
    learned = fit([*skilled, *[silent] * 20], PLAIN)
    assert all(np.isfinite(value) for value in learned.coefficients.values())


def test_of_several_groups_that_may_be_right_each_counts_as_the_belief_has_it() -> None:
    example = ReadExample(question=ASKED, answers=(said("a", 0), said("b", 1)), right=(False, None))
    assert example.possible(((0,), (1,))) == (1, 2)
    assert replace(example, right=(None, True)).possible(((0,), (1,))) == (1,)
    assert replace(example, right=(None, None)).possible(((0,), (1,))) == (0, 1, 2)
    learned = fit([example] * 60, PLAIN)
    assert learned.records["a"].by_kind["number"].seen == 60
    assert "b" not in learned.records


def test_what_cannot_be_compared_or_is_not_known_leaves_the_coefficients_as_they_are() -> None:
    unknown = ReadExample(question=ASKED, answers=(said("a", 0), said("b", 1)), right=(None, None))
    silent = ReadExample(question=ASKED, answers=(said("a", None), said("b", None)), right=(True, False))
    learned = fit([unknown] * FEWEST_EXAMPLES, PLAIN)
    assert learned.coefficients == PLAIN.coefficients
    assert not fit([silent] * FEWEST_FOR_OFFSETS, PLAIN).records["a"].offsets
    alone = fit(questions(60, {"a": 0.9}), PLAIN)
    assert alone.coefficients != PLAIN.coefficients
