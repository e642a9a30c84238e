"""Pages of evaluations: all of them, a new one, and what one came to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.core.serializers.json import DjangoJSONEncoder
from django.http import Http404, HttpResponse, JsonResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from orchestra_site.accounts.access import MemberRequest, check_may_run, may_configure
from orchestra_site.web.pages import keyset_page
from orchestra_site.web.streaming import streamed_file
from orchestration.evaluation.charts import figures_of_results
from orchestration.evaluation.forms import LIMITS, EvaluationForm
from orchestration.evaluation.models import ItemOutcome
from orchestration.evaluation.parts.results import auto_decisions, shown_outcome
from orchestration.evaluation.selectors import (
    NAME,
    Show,
    compared_items,
    evaluation_results,
    evaluations,
    exported_rows,
    rule_set,
    team_datasets,
)
from orchestration.evaluation.services.estimating import EvaluationEstimate, estimate_evaluation
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.routing.selectors import KIND as AUTO
from orchestration.runs.kinds import get_kind
from orchestration.runs.models import Run
from orchestration.runs.parts.exporting import csv_lines
from orchestration.runs.services.starting import start_run
from orchestration.runs.views.run import path_of
from orchestration.strategies.engine.types import Constraints
from orchestration.strategies.forms.presets import SavePresetForm, unusual_content
from orchestration.strategies.selectors import models_with_profiles
from orchestration.strategies.views.presets import preset_page

REDRAWS = ("add", "drop", "redraw")
ITEMS_ON_A_PAGE = 15


def found(request: MemberRequest, run: UUID) -> Run:
    """Return one of the team's evaluations. Raises Http404."""
    return get_object_or_404(evaluations(request.membership), pk=run)


