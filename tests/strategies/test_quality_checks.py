"""Checks of single answers."""

from __future__ import annotations

import pytest

from orchestration.llm.engine.types import FinishReason
from orchestration.strategies.engine.quality.checks import examine
from orchestration.strategies.engine.quality.rubrics import Dimension
from orchestration.strategies.engine.quality.scoring import ExaminedAnswer, Finding, combine

GERMAN = (
    "Die Hauptstadt von Frankreich ist Paris, und das ist auch für die Wirtschaft nicht ohne ein Gewicht."
)
ENGLISH = "The capital of France is Paris, and that is not without weight for the economy of the country."
ESSAY = "Winds carry seeds across wide fields while rivers polish stones near quiet shores. " * 4


def found(question: str, text: str, **more: object) -> list[str]:
    return [finding.check for finding in findings(question, text, **more)]


def findings(question: str, text: str, **more: object) -> tuple[Finding, ...]:
    return examine(ExaminedAnswer(question=question, text=text, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("What is 17% of 2,300?", "17% of 2,300 is 391."),
        ("How many eggs are left?", "A dozen."),
        ("What is the capital of France?", "Paris"),
        ("Was ist die Hauptstadt von Frankreich? Das ist für mich nicht klar und auch nicht leicht.", GERMAN),
        ("Translate into German: The capital of France is Paris and it is in the north.", GERMAN),
        ("Write a function that adds two numbers.", "```python\ndef add(a, b):\n    return a + b\n```"),
        ("List three fruits as a list.", "- apple\n- pear\n- plum"),
        ("Return the result as JSON.", '{"result": 1}'),
        ("May I park here?", "I cannot see a sign, so yes."),
        ("Is it so?", "I think so: the sum of the angles in a triangle is 180 degrees, as Euclid showed."),
    ],
)
def test_a_sound_answer_gives_no_finding(question: str, text: str) -> None:
    assert found(question, text) == []


@pytest.mark.parametrize("text", ["", "  \n", "...", "**"])
def test_an_empty_answer_is_only_that(text: str) -> None:
    [finding] = findings("How many?", text)
    assert (finding.check, finding.disqualifying) == ("empty", True)


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that.",
        "I\u2019m unable to provide that.",
        "I cannot assist you with this.",
        "As an AI language model, I don't have opinions.",
        "We are not able to answer.",
        "I don't know.",
        "I can't solve this kind of task. I solve sums and dates.",
    ],
)
def test_a_refusal_is_unfit(text: str) -> None:
    [finding] = findings("Tell me a story.", text)
    assert (finding.check, finding.disqualifying) == ("refusal", True)


def test_what_the_providers_filter_stopped_is_a_refusal() -> None:
    assert found("Tell me.", "Once upon", finish=FinishReason.CONTENT_FILTER) == ["refusal"]


def test_an_answer_at_the_length_limit_is_unfit() -> None:
    [finding] = findings("Tell me.", "Once upon a time", finish=FinishReason.LENGTH)
    assert (finding.check, finding.disqualifying) == ("truncated", True)


def test_an_answer_that_was_cut_off_after_its_final_answer_is_not_unfit() -> None:
    [finding] = findings("What is 17 * 23?", "The answer is 391. And more: th", finish=FinishReason.LENGTH)
    assert (finding.check, finding.disqualifying) == ("truncated", False)
    assert "after its final answer" in finding.evidence


FUNCTION = "Write a function that adds two numbers."
FENCED = "```python\ndef add(a, b):\n    return a + b\n```\n"


@pytest.mark.parametrize(
    ("question", "text", "unfit"),
    [
        ("How many?", "It follows that the answer is 42. To put it in other words, one could", False),
        ("How many? Reply as JSON.", '{"count": 42}', False),
        ("How many? Reply as JSON.", '{"count": 4', True),
        ("How many?", '{"count": 42}', True),
        (FUNCTION, f"{FENCED}This function takes two num", False),
        (FUNCTION, f"{FENCED}Or shorter:\n```python\nadd = lambda", True),
        (FUNCTION, "You could write it with a lambda, as", True),
        ("Write an essay on rain.", f"{FENCED}Rain is wa", True),
        ("How many sheep are there?", "So there are 42 sheep.", True),
    ],
)
def test_an_answer_is_cut_off_only_where_its_final_answer_is_missing(
    question: str, text: str, *, unfit: bool
) -> None:
    [finding] = [f for f in findings(question, text, finish=FinishReason.LENGTH) if f.check == "truncated"]
    assert finding.disqualifying == unfit


def test_what_came_before_the_cut_is_hardly_the_worse_for_it() -> None:
    cut = findings("How many?", "The answer is 42. And so on and", finish=FinishReason.LENGTH)
    assert combine(cut, []).usable
    assert combine(cut, []).overall > 0.5


@pytest.mark.parametrize("text", ["```python\nprint(1)", f"{' '.join(map(str, range(45)))} and then the"])
def test_an_answer_that_just_stops_is_doubtful(text: str) -> None:
    [finding] = findings("Tell me.", text)
    assert (finding.check, finding.disqualifying) == ("truncated", False)


def test_going_round_in_circles_is_found() -> None:
    assert found("Tell me.", "And so it goes on and on. " * 12) == ["repetition"]
    assert found("Tell me.", "yes yes yes yes yes yes yes.") == []


def test_variables_of_a_formula_make_no_other_language() -> None:
    asked = "Let a, b, c, and d be real with a + b + c = 6 and a b + a c + b c = 9. As a runs, find e in a o."
    assert (
        found(
            asked,
            "The value of the sum is in the range that was found for it, and from this the answer is 4.",
        )
        == []
    )


def test_another_language_or_script_than_asked_in_is_found() -> None:
    asked = "What is the capital of France, and what is it that makes it so important for the country?"
    assert found(asked, GERMAN) == ["language"]
    assert found(asked, "Столица Франции — Париж, и это важно для страны.") == ["language"]
    assert found(asked, ENGLISH) == []


@pytest.mark.parametrize(
    ("question", "text", "form"),
    [
        ("How many eggs are there?", "Plenty of them.", "a number"),
        ("Give your reply in valid JSON.", "Sure, here it is.", "JSON"),
        ("Name fruits in a bulleted list.", "Apples and pears.", "a list"),
        ("Write a Python function that adds.", "You add them up.", "code"),
    ],
)
def test_a_form_that_was_asked_for_and_is_not_there_is_found(question: str, text: str, form: str) -> None:
    [finding] = findings(question, text)
    assert finding.evidence == f"The question asks for {form}, the answer has none."


def test_an_answer_about_something_else_is_found() -> None:
    [finding] = findings("Explain photosynthesis in plants and chlorophyll molecules", ESSAY)
    assert (finding.check, finding.bounds) == ("topic", {Dimension.RELEVANCE: 0.4})
    assert found("Explain photosynthesis in plants and chlorophyll molecules", f"Plants: {ESSAY}") == []


def test_two_different_final_answers_are_found() -> None:
    [finding] = findings("What is it?", "So the answer is 4.\n\nAnswer: 5")
    assert finding.check == "contradiction"
    assert "“5” (answer line) against “4” (sentence)" in finding.evidence
    assert found("What is it?", "So the answer is 5.0.\n\nAnswer: 5") == []


def test_doubting_itself_again_and_again_is_found() -> None:
    assert found("What is it?", "I'm not sure, maybe it is 4, I guess.") == ["hedging"]
