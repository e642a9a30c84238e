"""Questions with several fields: the form that a schema becomes, and the answer that the form becomes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils import timezone

from orchestration.llm.engine.types import Json, plain
from orchestration.runs.engine.types import Question
from orchestration.runs.models import HumanQuestion, Run
from orchestration.runs.parts.questions import AnswerForm, answer_words, question_card
from tests.support.question_schemas import APPROVAL, HOSTILE, REVIEW


def sent(schema: dict[str, Json], *pairs: tuple[str, str]) -> AnswerForm:
    """Return the form for a schema with what a browser sends."""
    data = QueryDict(mutable=True)
    for name, value in pairs:
        data.appendlist(name, value)
    return AnswerForm(HumanQuestion(schema=schema), data)


def drawn(schema: dict[str, Json]) -> str:
    card = question_card(HumanQuestion(schema=schema, text="Which?", run=Run()), may_answer=True)
    return render_to_string("runs/_question.html", {"card": card, "may_run": True})


FILLED = {
    "answer-1": "Rain in June",
    "answer-3": "4",
    "answer-4": "0.5",
    "answer-6": "calm",
    "answer-8": "2026-06-01",
    "answer-9": '{"a": ["b"]}',
}


def test_a_form_of_every_kind_of_field_becomes_an_object() -> None:
    form = sent(REVIEW, *FILLED.items(), ("answer-7", "people"), ("answer-7", "money"), ("answer-5", "on"))
    assert form.is_valid(), form.errors
    assert form.answer == {
        "headline": "Rain in June",
        "score": 4,
        "weight": 0.5,
        "urgent": True,
        "tone": "calm",
        "topics": ["people", "money"],
        "day": "2026-06-01",
        "links": {"a": ["b"]},
    }


def test_what_is_left_empty_and_not_required_is_left_out() -> None:
    form = sent(REVIEW, ("answer-1", "Rain"), ("answer-3", "1"), ("answer-6", "calm"))
    assert form.is_valid(), form.errors
    assert form.answer == {"headline": "Rain", "score": 1, "urgent": False, "tone": "calm"}


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("answer-1", "", "Fill this in."),
        ("answer-1", "x" * 61, "at most 60 characters"),
        ("answer-3", "9", "Enter at most 5."),
        ("answer-3", "1.5", "Enter a whole number."),
        ("answer-4", "0", "This is 0.0, must be more than 0."),
        ("answer-4", "1e400", "Enter a number."),
        ("answer-6", "loud", "Choose one of the offered answers."),
        ("answer-8", "tomorrow", "Enter a day, as 2026-12-31."),
        ("answer-9", "{", "This is not JSON"),
        ("answer-9", "[" * 5_000, "This is not JSON"),
        ("answer-9", "[1]", "This is a list, must be an object"),
    ],
)
def test_what_does_not_fit_is_said_at_its_field_and_nothing_typed_is_lost(
    field: str, value: str, words: str
) -> None:
    form = sent(REVIEW, *(FILLED | {field: value}).items())
    assert not form.is_valid()
    assert list(form.errors) == [field]
    assert words in str(form.errors[field])
    assert [form[name].value() for name in FILLED] == list((FILLED | {field: value}).values())


def test_what_a_schema_refers_to_and_lists_of_words_have_fields_of_their_own() -> None:
    colour = {"anyOf": [{"$ref": "#/$defs/Colour"}, {"type": "null"}], "title": "Shade"}
    words = {"type": "array", "items": {"type": "string"}, "maxItems": 2}
    schema = {"properties": {"shade": colour, "words": words}, "$defs": {"Colour": {"enum": ["dark_blue"]}}}
    form = sent(schema, ("answer-1", "dark_blue"), ("answer-2", "one\n\n two "))
    assert form.is_valid(), form.errors
    assert form.answer == {"shade": "dark_blue", "words": ["one", "two"]}
    assert ("Shade" in drawn(schema), "Dark blue" in drawn(schema)) == (True, True)
    assert sent(schema, ("answer-2", "1\n2\n3")).errors == {
        "answer-2": ["This has 3 items, must have at most 2."]
    }


def test_too_many_chosen_are_refused_by_the_schema_at_their_field() -> None:
    three = [("answer-7", topic) for topic in ("people", "money", "weather")]
    form = sent(REVIEW, *FILLED.items(), *three)
    assert form.errors == {"answer-7": ["This has 3 items, must have at most 2."]}


def test_a_choice_that_everything_depends_on_is_shown_as_buttons() -> None:
    form = sent(APPROVAL, ("answer-1", "reject"), ("answer-2", "Too long."))
    assert form.is_valid()
    assert form.answer == {"decision": "reject", "comment": "Too long."}
    html = drawn(APPROVAL)
    assert [html.count(f'name="answer-1" value="{word}"') for word in ("approve", "reject")] == [1, 1]
    assert "<bdi>Approve</bdi>" in html
    assert html.index("Comment") < html.index("Approve")
    assert html.index("hidden disabled") < html.index("Approve"), "the Enter key must not approve"


def test_beside_other_required_fields_a_choice_is_a_field_like_them() -> None:
    needed = {**APPROVAL, "required": ["decision", "comment"]}
    assert 'type="radio"' in drawn(needed)
    assert "<bdi>Approve</bdi>" not in drawn(needed)


def test_names_given_to_values_are_shown_for_them() -> None:
    schema: dict[str, Json] = {"oneOf": [{"const": 1, "title": "Once"}, {"const": 2}]}
    assert "<bdi>Once</bdi>" in drawn(schema)
    form = sent(schema, ("answer", "2"))
    assert form.is_valid()
    assert form.answer == 2


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_schema_is_bounded_and_what_is_sent_is_answered_in_words(name: str) -> None:
    schema = HOSTILE[name]
    html = drawn(schema)
    assert len(html) < 300_000
    assert "<script>x" not in html
    assert "<i>x" not in html
    fields = AnswerForm(HumanQuestion(schema=schema)).fields
    assert 0 < len(fields) <= 40
    for value in ("", "a", "{}", "aaaaaaaaaaaaaaaaaaaaaaaaaaaa!", "[" * 9_000, "\0", "9" * 5_000):
        form = sent(schema, *((field, value) for field in fields))
        assert form.is_valid() or all(words for errors in form.errors.values() for words in errors)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ten thousand fields", "This form has 2,000 fields, at most 40 are shown. Answer as JSON."),
        ("a thousand levels", "The form of this question cannot be shown: The schema is nested more than"),
        ("a pattern that is none", "The form of this question cannot be shown"),
    ],
)
def test_what_cannot_be_shown_is_said(name: str, words: str) -> None:
    assert words in drawn(HOSTILE[name])


@pytest.mark.parametrize(
    ("fields", "words", "later"),
    [
        ({}, "It can be answered until", "Nobody answered in time."),
        ({"default": "no"}, "“no” is taken.", "the run went on with “no”."),
        (
            {"fails": True},
            "this part of the run fails.",
            "Nobody answered in time: this part of the run failed.",
        ),
    ],
)
def test_what_happens_at_the_deadline_is_said(fields: dict[str, Json], words: str, later: str) -> None:
    now = timezone.now()
    question = HumanQuestion(text="Which?", run=Run(), deadline_at=now + timedelta(hours=1), **fields)
    card = question_card(question, may_answer=True)
    assert card.if_nobody.endswith(words) or card.if_nobody.startswith(words)
    assert replace(card, now=now + timedelta(hours=2)).lapsed.endswith(later)


def test_that_a_question_fails_changes_nothing_of_what_a_parked_run_has_journaled() -> None:
    fields = {name for name in plain(Question(text="?")) if name != "fails"}
    assert fields == {"text", "schema", "deadline_s", "default", "audience"}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("Publish it.", "Publish it."),
        (True, "Yes"),
        (None, "nothing"),
        ({"decision": "reject", "parts": [1, 2]}, "Decision: reject · Parts: 1, 2"),
        ("x" * 400, "x" * 299 + "…"),
    ],
)
def test_an_answer_is_told_in_words(answer: Any, words: str) -> None:  # noqa: ANN401  # any JSON
    assert answer_words(answer) == words
