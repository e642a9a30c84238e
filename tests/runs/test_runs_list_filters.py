"""What each filter of the Runs page keeps, and how its pages follow one another."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from orchestra_site.accounts.models import Membership
from orchestration.runs.models import Call, Rating, RunStatus
from orchestration.runs.selectors import runs as run_pages
from orchestration.runs.selectors.runs import RatingFilter, RunFilter, run_page
from tests.support.history import a_member, a_run, signed_in

pytestmark = pytest.mark.django_db
MARK = re.compile(r"</?mark>")


def found(member: Membership, wanted: RunFilter) -> set[str]:
    return {run.prompt for run in run_page(member, wanted, "").rows}


@pytest.mark.parametrize("column", ["prompt", "answer", "error"])
@pytest.mark.parametrize("text", ["öl", "ÖL", "Öl", "50% off_"])
def test_search_looks_into_question_answer_and_error_whatever_the_case(
    member: Membership, column: str, text: str
) -> None:
    fields: dict[str, Any] = {"prompt": "here", column: "Altes ÖL, 50% OFF_ now"}
    a_run(member, **fields)
    a_run(member, "elsewhere 50x offx")
    assert len(run_page(member, RunFilter(text=text), "").rows) == 1


def test_state_keeps_one_or_all_that_still_go_on(member: Membership) -> None:
    for status in RunStatus:
        a_run(member, status.value, status=status)
    assert found(member, RunFilter(status="failed")) == {"failed"}
    assert found(member, RunFilter(status="open")) == {"queued", "running", "waiting"}


def test_method_model_and_member_narrow_the_list(member: Membership) -> None:
    mate = a_member(team=member.team)
    a_run(member, "one")
    two = a_run(mate, "two", ref="sequential")
    Call.objects.create(run=two, step="ask/x", attempt=1, model="big", provider="p", purpose="answer")
    for wanted in (
        RunFilter(method=("strategy", "sequential")),
        RunFilter(model="big"),
        RunFilter(member=mate.user_id),
    ):
        assert found(member, wanted) == {"two"}
    assert found(member, RunFilter(status="succeeded", method=("strategy", "parallel"))) == {"one"}


@pytest.mark.parametrize("status", ["", "succeeded"])
@pytest.mark.parametrize(
    ("method", "kept"),
    [
        (("strategy", "board"), {"ours"}),
        (("second", "board"), {"theirs"}),
        (("", "board"), {"ours", "theirs"}),
        (("second", "other"), set()),
    ],
)
def test_a_method_is_a_name_inside_its_kind(
    member: Membership, method: tuple[str, str], kept: set[str], status: str
) -> None:
    a_run(member, "ours", ref="board")
    a_run(member, "theirs", ref="board", kind="second")
    assert found(member, RunFilter(method=method, status=status)) == kept


@pytest.mark.parametrize(("rating", "kept"), [("good", {"good"}), ("bad", {"bad"}), ("none", {"none"})])
def test_rating_keeps_what_members_thought(member: Membership, rating: str, kept: set[str]) -> None:
    for name, value in (("good", 1), ("bad", -1)):
        Rating.objects.create(run=a_run(member, name), user=member.user, value=value)
    a_run(member, "none")
    assert found(member, RunFilter(rating=RatingFilter(rating))) == kept


def test_costs_are_inclusive_and_days_whole(member: Membership) -> None:
    a_run(member, "cheap", cost_usd="0.01", created_at=datetime(2026, 3, 1, 23, 59, tzinfo=UTC))
    a_run(member, "dear", cost_usd="0.50", created_at=datetime(2026, 3, 2, tzinfo=UTC))
    assert found(member, RunFilter(max_cost=Decimal("0.01"))) == {"cheap"}
    assert found(member, RunFilter(min_cost=Decimal("0.50"))) == {"dear"}
    page = signed_in(member).get("/runs/?since=2026-03-01&until=2026-03-01").content.decode()
    assert "cheap" in page
    assert "dear" not in page


def prompts_and_link(client: Client, address: str, rel: str) -> tuple[list[str], str]:
    page = MARK.sub("", client.get(address).content.decode())
    link = re.search(rf'rel="{rel}" href="([^"]+)"', page)
    return re.findall(r'class="run-prompt"[^>]*>([^<]+)<', page), link[1].replace(
        "&amp;", "&"
    ) if link else ""


@pytest.mark.parametrize("query", ["", "?q=number"])
def test_pages_follow_one_another_while_runs_come_in(member: Membership, query: str) -> None:
    for number in range(60):
        a_run(member, f"number {number:02d}", minutes_ago=60 - number)
    client, seen, older = signed_in(member), [], query
    for _ in range(3):
        prompts, older = prompts_and_link(client, f"/runs/{older}", "next")
        a_run(member, "number new")
        seen += prompts
    assert seen == [f"number {number:02d}" for number in reversed(range(60))]
    assert older == ""


@pytest.mark.parametrize("query", ["", "?q=number"])
def test_the_way_back_shows_the_page_that_was_left(member: Membership, query: str) -> None:
    for number in range(80):
        a_run(member, f"number {number:02d}", minutes_ago=80 - number)
    client = signed_in(member)
    _, second = prompts_and_link(client, f"/runs/{query}", "next")
    left, third = prompts_and_link(client, f"/runs/{second}", "next")
    _, back = prompts_and_link(client, f"/runs/{third}", "prev")
    assert prompts_and_link(client, f"/runs/{back}", "next")[0] == left
    assert "q=number" in back or not query


def test_a_search_stops_after_a_bounded_number_of_runs_and_goes_on_when_asked(
    member: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_pages, "SCANNED_RUNS", 10)
    for number in range(25):
        a_run(member, "needle" if number == 24 else "hay", minutes_ago=number)
    client = signed_in(member)
    first = client.get("/runs/?q=needle").content.decode()
    assert "Older runs have not been looked at yet" in first
    _, older = prompts_and_link(client, "/runs/?q=needle", "next")
    _, oldest = prompts_and_link(client, f"/runs/{older}", "next")
    assert prompts_and_link(client, f"/runs/{oldest}", "next") == (["needle"], "")
