"""Pages of presets: the list, the editor, and saving what a run or Ask has under a name."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from orchestra_site.accounts.access import MemberRequest, may_configure
from orchestra_site.accounts.models import Membership
from orchestration.expressions.errors import DocumentFault
from orchestration.expressions.listed import Document
from orchestration.library.selectors import saved_definitions
from orchestration.library.views.editor import YAML, DefinitionEditor, Opened, PlacedProblem
from orchestration.library.views.versions import READ_OR_SEND
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.forms import refuse
from orchestration.llm.selectors import usable_models
from orchestration.strategies.engine.strategy import all_strategies
from orchestration.strategies.forms.presets import FIELDS, TABS, PresetCard, SavePresetForm, unusual_content
from orchestration.strategies.parts.methods import preset_lines, shown_content
from orchestration.strategies.selectors import NEWEST, PRESET, PRESETS, preset_records, strategy_name
from orchestration.strategies.services.presets import save_preset
from orchestration.strategies.services.strategy_runs import NAME
from orchestration.strategies.views.ask import ask_form, ask_page, source_run
from orchestration.tools.services.registry import team_tools


@require_safe
def presets(request: MemberRequest) -> HttpResponse:
    """List the team's presets with their record."""
    context = {"lines": preset_lines(request.membership), "newest": NEWEST}
    return render(request, "strategies/preset_list.html", context)


class PresetEditor(DefinitionEditor):
    """A preset has no parts: its fields, the options of its strategy, and its text."""

    kind = PRESETS
    page = "strategies/preset_edit.html"
    whole_tabs = TABS

    def card(self, membership: Membership, document: Document, part: str, tab: str) -> PresetCard:  # noqa: ARG002
        """Return the card of the preset."""
        models = [model.name for model in usable_models(membership)]
        tools = [(name, each.label) for name, each in team_tools(membership.team_id).items()]
        read_only = not membership.may_run
        return PresetCard(document, tab, models=models, tools=tools, read_only=read_only)

    def context(self, request: MemberRequest, opened: Opened) -> dict[str, Any]:
        """Return what the preset does in words, its record, and each problem at its place."""
        reading = PRESETS.check(opened.written, {}, name=opened.definition.name)
        found = reading.problems if opened.fault is None else (DocumentFault("", str(opened.fault)),)
        return {
            "preset": reading.definition,
            "strategy": all_strategies().get(reading.definition.strategy) if reading.definition else None,
            "record": preset_records(request.membership).get(opened.definition.name),
            "problems": [_placed(each) for each in found],
        }


def _placed(problem: DocumentFault) -> PlacedProblem:
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
    if request.method != "POST":
        return _preset_of_run(request)
    if "made" not in request.POST:
        return _preset_of_ask(request)
    form = SavePresetForm(request.POST)
    if form.is_valid():
        given = form.cleaned_data
        fields = {**form.content, **({"title": given["title"]} if given["title"] else {})}
        try:
            version = save_preset(request.membership, given["name"], note=given["note"], **fields)
        except InvalidRequest as refusal:
            refuse(form, refusal)
        else:
            words = f"Version {version.number} of “{given['name']}” is published: everybody can ask with it."
            messages.success(request, words)
            return redirect(PRESETS.page, given["name"])
    return preset_page(request, form)


def _preset_of_run(request: MemberRequest) -> HttpResponse:
    """Ask for a name for what a run has."""
    source = source_run(request)
    if source is None or source.kind not in {NAME, PRESET}:
        raise Http404("There is nothing to save here.")
    made = unusual_content({**source.request, "strategy": strategy_name(source)})
    name = source.ref if source.kind == PRESET else ""
    return preset_page(request, SavePresetForm(None, made=made, name=name))


def _preset_of_ask(request: MemberRequest) -> HttpResponse:
    """Ask for a name for what is filled in on Ask; that stays there where no strategy is chosen."""
    asked = ask_form(request, request.POST)
    draft = asked.draft()
    if draft is not None:
        return preset_page(request, SavePresetForm(None, made=unusual_content(draft.model_dump(mode="json"))))
    asked.errors.clear()
    asked.add_error("strategy", "Only a strategy with its options and its panel can be saved as a preset.")
    return ask_page(request, asked, status=HTTPStatus.UNPROCESSABLE_ENTITY)


def preset_page(request: MemberRequest, form: SavePresetForm) -> HttpResponse:
    """Return the page that asks for a name."""
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    context = {"form": form, **shown_content(form.content)}
    return render(request, "strategies/preset_save.html", context, status=status)
