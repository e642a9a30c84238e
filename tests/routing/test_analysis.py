"""What kind of request a question is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.routing.engine.analysis import (
    COMPLEX_FROM,
    LONG_CONTEXT_TOKENS,
    SIMPLE_BELOW,
    Need,
    RequestType,
    analyse,
)
from orchestration.strategies.engine.classification import TaskType


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("What is 17% of 2,300?", RequestType.SIMPLE),
        (
            "Work together as a team and plan the launch from different perspectives.",
            RequestType.COLLABORATIVE,
        ),
        ("First translate this letter, then summarise it.", RequestType.PIPELINE),
        ("1. Read the text\n2. List the names\n3. Sort them", RequestType.PIPELINE),
        ("Research the state of the art in batteries and cite sources.", RequestType.RESEARCH),
        ("Write a poem about rain.", RequestType.CREATIVE),
        ("Write a Python function that reverses a list.", RequestType.TECHNICAL),
        ("Write a story and implement a Python function.", RequestType.MIXED),
    ],
)
def test_the_type_of_a_request_follows_from_its_words(text: str, wanted: RequestType) -> None:
    assert analyse(text).type is wanted


def test_what_spoke_for_a_type_is_said_in_words() -> None:
    found = analyse("Debate this as a team and reach a consensus.")
    assert any("“as a team”" in reason for reason in found.reasons)
    assert found.sentence.startswith("A collaborative request: ")


@pytest.mark.parametrize(
    ("text", "need"),
    [
        ("Look up the current price of copper.", Need.TOOLS),
        ("What is in this image?", Need.VISION),
        ("Give the answer as JSON.", Need.JSON),
        ("word " * LONG_CONTEXT_TOKENS, Need.LONG_CONTEXT),
    ],
)
def test_what_a_model_needs_is_read_from_the_question(text: str, need: Need) -> None:
    assert need in analyse(text).needs
    assert need not in analyse("What is 2 + 2?").needs


def test_an_image_is_not_said_to_be_needed_as_no_model_will_see_it() -> None:
    sentence = analyse("What is in this image?").sentence
    assert sentence.endswith(
        "It speaks of an image, which no model will see: only text is sent. Describe it in words."
    )
    assert "it needs" not in sentence


def test_a_hard_question_is_harder_than_an_easy_one_and_makes_a_complex_request() -> None:
    easy = analyse("Hi!")
    hard = analyse(
        r"Prove that for all integers \(n\), \frac{n}{2} \sqrt{n} \int_0^1 \sum_{k} \alpha \beta \gamma"
        r" and the eigenvalues of the polynomial 12 34 56 78 90 11 22 33 44 satisfy the theorem. " * 3
    )
    assert easy.difficulty < SIMPLE_BELOW
    assert hard.difficulty >= COMPLEX_FROM
    assert hard.type is RequestType.COMPLEX
    assert "hard" in hard.sentence


def test_instructions_count_as_tokens_and_for_the_task() -> None:
    found = analyse("Guten Tag", "Translate what follows into English.")
    assert (found.task, found.tokens) == (TaskType.TRANSLATION, 12)


@given(st.text(max_size=300))
def test_every_text_has_an_analysis_that_is_the_same_again(text: str) -> None:
    found = analyse(text)
    assert found == analyse(text)
    assert 0 <= found.difficulty <= 1


@pytest.mark.parametrize(
    "text", ["", "\0" * 1000, "\ud800 \udfff", "\n" * 500_000, "first " * 100_000, "((((" * 9_999]
)
def test_hostile_texts_are_analysed(text: str) -> None:
    assert analyse(text).context.hardness
