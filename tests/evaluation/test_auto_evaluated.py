"""Auto as a configuration of an evaluation: what it promises is on the page of results, each with its run."""

from __future__ import annotations

import csv
import io
from collections import Counter
from typing import Any

import pytest
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from orchestra_site.accounts.models import Membership, Role
from orchestration.evaluation.models import Dataset, ItemOutcome
from orchestration.evaluation.parts.results import AutoDecisions, auto_decisions
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.models import Provider
from orchestration.llm.services.registry.seeding import add_simulated
from orchestration.routing.models import RouterCell
from orchestration.runs.models import Call, Run, RunStatus
from orchestration.runs.services.learning import learn_from_ended_runs
from orchestration.runs.services.starting import store_run
from tests.support.definitions import stage
from tests.support.engines import Engine
from tests.support.evaluations import MIXED, PANEL, VOTE, a_dataset, go_badly, imported, watching_rule_sets
from tests.support.history import a_member, signed_in
from tests.support.pipelines import a_pipeline
from tests.support.rule_sets import a_rule_set, rule

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def member() -> Membership:
    member = a_member(Role.OWNER)
    add_simulated(membership=member)
    return member


def an_auto_evaluation(member: Membership, dataset: Dataset, *names: str, **options: object) -> Run:
    asked = [{"strategy": name, "models": list(PANEL), "options": options} for name in names or ("auto",)]
    payload = {"dataset": str(dataset.pk), "configurations": asked}
    return store_run(membership=member, kind="evaluation", payload=payload)


@pytest.fixture
def evaluated(member: Membership, engine: Engine) -> Run:
    """An evaluation of Auto under two rule sets, the second without optimisations, after bad votes."""
    watching_rule_sets(member)
    vote = {"text": VOTE, "strategy": "voting", "models": list(PANEL)}
    go_badly([engine.execute(store_run(membership=member, kind="strategy", payload=vote)) for _ in range(3)])
    return engine.execute(an_auto_evaluation(member, imported(member, "Mixed", MIXED), "auto", "auto/plain"))


def by_rule(decisions: AutoDecisions) -> dict[str, tuple[int, str, int | None]]:
    shown = ((each.report, each.without) for each in decisions.rules)
    return {rule.id: (rule.fired, rule.effect, without) for rule, without in shown}


def page_of(member: Membership, view: str, *args: object) -> str:
    answer: Any = signed_in(member).get(reverse(f"evaluation:{view}", args=args))
    assert answer.status_code == 200
    return str(answer.getvalue().decode() if answer.streaming else answer.content.decode())


def test_the_results_show_what_auto_promises(member: Membership, evaluated: Run) -> None:
    assert (evaluated.status, evaluated.error) == (RunStatus.SUCCEEDED, "")
    auto, plain = auto_decisions(evaluated)
    assert auto.selection.sentence.endswith("Cascade for analysis (2 of 2), Parallel for reasoning (5 of 6).")
    assert "Voting for reasoning (6 of 6)" in plain.selection.sentence
    assert auto.fallbacks.sentence.startswith("2 of 8 first answers were estimated below 90%")
    assert sorted((each.then, each.numbers) for each in plain.fallbacks.rows) == [
        ("sim-scholar alone", (4, 5)),
        ("sim-scholar alone", (7,)),
    ]
    assert (auto.critical.items, auto.critical.agreed, auto.critical.rows[0].method) == (1, 1, "Voting")
    assert by_rule(auto) == {
        "busy": (6, f"{', '.join(PANEL)} → sim-swift, sim-scholar", 1),
        "flaky": (6, "max parallel 1", 1),
        "poor": (6, "Voting → Parallel", 1),
        "slow": (6, "time limits × 2", 1),
        "idle": (0, "", None),
    }
    assert plain.rules == []


