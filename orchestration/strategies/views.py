"""Pages of strategies."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from orchestra_site.accounts.access import MemberRequest, check_may_run, may_configure
from orchestra_site.accounts.models import Membership
from orchestration.expressions.listed import Document
from orchestration.library.selectors import saved_definitions
from orchestration.library.views.editor import YAML, DefinitionEditor, Opened, PlacedProblem
from orchestration.library.views.versions import READ_OR_SEND
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.selectors import usable_models
from orchestration.runs.kinds import Startable, all_kinds, get_page
from orchestration.runs.models import Run
from orchestration.runs.selectors.run_state import visible_runs
from orchestration.runs.services.starting import Origin, start_run
from orchestration.strategies.engine.estimating import Estimate
from orchestration.strategies.engine.preset import PresetProblem
from orchestration.strategies.engine.strategy import all_strategies, get_strategy
from orchestration.strategies.forms.ask import AskForm, initial_values
from orchestration.strategies.forms.fields import EXAMPLES
from orchestration.strategies.forms.presets import (
    FIELDS,
    TABS,
    PresetCard,
    SavePresetForm,
    TeamModels,
    from_request,
    from_run,
)
from orchestration.strategies.parts.methods import (
    StrategyCard,
    preset_lines,
    profile_table,
    shown_content,
)
from orchestration.strategies.selectors import (
    NEWEST,
    PRESET,
    PRESETS,
    RECENT,
    models_with_profiles,
    preset_records,
    recent_runs,
    strategy_records,
)
from orchestration.strategies.services.estimates import estimate_request
from orchestration.strategies.services.presets import save_preset
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
        return _page(request, _form(request, initial=_initial(request)))
    if any(name in request.POST for name in REDRAWS):
        return preview(request)
    check_may_run(request.membership)
    form = _form(request, request.POST)
    if form.is_valid():
        kind, payload = form.payload()
        origin = Origin(rerun_of=_source(request))
        try:
            run = start_run(membership=request.membership, kind=kind, payload=payload, origin=origin)
        except InvalidRequest as refusal:
            form.refuse(refusal)
        else:
            address = reverse("runs:run", args=[run.pk])
            return HttpResponse(status=HTTPStatus.SEE_OTHER, headers={"Location": address})
    return _page(request, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)


@require_POST
def preview(request: MemberRequest) -> HttpResponse:
    """Redraw the form as filled in, without errors: after a change of method or of the panel's order."""
    form = _form(request, request.POST)
    form.set_aside_errors()
    part = request.headers.get("HX-Target", "")
    return _page(request, form, part=part if part in PARTS else "")


@require_POST
def estimate(request: MemberRequest) -> HttpResponse:
    """Show the estimated cost and time of the request, and what is chosen and set in the folded parts."""
    form = _form(request, request.POST)
    form.set_aside_errors()
    context = {"estimate": _estimate(request, form), "form": form, "panel": form.panel, "oob": True}
    return render(request, f"{PAGE}#ask-told", context)


