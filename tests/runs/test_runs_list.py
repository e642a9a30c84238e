"""The Runs page as a page, as a fragment, and as each kind of visitor sees it."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import DjangoAssertNumQueries

from orchestra_site.accounts.models import Membership, Role
from orchestration.evaluation.models import Dataset
from orchestration.library.models import SavedDefinition
from orchestration.runs.models import Rating, RunStatus
from tests.support.history import HTMX, a_member, a_run, signed_in

pytestmark = pytest.mark.django_db
RUNS = "/runs/"


def test_a_line_tells_state_question_method_quality_cost_time_and_who(member: Membership, kind: str) -> None:
    run = a_run(member, "Weigh the moon", kind=kind, quality=0.87, cost_usd="0.0042", minutes_ago=90)
    Rating.objects.create(run=run, user=member.user, value=1)
    page = signed_in(member).get(RUNS).content.decode()
    method = {"strategy": "Parallel · sim-swift", "second": "Second: parallel · sim-swift"}[kind]
    told = ("Succeeded", "Weigh the moon", method, "87%", "$0.0042", "3.0 s", "Ada")
    for words in (*told, "1 hour ago", f"/runs/{run.id}/", "Rated good"):
        assert words in page


def test_a_failed_run_says_why(member: Membership, kind: str) -> None:
    a_run(member, status=RunStatus.FAILED, error="The key was refused.", kind=kind)
    assert "The key was refused." in signed_in(member).get(RUNS).content.decode()


def test_a_long_panel_is_cut_short(member: Membership) -> None:
    panel = [{"spec": {"name": f"model-{n}"}, "role": "member"} for n in range(9)]
    a_run(member, panel=panel)
    page = signed_in(member).get(RUNS).content.decode()
    assert "model-2 and 6 more" in page


def test_what_a_person_or_model_wrote_is_shown_as_text(member: Membership, kind: str) -> None:
    a_run(member, "<script>alert(1)</script>", status=RunStatus.FAILED, error="<img src=x>", kind=kind)
    page = signed_in(member).get(RUNS).content.decode()
    assert "<script>alert" not in page
    assert "<img src=x>" not in page


def test_htmx_gets_the_list_alone_under_a_tidy_address(member: Membership) -> None:
    a_run(member, "Weigh the moon")
    answer = signed_in(member).get(f"{RUNS}?q=moon&status=&method=", headers=HTMX)
    assert "Weigh the moon" in answer.content.decode()
    assert "<html" not in answer.content.decode()
    assert answer["HX-Push-Url"] == "/runs/?q=moon"


def test_the_filter_offers_the_methods_of_every_kind(member: Membership, kind: str) -> None:
    page = signed_in(member).get(RUNS).content.decode()
    offered = {"strategy": ("strategy/voting", "Voting"), "second": ("second/board", "A board")}[kind]
    assert '<option value="{}">{}</option>'.format(*offered) in page


def test_a_run_of_a_kind_that_is_gone_keeps_its_line(member: Membership) -> None:
    a_run(member, "Weigh the moon", kind="gone", ref="nobody", panel=[])
    page = signed_in(member).get(f"{RUNS}?method=gone/nobody").content.decode()
    assert "<small>nobody</small>" in page
    assert '<option value="gone/nobody" selected>' in page


def test_a_list_with_an_open_run_refreshes_itself(member: Membership) -> None:
    client = signed_in(member)
    a_run(member)
    assert "every 5s" not in client.get(RUNS).content.decode()
    a_run(member, status=RunStatus.RUNNING, finished_at=None)
    assert "every 5s" in client.get(RUNS).content.decode()


def test_a_team_without_runs_is_offered_the_first_question(member: Membership) -> None:
    page = signed_in(member).get(RUNS).content.decode()
    assert "No runs yet" in page
    assert "Ask the first question" in page
    assert page.count(f'class="btn btn-primary" href="{reverse("strategies:ask")}"') == 2


def test_a_filter_that_keeps_nothing_offers_to_clear_it(member: Membership) -> None:
    a_run(member)
    page = signed_in(member).get(f"{RUNS}?q=unheard").content.decode()
    assert "No run matches" in page
    assert "Clear filters" in page


@pytest.mark.parametrize("role", list(Role))
def test_every_role_may_look(role: Role) -> None:
    member = a_member(role)
    a_run(member, "Weigh the moon")
    assert "Weigh the moon" in signed_in(member).get(RUNS).content.decode()


def test_another_teams_runs_are_not_shown(member: Membership) -> None:
    a_run(a_member(), "A stranger's secret")
    assert "secret" not in signed_in(member).get(RUNS).content.decode()


def test_an_anonymous_visitor_is_sent_to_sign_in() -> None:
    answer = Client().get(RUNS)
    assert answer.status_code == 302
    assert "/account/sign-in/" in answer["Location"]


def test_the_wrong_verb_is_refused(member: Membership) -> None:
    assert signed_in(member).post(RUNS).status_code == 405


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("status=lost", "Select a valid choice"),
        ("since=yesterday", "Enter a valid date"),
        ("until=9999-12-31", "less than or equal to 2100-01-01"),
        ("since=2026-02-02&until=2026-02-01", "before the first one"),
        ("min_cost=-1", "greater than or equal to 0"),
        ("min_cost=2&max_cost=1", "less than the lowest cost"),
        ("min_cost=NaN", "Enter a number"),
        ("who=nobody", "Choose a member of this team"),
        ("q=%00", "Null characters are not allowed"),
    ],
)
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_filter_that_cannot_be_used_says_why(
    member: Membership, query: str, words: str, headers: dict[str, str]
) -> None:
    answer = signed_in(member).get(f"{RUNS}?{query}", headers=headers)
    assert answer.status_code == 422
    assert words in answer.content.decode()


def test_an_invented_cursor_is_not_found(member: Membership) -> None:
    assert signed_in(member).get(f"{RUNS}?cursor=nonsense").status_code == 404


@pytest.mark.parametrize("query", ["", "?status=open&q=2&rating=none&model=sim-swift&min_cost=0"])
def test_with_methods_of_every_kind_the_page_costs_at_most_eight_queries(
    member: Membership, query: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for minutes in range(40):
        a_run(a_member(team=member.team), minutes_ago=minutes)
    for kind in ("preset", "auto", "pipeline", "session"):
        SavedDefinition.objects.create(team=member.team, kind=kind, name="own", title=f"Own {kind}")
    dataset = Dataset.objects.create(team=member.team, name="Own dataset")
    client = signed_in(member)
    with django_assert_max_num_queries(8):
        page = client.get(f"{RUNS}{query}").content.decode()
    for kind in ("preset", "auto", "pipeline", "session"):
        assert f'<option value="{kind}/own">Own {kind}</option>' in page
    assert f'<option value="evaluation/{dataset.pk}">Own dataset</option>' in page
