"""How many runs a filter keeps and what they cost, and the filters that can be taken off."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import DjangoAssertNumQueries

from orchestra_site.accounts.models import Membership
from orchestration.runs.models import CallStatus, Run
from orchestration.runs.selectors import runs as run_pages
from orchestration.runs.selectors.chosen_runs import matching_batches
from orchestration.runs.selectors.runs import RunFilter, RunTotal, run_total
from tests.support.history import HTMX, a_member, a_run, signed_in
from tests.support.shown import a_call

pytestmark = pytest.mark.django_db
RUNS = "/runs/"


def test_the_page_says_how_many_runs_there_are_and_what_they_cost(member: Membership) -> None:
    for number in range(30):
        run = a_run(member, f"number {number}", cost_usd="0.01")
        a_call(run, "a", cost_usd="0.01" if number % 10 else None)
    a_run(a_member(), "a stranger's", cost_usd="5")
    page = " ".join(signed_in(member).get(RUNS).content.decode().split())
    assert "<strong>30 runs</strong> · $0.30 · 3 without a price" in page


def test_the_total_is_that_of_the_filter_not_of_the_page(member: Membership) -> None:
    for number in range(60):
        a_run(member, "needle" if number % 2 else "hay", cost_usd="0.5", minutes_ago=number)
    wanted = RunFilter(text="needle")
    assert run_total(member, wanted) == RunTotal(
        runs=30, cost_usd=Decimal(15), unpriced=0, among=None, is_more=False
    )
    assert "<strong>30 runs</strong>" in signed_in(member).get(f"{RUNS}?q=needle").content.decode()


def test_a_call_that_did_not_answer_needs_no_price(member: Membership) -> None:
    run = a_run(member)
    for status in (CallStatus.FAILED, CallStatus.RUNNING):
        a_call(run, "a", status, cost_usd=None)
    assert run_total(member, RunFilter()).unpriced == 0
    a_call(run, "a", cost_usd=None)
    a_call(run, "a", cost_usd=None)
    assert run_total(member, RunFilter()).unpriced == 1


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "More than <strong>4 runs</strong> · more than $2.50"),
        ("?q=needle", "<strong>2 runs</strong> among the newest 4 · $1.00"),
        ("?min_cost=1", "<strong>0 runs</strong> among the newest 4 · $0"),
    ],
)
def test_a_count_that_is_cut_short_says_so(
    member: Membership, monkeypatch: pytest.MonkeyPatch, query: str, words: str
) -> None:
    monkeypatch.setattr(run_pages, "SCANNED_RUNS", 4)
    monkeypatch.setattr(run_pages, "COUNTED_RUNS", 4)
    for number in range(9):
        a_run(member, "needle" if number % 2 else "hay", cost_usd="0.5", minutes_ago=number)
    assert words in " ".join(signed_in(member).get(f"{RUNS}{query}").content.decode().split())


@given(st.lists(st.tuples(st.sampled_from(["a b", "b", "a"]), st.integers(0, 3)), max_size=6), st.booleans())
def test_the_total_agrees_with_what_is_exported(runs: list[tuple[str, int]], searched: bool) -> None:  # noqa: FBT001
    Run.objects.all().delete()
    member = a_member()
    for text, cost in runs:
        a_run(member, text, cost_usd=cost)
    wanted = RunFilter(text="a", min_cost=Decimal(1)) if searched else RunFilter()
    exported = [run for batch in matching_batches(member, wanted) for run in batch]
    total = run_total(member, wanted)
    assert (total.runs, total.cost_usd) == (len(exported), sum(run.cost_usd for run in exported))


def test_filters_stand_as_chips_that_can_be_taken_off(member: Membership) -> None:
    mate = a_member(team=member.team, name="Ben")
    a_run(mate, "moon", cost_usd="2")
    query = f"?q=moon&status=open&method=strategy%2Fvoting&who={mate.user_id}&min_cost=1"
    page = " ".join(signed_in(member).get(f"{RUNS}{query}").content.decode().split())
    for label, value, rest in (
        ("Search", "moon", query.replace("q=moon&", "")),
        ("State", "Still going", query.replace("status=open&", "")),
        ("Method", "Voting", query.replace("method=strategy%2Fvoting&", "")),
        ("Asked by", "Ben", query.replace(f"&who={mate.user_id}", "")),
        ("Cost from ($)", "1", query.replace("&min_cost=1", "")),
    ):
        chip = f'href="/runs/{rest.replace("&", "&amp;")}" title="Take this filter off">'
        assert f'{chip}<span class="chip-label">{label}</span> <bdi>{value}</bdi>' in page
    assert "Clear all" in page


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_chips_name_what_they_keep_on_the_page_and_in_the_list(
    member: Membership, headers: dict[str, str]
) -> None:
    query = f"?who={member.user_id}&method=gone/x&since=2026-01-01"
    page = signed_in(member).get(f"{RUNS}{query}", headers=headers).content.decode()
    for value in ("Ada", "x", "2026-01-01"):
        assert f"<bdi>{value}</bdi>" in page


def test_a_filter_that_cannot_be_used_can_be_taken_off(member: Membership) -> None:
    page = signed_in(member).get(f"{RUNS}?who=nobody&rating=odd").content.decode()
    assert '<a class="chip" href="/runs/?rating=odd"' in page
    assert '<a class="chip" href="/runs/?who=nobody"' in page


def test_a_search_looks_at_the_history_in_at_most_thirteen_queries(
    member: Membership, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for minutes in range(40):
        a_run(member, minutes_ago=minutes)
    client = signed_in(member)
    with django_assert_max_num_queries(13):
        client.get(f"{RUNS}?q=what+is&rating=none&min_cost=0")