def _form(
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
    return AskForm(data, models=models, tools=tools, others=others, initial=initial)


def _page(
    request: MemberRequest, form: AskForm, *, part: str = "", status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    context: dict[str, Any] = {"form": form, "panel": form.panel}
    if part:
        return _part(request, part, context)
    source, newest = _source(request), recent_runs(request.membership)
    faults = form.faults
    form.fields["text"].widget.attrs["autofocus"] = not faults
    context |= {
        "faults": faults,
        "examples": EXAMPLES if len(newest) < RECENT and source is None else (),
        "estimate": _estimate(request, form),
        "source": source,
        "recent": [(run, get_page(run.kind).method(run.ref)) for run in newest],
        "restores": not form.is_bound and not any(name in request.GET for name in NAMED),
    }
    return render(request, PAGE, context, status=status)


def _part(request: MemberRequest, part: str, context: dict[str, Any]) -> HttpResponse:
    """Return one part, and with the options what else the chosen method changes."""
    response = render(request, f"{PAGE}#{part}", context)
    form: AskForm = context["form"]
    if part == "ask-options":
        changed = {
            "ask-panel": form.wants_panel != bool(request.POST.getlist("order")),
            "ask-methods": bool(form.other_methods),
        }
        for name in (name for name, is_changed in changed.items() if is_changed):
            response.write(render_to_string(f"{PAGE}#{name}", {**context, "oob": True}, request))
    return response


def _estimate(request: MemberRequest, form: AskForm) -> Estimate | None:
    draft = form.draft()
    if draft is None or not draft.models:
        return None
    return estimate_request(membership=request.membership, request=draft, models=form.usable_models)


def _source(request: MemberRequest) -> Run | None:
    """Return the run that is being changed, if one is."""
    try:
        source = UUID(request.POST.get("from") or request.GET.get("from", ""))
    except ValueError:
        return None
    return get_object_or_404(visible_runs(request.membership), pk=source)


def _initial(request: MemberRequest) -> dict[str, Any]:
    """Return the initial values that the address names: those of an earlier run, a prompt, a strategy."""
    source = _source(request)
    initial = initial_values(source) if source else {}
    if "prompt" in request.GET:
        initial["text"] = request.GET["prompt"]
    if "strategy" in request.GET:
        initial["strategy"] = request.GET["strategy"]
    return initial


@require_safe
def methods(request: MemberRequest) -> HttpResponse:
    """Show every strategy with this team's record, and the profiles of its models."""
    strategies = all_strategies()
    records = strategy_records(request.membership, strategies)
    cards = [StrategyCard(strategy=strategy, record=records[name]) for name, strategy in strategies.items()]
    table = profile_table(models_with_profiles(request.membership))
    context = {"cards": cards, "table": table, "newest": NEWEST, "lines": preset_lines(request.membership)}
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


@require_safe
def presets(request: MemberRequest) -> HttpResponse:
    """List the team's presets with their record."""
    context = {"lines": preset_lines(request.membership), "newest": NEWEST}
    return render(request, "strategies/preset_list.html", context)


class PresetEditor(DefinitionEditor):
    """A preset has no parts: its fields, the options of its strategy, and its text."""

    kind = PRESETS
    page = "strategies/preset_edit.html"
    word = "part"
    listed = ""

    def tabs(self, part: str) -> Mapping[str, str]:  # noqa: ARG002  # there are none
        """Return the tabs of the preset."""
        return TABS

    def card(self, membership: Membership, document: Document, part: str, tab: str) -> PresetCard:  # noqa: ARG002
        """Return the card of the preset."""
        models = [model.name for model in usable_models(membership)]
        tools = [(name, each.label) for name, each in team_tools(membership.team_id).items()]
        team = TeamModels(models=models, tools=tools)
        return PresetCard(document, tab, team, read_only=not membership.may_run)

    def added(self, document: Document, data: QueryDict) -> tuple[Document, str]:  # noqa: ARG002
        """Refuse: there is nothing to add."""
        raise InvalidRequest("A preset has no parts.")

    def context(self, request: MemberRequest, opened: Opened) -> dict[str, Any]:
        """Return what the preset does in words, its record, and each problem at its place."""
        reading = PRESETS.check(opened.written, {}, name=opened.definition.name)
        found = reading.problems if opened.fault is None else (PresetProblem("", str(opened.fault)),)
        return {
            "preset": reading.definition,
            "strategy": all_strategies().get(reading.definition.strategy) if reading.definition else None,
            "record": preset_records(request.membership).get(opened.definition.name),
            "problems": [_placed(each) for each in found],
        }


def _placed(problem: PresetProblem) -> PlacedProblem:
    """Return a problem with the tab on which it is mended."""
    head = problem.path.partition(".")[0].partition("[")[0]
    tab = next((tab for tab, names in FIELDS.items() if head in names), YAML)
    label = problem.path or "the preset"
    return PlacedProblem(part="", tab=tab, field=problem.path, label=label, message=problem.message)


EDITOR = PresetEditor()


@require_http_methods(READ_OR_SEND)
def preset(request: MemberRequest, name: str) -> HttpResponse:
    """Show a preset; a POST changes its draft or stores its text."""
    return EDITOR.edit(request, name)


@require_safe
def ask_with_preset(request: MemberRequest, name: str) -> HttpResponse:
    """Open Ask with a preset chosen."""
    get_object_or_404(saved_definitions(request.membership, PRESET), name=name)
    return redirect(f"{reverse('strategies:ask')}?{urlencode({'strategy': f'{PRESET}/{name}'})}")


@require_http_methods(READ_OR_SEND)
@may_configure
def save_as_preset(request: MemberRequest) -> HttpResponse:
    """Ask for a name for what a run or Ask has, and save it under that name."""
    if request.method == "POST" and "made" not in request.POST:
        return _preset_of_ask(request)
    form = _preset_form(request)
    if form.is_valid():
        given, made = form.cleaned_data, dict(form.content)
        title = {"title": given["title"]} if given["title"] else {}
        more = {name: made.pop(name) for name in ("tools", "tool_rounds") if name in made}
        try:
            version = save_preset(
                request.membership,
                given["name"],
                strategy=str(made.get("strategy", "")),
                options=made.get("options") or {},
                panel=made.get("models") or (),
                note=given["note"],
                **title,
                **more,
            )
        except InvalidRequest as refusal:
            form.refuse(refusal)
        else:
            words = f"Version {version.number} of “{given['name']}” is published: everybody can ask with it."
            messages.success(request, words)
            return redirect(PRESETS.page, given["name"])
    return _preset_page(request, form)


def _preset_of_ask(request: MemberRequest) -> HttpResponse:
    """Ask for a name for what is filled in on Ask; that stays there where no strategy is chosen."""
    asked = _form(request, request.POST)
    draft = asked.draft()
    if draft is not None:
        return _preset_page(request, SavePresetForm(None, made=from_request(draft)))
    asked.full_clean()
    asked.set_aside_errors()
    asked.add_error("strategy", "Only a strategy with its options and its panel can be saved as a preset.")
    return _page(request, asked, status=HTTPStatus.UNPROCESSABLE_ENTITY)


def _preset_page(request: MemberRequest, form: SavePresetForm) -> HttpResponse:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    context = {"form": form, **shown_content(form.content)}
    return render(request, "strategies/preset_save.html", context, status=status)


def _preset_form(request: MemberRequest) -> SavePresetForm:
    """Return the form: filled in from a run, or as it was sent."""
    if request.method == "POST":
        return SavePresetForm(request.POST)
    source = _source(request)
    if source is None or source.kind not in {NAME, PRESET}:
        raise Http404("There is nothing to save here.")
    return SavePresetForm(None, made=from_run(source), name=source.ref if source.kind == PRESET else "")