@require_safe
def evaluation_list(request: MemberRequest) -> HttpResponse:
    """Show the team's evaluations, newest first."""
    page = keyset_page(evaluations(request.membership), cursor=request.GET.get("cursor", ""))
    context = {
        "page": page,
        "may_run": request.membership.may_run,
        "datasets": team_datasets(request.membership).count(),
    }
    return render(request, "evaluation/evaluation_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: MemberRequest) -> HttpResponse:
    """Show the form; a POST starts the evaluation, or only redraws where a smaller button was pressed."""
    check_may_run(request.membership)
    if request.method != "POST":
        return _page(request, _form(request, initial=_initial(request)))
    form = _form(request, request.POST)
    if any(name in request.POST for name in REDRAWS):
        form.is_whole()
        form.errors.clear()
        for each in form.configurations:
            each.errors.clear()
        return _page(request, form)
    if form.is_whole():
        try:
            run = start_run(membership=request.membership, kind=NAME, payload=form.payload())
        except InvalidRequest as refusal:
            form.refuse(refusal)
        else:
            return HttpResponse(status=HTTPStatus.SEE_OTHER, headers={"Location": path_of(run)})
    return _page(request, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)


def _form(
    request: MemberRequest, data: QueryDict | None = None, *, initial: dict[str, Any] | None = None
) -> EvaluationForm:
    return EvaluationForm(
        data,
        datasets=list(team_datasets(request.membership)),
        models=list(models_with_profiles(request.membership)),
        limits=Constraints.model_json_schema(),
        autos=get_kind(AUTO).choices(request.membership),
        initial=initial,
    )


def _initial(request: MemberRequest) -> dict[str, Any]:
    """Return the initial values that the address names: those of an earlier evaluation, or a dataset."""
    initial: dict[str, Any] = {}
    try:
        source = UUID(request.GET.get("from", ""))
    except ValueError:
        return {"dataset": request.GET["dataset"]} if "dataset" in request.GET else initial
    asked = found(request, source).request
    configurations = asked["configurations"]
    initial |= {**asked["scorer"], "dataset": asked["dataset"], "first": asked["first"]}
    initial |= {name: asked["constraints"].get(name) for name in LIMITS}
    initial["models"] = configurations[0]["models"]
    initial["configurations"] = [
        {
            **{f"options.{name}": value for name, value in each["options"].items()},
            "strategy": each["strategy"],
            "label": each["label"],
            "models": [] if each["models"] == initial["models"] else each["models"],
        }
        for each in configurations
    ]
    return initial


def _page(
    request: MemberRequest, form: EvaluationForm, *, status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    context = {
        "form": form,
        "configurations": form.configurations,
        "datasets": form.fields["dataset"].choices,  # type: ignore[attr-defined]
        "estimate": _estimate(request, form),
    }
    return render(request, "evaluation/evaluation_new.html", context, status=status)


def _estimate(request: MemberRequest, form: EvaluationForm) -> EvaluationEstimate | None:
    draft = form.draft()
    dataset = team_datasets(request.membership).filter(pk=draft["dataset"]).first() if draft else None
    if draft is None or dataset is None:
        return None
    return estimate_evaluation(
        membership=request.membership,
        dataset=dataset,
        first=draft["first"],
        configurations=draft["configurations"],
        scorer=draft["scorer"],
    )


@require_safe
def results(request: MemberRequest, run: UUID) -> HttpResponse:
    """Show what an evaluation came to: configurations, charts, types of task, items."""
    row = found(request, run)
    shown = evaluation_results(row.pk, row.request)
    show = request.GET.get("show", Show.ALL)
    chosen = Show(show) if show in set(Show) else Show.ALL
    items = compared_items(row.pk, row.request, chosen)
    page = Paginator(items, ITEMS_ON_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "run": row,
        "results": shown,
        "charts": figures_of_results(shown),
        "decisions": auto_decisions(row),
        "page": page,
        "show": chosen.value,
        "shows": [(each.value, each.words) for each in Show],
        "may_run": request.membership.may_run,
        "may_save": request.membership.may_configure,
    }
    return render(request, "evaluation/results.html", context)


@require_safe
def item_outcome(request: MemberRequest, run: UUID, item: int, place: int) -> HttpResponse:
    """Show one item under one configuration: what was asked, what came, and how that was decided."""
    row = found(request, run)
    outcomes = ItemOutcome.objects.filter(run=row, item__number=item).select_related("item")
    by_place = {each.configuration: each for each in outcomes}
    if place not in by_place:
        raise Http404("This evaluation has no such item, or has not come to it yet.")
    labels = [each["label"] for each in row.request["configurations"]]
    context = {
        "evaluation": row,
        "outcome": by_place[place],
        "label": labels[place],
        "others": [(number, labels[number]) for number in sorted(by_place) if number != place],
        **shown_outcome(row, by_place[place], timezone.now()),
    }
    return render(request, "evaluation/item_outcome.html", context)


@require_safe
@may_configure
def save_as_preset(request: MemberRequest, run: UUID, number: int) -> HttpResponse:
    """Ask for a name under which a configuration is saved."""
    row = found(request, run)
    configurations = row.request["configurations"]
    if number >= len(configurations) or rule_set(configurations[number]["strategy"]) is not None:
        raise Http404("This evaluation has no such strategy.")
    return preset_page(request, SavePresetForm(None, made=unusual_content(configurations[number])))


@require_safe
def export_csv(request: MemberRequest, run: UUID) -> StreamingHttpResponse:
    """Give a row for each item and configuration."""
    row = found(request, run)
    return streamed_file(request, _csv(row), name=f"evaluation-{row.pk}.csv", content_type="text/csv")


def _csv(run: Run) -> Iterator[bytes]:
    batches = exported_rows(run.pk, run.request)
    head: Sequence[str] = ()
    for batch in batches:
        if not head:
            head = list(batch[0])
            yield csv_lines([head])
        yield csv_lines([list(each.values()) for each in batch])


@require_safe
def export_json(request: MemberRequest, run: UUID) -> JsonResponse:
    """Give the figures of every configuration, and every outcome."""
    row = found(request, run)
    shown = evaluation_results(row.pk, row.request)
    outcomes = [each for batch in exported_rows(row.pk, row.request) for each in batch]
    configurations = [
        {
            "label": each.label,
            "strategy": each.strategy,
            "options": each.options,
            "models": each.models,
            **each.figures.as_json(),
            "comparisons": [one.as_json() for one in each.comparisons],
        }
        for each in shown.configurations
    ]
    told = {"run": row.pk, "dataset": row.request["dataset_name"], "scorer": row.request["scorer"]}
    body = {**told, "items": shown.items, "advice": shown.advice, "configurations": configurations}
    encoded = json.loads(json.dumps({**body, "outcomes": outcomes}, cls=DjangoJSONEncoder))
    return JsonResponse(encoded, json_dumps_params={"indent": 2})
