"""Pausing a run, letting it go on, and answering what it asks, from its page."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from orchestra_site.accounts.models import Membership, Role
from orchestration.models import Command, HumanQuestion, Run, RunStatus
from tests.support.history import a_member, a_run, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> Membership:
    return a_member(Role.OPERATOR)


@pytest.fixture
def client(operator: Membership) -> Client:
    return signed_in(operator)


def waiting(member: Membership, schema: dict[str, Any] | None, kind: str) -> tuple[Run, HumanQuestion | None]:
    run = a_run(member, "?", status=RunStatus.WAITING, kind=kind)
    if schema is None:
        return run, None
    return run, HumanQuestion.objects.create(run=run, step="human/a", text="Which one?", schema=schema)


def said(client: Client, run: Run, question: HumanQuestion, words: str) -> str:
    """Answer, and return the page that follows."""
    answer = client.post(f"/runs/{run.pk}/answer/{question.pk}", {"answer": words}, follow=True)
    return answer.content.decode()


def test_a_running_run_can_be_paused_and_says_so_to_its_worker(
    client: Client, operator: Membership, kind: str
) -> None:
    run = a_run(operator, "?", status=RunStatus.RUNNING, kind=kind)
    assert "run-pause" not in client.get(f"/runs/{run.pk}/").content.decode()
    assert "Pause" in client.get(f"/runs/{run.pk}/").content.decode()
    client.post(f"/runs/{run.pk}/pause")
    assert Command.objects.get(run=run).kind == "pause"


def test_only_a_running_run_can_be_paused(client: Client, operator: Membership, kind: str) -> None:
    run, _ = waiting(operator, None, kind)
    assert (
        "Only a running run can be paused"
        in client.post(f"/runs/{run.pk}/pause", follow=True).content.decode()
    )


def test_a_paused_run_goes_on(client: Client, operator: Membership, kind: str) -> None:
    run, _ = waiting(operator, None, kind)
    assert "Go on" in client.get(f"/runs/{run.pk}/").content.decode()
    client.post(f"/runs/{run.pk}/resume")
    run.refresh_from_db()
    assert run.status == RunStatus.QUEUED


@pytest.mark.parametrize(
    ("schema", "shown", "words", "answer"),
    [
        ({"enum": ["391", "392"]}, 'value="391"', "391", "391"),
        ({"type": "boolean"}, 'value="true"', "true", True),
        ({"type": "boolean"}, 'value="false"', "false", False),
        ({"type": "integer", "minimum": 1}, "Your answer", "7", 7),
        ({"type": "number"}, "Your answer", "0.5", 0.5),
        ({}, "Your answer", "Take the first.", "Take the first."),
    ],
)
def test_a_question_is_answered_in_the_form_it_asks_for(
    client: Client,
    operator: Membership,
    schema: dict[str, Any],
    shown: str,
    words: str,
    answer: object,
    kind: str,
) -> None:
    run, question = waiting(operator, schema, kind)
    assert question is not None
    page = client.get(f"/runs/{run.pk}/").content.decode()
    assert "Which one?" in page
    assert shown in page
    said(client, run, question, words)
    question.refresh_from_db()
    run.refresh_from_db()
    assert (question.answer, run.status) == (answer, RunStatus.QUEUED)


@pytest.mark.parametrize(
    ("schema", "words", "refusal"),
    [
        ({"enum": ["391"]}, "392", "392 is not one of the available choices"),
        ({"type": "integer", "minimum": 1}, "0", "greater than or equal to 1"),
        ({}, "", "Answer the question."),
    ],
)
def test_an_answer_that_does_not_fit_is_refused_with_words(
    client: Client, operator: Membership, schema: dict[str, Any], words: str, refusal: str, kind: str
) -> None:
    run, question = waiting(operator, schema, kind)
    assert question is not None
    assert refusal in said(client, run, question, words)
    question.refresh_from_db()
    assert question.answered_at is None


def test_a_second_answer_comes_too_late(client: Client, operator: Membership, kind: str) -> None:
    run, question = waiting(operator, {}, kind)
    assert question is not None
    said(client, run, question, "first")
    assert "answered this question already" in said(client, run, question, "second")


def test_a_viewer_sees_the_question_without_a_form(operator: Membership, kind: str) -> None:
    run, _ = waiting(operator, {}, kind)
    page = signed_in(a_member(Role.VIEWER, operator.team)).get(f"/runs/{run.pk}/").content.decode()
    assert "Which one?" in page
    assert "answer-fields" not in page
