"""What the run page says where a run went on because an answer would not do."""

from __future__ import annotations

import pytest
from django.test import Client

from orchestra_site.accounts.models import Membership
from orchestration.runs.engine.types import EventKind
from tests.support.history import signed_in
from tests.support.run_rows import RunRows, panel_entry

pytestmark = pytest.mark.django_db


def _page(member: Membership, rows: RunRows) -> str:
    browser: Client = signed_in(member)
    answer = browser.get(f"/runs/{rows.run.pk}/")
    assert answer.status_code == 200
    return answer.content.decode()


def test_where_it_went_on_is_said_once_in_the_reasons(member: Membership) -> None:
    rows = RunRows.queued(member, "sim-swift", "sim-sage", "sim-oracle", ref="cascade")
    rows.start()
    rows.emit(
        EventKind.DECISION_MADE,
        "accept/1",
        kind="escalate",
        chosen="sim-oracle",
        reason="sim-swift and sim-sage: 2 answers, no majority that agrees.",
        options=["sim-swift", "sim-sage"],
        scores={"sim-swift": 0.36, "sim-sage": 0.41},
    )
    html = _page(member, rows)
    said = html.split('id="run-why"')[1].split("</section>")[0]
    assert said.count("no majority that agrees") == 1
    assert '<span class="tag">Escalated</span> to <strong>sim-oracle</strong>' in said


def test_a_fallback_model_has_a_lane_once_it_was_turned_to(member: Membership) -> None:
    rows = RunRows.queued(member, "sim-swift")
    rows.run.panel = [*rows.run.panel, panel_entry("sim-oracle", "helper")]
    rows.run.request = {**rows.run.request, "options": {"fallback_model": "sim-oracle"}}
    rows.run.save()
    rows.start()
    assert _page(member, rows).count('class="lane-name"') == 1
    rows.emit(EventKind.DECISION_MADE, "fallback", kind="fallback", chosen="sim-oracle", reason="Too low.")
    rows.ask("sim-oracle")
    html = _page(member, rows)
    assert html.count('class="lane-name"') == 2
    assert "Too low." in html
