"""Costs on pages: above a run's limit, and more than a column should hold."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client

from orchestra_site.accounts.models import Membership
from orchestration.llm.forms import PriceForm
from orchestration.runs.engine.budget import LARGEST_COST
from orchestration.runs.engine.types import EventKind
from orchestration.runs.models import Call, Run
from orchestration.runs.services.claims import claim_run
from tests.support.history import a_run, signed_in
from tests.support.kinds import queued_run
from tests.support.run_rows import RunRows

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("stored", ["123456789012345", "1e30", "-5e12"])
def test_pages_show_whatever_cost_is_stored(member: Membership, stored: str) -> None:
    if connection.vendor == "postgresql":
        pytest.skip("its columns refuse such a value")
    run = a_run(member)
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE runs_run SET cost_usd = {stored}")
    browser = signed_in(member)
    for address in ("/runs/", f"/runs/{run.pk}/", f"/runs/{run.pk}/json"):
        assert browser.get(address).status_code == 200


def test_the_largest_cost_is_stored_and_read_whole(member: Membership) -> None:
    run = a_run(member, cost_usd=LARGEST_COST)
    run.refresh_from_db()
    assert run.cost_usd == LARGEST_COST
    assert signed_in(member).get("/runs/").status_code == 200


def test_a_price_that_could_cost_more_than_can_be_stored_is_refused() -> None:
    form = PriceForm({"input_per_million": "10001", "output_per_million": "1", "valid_from": "2026-01-01"})
    assert "less than or equal to 10000" in str(form.errors["input_per_million"])


def test_a_run_above_its_limit_says_by_how_much_and_why(browser: Client, member: Membership) -> None:
    rows = RunRows.queued(member, request={"text": "Why?", "constraints": {"max_cost_usd": "0.10"}})
    rows.start()
    call = rows.ask("sim-swift")
    rows.answer(call, "ok")
    Call.objects.filter(pk=call.pk).update(cost_usd=Decimal("0.35"))
    html = browser.get(f"/runs/{rows.run.pk}/").content.decode()
    assert "$0.25 over the limit: a call took more tokens" in html


def test_the_story_says_which_call_cost_more_than_was_expected(browser: Client, member: Membership) -> None:
    rows = RunRows.queued(member)
    data = {"model": "sim-swift", "seconds": 1, "input_tokens": 12, "output_tokens": 99, "cost_usd": "0.5"}
    rows.emit(EventKind.CALL_FINISHED, "ask/a", finish="stop", over_usd="0.25", **data)
    rows.emit(EventKind.CALL_FINISHED, "ask/b", finish="stop", beyond_usd="9999999", **data)
    estimated = data | {"estimated": True, "overran": True}
    rows.emit(EventKind.CALL_FINISHED, "ask/c", finish="length", over_usd="0.75", **estimated)
    html = browser.get(f"/runs/{rows.run.pk}/").content.decode()
    assert "$0.25 more than was set aside for it: its provider counted 12 tokens in" in html
    assert "would cost more than $9,999,999.00: that is not believed" in html
    assert "$0.75 more than was set aside for it." in html
    assert "answered after 1.0 s: 111 tokens" in html


def test_a_new_claim_reserves_what_lost_calls_may_have_cost() -> None:
    run = queued_run("any")
    claim_run(run.id, "test")
    rows = RunRows(Run.objects.get(pk=run.pk))
    call = rows.ask("sim-swift")
    told = {"call": str(call.pk), "reserved_usd": "0.25"}
    rows.emit(EventKind.CALL_STARTED, call.step, **told)
    Run.objects.filter(pk=run.pk).update(status="queued")
    claim = claim_run(run.id, "another")
    assert claim is not None
    assert claim.replay.spent.unknown == Decimal("0.25")
