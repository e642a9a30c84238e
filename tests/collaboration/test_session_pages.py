"""Sessions outside the room: the list of them, and the form that starts one."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils.html import escape

from collaboration.selectors import KIND
from orchestra_site.accounts.models import Membership, Role
from orchestration.library.models import SavedDefinition
from orchestration.library.services.definitions import publish
from orchestration.llm.engine.types import Json
from orchestration.llm.services.registry.seeding import add_simulated
from orchestration.runs.models import Run, Step
from orchestration.runs.services.starting import store_run
from tests.support.history import a_member, a_run, signed_in
from tests.support.lineups import LEAD, WRITER, a_lineup, a_lineup_draft, lineup_text

pytestmark = pytest.mark.django_db
TASK = "Compare the harbours of Genoa and Marseille."
START = "/sessions/start"


@pytest.fixture
def ana() -> Membership:
    member = a_member(Role.ADMIN)
    add_simulated(membership=member)
    return member


@pytest.fixture
def browser(ana: Membership) -> Client:
    return signed_in(ana)


def form(browser: Client, lineup: str = "small", **changed: str) -> dict[str, str]:
    """Return what the form sends when a task is written and some of its fields are changed."""
    page = browser.get(START, {"lineup": lineup}).content.decode()
    setup = re.search(r'name="setup_of" value="([^"]*)"', page)
    sent = {"text": TASK, "lineup": lineup, "setup_of": setup[1] if setup else "", **changed}
    return sent | ({"version": sent["setup_of"].split()[-1]} if 'id="session-version"' in page else {})


def started(browser: Client, **sent: str) -> Run:
    answer = browser.post(START, sent)
    assert answer.status_code == 303, answer.content.decode()
    return Run.objects.get(pk=answer["Location"].split("/")[2])


def refused(browser: Client, **sent: str) -> str:
    answer = browser.post(START, sent)
    assert answer.status_code == 422
    return str(answer.content.decode())


def seats(run: Run) -> dict[str, str]:
    return {each["id"]: each["model"] for each in run.request["lineup"]["participants"]}


def test_a_line_up_as_it_is_saved_starts_by_name_and_version(ana: Membership, browser: Client) -> None:
    a_lineup(ana)
    run = started(browser, **form(browser))
    assert (run.kind, run.ref, run.prompt, run.request["version"]) == (KIND, "small", TASK, 1)
    assert started(browser, **form(browser, "design-review")).ref == "design-review"
    draft = started(browser, **form(browser) | {"version": "draft"})
    assert draft.request["version"] is None


def test_an_older_version_is_chosen_by_the_address(ana: Membership, browser: Client) -> None:
    row = a_lineup(ana)
    SavedDefinition.objects.update(draft=lineup_text(LEAD, {**WRITER, "name": "Newcomer"}))
    row.refresh_from_db()
    publish(membership=ana, definition=row, based_on=row.draft_number)
    assert "Newcomer" in browser.get("/sessions/small/run").content.decode()
    old = browser.get("/sessions/small/run", {"version": "1"}).content.decode()
    assert '<option value="1" selected>Version 1</option>' in old
    assert "Newcomer" not in old.partition('id="session-setup"')[2]


def test_seats_and_rules_are_changed_for_one_session_only(ana: Membership, browser: Client) -> None:
    row = a_lineup(ana)
    changed = {
        "participants[1].seat": f"user:{ana.user_id}",
        "negotiation.rounds": "2",
        "limits.money": "0.5",
    }
    run = started(browser, **form(browser, **changed))
    lineup = run.request["lineup"]
    assert (lineup["participants"][1]["user"], lineup["limits"]["money"]) == (str(ana.user_id), 0.5)
    assert (lineup["negotiation"]["rounds"], run.request["version"], run.ref) == (2, None, "small")
    assert row.versions.count() == 1


def test_each_seat_gets_the_model_that_was_shown(ana: Membership, browser: Client) -> None:
    a_lineup(ana, LEAD, WRITER, {**WRITER, "id": "second"})
    page = browser.get("/sessions/small/run").content.decode()
    shown = re.findall(r'<option value="model:any" selected>Any, now ([^<]*)</option>', page)
    run = started(browser, **form(browser, **{"participants[1].seat": "model:sim-swift"}))
    assert seats(run) == {"lead": shown[0], "writer": "sim-swift", "second": shown[2]}
    assert seats(started(browser, **form(browser))) == dict(zip(seats(run), shown, strict=True))


def test_what_was_typed_for_another_line_up_does_not_count(ana: Membership, browser: Client) -> None:
    a_lineup(ana)
    sent = form(browser, **{"negotiation.threshold": "9"}) | {"lineup": "design-review"}
    assert started(browser, **sent).request["lineup"]["negotiation"]["threshold"] == 0.7


WRONG: list[tuple[dict[str, str], str, str]] = [
    ({"text": " "}, "Write what the session is to do.", "id_text_error"),
    ({"text": "x" * 60_001}, "at most 60000 characters", "id_text_error"),
    (
        {"negotiation.threshold": "1.5"},
        "This is 1.5, must be at most 1.",
        "field-negotiation-threshold-notes",
    ),
    ({"limits.money": "much"}, "This is a text, must be a number", "field-limits-money-notes"),
    ({"conflict.rule": "arbitration"}, "An arbiter is named", "field-conflict-arbiter-notes"),
    (
        {"participants[0].seat": "model:gone"},
        "There is no model &#x27;gone&#x27;",
        "field-participants-0-seat-notes",
    ),
    (
        {"participants[1].seat": "user:nobody"},
        "There is nobody called",
        "field-participants-1-seat-notes",
    ),
]


@pytest.mark.parametrize(("changed", "words", "place"), WRONG)
def test_a_problem_stands_at_its_field_and_nothing_typed_is_lost(
    changed: dict[str, str], words: str, place: str, ana: Membership, browser: Client
) -> None:
    a_lineup(ana)
    shown = refused(browser, **form(browser, **{"limits.seconds": "77", **changed}))
    assert words in shown.partition(f'id="{place}"')[2][:400]
    assert "The session was not started" in shown
    assert 'value="77"' in shown
    assert escape(next(iter(changed.values())).strip()) in shown or "seat" in next(iter(changed))
    assert not Run.objects.exists()


def test_a_line_up_with_problems_says_so_and_leads_to_its_page(ana: Membership, browser: Client) -> None:
    a_lineup_draft(ana, WRITER)
    shown = browser.get("/sessions/small/run").content.decode()
    assert "Nobody leads" in shown
    assert 'href="/sessions/small/">Open the line-up</a>' in shown
    assert "Nobody leads" in refused(browser, text=TASK, lineup="small")


def test_without_a_model_the_form_says_what_to_do() -> None:
    browser = signed_in(a_member())
    assert "There is no model yet. Connect one under Models." in browser.get(START).content.decode()


def test_a_session_is_started_again_with_changes(ana: Membership, browser: Client) -> None:
    a_lineup(ana)
    limits = {"max_cost_usd": "0.25"}
    run = store_run(
        membership=ana, kind=KIND, payload={"text": TASK, "lineup": "small", "constraints": limits}
    )
    shown = browser.get(START, {"from": str(run.pk)}).content.decode()
    assert TASK in shown
    assert 'value=":as-before"' in shown
    sent = {"from": str(run.pk), "text": TASK, "lineup": ":as-before", "setup_of": ":as-before latest"}
    again = started(browser, **sent)
    assert (again.rerun_of_id, again.request) == (run.pk, run.request)
    other = started(browser, **sent, **{"participants[0].seat": "model:sim-swift"})
    assert (seats(other)["lead"], other.request["version"]) == ("sim-swift", None)
    assert other.request["constraints"] == run.request["constraints"]


@pytest.mark.parametrize("wrong", ["x", "00000000-0000-4000-8000-000000000000"])
def test_only_a_session_of_the_team_is_started_again(wrong: str, ana: Membership, browser: Client) -> None:
    strategy = a_run(ana, "What?")
    assert browser.get(START, {"from": str(strategy.pk)}).status_code == 404
    assert browser.get(START, {"from": wrong}).status_code == (200 if wrong == "x" else 404)


def part(browser: Client, target: str, **sent: str) -> HttpResponse:
    answer: Any = browser.post(START, sent, headers={"HX-Request": "true", "HX-Target": target})
    return answer  # type: ignore[no-any-return]


def test_parts_are_drawn_again_without_starting_anything(ana: Membership, browser: Client) -> None:
    a_lineup(ana)
    setup = part(browser, "session-setup", lineup="design-review", text="").content.decode()
    assert setup.lstrip().startswith('<div id="session-setup"')
    assert "Usability" in setup
    estimate = part(browser, "session-estimate", **form(browser)).content.decode()
    assert estimate.lstrip().startswith('<div id="session-estimate"')
    assert "4 to 7 calls" in estimate
    plain = browser.post(START, {"lineup": "design-review", "text": "kept", "redraw": "setup"})
    assert (plain.status_code, "kept</textarea>" in plain.content.decode()) == (200, True)
    assert not Run.objects.exists()


def test_people_alone_cost_nothing(ana: Membership, browser: Client) -> None:
    me = f"user:{ana.user_id}"
    a_lineup(ana)
    sent = form(browser, **{"participants[0].seat": me, "participants[1].seat": me})
    assert "it costs nothing" in part(browser, "session-estimate", **sent).content.decode()


def test_the_list_shows_sessions_with_their_phase_and_line_ups_with_figures(
    ana: Membership, browser: Client
) -> None:
    a_lineup(ana, title="Small team")
    a_lineup_draft(ana, name="raw")
    for ref, status in (("small", "running"), ("small", "succeeded"), ("design-review", "failed")):
        run = a_run(ana, f"Task of {ref} {status}", kind=KIND, ref=ref, status=status)
        for number, phase in enumerate(("planning", "executing")):
            row: dict[str, Json] = {"at": 1.0, "phase": phase}
            Step.objects.create(
                run=run,
                key=f"session/{number}",
                kind="record",
                status="done",
                result=row,
                started_s=0,
                seconds=0,
            )
    shown = browser.get("/sessions/").content.decode()
    words = ("Under way", "Task of small running", "executing", "Latest", "Small team", "v1", "Not published")
    for each in (*words, "Design review", "Gallery", "Adapt"):
        assert each in shown, each
    assert shown.count('class="run-marks"') == 2
    assert "planning" not in shown


def test_the_list_takes_as_many_queries_for_many_line_ups(
    ana: Membership,
    browser: Client,
    django_assert_max_num_queries: Any,  # noqa: ANN401  # of pytest-django
) -> None:
    for number in range(12):
        (a_lineup if number % 2 else a_lineup_draft)(ana, name=f"team-{number}")
        a_run(ana, "A task", kind=KIND, ref=f"team-{number}", status="running")
    browser.get("/sessions/")
    with django_assert_max_num_queries(12):
        browser.get("/sessions/")
    with django_assert_max_num_queries(32):
        browser.get(START)


def test_a_viewer_sees_the_list_without_what_they_may_not_do(ana: Membership) -> None:
    viewer = signed_in(a_member(Role.VIEWER, ana.team))
    shown = viewer.get("/sessions/").content.decode()
    assert "Everybody can watch." in shown
    assert "/sessions/start" not in shown
    assert "Adapt" not in shown