def test_each_promise_is_on_the_page_with_the_run_that_shows_it(member: Membership, evaluated: Run) -> None:
    page = page_of(member, "results", evaluated.pk)
    for words in ("How Auto decided", "a run takes 90.0 s (median)", "at least 60 s", "on 6 of 8 items"):
        assert words in page
    changed, same = (reverse("evaluation:item-outcome", args=[evaluated.pk, 1, place]) for place in (0, 1))
    assert f'href="{changed}"' in page
    assert f'href="{same}"' in page
    assert "its limit is not reached" in page
    with_rules = page_of(member, "item-outcome", evaluated.pk, 1, 0)
    assert "Parallel instead of Voting: poor: the mean quality is 20%" in with_rules
    assert "sim-scholar" in with_rules
    without = page_of(member, "item-outcome", evaluated.pk, 1, 1)
    assert "instead of" not in without
    assert "Rule “sums” matches" in without


def test_a_fallback_is_shown_with_both_answers(member: Membership, evaluated: Run) -> None:
    page = page_of(member, "item-outcome", evaluated.pk, 4, 1)
    assert "Not good enough" in page
    assert "is below 90%" in page
    row = ItemOutcome.objects.get(item__number=4, configuration=1)
    assert row.route is not None
    assert [(each["ref"], each["correct"]) for each in row.route["attempts"]] == [
        ("strategy/voting", True),
        ("model/sim-scholar", True),
    ]
    assert (
        signed_in(member).get(reverse("evaluation:item-outcome", args=[evaluated.pk, 99, 0])).status_code
        == 404
    )


def test_the_pages_cost_few_queries(
    member: Membership, evaluated: Run, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    browser = signed_in(member)
    for view, args in (("results", []), ("item-outcome", [4, 0])):
        with django_assert_max_num_queries(17):
            browser.get(reverse(f"evaluation:{view}", args=[evaluated.pk, *args]))


def test_exports_have_the_method_the_rule_and_the_optimisations(member: Membership, evaluated: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(page_of(member, "results-csv", evaluated.pk).lstrip("\ufeff"))))
    assert [rows[0][name] for name in ("method", "answered_by", "decided_by", "rule")] == [
        "strategy/parallel",
        "strategy/parallel",
        "optimisation",
        "sums",
    ]
    assert (rows[0]["optimisations"], rows[1]["optimisations"]) == ("slow, poor, flaky, busy", "")
    assert [row["priority"] for row in rows if row["id"] == "6"] == ["critical", "critical"]
    assert '"optimisations": "slow, poor, flaky, busy"' in page_of(member, "results-json", evaluated.pk)


def test_a_plan_is_made_once_and_teaches_the_router_by_its_grades_alone(
    member: Membership, engine: Engine, evaluated: Run
) -> None:
    calls, routes = Call.objects.count(), ItemOutcome.objects.order_by("pk").values_list("route", flat=True)
    before = list(routes)
    ItemOutcome.objects.all().delete()  # killed after the children, before the rows
    Run.objects.filter(pk=evaluated.pk).update(status=RunStatus.QUEUED, finished_at=None, lease_owner="")
    assert engine.execute(evaluated).status == RunStatus.SUCCEEDED
    assert Call.objects.count() == calls
    assert sorted(map(str, routes)) == sorted(map(str, before))
    learn_from_ended_runs()
    firsts = [row.route["attempts"][0] for row in ItemOutcome.objects.all() if row.route]
    graded = Counter(each["ref"] for each in firsts if each["correct"] is not None)
    learned = RouterCell.objects.filter(ref__startswith="strategy/", level="").values_list("ref", "judged")
    assert dict(learned) == pytest.approx(graded, rel=0.02)


def test_pipelines_that_rules_name_are_frozen_with_the_evaluation(member: Membership, engine: Engine) -> None:
    loud = stage("loud", processor="transform", input={"from": "input", "transforms": ["upper"]})
    a_pipeline(member, loud, name="shout")
    a_rule_set(member, rule("all", "pipeline/none", "pipeline/shout", how="failover"))
    run = engine.execute(an_auto_evaluation(member, a_dataset(member, items=1)))
    [row] = ItemOutcome.objects.all()
    assert row.route is not None
    assert (run.status, row.route["method"], row.answer) == (
        "succeeded",
        "pipeline/shout",
        "WHAT IS 11% OF 2,300?",
    )
    assert "What is 11%" in page_of(member, "item-outcome", run.pk, 1, 0)


