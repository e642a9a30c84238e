"""What kind of task a request is, by its words."""

from __future__ import annotations

import pytest

from orchestration.strategies.engine.classification import MEANINGS, TaskType, classify, task_called

SAID = {
    "Translate to French: good morning": TaskType.TRANSLATION,
    "Übersetze ins Deutsche: good morning": TaskType.TRANSLATION,
    "How do you say thank you in Japanese?": TaskType.TRANSLATION,
    "Summarize this article in three sentences: it rained.": TaskType.SUMMARIZATION,
    "Please condense the report below.": TaskType.SUMMARIZATION,
    "What are the key takeaways of this?": TaskType.SUMMARIZATION,
    "Write a Python function that reverses a list.": TaskType.CODE_GENERATION,
    "Fix this bug: SyntaxError in line 3": TaskType.CODE_GENERATION,
    "Could you write a SQL query that lists all customers?": TaskType.CODE_GENERATION,
    "What is 17% of 2,300?": TaskType.REASONING,
    "Ann has 3 apples and buys 4 bags of 5. How many does she have?": TaskType.REASONING,
    "Solve x^2 = 9.": TaskType.REASONING,
    "What does this code print?\n```\nprint(1)\n```": TaskType.REASONING,
    "Compare PostgreSQL and MySQL.": TaskType.ANALYSIS,
    "Is this review positive or negative: great food": TaskType.ANALYSIS,
    "Why is the sky blue?": TaskType.ANALYSIS,
    "Write a haiku about rain.": TaskType.CREATIVE,
    "Come up with names for my cat.": TaskType.CREATIVE,
    "Hello, how are you?": TaskType.CONVERSATION,
    "thanks!": TaskType.CONVERSATION,
    "Draft an email to my landlord.": TaskType.GENERATION,
    "List five fruits.": TaskType.GENERATION,
}


@pytest.mark.parametrize(("text", "task"), SAID.items())
def test_words_tell_the_kind_of_task(text: str, task: TaskType) -> None:
    found = classify(text)
    assert (found.task, bool(found.words), 0 < found.confidence < 1) == (task, True, True)


def test_every_kind_is_among_the_examples_and_has_a_meaning() -> None:
    assert set(SAID.values()) == set(TaskType) == set(MEANINGS)


@pytest.mark.parametrize("text", ["", "Hm.", "…"])
def test_without_a_word_to_go_by_it_says_so(text: str) -> None:
    found = classify(text)
    assert (found.task, found.confidence) == (TaskType.GENERATION, 0.0)
    assert found.reason == "No word says what kind of task this is; it counts as generation."


def test_the_reason_quotes_the_words_and_says_how_sure_it_is() -> None:
    reason = classify("Write a haiku about rain.").reason
    assert reason == "Looks like creative by its words: “write a haiku”, “haiku”. Confidence 69%."


def test_the_verb_at_the_beginning_counts_more_than_words_in_the_material() -> None:
    text = "Summarize the following: a poem is a story in rhyme, how many poems there are nobody knows."
    assert classify(text).task is TaskType.SUMMARIZATION


def test_the_middle_of_a_long_text_is_material() -> None:
    material = "Translate this into German. " * 100
    assert classify(f"Summarize this. {'It rained. ' * 80}{material}{'It snowed. ' * 40}").task is (
        TaskType.SUMMARIZATION
    )


def test_instructions_count_half_and_decide_where_the_question_says_nothing() -> None:
    assert classify("Guten Tag", "Translate everything into French.").task is TaskType.TRANSLATION
    assert classify("Compare the pros and cons.", "You like poems.").task is TaskType.ANALYSIS


def test_a_long_word_is_shown_shortened() -> None:
    found = classify("Write me something that is rather long-winded as a short and moving story.")
    assert all(len(word) <= 41 for word in found.words)


@pytest.mark.parametrize("name", ["code_generation", "Code generation", " code-generation "])
def test_a_kind_is_known_by_value_and_label(name: str) -> None:
    assert task_called(name) is TaskType.CODE_GENERATION


def test_spelling_may_be_british_and_other_words_are_none() -> None:
    assert task_called("Summarisation") is TaskType.SUMMARIZATION
    assert task_called("cooking") is None
