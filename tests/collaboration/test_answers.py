"""Answers are read tolerantly, as JSON or as prose; what cannot be read is said in words."""

from __future__ import annotations

import json

import pytest

from collaboration.engine.answers import (
    CUT,
    LONGEST_ANSWER,
    ActionKind,
    ParsedAnswer,
    answer_schema,
    person_schema,
    read_answer,
)
from collaboration.engine.lineup import SessionProtocol
from collaboration.engine.plan import NotPossible
from orchestration.expressions.schemas import parse_schema
from orchestration.llm.engine.types import Json

TWO = ("P1", "P2")


def read(
    kind: str, content: Json, protocol: SessionProtocol = "structured", choices: Json = ()
) -> ParsedAnswer:
    return read_answer(ActionKind(kind), content, protocol, choices)


def stances(text: Json, protocol: SessionProtocol = "natural", choices: Json = TWO) -> dict[str, str]:
    return {each: said for each, (said, _) in read("stance", text, protocol, choices).stances.items()}


@pytest.mark.parametrize("kind", ActionKind)
def test_each_kind_has_a_schema_that_demands_every_field(kind: ActionKind) -> None:
    schema = answer_schema(kind, TWO)
    assert parse_schema(schema).problems(5)
    assert schema["required"] == list(schema["properties"])
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize(
    "text",
    [
        '{"text": "391"}',
        'I think so:\n```json\n{"text": "391"}\n```\nDone.',
        '{"text": "no"} Wait. {"text": " 391 ", "sure": true}',
        '{"other": 1}\n{"text": "391"}\n{"text": 5}',
    ],
)
def test_of_a_text_the_last_object_that_fits_counts(text: str) -> None:
    assert read("work", text).text == "391"


@pytest.mark.parametrize(
    ("kind", "content", "words"),
    [
        ("work", "391", "has no JSON object"),
        ("work", "", "is empty"),
        ("work", '{"text": ""}', "“text” is empty"),
        ("work", '{"other": 1}', "“text” is empty"),
        ("work", '{"text": 5}', "text is a number, must be a text"),
        ("plan", '{"subtasks": []}', "subtasks has 0 items"),
        ("plan", '{"subtasks": [{"instructions": "x"}]}', "has no “title”"),
        ("review", '{"verdict": "perhaps"}', "must be one of “accept”, “return”"),
        ("review", '{"verdict": "accept", "score": 7}', "is 7, must be at most 1"),
        ("vote", '{"option": "P9"}', "must be one of “P1”, “P2”, “abstain”"),
        ("stance", '{"stances": [{"proposal": "P9", "stance": "support"}]}', "must be one of “P1”"),
        ("work", {"status": "delegate", "to": "P1", "request": " "}, "say who is asked for what"),
        ("work", {"status": "delegate", "to": "", "request": "x"}, "say who is asked for what"),
    ],
)
def test_what_does_not_fit_is_said_with_its_place(kind: str, content: Json, words: str) -> None:
    with pytest.raises(NotPossible, match=words):
        read(kind, content, choices=TWO if kind in {"vote", "stance"} or isinstance(content, dict) else ())


def test_spelling_null_and_what_is_missing_are_understood() -> None:
    plan = read("plan", '{"subtasks": [{"title": " Trade ", "needs": null, "skills": ["ANALYSIS"], "x": 1}]}')
    assert (plan.subtasks[0].title, plan.subtasks[0].needs, plan.subtasks[0].skills) == (
        "Trade",
        (),
        ("analysis",),
    )
    assert read("vote", '{"option": " p2 "}', choices=TWO).option == "P2"
    assert read("review", '{"verdict": "Accept"}') == ParsedAnswer(accepted=True)
    assert read("work", '{"text": "Done."}', choices=TWO) == ParsedAnswer(text="Done.")


def test_needs_may_be_numbers_or_words() -> None:
    plan = read("plan", json.dumps({"subtasks": [{"title": "A"}, {"title": "B", "needs": [1, "A"]}]}))
    assert plan.subtasks[1].needs == ("1", "A")


def test_a_counter_proposal_opposes_what_it_counters() -> None:
    said = [{"proposal": "P1", "stance": "counter", "reason": "No."}, {"proposal": "P2", "stance": "abstain"}]
    answer = read("stance", {"stances": said, "counter": "By sea."}, choices=TWO)
    assert answer == ParsedAnswer(stances={"P1": ("oppose", "No."), "P2": ("abstain", "")}, counter="By sea.")
    said[0]["stance"] = "support"
    assert read("stance", {"stances": said, "counter": "By sea."}, choices=TWO).counter == ""


def test_work_is_delegated_to_whom_the_answer_names() -> None:
    answer = read("work", {"status": "delegate", "to": "scout", "request": "Count."}, choices=("scout",))
    assert answer == ParsedAnswer(text="Count.", delegate_to="scout")


def test_an_abstention_votes_for_nothing() -> None:
    assert read("vote", {"option": "abstain", "reason": "Torn."}, choices=TWO) == ParsedAnswer(reason="Torn.")


