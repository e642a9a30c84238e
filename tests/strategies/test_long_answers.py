"""Long answers are read beside the event loop; what a marked text or a reply may have at most."""

from __future__ import annotations

from threading import get_ident

import pytest

from orchestration.expressions.embedded import json_values
from orchestration.expressions.values import off_loop
from orchestration.strategies.engine.asking import READ_AT_ONCE
from orchestration.strategies.engine.consensus.answers import LONGEST_MARKED, ExpectedAnswer, read_answer
from orchestration.strategies.engine.consensus.extraction import extract_answer
from orchestration.strategies.engine.consensus.spelling import (
    normalise,
    only_number,
    plain_latex,
    ungrouped,
)
from orchestration.strategies.engine.quality.checks import MOST_CHARACTERS, examine
from orchestration.strategies.engine.quality.scoring import ExaminedAnswer


async def test_only_a_long_text_is_read_in_a_thread() -> None:
    assert await off_loop(READ_AT_ONCE, get_ident, at_most=READ_AT_ONCE) == get_ident()
    assert await off_loop(READ_AT_ONCE + 1, get_ident, at_most=READ_AT_ONCE) != get_ident()


def test_a_marked_text_that_is_too_long_is_no_answer() -> None:
    assert read_answer(f"[{' ' * LONGEST_MARKED}]", ExpectedAnswer(code=True)) is None
    assert normalise(r"\text{" * 1000) is None


def test_of_a_long_question_beginning_and_end_are_read() -> None:
    question = f"Answer in JSON. {'x ' * MOST_CHARACTERS}"
    found = examine(ExaminedAnswer(question=question, text="I would rather not."))
    assert "format" in {finding.check for finding in found}


def test_json_that_is_opened_again_and_again_is_given_up() -> None:
    assert list(json_values("[" * 50 + "1," * 40_000 + '] {"a": 1}')) == []


def test_a_letter_with_an_apostrophe_is_no_stated_option() -> None:
    question = "Which?\nA. one\nB. two"
    found = extract_answer("The answer is B's neighbour. Wait, the answer is A.", question=question)
    assert found is not None
    assert found.key == "A"


@pytest.mark.parametrize(
    ("text", "number"), [("3-5", None), ("-5", -5), ("x=-5", -5), ("v1.2.3 7", 7), ("12..", 12), ("a1", None)]
)
def test_a_number_stands_alone_with_its_sign(text: str, number: int | None) -> None:
    assert only_number(text) == number


@pytest.mark.parametrize(
    ("text", "plain"), [("1,000.5", "1000.5"), ("1,00", "1,00"), (".1,000", ".1,000"), ("1,000,", "1,000,")]
)
def test_only_groups_of_three_digits_lose_their_commas(text: str, plain: str) -> None:
    assert ungrouped(text) == plain


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        (r"\leftarrow \left(", r"\leftarrow ("),
        (r"\frac123 \frac12", r"\frac123 1/2"),
        (r"\timesx \times", r"\timesx *"),
        (r"\leqx \leq", r"\leqx leq"),
        ("\x0crac{1}{2} \\\\pi", "1/2 pi"),
    ],
)
def test_the_beginning_of_a_longer_command_is_left_alone(text: str, plain: str) -> None:
    assert plain_latex(text) == plain
