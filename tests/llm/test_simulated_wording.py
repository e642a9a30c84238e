"""What simulated models write about given texts: plans, verdicts, proposals in the words of the prompt."""

from __future__ import annotations

import json
from collections import Counter
from random import Random

import pytest

from orchestration.llm.engine.types import Json, Message, Prompt, Purpose
from orchestration.llm.providers.simulated import CATALOG, wording
from orchestration.llm.providers.simulated.reading import words
from orchestration.llm.providers.simulated.reply import reply_to

TASK = (
    "Decide whether we move the newsletter to a blog. Readers are mostly small shops."
    " The move may cost 2,000 euros. Say what happens to the archive."
)
STRING = {"type": "string"}
MEMBER = {"title": STRING, "instructions": STRING, "needs": {"type": "array", "items": {"type": "integer"}}}
PLAN: Json = {
    "required": ["subtasks"],
    "properties": {"subtasks": {"type": "array", "minItems": 1, "items": {"properties": MEMBER}}},
}
REVIEW: Json = {
    "properties": {
        "verdict": {"enum": ["accept", "return"]},
        "score": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
        "reason": STRING,
    }
}
STANCES: Json = {
    "properties": {
        "stances": {
            "type": "array",
            "items": {
                "properties": {
                    "proposal": {"enum": ["P1", "P2"]},
                    "stance": {"enum": ["support", "oppose", "abstain", "counter"]},
                    "reason": STRING,
                }
            },
        },
    }
}
WORK = (
    "Review this work.\n\n<data>\nSay what happens to the archive.\n</data>\n\n"
    "<data>\nThe archive {}.\n</data>"
)


def said(
    text: str, schema: Json = None, purpose: Purpose = Purpose.ANSWER, system: str = "", model: int = 0
) -> str:
    messages = (Message(role="system", content=system), Message(role="user", content=text))
    return reply_to(CATALOG[model], Prompt(messages=messages, response_schema=schema, purpose=purpose))


def verdicts(system: str = "") -> list[dict[str, Json]]:
    about = [f"Task:\n{TASK}\n\n{WORK.format(number)}" for number in range(60)]
    return [json.loads(said(each, REVIEW, Purpose.REVIEW, system)) for each in about]


def test_a_plan_has_a_part_for_each_sentence_and_needs_only_earlier_ones() -> None:
    plan = json.loads(said(f"Task:\n{TASK}\n\nThe others: Ann.\n\nDivide it.", PLAN, Purpose.PLAN))
    parts = plan["subtasks"]
    assert {each["title"] for each in parts} == {
        "Consider that readers are mostly small shops",
        "Consider that the move may cost 2,000 euros",
        "Decide whether we move the newsletter to a blog",
        "Say what happens to the archive",
    }
    assert all(need <= place for place, each in enumerate(parts) for need in each["needs"])
    assert [each["needs"] for each in parts[:2]] == [[], []]
    assert all(each["title"].removeprefix("Consider that ")[1:] in each["instructions"] for each in parts)


def test_verdicts_differ_by_the_work_and_their_scores_and_reasons_fit_them() -> None:
    found = verdicts()
    counted = Counter(each["verdict"] for each in found)
    assert counted["accept"] > counted["return"] > 5
    assert all((each["score"] > 0.6) == (each["verdict"] == "accept") for each in found)
    assert all("archive" in each["reason"] for each in found)
    assert verdicts() == found


def test_whoever_is_told_to_argue_against_it_is_seldom_for_it() -> None:
    found = Counter(each["verdict"] for each in verdicts("Argue against what the others agree on."))
    assert found["return"] > found["accept"] > 5


def test_each_proposal_gets_one_stance_with_a_reason_from_its_own_words() -> None:
    about = "Take a stance.\n\nP1:\n<data>\nBy sea\n</data>\n\nP2:\n<data>\nOver land\n</data>"
    found = json.loads(said(f"Task:\n{TASK}\n\n{about}", STANCES, Purpose.VOTE))["stances"]
    assert [each["proposal"] for each in found] == ["P1", "P2"]
    assert all(each["reason"].endswith("(Simulated answer by sim-swift.)") for each in found)


def test_models_propose_different_approaches_in_words_of_the_task() -> None:
    texts = [
        json.loads(
            said(f"Task:\n{TASK}\n\nPropose.", {"properties": {"text": STRING}}, Purpose.PROPOSE, model=n)
        )
        for n in range(6)
    ]
    assert len({each["text"].partition(" (Sim")[0] for each in texts}) > 2
    assert all(set(words(TASK)) & set(words(each["text"])) for each in texts)


def test_texts_are_put_together_whole_and_signed_once() -> None:
    given = (
        "## One\n\nShips. (Simulated answer by sim-sage.)\n\n## Two\n\nCarts. (Simulated answer by sim-whim.)"
    )
    text = json.loads(
        said(
            f"Task:\n{TASK}\n\nMake one.\n\n<data>\n{given}\n</data>",
            {"properties": {"text": STRING}},
            Purpose.AGGREGATE,
        )
    )["text"]
    assert text == "## One\n\nShips.\n\n## Two\n\nCarts.\n\n(Simulated answer by sim-swift.)"


@pytest.mark.parametrize(
    ("purpose", "begins"),
    [(Purpose.REVIEW, ("I accept it. ", "I return it. ")), (Purpose.SUMMARISE, ("Say what",))],
)
def test_prose_about_a_text_is_made_of_its_words(purpose: Purpose, begins: tuple[str, ...]) -> None:
    text = said(f"Task:\n{TASK}\n\n{WORK.format('stays')}", purpose=purpose)
    assert text.startswith(begins)
    assert text.endswith("(Simulated answer by sim-swift.)")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Task:\nOne.\n\nTwo.\n\nThe others: Ann.\n\nDivide it.", "Task:\nOne.\n\nTwo."),
        ("One.\n\nTwo.", "One."),
        ("One.\n\n<data>\nTwo.\n</data>\n\nThree.", "One."),
    ],
)
def test_the_task_ends_before_labels_data_and_the_last_instruction(text: str, expected: str) -> None:
    assert wording.task_text(text) == expected


def test_what_states_something_is_considered_and_what_asks_for_something_is_done() -> None:
    told = ["Find out why it is slow", "The pump fails at noon", "We have 3 days", "What is the cause"]
    assert sorted(wording.parts_of_task(told, Random(1))) == [
        "Consider that the pump fails at noon",
        "Consider that we have 3 days",
        "Find out why it is slow",
        "What is the cause",
    ]
