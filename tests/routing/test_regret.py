"""Regret: what another method would have been worth (seen, estimated, unknown), and what is said of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from orchestra_site.accounts.models import Membership
from orchestration.routing.engine.off_policy import LoggedDecision, Outlook
from orchestration.routing.engine.regret import MeasuredRun, regret
from orchestration.routing.models import RoutedAnswer
from orchestration.routing.parts.regret import regret_context
from orchestration.routing.services.regret import measured_regret
from orchestration.runs.models import Run
from tests.support.history import a_member, a_run, signed_in

START = datetime(2026, 1, 1, tzinfo=UTC)
WORTH = {"voting": 0.7, "ada": 0.8}


def worth(utility: float) -> Outlook:
    return Outlook(utility=utility, quality=utility, cost_usd=0.0, seconds=0.0)


def a_choice(
    chosen: str, chances: Mapping[str, float], brought: float, place: int = 0, **asked: float
) -> MeasuredRun:
    expected = {ref: worth(0.5) for ref in WORTH}
    decision = LoggedDecision(chosen=chosen, propensities=chances, expected=expected, brought=worth(brought))
    return MeasuredRun(at=START + timedelta(hours=place), decision=decision, asked=asked)


def explored(number: int) -> list[MeasuredRun]:
    """Return runs of two methods, drawn by chances that were logged; both are expected to be equally good."""
    drawn, chances = Random(0), {"voting": 0.6, "ada": 0.4}
    refs = drawn.choices(list(chances), weights=list(chances.values()), k=number)
    return [a_choice(ref, chances, WORTH[ref], place) for place, ref in enumerate(refs)]


def test_where_choices_were_drawn_the_best_method_in_hindsight_is_found_with_its_interval() -> None:
    found = regret(explored(400))
    assert found.regret is not None
    assert (found.best, found.judged, found.measured, found.compared) == ("ada", 400, 400, 2)
    assert found.regret.low < 6.0 < found.regret.high  # 60 % of the choices lost 10 points
    assert found.regret.high - found.regret.low < 8
    assert [each.runs for each in found.batches] == [50] * 8
    assert found.batches[1].since == START + timedelta(hours=50)


def test_what_was_asked_to_compare_is_observed_and_stands_for_the_runs_that_were_not_certain() -> None:
    sure = [a_choice("ada", {"ada": 1.0}, 0.8)] * 60
    compared = [a_choice("voting", {"voting": 1.0}, 0.7, place, ada=0.75) for place in range(30)]
    unknown = [a_choice("voting", {"voting": 1.0}, 0.7)] * 30
    found = regret([*sure, *compared, *unknown])
    assert found.regret is not None
    assert (found.best, found.measured, found.compared) == ("ada", 30, 1)
    assert found.regret.mean == pytest.approx(2.5)  # five points in half of the runs
    assert [each.runs for each in found.batches] == [30]


@pytest.mark.parametrize("number", [0, 29, 31])
def test_too_few_comparisons_say_nothing(number: int) -> None:
    compared = [a_choice("voting", {"voting": 1.0}, 0.7, ada=0.8)] * number
    rest = [a_choice("voting", {"voting": 1.0}, 0.7)] * (32 if number else 0)
    found = regret([*compared, *rest])
    assert (found.regret, found.measured, found.batches) == (None, number, ())
    assert "It cannot be measured yet" in regret_context(found, {})["regret_words"]


def test_a_method_that_nothing_was_expected_of_is_not_measured() -> None:
    assert a_choice("voting", {"voting": 0.5, "gone": 0.5}, 0.7).lost("gone") is None


def test_choosing_by_question_may_be_worth_more_than_any_single_method() -> None:
    right = [a_choice("voting", {"voting": 1.0}, 0.9, place, ada=0.4) for place in range(60)]
    shown = regret_context(regret(right), {"ada": "ada alone"})
    assert shown["regret_words"].startswith(
        "Choosing by question was worth 50.0 points more than always choosing ada"
    )
    assert shown["charts"] == [] if len(shown["regret"].batches) < 2 else shown["charts"]
    [chart] = regret_context(regret(explored(120)), {})["charts"]
    assert [len(trace["y"]) for trace in chart.figure["data"]] == [2, 3]


def an_auto_run(member: Membership, place: int, **columns: Any) -> Run:  # noqa: ANN401  # columns of a run
    considered = [
        {"ref": ref, "quality": quality, "cost_usd": 0.0, "seconds": 1.0, "propensity": chance}
        for ref, quality, chance in (("strategy/voting", 0.9, 1.0), ("model/ada", 0.8, 0.0))
    ]
    plan = {"method": "strategy/voting", "dial": 0.5, "decided_by": "score", "considered": considered}
    plan |= columns.pop("plan", {})
    single = {"model": "ada", "basis": "asked", "cost_usd": 0.0, "seconds": 1.0, "agrees": place % 2 == 0}
    outcome = {"single": {**single, **columns.pop("single", {})}}
    shown = {"request": {"plan": plan}, "outcome": outcome, "quality": 0.9, "cost_usd": "0", **columns}
    return a_run(member, f"Question {place}", kind="auto", ref="auto", minutes_ago=place, **shown)


@pytest.mark.django_db
def test_the_page_of_the_router_says_what_it_lost_or_why_that_is_not_known() -> None:
    member = a_member()
    first = an_auto_run(member, 0)
    page = signed_in(member).get("/methods/routing/").content.decode()
    assert "It cannot be measured yet" in page
    RoutedAnswer.objects.create(
        run=first,
        ref="strategy/voting",
        kind="number",
        task="reasoning",
        length=1,
        difficulty=0,
        rated=1,
        liked=0,
    )
    for place in range(1, 120):
        an_auto_run(member, place)
    an_auto_run(member, 200, plan={"decided_by": "request"})
    an_auto_run(member, 201, single={"error": "503", "agrees": None})
    an_auto_run(member, 202, single={"agrees": None})
    found = measured_regret(member, START)
    assert (found.judged, found.measured, found.best) == (122, 121, "model/ada")
    page = signed_in(member).get("/methods/routing/").content.decode()
    assert "points more than always choosing" in page
    assert 'data-figure="chart-regret-data"' in page
    assert page.count("<td>50</td>") == 2