def test_where_every_method_fails_the_attempts_are_kept(member: Membership, engine: Engine) -> None:
    run = an_auto_evaluation(
        member, a_dataset(member, items=1, priority="critical"), method="strategy/voting"
    )
    Provider.objects.update(enabled=False)
    run = engine.execute(run)
    [decisions] = auto_decisions(run)
    assert decisions.fallbacks.rows[0].why == "failed"
    assert decisions.critical.exceptions[0].why.startswith("No method answered.")
    assert "without consensus: No method answered." in page_of(member, "results", run.pk)
    assert "Failed" in page_of(member, "item-outcome", run.pk, 1, 0)


def test_an_item_that_no_method_can_answer_says_why(member: Membership, engine: Engine) -> None:
    dataset = a_dataset(member, items=1, priority="critical")
    asked = [{"strategy": name, "models": list(PANEL[:1])} for name in ("auto", "sequential")]
    payload = {"dataset": str(dataset.pk), "configurations": asked}
    run = engine.execute(store_run(membership=member, kind="evaluation", payload=payload))
    page = page_of(member, "results", run.pk)
    assert "No plan was recorded under this configuration" in page
    assert "require" in ItemOutcome.objects.get(configuration=0).reason
    assert "Its answer is the one above" in page_of(member, "item-outcome", run.pk, 1, 1)
    assert "cannot read the plan" not in page_of(member, "item-outcome", run.pk, 1, 0)


def test_a_judge_scores_the_final_answer_alone(member: Membership, engine: Engine) -> None:
    payload = {
        "dataset": str(a_dataset(member, items=1).pk),
        "configurations": [{"strategy": "auto", "models": list(PANEL)}],
        "scorer": {"kind": "judge", "judge": "sim-oracle", "threshold": 0.1},
    }
    run = engine.execute(store_run(membership=member, kind="evaluation", payload=payload))
    [decisions] = auto_decisions(run)
    assert decisions.selection.rows[0].right.words == "1 of 1"
    route = ItemOutcome.objects.get().route or {}
    assert [each["correct"] for each in route["attempts"]] == [None]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"options": {"tools": ["clock"]}}, "options.tools"),
        ({"options": {"dial": 7}}, "options.dial"),
        ({"options": {"method": "model/none"}}, "options.method"),
        ({"options": {"method": "pipeline/none"}}, "options.method"),
        ({"options": {"required": ["none"]}}, "options.required"),
        ({"strategy": "auto/none"}, "strategy"),
        ({"models": []}, "models"),
        ({"models": ["none"]}, "models"),
    ],
)
def test_what_auto_cannot_do_is_refused_at_its_field(
    member: Membership, change: dict[str, Any], field: str
) -> None:
    asked = {"strategy": "auto", "models": list(PANEL), **change}
    payload = {"dataset": str(a_dataset(member).pk), "configurations": [asked]}
    with pytest.raises(InvalidRequest) as refused:
        store_run(membership=member, kind="evaluation", payload=payload)
    assert refused.value.field == f"configurations.0.{field}"


def test_the_form_offers_auto_with_its_options(member: Membership) -> None:
    a_rule_set(member, name="support", title="Support")
    dataset, browser = a_dataset(member), signed_in(member)
    data = {
        "dataset": str(dataset.pk),
        "kind": "number",
        "models": list(PANEL),
        "threshold": "0.8",
        "place": ["0"],
    }
    data |= {"c0-strategy": "auto/support", "redraw": "0"}
    page = browser.post(reverse("evaluation:new"), data).content.decode()
    assert "calls" in page
    chosen = {"c0-options_of": "auto/support", "c0-options.dial": "80", "c0-options.priority": "critical"}
    data = {**{name: value for name, value in data.items() if name != "redraw"}, **chosen}
    assert browser.post(reverse("evaluation:new"), data).status_code == 303
    [asked] = Run.objects.get().request["configurations"]
    assert (asked["strategy"], asked["options"]["dial"], asked["options"]["priority"]) == (
        "auto/support",
        0.8,
        "critical",
    )
    again = browser.get(f"{reverse('evaluation:new')}?from={Run.objects.get().pk}").content.decode()
    assert '<option value="critical" selected' in again
