"""What pages show of an evaluation: how far it has come, how Auto decided, an item under a configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.urls import reverse

from orchestration.evaluation.engine.decisions.consensus import CriticalRequests, critical_requests
from orchestration.evaluation.engine.decisions.fallbacks import Fallbacks, fallbacks
from orchestration.evaluation.engine.decisions.items import RoutedItem
from orchestration.evaluation.engine.decisions.methods import MethodSelection, selection
from orchestration.evaluation.engine.decisions.optimisations import RuleReport, rule_reports
from orchestration.evaluation.models import ItemOutcome
from orchestration.evaluation.selectors import evaluation_results, routed_items, rule_set
from orchestration.evaluation.services.evaluation_runs import PROGRESS
from orchestration.llm.engine.types import Json
from orchestration.routing.engine.request import PLANNED
from orchestration.routing.parts.auto_page import AutoPage
from orchestration.routing.selectors import KIND as AUTO
from orchestration.runs.kinds import KindPage, Section
from orchestration.runs.models import Run, RunStatus, Step
from orchestration.runs.selectors.run_state import RunState, part_state
from orchestration.strategies.parts.inner_runs import inner_run, inside


class EvaluationPage(KindPage):
    """The page of an evaluation."""

    template = "evaluation/run_sections.html"
    sentence = "evaluation/_run_sentence.html"
    stylesheets = ("css/lists.css", "css/evaluation.css")
    sections = (Section(name="evaluation-progress", events=frozenset({PROGRESS})),)
    sentences: Mapping[str, str] = {PROGRESS: "evaluation/events/progressed.html"}
    is_large = True

    def context(self, state: RunState, now: datetime) -> dict[str, Any]:  # noqa: ARG002  # no times are shown
        """Return the results so far, without the baselines, which the page of results has."""
        request = state.run.request
        results = evaluation_results(state.run.pk, request, whole=False)
        return {"results": results, "configurations": request["configurations"]}

    def method(self, ref: str) -> str:  # noqa: ARG002  # a dataset's id says nothing to people
        """Return what all evaluations are called in the history."""
        return "Evaluation"

    def start_address(self) -> str:
        """Return the form of a new evaluation."""
        return reverse("evaluation:new")


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownRule:
    """An optimisation rule, and a configuration under which it left the same item alone, if there is one."""

    report: RuleReport
    without: int | None
    without_label: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class AutoDecisions:
    """How Auto decided under one configuration, on the items that it has a route of."""

    place: int
    label: str
    items: int
    selection: MethodSelection
    fallbacks: Fallbacks
    critical: CriticalRequests
    rules: Sequence[ShownRule]


def auto_decisions(run: Run) -> list[AutoDecisions]:
    """Return how Auto decided, by configuration that is Auto; one query, none without such a one."""
    routed, labels = (
        routed_items(run.pk, run.request),
        [each["label"] for each in run.request["configurations"]],
    )
    return [
        AutoDecisions(
            place=place,
            label=labels[place],
            items=len(items),
            selection=selection(items),
            fallbacks=fallbacks(items),
            critical=critical_requests(items),
            rules=[_shown_rule(report, routed, labels) for report in rule_reports(items)],
        )
        for place, items in routed.items()
    ]


def _shown_rule(
    report: RuleReport, routed: Mapping[int, Sequence[RoutedItem]], labels: Sequence[str]
) -> ShownRule:
    """Return a report with the first configuration whose same item the rule did not change."""
    for place, items in routed.items():
        if any(each.number == report.number and report.id not in each.fired for each in items):
            return ShownRule(report=report, without=place, without_label=labels[place])
    return ShownRule(report=report, without=None)


def shown_outcome(run: Run, outcome: ItemOutcome, now: datetime) -> dict[str, Any]:
    """Return what the page of one item under a configuration shows: as that of a run of its own."""
    asked = run.request["configurations"][outcome.configuration]
    step = f"item-{outcome.item.number}/configuration-{outcome.configuration}"
    page = AutoPage()
    state = part_state(run, f"{step}/", remembered=page.remembered)
    facts = {"cost_usd": outcome.cost_usd, "seconds": outcome.seconds}
    if rule_set(asked["strategy"]) is None:
        return {"m": inner_run(state, step, asked, now), "view": {"facts": facts}}
    results = dict(
        Step.objects.filter(run=run, key__in=[step, f"{step}/{PLANNED}"]).values_list("key", "result")
    )
    planned = results.get(f"{step}/{PLANNED}")
    if not planned:  # no method could be chosen: the reason of the outcome says why
        return {"view": {"facts": facts}}
    child = _child_run(run, outcome, planned, results.get(step) or {})
    context = page.context(replace(inside(state, f"{step}/"), run=child), now)
    return {**context, "run": child, "view": {"facts": facts}, "is_auto": True}


def _child_run(
    run: Run, outcome: ItemOutcome, planned: Mapping[str, Json], result: Mapping[str, Json]
) -> Run:
    """Return the part of an evaluation that answered an item, as a run of Auto."""
    return Run(
        pk=run.pk,
        team_id=run.team_id,
        kind=AUTO,
        prompt=outcome.item.prompt,
        request=planned,
        panel=run.panel,
        status=RunStatus.FAILED if outcome.failed else RunStatus.SUCCEEDED,
        answer=outcome.answer,
        outcome=result.get("data"),
        quality=result.get("score"),
    )
