"""How hard a question is, learned from its words."""

from __future__ import annotations

import json
import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.llm.engine.errors import InvalidRequest
from orchestration.routing.engine.difficulty import (
    FEWEST_EXAMPLES,
    Difficulty,
    GradedQuestion,
    traits,
    words,
)

EASY = ("Add the two numbers", "Name the capital of the country", "What colour is the thing")
HARD = (
    "Prove the lemma about the manifold",
    "Find the residue of the integral",
    "Bound the norm of the operator",
)


def examples(number: int) -> list[GradedQuestion]:
    """Return questions of which the hard ones are answered rightly once in ten."""
    drawn, found = Random(0), []
    for place in range(number):
        is_hard = place % 2 == 0
        text = f"{drawn.choice(HARD if is_hard else EASY)} {drawn.randint(1, 99)}."
        right = float(drawn.random() < (0.1 if is_hard else 0.9))
        found.append(GradedQuestion(text=text, right=right))
    return found


LEARNED = Difficulty.fit(examples(120))


def test_words_of_hard_questions_are_learned() -> None:
    hard, easy = (LEARNED.predict(f"{text} 7.") for text in ("Find the residue of the lemma", EASY[0]))
    assert hard + 0.2 < easy


def test_a_question_like_none_before_is_expected_to_be_middling() -> None:
    assert 0.1 < LEARNED.predict("Quo vadis, domine, cras?") < 0.9


def test_too_few_examples_are_refused() -> None:
    with pytest.raises(InvalidRequest, match=f"takes {FEWEST_EXAMPLES}"):
        Difficulty.fit(examples(FEWEST_EXAMPLES - 1))


def test_what_was_learned_is_stored_small() -> None:
    stored = LEARNED.to_json()
    assert Difficulty.from_json(stored) == LEARNED
    assert len(stored) < 150_000


@pytest.mark.parametrize(
    "change", [{"version": 9}, {"weights": [1.0]}, {"base": "x"}, {"means": []}, {"shapes": {}}]
)
def test_what_is_no_stored_difficulty_is_refused(change: dict[str, object]) -> None:
    stored = {**json.loads(LEARNED.to_json()), **change}
    with pytest.raises(InvalidRequest, match="learn it again"):
        Difficulty.from_json(json.dumps(stored))


@given(st.text(max_size=200))
@settings(max_examples=50)
def test_whatever_the_text_the_prediction_is_a_probability(text: str) -> None:
    assert 0 < LEARNED.predict(text) < 1


@pytest.mark.parametrize("text", ["", "\x00", "\ud800", "9" * 10_000, "((" * 5_000, "٣٤", "1e999 " * 500])
def test_hostile_texts_are_read(text: str) -> None:
    assert all(map(math.isfinite, traits(text)))
    assert words(text)
    assert 0 < LEARNED.predict(text) < 1


def test_choices_of_a_question_are_counted() -> None:
    asked = traits("Which one?\nA. 1\nB. 22\nC. 333")
    assert asked[12] == 3.0


def test_more_examples_than_weights_are_learned_from_the_same_way() -> None:
    import numpy as np  # noqa: PLC0415

    from orchestration.routing.engine.difficulty import _ridge  # noqa: PLC0415

    rows = np.random.default_rng(0).normal(size=(5, 3))
    target = np.arange(5.0)
    tall = _ridge(rows, target, 2.0)
    wide = rows.T @ np.linalg.solve(rows @ rows.T + 2.0 * np.eye(5), target)
    assert tall == pytest.approx(wide)
    assert _ridge(rows[:2], target[:2], 2.0).shape == (3,)
