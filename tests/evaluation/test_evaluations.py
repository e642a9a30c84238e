"""Evaluations as runs: checked whole, executed, scored, resumed, and what their pages show."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from orchestra_site.accounts.models import AuditEntry, Membership, Role
from orchestration.evaluation.models import Dataset, DatasetItem, ItemOutcome
from orchestration.evaluation.selectors import evaluation_results
from orchestration.evaluation.services.datasets import import_dataset, remove_dataset
from orchestration.evaluation.services.estimating import estimate_evaluation
from orchestration.evaluation.services.evaluation_runs import AT_ONCE
from orchestration.library.selectors import saved_definitions
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.selectors import usable_models
from orchestration.llm.services.registry.seeding import add_simulated
from orchestration.routing.models import RouterCell
from orchestration.runs.kinds import get_kind
from orchestration.runs.models import Call, Run, RunStatus, Step
from orchestration.runs.services.learning import learn_from_ended_runs
from orchestration.runs.services.starting import store_run
from orchestration.strategies.forms.panel import default_panel
from orchestration.strategies.models import ModelProfile
from tests.support.engines import Engine, until
from tests.support.evaluations import PAIR, a_dataset, a_payload, an_evaluation
from tests.support.history import a_member, signed_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def member() -> Membership:
    member = a_member(Role.OWNER)
    add_simulated(membership=member)
    return member


def shown(member: Membership, view: str, *args: object, query: str = "") -> str:
    answer = signed_in(member).get(reverse(view, args=args) + query)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_every_item_is_run_under_every_configuration_and_scored(member: Membership, engine: Engine) -> None:
    run = engine.execute(an_evaluation(member, a_dataset(member)))
    assert (run.status, run.error) == (RunStatus.SUCCEEDED, "")
    assert ItemOutcome.objects.count() == 8
    results = evaluation_results(run.pk, run.request)
    assert (results.items, results.of, len(results.configurations)) == (4, 4, 2)
    first, second = results.configurations
    assert first.figures.calls_per_item >= 2
    assert second.against_first is not None
    assert first.figures.median_s is not None
    assert sum(row.cost_usd or 0 for row in ItemOutcome.objects.all()) == run.cost_usd
    assert run.answer.startswith("Use ")
    assert results.baseline is not None
    assert "With 4 items only large differences" in results.advice


def test_its_pages_show_the_table_the_charts_and_each_item(member: Membership, engine: Engine) -> None:
    run = engine.execute(an_evaluation(member, a_dataset(member)))
    page = shown(member, "runs:run", run.pk)
    assert 'id="evaluation-progress"' in page
    assert "voting" in page
    results = shown(member, "evaluation:results", run.pk)
    for part in ("chart-cost-data", "chart-time-data", "any model right", "What is 11% of 2,300?", "Use "):
        assert part in results
    assert "No item is like that" in shown(member, "evaluation:results", run.pk, query="?show=none&page=x")
    assert "Sums: 4 items" in shown(member, "evaluation:list")
    rows = list(csv.DictReader(io.StringIO(_file(member, "results-csv", run).lstrip("\ufeff"))))
    assert (len(rows), rows[0]["prompt"]) == (8, "What is 11% of 2,300?")
    told = json.loads(_file(member, "results-json", run))
    assert (told["items"], len(told["outcomes"]), told["configurations"][1]["strategy"]) == (
        4,
        8,
        "sequential",
    )


def learned(member: Membership, ref: str) -> RouterCell:
    return RouterCell.objects.get(team=member.team, ref=ref, level="")


def test_what_was_right_is_learned_of_models_and_of_methods_as_auto_has_them(
    member: Membership, engine: Engine
) -> None:
    panel = default_panel(usable_models(member))
    usual = {"models": panel, "options": {}}
    asked = [
        {"strategy": "voting", **usual},
        {"strategy": "parallel", "models": panel, "options": {"select": "first_good_enough"}},
        {"strategy": "sequential", **usual, "models": panel[:2]},
        {"strategy": "cascade", **usual},
        {"strategy": "auto", "options": {"method": "strategy/voting"}, "models": panel},
    ]
    run = engine.execute(an_evaluation(member, a_dataset(member), configurations=asked))
    until(lambda: Run.objects.get(pk=run.pk).learned_at is not None)
    rows = ItemOutcome.objects.filter(configuration__in=(0, 4), correct__isnull=False)
    right, found = rows.filter(correct=True).count(), learned(member, "strategy/voting")
    expected = pytest.approx([rows.count(), right, rows.count()], rel=0.01)
    assert [found.judged, found.quality, found.counted] == expected
    assert found.cost_usd > 0
    strategies = RouterCell.objects.filter(ref__startswith="strategy/")
    assert set(strategies.values_list("ref", flat=True)) == {"strategy/voting"}
    of_models = [learned(member, f"model/{name}") for name in panel]
    assert all(0 < each.judged <= 4 for each in of_models)
    assert {(each.counted, each.cost_usd) for each in of_models} == {(0.0, 0.0)}
    page = shown(member, "routing:list")
    assert page.count("judged only") == len(panel)
    assert page.count("not measured") == 2 * len(panel)
    assert "10% of a judgement" in page


def test_what_was_right_is_learned_of_each_model_once_an_item(member: Membership, engine: Engine) -> None:
    run = engine.execute(an_evaluation(member, a_dataset(member)))
    ModelProfile.objects.all().delete()
    Run.objects.filter(pk=run.pk).update(learned_at=None)
    assert learn_from_ended_runs() == 1
    rows = {row.model.name: row for row in ModelProfile.objects.select_related("model")}
    right: dict[str, list[bool]] = defaultdict(list)
    for outcome in ItemOutcome.objects.filter(configuration=0):
        for each in outcome.answers:
            right[each["model"]].append(each["correct"])
    assert right
    assert {name: rows[name].graded for name in right} == {name: len(given) for name, given in right.items()}
    assert {name: rows[name].right for name in right} == {name: sum(given) for name, given in right.items()}


def test_a_configuration_is_saved_as_a_preset(member: Membership, engine: Engine) -> None:
    run = engine.execute(an_evaluation(member, a_dataset(member)))
    browser = signed_in(member)
    asked = browser.get(reverse("evaluation:results-preset", args=[run.pk, 0])).content.decode()
    made = html.unescape(re.search(r'name="made"[^>]*value="([^"]*)"', asked)[1])  # type: ignore[index]
    browser.post(reverse("strategies:presets:save"), {"made": made, "name": "best", "note": "It won."})
    saved = saved_definitions(member, "preset").get(name="best").versions.get().document
    assert saved["strategy"] == run.request["configurations"][0]["strategy"]
    assert browser.get(reverse("evaluation:results-preset", args=[run.pk, 9])).status_code == 404


def _file(member: Membership, view: str, run: Run) -> str:
    answer: Any = signed_in(member).get(reverse(f"evaluation:{view}", args=[run.pk]))
    return str(answer.getvalue().decode())


def test_what_an_earlier_attempt_has_done_is_not_done_again(member: Membership, engine: Engine) -> None:
    run = engine.execute(an_evaluation(member, a_dataset(member)))
    calls = Call.objects.count()
    last = ItemOutcome.objects.filter(item__number=4)
    last.delete()  # killed after the children, before the row
    assert get_kind("evaluation").finished_parts(run) == {"item-1", "item-2", "item-3"}
    Run.objects.filter(pk=run.pk).update(status=RunStatus.QUEUED, finished_at=None, lease_owner="")
    run = engine.execute(run)
    assert (run.status, ItemOutcome.objects.count(), Call.objects.count()) == (RunStatus.SUCCEEDED, 8, calls)
    assert last.first() is not None


def test_eight_answers_are_under_way_at_a_time_whatever_their_items_wait_for(
    member: Membership, engine: Engine
) -> None:
    engine.execute(an_evaluation(member, a_dataset(member), "voting", "sequential", "parallel"))
    children = Step.objects.filter(kind="child").values_list("started_s", "seconds")
    spans = [(start, start + seconds) for start, seconds in children]
    assert len(spans) == 12
    assert max(sum(start <= at < end for start, end in spans) for at, _ in spans) == AT_ONCE


def test_a_judge_scores_by_a_rubric(member: Membership, engine: Engine) -> None:
    dataset = import_dataset(
        membership=member,
        name="Open",
        raw=b"prompt\nHow should a small team decide which bug to fix first?\n",
    )[0]
    scorer = {"kind": "judge", "judge": "sim-oracle", "rubric": "Be brief.", "threshold": 0.1}
    run = engine.execute(an_evaluation(member, dataset, "sequential", scorer=scorer))
    [row] = ItemOutcome.objects.all()
    assert run.status == RunStatus.SUCCEEDED
    assert (row.correct, row.answers[0]["correct"]) == (True, None)
    assert Step.objects.filter(run=run, key__contains="score-0/judge/sim-oracle").exists()
    assert evaluation_results(run.pk, run.request).baseline is None


def test_a_limit_ends_it_and_keeps_what_is_done(member: Membership, engine: Engine) -> None:
    run = engine.execute(an_evaluation(member, a_dataset(member, items=12), constraints={"max_calls": 20}))
    assert (run.status, run.error_code) == (RunStatus.FAILED, "limit_reached")
    assert 0 < evaluation_results(run.pk, run.request, whole=False).items < 12


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"dataset": "nonsense"}, "dataset", "dataset:"),
        ({"dataset": "00000000-0000-0000-0000-000000000000"}, "dataset", "no such dataset"),
        ({"configurations": []}, "configurations", "at least 1 item"),
        (
            {"configurations": [{"strategy": "magic"}]},
            "configurations.0.strategy",
            "Configuration 1: There is no",
        ),
        ({"configurations": [{"strategy": "voting"}]}, "configurations.0.models", "at least one model"),
        (
            {"configurations": [{"strategy": "voting", "models": ["nobody"]}]},
            "configurations.0.models",
            "There is no model 'nobody'",
        ),
        (
            {"configurations": [{"strategy": "voting", "models": ["sim-swift"], "options": {"magic": 1}}]},
            "configurations.0.options.magic",
            "There is no option",
        ),
        ({"scorer": {"kind": "choice"}}, "scorer.kind", "The scorer cannot be used for item 1"),
        ({"scorer": {"kind": "judge"}}, "scorer.judge", "Name the model that judges."),
        ({"first": 0}, "first", "greater than or equal to 1"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_at_its_field(
    member: Membership, change: dict[str, Any], field: str, said: str
) -> None:
    payload = {**a_payload(a_dataset(member)), **change}
    with pytest.raises(InvalidRequest, match=said) as refused:
        store_run(membership=member, kind="evaluation", payload=payload)
    assert refused.value.field == field
    assert Run.objects.count() == 0


def form_data(dataset: Dataset, **more: object) -> dict[str, Any]:
    own = {"place": ["0", "1"], "c0-strategy": "voting", "c1-strategy": "sequential"}
    return {
        "dataset": str(dataset.pk),
        "kind": "number",
        "models": list(PAIR),
        "threshold": "0.8",
        **own,
        **more,
    }


def test_the_form_starts_what_it_shows(member: Membership, engine: Engine) -> None:
    dataset, browser = a_dataset(member), signed_in(member)
    page = browser.get(reverse("evaluation:new")).content.decode()
    assert "4 items × 4 = 16 answers" in page.replace("\n", " ").replace("  ", "")
    answer = browser.post(reverse("evaluation:new"), form_data(dataset, first="2"))
    assert answer.status_code == 303
    run = Run.objects.get()
    assert (run.request["items"], run.request["scorer"]["kind"]) == (2, "number")
    assert [each["strategy"] for each in run.request["configurations"]] == ["voting", "sequential"]
    again = browser.get(f"{reverse('evaluation:new')}?from={run.pk}").content.decode()
    assert 'name="c1-strategy"' in again
    assert 'name="c2-strategy"' not in again


def test_configurations_are_added_and_removed_without_a_script(member: Membership) -> None:
    dataset, browser = a_dataset(member), signed_in(member)
    for change, number in (({"add": "1"}, 3), ({"drop": "0"}, 1), ({"redraw": "all"}, 2)):
        page = browser.post(reverse("evaluation:new"), form_data(dataset, **change)).content.decode()
        assert page.count('name="place"') == number
        assert "field-error" not in page


def test_what_the_form_refuses_is_said_and_nothing_typed_is_lost(member: Membership) -> None:
    dataset, browser = a_dataset(member), signed_in(member)
    answer = browser.post(
        reverse("evaluation:new"), form_data(dataset, kind="choice", first="77", **{"c0-label": "My own"})
    )
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "The scorer cannot be used for item 1" in page
    assert 'value="77"' in page
    assert "My own" in page


def test_a_file_with_bad_rows_comes_back_with_its_rows(member: Membership) -> None:
    browser, address = signed_in(member), reverse("evaluation:dataset-add")
    file = io.BytesIO(b"prompt,scorer\ngood,judge\n<b>bad</b>,magic\n")
    file.name = "mixed.csv"
    answer = browser.post(address, {"name": "Mixed", "file": file})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Row 3: There is no scorer “magic”" in page
    assert "&lt;b&gt;bad&lt;/b&gt;,magic" in page
    kept = {"name": "Mixed", "rows": "prompt,scorer\ngood,judge\nbad,magic\n", "partial": "on"}
    answer = browser.post(address, kept, follow=True)
    assert "1 bad rows were left out." in answer.content.decode()
    assert Dataset.objects.get().size == 1


def test_datasets_are_listed_shown_exported_and_removed(member: Membership) -> None:
    dataset, browser = a_dataset(member), signed_in(member)
    assert "Sums" in shown(member, "evaluation:datasets")
    assert "What is 14% of 2,300?" in shown(member, "evaluation:dataset", dataset.pk)
    export: Any = browser.get(reverse("evaluation:dataset-export", args=[dataset.pk]))
    again, _ = import_dataset(membership=member, name="Again", raw=export.getvalue())
    assert again.size == 4
    browser.post(reverse("evaluation:dataset-remove", args=[dataset.pk]))
    assert [row.name for row in Dataset.objects.all()] == ["Again"]


def test_the_audit_log_has_datasets_and_evaluations(member: Membership) -> None:
    dataset = a_dataset(member)
    an_evaluation(member, dataset)
    remove_dataset(membership=member, dataset=dataset)
    remove_dataset(membership=member, dataset=dataset)
    entries = AuditEntry.objects.visible_to(member).filter(subject="Sums").order_by("id")
    assert [each.action for each in entries] == ["dataset.added", "evaluation.started", "dataset.removed"]
    assert entries[1].after == {"items": 4, "configurations": 2}


def test_the_estimate_counts_the_judge_that_scores(member: Membership) -> None:
    dataset = a_dataset(member)
    asked = [{**each, "options": {}} for each in a_payload(dataset)["configurations"]]

    def figures(**scorer: str) -> tuple[int, int, Decimal]:
        found = estimate_evaluation(
            membership=member, dataset=dataset, first=3, configurations=asked, scorer=scorer
        )
        assert found is not None
        return found.verdicts, found.calls_low, found.cost_low or Decimal(0)

    none = figures(kind="answer", judge="sim-oracle")
    DatasetItem.objects.filter(dataset=dataset, number=2).update(scorer="judge")
    one = figures(kind="answer", judge="sim-oracle")
    all_three = figures(kind="judge", judge="sim-oracle", rubric="Be strict.")
    calls = none[1]
    assert [none[:2], one[:2], all_three[:2]] == [(0, calls), (2, calls + 2), (6, calls + 6)]
    assert none[2] < one[2] < all_three[2]


def test_a_page_of_results_costs_few_queries(
    member: Membership, engine: Engine, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    run = engine.execute(an_evaluation(member, a_dataset(member, items=6)))
    browser: Client = signed_in(member)
    for view in ("evaluation:results", "runs:run"):
        with django_assert_max_num_queries(13):
            browser.get(reverse(view, args=[run.pk]))
    with django_assert_max_num_queries(9):  # the figures of as many outcomes are kept
        browser.get(reverse("evaluation:results", args=[run.pk]))