def test_prose_is_read_where_the_protocol_allows_it() -> None:
    assert read("work", "It is 391.", "natural").text == "It is 391."
    assert read("propose", "By sea.", "hybrid").text == "By sea."
    assert read("work", '{"rows": [1, 2]}', "hybrid").text == '{"rows": [1, 2]}'
    with pytest.raises(NotPossible, match="must be one of"):
        read("vote", '{"option": "P9"}', "hybrid", TWO)


@pytest.mark.parametrize("kind", ["reply", "summarise", "tool"])
def test_replies_and_summaries_are_prose_under_every_protocol(kind: str) -> None:
    assert read(kind, "So it was.").text == "So it was."


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("I support P1.", {"P1": "support"}),
        ("I support P1, but oppose P2.", {"P1": "support", "P2": "oppose"}),
        ("I do not support P1.", {"P1": "oppose"}),
        ("I have no objection to P1. P2 I reject.", {"P1": "support", "P2": "oppose"}),
        ("I support P1. On reflection, I oppose p1!", {"P1": "oppose"}),
        ("Support or oppose P1? Hard to say.", {}),
        ("P1 is a plan.", {}),
        ("I agree.", {}),
        ("", None),
    ],
)
def test_the_last_clear_stance_in_prose_counts(text: str, found: dict[str, str] | None) -> None:
    if found is None:
        with pytest.raises(NotPossible):
            stances(text)
    else:
        assert stances(text) == found


def test_one_proposal_needs_no_name() -> None:
    assert stances("I agree with this.", choices=("P1",)) == {"P1": "support"}


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ("I vote for P2.", "P2"),
        ("I vote for P1. No, I choose P2.", "P2"),
        ("Not P1.", ""),
        ("I oppose P1", ""),
        ("I approve of everything", ""),
    ],
)
def test_the_last_clear_vote_in_prose_counts(text: str, option: str) -> None:
    assert read("vote", text, "natural", TWO).option == option


def test_a_verdict_in_prose_has_to_be_clear() -> None:
    assert read("review", "Well done. I accept it.", "natural").accepted
    assert not read("review", "Good, but revise the end.", "natural").accepted
    with pytest.raises(NotPossible, match="not clear whether"):
        read("review", "Hm.", "natural")


def test_a_plan_in_prose_is_a_list() -> None:
    found = read("plan", "Plan:\n1. Describe Genoa\n2. Describe Marseille", "natural").subtasks
    assert [each.title for each in found] == ["Describe Genoa", "Describe Marseille"]
    assert read("plan", "I will think.", "natural").subtasks == ()


def test_a_very_long_answer_is_cut_and_half_characters_are_replaced() -> None:
    assert read("work", "x" * 1_000_000, "natural").text == "x" * LONGEST_ANSWER + CUT
    assert read("reply", "a\ud800b").text == "a\ufffdb"
    assert read("work", {"text": "a\ud800b"}).text == "a\ufffdb"


@pytest.mark.parametrize("content", [None, 5, [], {}, True, {"text": ["x"]}, {"text": {"a": 1}}])
def test_a_form_of_any_type_ends_in_words(content: Json) -> None:
    for kind in ActionKind:
        with pytest.raises(NotPossible):
            read_answer(kind, content, "hybrid", TWO)


def test_a_person_takes_stances_in_plain_fields_and_may_propose_something_else() -> None:
    said = {"P1": "support", "P2": "oppose", "reason": "By land.", "counter": " By sea. "}
    assert read("stance", said, choices=TWO) == ParsedAnswer(
        stances={"P1": ("support", "By land."), "P2": ("oppose", "By land.")}, counter="By sea."
    )
    assert read("stance", {"P2": "abstain"}, choices=TWO).stances == {"P2": ("abstain", "")}


def test_a_person_divides_the_task_in_lines() -> None:
    lines = read("plan", {"subtasks": ["Pack", {"title": "Sail"}]}).subtasks
    assert [each.title for each in lines] == ["Pack", "Sail"]


@pytest.mark.parametrize("kind", ActionKind)
def test_what_a_person_is_asked_for_has_plain_fields_and_the_first_is_needed(kind: ActionKind) -> None:
    schema = person_schema(kind, TWO)
    shapes = [each.get("items", each) for each in schema["properties"].values()]
    assert not [each for each in shapes if each["type"] == "object"]
    assert set(schema["required"]) <= schema["properties"].keys()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<think>Let me see.</think>Ships.", "Ships."),
        ("  <think>\nTwo\n</think>\n\nShips.", "Ships."),
        ("Let me see. </think> Ships.", "Ships."),
        ("The tag <think> is closed by </think> there.", "The tag <think> is closed by </think> there."),
    ],
)
def test_reasoning_in_tags_is_no_part_of_an_answer(text: str, expected: str) -> None:
    assert read_answer(ActionKind.REPLY, text, "hybrid").text == expected


def test_reasoning_that_was_cut_off_is_no_answer() -> None:
    with pytest.raises(NotPossible, match="empty"):
        read_answer(ActionKind.REVIEW, "<think>I accept it, but", "natural")


def test_json_of_another_shape_in_a_fence_is_not_read_as_prose() -> None:
    with pytest.raises(NotPossible):
        read_answer(ActionKind.STANCE, 'Here:\n```json\n{"verdict": "accept"}\n```', "hybrid", ["P1"])
