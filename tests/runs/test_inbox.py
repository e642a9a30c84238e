"""The inbox: what waits for whom, answering in place, taking an answer back, and the count on every page."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orchestra_site.accounts.models import Membership, Role
from orchestration.runs.engine.types import EventKind
from orchestration.runs.models import Command, HumanQuestion, Run, RunStatus, Step
from tests.support.history import a_member, a_run, signed_in
from tests.support.question_schemas import APPROVAL

pytestmark = pytest.mark.django_db
INBOX = "/inbox/"
LIST = {"HX-Request": "true", "HX-Target": "inbox-list"}
NEWS = {"HX-Request": "true", "HX-Target": "inbox-news"}
HTMX = {"HX-Request": "true"}


def asked(member: Membership, text: str = "Shall it go out?", **columns: object) -> HumanQuestion:
    run = a_run(member, "Write to Ms Lee", status=RunStatus.WAITING, kind="strategy")
    return HumanQuestion.objects.create(run=run, step="approve", text=text, **columns)


def address(question: HumanQuestion, end: str = "") -> str:
    return f"/runs/{question.run_id}/answer/{question.pk}{end}"


def shown(browser: Client, query: str = "") -> str:
    return browser.get(f"{INBOX}{query}").content.decode()


def test_a_question_says_what_is_asked_by_which_run_and_until_when(
    browser: Client, member: Membership
) -> None:
    due = timezone.now() + timedelta(days=40)
    question = asked(member, schema={"enum": ["yes", "no"]}, default="no", deadline_at=due)
    page = shown(browser)
    words = ("Shall it go out?", "Write to Ms Lee", "Parallel", "started by <bdi>Ada", "“no” is taken.")
    for each in (
        *words,
        f'href="/runs/{question.run_id}/"',
        f"If nobody answers by {due:%H:%M} on {due.day}",
    ):
        assert each in page
    assert "1 question waits for you" in page


def test_an_empty_inbox_says_what_it_is_for(browser: Client) -> None:
    assert "the run goes on as soon as it is answered" in shown(browser)
    assert "With these filters no question is for you." in shown(browser, "?who=me")


def test_what_is_for_others_stands_below_and_is_not_counted(browser: Client, member: Membership) -> None:
    asked(member, "Mine?")
    asked(member, "For chiefs?", audience={"roles": ["owner"]})
    page = shown(browser)
    assert page.index("Mine?") < page.index("For others") < page.index("For chiefs?")
    assert "Only owners can answer." in page
    assert (page.count("question-form"), "1 question waits for you" in page) == (1, True)
    assert "For chiefs?" not in shown(browser, "?who=me")


def test_a_viewer_sees_questions_without_forms_or_a_count(member: Membership) -> None:
    asked(member, audience={"roles": ["viewer"]})
    viewer = signed_in(a_member(Role.VIEWER, member.team))
    page = shown(viewer)
    assert "Shall it go out?" in page
    assert "question-form" not in page
    assert "for you</span>" not in page


def test_other_teams_questions_are_not_there(browser: Client, member: Membership) -> None:
    mine, theirs = asked(member), asked(a_member(), "Secret?")
    assert "Secret?" not in shown(browser)
    for end in ("", "/undo"):
        assert browser.post(address(theirs, end)).status_code == 404
    crossed = f"/runs/{mine.run_id}/answer/{theirs.pk}"
    assert browser.post(crossed, {"answer": "yes"}).status_code == 404


def test_a_question_is_answered_in_place(browser: Client, member: Membership) -> None:
    question = asked(member, schema=APPROVAL)
    answer = browser.post(address(question), {"answer-1": "approve", "answer-2": "Nice."}, headers=HTMX)
    html = answer.content.decode()
    assert (answer.status_code, "Decision: approve · Comment: Nice." in html, "Undo" in html) == (
        200,
        True,
        True,
    )
    question.refresh_from_db()
    assert question.answer == {"decision": "approve", "comment": "Nice."}
    assert "Shall it go out?" in shown(browser).split('id="fold-settled"')[1]


def test_without_scripts_an_answer_leads_back_to_the_inbox(browser: Client, member: Membership) -> None:
    question = asked(member)
    answer = browser.post(address(question), {"answer": "yes", "next": INBOX})
    assert (answer.status_code, answer["Location"]) == (302, INBOX)
    elsewhere = browser.post(address(asked(member)), {"answer": "yes", "next": "https://evil.example/"})
    assert elsewhere["Location"].startswith("/runs/")


@pytest.mark.parametrize("headers", [HTMX, {}], ids=["htmx", "plain"])
def test_a_bad_answer_is_refused_with_what_was_typed(
    browser: Client, member: Membership, headers: dict[str, str]
) -> None:
    question = asked(member, schema=APPROVAL)
    answer = browser.post(address(question), {"answer-2": "I wonder."}, headers=headers)
    html = answer.content.decode()
    assert (answer.status_code, "Fill this in." in html, "I wonder." in html) == (422, True, True)
    assert ("<html" in html) == (not headers)


def test_an_answer_is_taken_back_until_the_run_goes_on(browser: Client, member: Membership) -> None:
    question = asked(member)
    browser.post(address(question), {"answer": "yes"})
    html = browser.post(address(question, "/undo"), headers=HTMX).content.decode()
    assert "question-form" in html
    question.refresh_from_db()
    assert (question.answered_at, question.answer) == (None, None)
    assert question.run.events.filter(kind=EventKind.ANSWER_WITHDRAWN).exists()
    browser.post(address(question), {"answer": "no"})
    question.refresh_from_db()
    assert question.answer == "no"


def test_once_the_run_has_gone_on_nothing_is_taken_back(browser: Client, member: Membership) -> None:
    question = asked(member)
    browser.post(address(question), {"answer": "yes"})
    Run.objects.update(status=RunStatus.RUNNING)
    assert "Undo" not in browser.get(address(question), headers=HTMX).content.decode()
    late = browser.post(address(question, "/undo"), headers=HTMX)
    assert (late.status_code, "gone on with this answer" in late.content.decode()) == (422, True)
    Run.objects.update(status=RunStatus.QUEUED)
    other = signed_in(a_member(Role.OWNER, member.team))
    assert "Only an answer of yours" in other.post(address(question, "/undo"), headers=HTMX).content.decode()


def test_a_withdrawn_answer_that_was_on_its_way_to_the_run_is_gone(
    browser: Client, member: Membership
) -> None:
    question = asked(member)
    Run.objects.update(status=RunStatus.RUNNING)
    browser.post(address(question), {"answer": "yes"})
    assert Command.objects.count() == 1
    Run.objects.update(status=RunStatus.QUEUED)
    browser.post(address(question, "/undo"))
    assert Command.objects.count() == 0


def test_the_second_of_two_answers_is_told_who_was_first(browser: Client, member: Membership) -> None:
    question = asked(member)
    signed_in(a_member(name="Bob", team=member.team)).post(address(question), {"answer": "no"})
    late = browser.post(address(question), {"answer": "yes"}, headers=HTMX)
    assert late.status_code == 422
    assert "Bob has answered this question already." in late.content.decode()
    question.refresh_from_db()
    assert question.answer == "no"


def test_after_the_deadline_nobody_can_answer(browser: Client, member: Membership) -> None:
    question = asked(member, default="no", deadline_at=timezone.now())
    late = browser.post(address(question), {"answer": "yes"}, headers=HTMX)
    assert "The time to answer this has passed." in late.content.decode()
    Step.objects.create(run=question.run, key="approve", status="done", started_s=0, seconds=0)
    assert "Nobody answered in time: the run went on with “no”." in shown(browser)


def test_a_question_whose_step_was_cancelled_waits_for_nobody(browser: Client, member: Membership) -> None:
    question = asked(member)
    Step.objects.create(run=question.run, key="approve", status="cancelled", started_s=0, seconds=0)
    assert "Nothing waits for you" in shown(browser)
    late = browser.post(address(question), {"answer": "yes"}, headers=HTMX)
    assert "The run does not wait for this answer any more." in late.content.decode()


def test_a_page_that_is_open_learns_what_is_new_and_what_is_settled(
    browser: Client, member: Membership
) -> None:
    since = timezone.now().isoformat()
    old, kept = asked(member), asked(member)
    signed_in(a_member(name="Bob", team=member.team)).post(address(old), {"answer": "no"})
    query = {"since": since, "shown": [str(old.pk), str(kept.pk), "nonsense"]}
    html = browser.get(INBOX, query, headers=NEWS).content.decode()
    assert "1 new question</a>" in html
    assert f'id="question-state-{old.pk}"' in html
    assert "<bdi>Bob</bdi> answered: <bdi>no</bdi>" in html
    assert f'id="question-state-{kept.pk}"' not in html
    assert "new question" not in browser.get(INBOX, {"since": "-"}, headers=NEWS).content.decode()


def test_questions_are_paged_and_cost_a_bounded_number_of_queries(
    browser: Client, member: Membership
) -> None:
    boss = a_member(Role.OWNER, member.team, "Boss")
    for number in range(25):
        asked(member, f"Number {number}?", asked_at=timezone.now() - timedelta(minutes=number))
        asked(boss, audience={"users": [str(boss.user_id)]})
    with CaptureQueriesContext(connection) as queries:
        page = shown(browser)
    assert len(queries) <= 13
    assert ("Number 19?" in page, "Number 20?" in page) == (True, False)
    assert "25 questions, the newest 20 are shown" in page
    older = page.split('rel="next" href="')[1].split('"')[0]
    assert "Number 20?" in shown(browser, older)


def test_filters_stand_in_the_address(browser: Client, member: Membership) -> None:
    asked(member)
    part = browser.get(f"{INBOX}?kind=strategy", headers=LIST).content.decode()
    assert ("Shall it go out?" in part, "<html" in part) == (True, False)
    assert "Shall it go out?" in shown(browser, "?kind=strategy&who=me")
    refused = browser.get(f"{INBOX}?kind=none")
    assert (refused.status_code, "a filter cannot be used" in refused.content.decode()) == (422, True)


def test_wrong_verbs_and_strangers_are_refused(browser: Client, member: Membership) -> None:
    question = asked(member)
    assert browser.post(INBOX).status_code == 405
    assert browser.get(address(question, "/undo")).status_code == 405
    assert Client().get(INBOX)["Location"].startswith("/account/sign-in/")
    viewer = signed_in(a_member(Role.VIEWER, member.team))
    assert viewer.post(address(question), {"answer": "yes"}).status_code == 403
