"""Pages of strategies."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from orchestra_site.accounts.access import MemberRequest, check_may_run
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.forms import refuse
from orchestration.runs.kinds import Startable, all_kinds, get_page
from orchestration.runs.models import Run
from orchestration.runs.selectors.run_state import visible_runs
from orchestration.runs.services.starting import Origin, start_run
from orchestration.runs.views.run import path_of
from orchestration.strategies.engine.classification import TaskType
from orchestration.strategies.engine.profiles import PRIOR_WEIGHT
from orchestration.strategies.engine.strategy import all_strategies, get_strategy
from orchestration.strategies.forms.ask import AskForm, initial_values
from orchestration.strategies.forms.fields import EXAMPLES
from orchestration.strategies.kinds import METHOD_PAGES, first_method
from orchestration.strategies.parts.methods import StrategyCard, preset_lines, profile_rows
from orchestration.strategies.selectors import (
    NEWEST,
    RECENT,
    models_with_profiles,
    recent_runs,
    rubric_names,
    strategy_records,
)
from orchestration.strategies.services.estimates import estimate_request
from orchestration.strategies.services.strategy_runs import NAME
from orchestration.tools.services.registry import team_tools

PAGE = "strategies/ask.html"
PARTS = ("ask-options", "ask-panel", "ask-setup")
REDRAWS = ("move", "redraw")
NAMED = ("from", "prompt", "strategy")
"""Parameters of the address that fill in the form: it then shows no draft of the browser's."""


@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: MemberRequest) -> HttpResponse:
    """Show the form; a POST starts the run, or only redraws the form where a smaller button was pressed."""
    if request.method != "POST":
        return ask_page(request, ask_form(request, initial=_initial(request)))
    if any(name in request.POST for name in REDRAWS):
        return preview(request)
    check_may_run(request.membership)
    form = ask_form(request, request.POST)
    if form.is_valid():
        kind, payload = form.payload()
        origin = Origin(rerun_of=source_run(request))
        try:
            run = start_run(membership=request.membership, kind=kind, payload=payload, origin=origin)
        except InvalidRequest as refusal:
            refuse(form, refusal)
        else:
            return HttpResponse(status=HTTPStatus.SEE_OTHER, headers={"Location": path_of(run)})
    return ask_page(request, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)


@require_POST
def preview(request: MemberRequest) -> HttpResponse:
    """Redraw the form as filled in, without errors: after a change of method or of the panel's order."""
    form = ask_form(request, request.POST)
    form.errors.clear()
    part = request.headers.get("HX-Target", "")
    return _part(request, form, part) if part in PARTS else ask_page(request, form)


@require_POST
def estimate(request: MemberRequest) -> HttpResponse:
    """Show the estimated cost and time of the request, and what is chosen and set in the folded parts."""
    form = ask_form(request, request.POST)
    form.errors.clear()
    context = {**_estimate(request, form), "form": form, "oob": True}
    return render(request, f"{PAGE}#ask-told", context)


def ask_form(
    request: MemberRequest, data: QueryDict | None = None, *, initial: dict[str, Any] | None = None
) -> AskForm:
    """Return the form with the team's models and tools, and the methods of kinds other than strategies."""
    others: dict[str, Startable] = {
        f"{kind.name}/{choice.ref}": choice
        for kind in all_kinds()
        if kind.name != NAME
        for choice in kind.choices(request.membership)
    }
    models = list(models_with_profiles(request.membership))
    tools = team_tools(request.membership.team_id)
    rubrics = partial(rubric_names, request.membership)
    return AskForm(data, models=models, tools=tools, rubrics=rubrics, others=others, initial=initial)


def ask_page(request: MemberRequest, form: AskForm, *, status: HTTPStatus = HTTPStatus.OK) -> HttpResponse:
    """Return the page of Ask with this form."""
    source, newest = source_run(request), recent_runs(request.membership)
    faults = form.faults
    form.fields["text"].widget.attrs["autofocus"] = not faults
    context = {
        "form": form,
        "faults": faults,
        "examples": EXAMPLES if len(newest) < RECENT and source is None else {},
        **_estimate(request, form),
        "source": source,
        "recent": [(run, get_page(run.kind).method(run.ref)) for run in newest],
        "restores": not form.is_bound and not any(name in request.GET for name in NAMED),
    }
    return render(request, PAGE, context, status=status)


def _part(request: MemberRequest, form: AskForm, part: str) -> HttpResponse:
    """Return one part, and with the options what else the chosen method changes."""
    context: dict[str, Any] = {"form": form}
    response = render(request, f"{PAGE}#{part}", context)
    if part == "ask-options":
        panel_changed = form.wants_panel != bool(request.POST.getlist("order"))
        for name in ["ask-panel"] * panel_changed + ["ask-methods"] * bool(form.other_methods):
            response.write(render_to_string(f"{PAGE}#{name}", {**context, "oob": True}, request))
    return response


def _estimate(request: MemberRequest, form: AskForm) -> dict[str, Any]:
    """Return the estimate of what is filled in, and what would be done where that is chosen then."""
    leading = first_method()
    if leading is not None and form.other is not None and form.chosen_method.startswith(f"{leading.kind}/"):
        found = leading.preview(request.membership, form.typed_payload())
        return {"estimate": found.estimate, "preview": found}
    draft = form.draft()
    if draft is None or not draft.models:
        return {"estimate": None}
    known = form.usable_models
    return {"estimate": estimate_request(membership=request.membership, request=draft, models=known)}


def source_run(request: MemberRequest) -> Run | None:
    """Return the run that is being changed, if one is."""
    try:
        source = UUID(request.POST.get("from") or request.GET.get("from", ""))
    except ValueError:
        return None
    return get_object_or_404(visible_runs(request.membership), pk=source)


def _initial(request: MemberRequest) -> dict[str, Any]:
    """Return the initial values that the address names: those of an earlier run, a prompt, a strategy."""
    source, fields = source_run(request), {"prompt": "text", "strategy": "strategy"}
    given = {field: request.GET[name] for name, field in fields.items() if name in request.GET}
    return {**(initial_values(source) if source else {}), **given}


@require_safe
def methods(request: MemberRequest) -> HttpResponse:
    """Show every strategy with this team's record, and the profiles of its models."""
    strategies = all_strategies()
    records = strategy_records(request.membership, strategies)
    cards = [StrategyCard(strategy=strategy, record=records[name]) for name, strategy in strategies.items()]
    context = {
        "cards": cards,
        "profiles": profile_rows(models_with_profiles(request.membership)),
        "tasks": tuple(TaskType),
        "prior_weight": PRIOR_WEIGHT,
        "newest": NEWEST,
        "pages": METHOD_PAGES,
        "lines": preset_lines(request.membership),
    }
    return render(request, "strategies/method_list.html", context)


@require_safe
def method(request: MemberRequest, name: str) -> HttpResponse:
    """Explain one strategy."""
    try:
        strategy = get_strategy(name)
    except InvalidRequest as unknown:
        raise Http404(str(unknown)) from None
    card = StrategyCard(strategy=strategy, record=strategy_records(request.membership, [name])[name])
    return render(request, "strategies/method_detail.html", {"card": card, "newest": NEWEST})
