"""Pausing a run, letting it go on, and answering what it asks, from its page."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from orchestra_site.accounts.models import Membership, Role
from orchestration.runs.models import Command, HumanQuestion, Run, RunStatus
from tests.support.history import a_member, a_run, signed_in

pytestmark = pytest.mark.django_db


def waiting(member: Membership, schema: dict[str, Any] | None, kind: str) -> tuple[Run, HumanQuestion | None]:
    run = a_run(member, "?", status=RunStatus.WAITING, kind=kind)
    if schema is None:
        return run, None
    return run, HumanQuestion.objects.create(run=run, step="human/a", text="Which one?", schema=schema)


def said(browser: Client, run: Run, question: HumanQuestion, words: str) -> str:
    """Answer, and return the page that follows."""
    answer = browser.post(f"/runs/{run.pk}/answer/{question.pk}", {"answer": words}, follow=True)
    return answer.content.decode()


def test_a_running_run_can_be_paused_and_says_so_to_its_worker(
    browser: Client, member: Membership, kind: str
) -> None:
    run = a_run(member, "?", status=RunStatus.RUNNING, kind=kind)
    assert "run-pause" not in browser.get(f"/runs/{run.pk}/").content.decode()
    assert "Pause" in browser.get(f"/runs/{run.pk}/").content.decode()
    browser.post(f"/runs/{run.pk}/pause")
    assert Command.objects.get(run=run).kind == "pause"


def test_only_a_running_run_can_be_paused(browser: Client, member: Membership, kind: str) -> None:
    run, _ = waiting(member, None, kind)
    assert (
        "Only a running run can be paused"
        in browser.post(f"/runs/{run.pk}/pause", follow=True).content.decode()
    )


def test_a_paused_run_goes_on(browser: Client, member: Membership, kind: str) -> None:
    run, _ = waiting(member, None, kind)
    assert "Go on" in browser.get(f"/runs/{run.pk}/").content.decode()
    browser.post(f"/runs/{run.pk}/resume")
    run.refresh_from_db()
    assert run.status == RunStatus.QUEUED


@pytest.mark.parametrize(
    ("schema", "shown", "words", "answer"),
    [
        ({"enum": ["391", "392"]}, 'value="391"', "391", "391"),
        ({"type": "boolean"}, 'value="true"', "true", True),
        ({"type": "boolean"}, 'value="false"', "false", False),
        ({"enum": [1, 2.5, True]}, 'value="2.5"', "2.5", 2.5),
        ({"type": "integer", "minimum": 1}, "Your answer", "7", 7),
        ({"type": "number"}, "Your answer", "0.5", 0.5),
        ({}, "Your answer", "Take the first.", "Take the first."),
    ],
)
def test_a_question_is_answered_in_the_form_it_asks_for(  # noqa: PLR0913, PLR0917  # a table
    browser: Client,
    member: Membership,
    schema: dict[str, Any],
    shown: str,
    words: str,
    answer: object,
    kind: str,
) -> None:
    run, question = waiting(member, schema, kind)
    assert question is not None
    page = browser.get(f"/runs/{run.pk}/").content.decode()
    assert "Which one?" in page
    assert shown in page
    said(browser, run, question, words)
    question.refresh_from_db()
    run.refresh_from_db()
    assert (question.answer, run.status) == (answer, RunStatus.QUEUED)


@pytest.mark.parametrize(
    ("schema", "words", "refusal"),
    [
        ({"enum": ["391"]}, "392", "Choose one of the offered answers."),
        ({"type": "integer", "minimum": 1}, "0", "Enter at least 1."),
        ({}, "", "Answer the question."),
    ],
)
def test_an_answer_that_does_not_fit_is_refused_with_words(
    browser: Client, member: Membership, schema: dict[str, Any], words: str, refusal: str, kind: str
) -> None:
    run, question = waiting(member, schema, kind)
    assert question is not None
    assert refusal in said(browser, run, question, words)
    question.refresh_from_db()
    assert question.answered_at is None


def test_a_second_answer_comes_too_late(browser: Client, member: Membership, kind: str) -> None:
    run, question = waiting(member, {}, kind)
    assert question is not None
    said(browser, run, question, "first")
    assert "answered this question already" in said(browser, run, question, "second")


def test_a_viewer_sees_the_question_without_a_form(member: Membership, kind: str) -> None:
    run, _ = waiting(member, {}, kind)
    page = signed_in(a_member(Role.VIEWER, member.team)).get(f"/runs/{run.pk}/").content.decode()
    assert "Which one?" in page
    assert "question-form" not in page
