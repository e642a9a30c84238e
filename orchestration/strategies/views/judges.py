"""Judges: how far they agree with people, and the rubrics that they score by."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from orchestra_site.accounts.access import MemberRequest, check_may_run, may_configure, may_run
from orchestra_site.web.pages import render_part
from orchestration.library.views.versions import READ_OR_SEND
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.forms import refuse
from orchestration.llm.selectors import usable_models
from orchestration.llm.views.providers import apply_change
from orchestration.strategies.engine.quality.agreement import LEAST_EACH
from orchestration.strategies.engine.quality.rubrics import FIVE_DIMENSIONS, rubric_changes
from orchestration.strategies.forms.rubrics import RubricForms, TrialForm
from orchestration.strategies.models import RubricVersion, SavedRubric
from orchestration.strategies.selectors import TRYABLE, judge_records, team_rubrics, tryable_runs
from orchestration.strategies.services.rubrics import (
    RubricTrial,
    delete_rubric,
    restore_rubric,
    save_rubric,
    try_rubric,
)

PAGE = "strategies/rubric_edit.html"
RUBRIC = "strategies:rubric"
LONGEST_QUESTION = 70
MOST_CHANGES = 8


@require_safe
def judges(request: MemberRequest) -> HttpResponse:
    """Show how far judges agree with the team's ratings, and the rubrics."""
    context = {
        "records": judge_records(request.membership),
        "rubrics": [(saved, saved.newest) for saved in team_rubrics(request.membership)],
        "shipped": FIVE_DIMENSIONS,
        "least": LEAST_EACH,
    }
    return render(request, "strategies/judge_list.html", context)


@require_http_methods(READ_OR_SEND)
def rubric(request: MemberRequest, rubric_id: UUID | None = None) -> HttpResponse:
    """Show a rubric with its versions, without an id one to change that begins as the shipped one.

    A POST stores it, or shows more lines to fill in.
    """
    saved = own_rubric(request, rubric_id) if rubric_id is not None else None
    if saved is None or request.method == "POST":
        check_may_run(request.membership)
    if request.method != "POST":
        return _page(request, saved)
    forms = RubricForms(request.POST)
    if "more" in request.POST:
        forms.clear_errors()
        return _page(request, saved, forms=forms)
    if forms.is_valid():
        member, based_on = request.membership, forms.own.cleaned_data["based_on"] or 0
        try:
            stored = save_rubric(membership=member, rubric=forms.rubric(), saved=saved, based_on=based_on)
        except InvalidRequest as refusal:
            refuse(forms.own, refusal)
        else:
            messages.success(request, f"The rubric {forms.own.cleaned_data['name']} was saved.")
            return redirect(RUBRIC, stored.pk)
    return _page(request, saved, forms=forms, status=HTTPStatus.UNPROCESSABLE_ENTITY)


@may_run
@require_POST
def try_out(request: MemberRequest, rubric_id: UUID) -> HttpResponse:
    """Have a judge score the answers of a past run by the newest version, and show its words."""
    saved = own_rubric(request, rubric_id)
    form = _trial_form(request, request.POST)
    if not form.is_valid():
        return _page(request, saved, trial_form=form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    chosen = form.cleaned_data
    judge = next(each for each in usable_models(request.membership) if each.name == chosen["judge"])
    run = get_object_or_404(tryable_runs(request.membership), pk=chosen["run"])
    trial = try_rubric(rubric=saved.newest.rubric, judge=judge, run=run)
    return _page(request, saved, trial_form=form, trial=trial)


@may_run
@require_POST
def restore(request: MemberRequest, rubric_id: UUID, number: int) -> HttpResponse:
    """Make an earlier version the newest again."""
    saved = own_rubric(request, rubric_id)
    version = get_object_or_404(saved.versions, number=number)
    said = f"The rubric says again what version {number} said."
    apply_change(request, partial(restore_rubric, version=version), said=said)
    return redirect(RUBRIC, saved.pk)


@may_configure
@require_POST
def delete(request: MemberRequest, rubric_id: UUID) -> HttpResponse:
    """Delete a rubric with its versions."""
    saved = own_rubric(request, rubric_id)
    said = f"The rubric {saved.name} was deleted."
    apply_change(request, partial(delete_rubric, saved=saved), said=said)
    return redirect("strategies:judges")


def own_rubric(request: MemberRequest, rubric_id: UUID) -> SavedRubric:
    """Return the team's rubric. Raises Http404."""
    return get_object_or_404(team_rubrics(request.membership), pk=rubric_id)


def _page(
    request: MemberRequest,
    saved: SavedRubric | None,
    *,
    forms: RubricForms | None = None,
    trial_form: TrialForm | None = None,
    trial: RubricTrial | None = None,
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    if saved is None:
        begun = FIVE_DIMENSIONS.model_copy(update={"name": "", "description": ""})
        return render(request, PAGE, {"forms": forms or RubricForms(begun)}, status=status)
    newest = saved.newest
    context = {
        "saved": saved,
        "newest": newest,
        "forms": forms or RubricForms(newest.rubric),
        "versions": _changed(saved),
        "trial_form": trial_form or _trial_form(request),
        "trial": trial,
    }
    return render_part(request, PAGE, "rubric-trial", context, status=status)


def _changed(saved: SavedRubric) -> list[tuple[RubricVersion, list[str], int]]:
    """Return the versions, the newest first, each with what it changed and how much more it did."""
    versions = list(saved.versions.all())
    shown = []
    for version, before in zip(versions, [*versions[1:], None], strict=True):
        sentences = rubric_changes(before.rubric, version.rubric) if before else []
        shown.append((version, sentences[:MOST_CHANGES], max(0, len(sentences) - MOST_CHANGES)))
    return shown


def _trial_form(request: MemberRequest, data: QueryDict | None = None) -> TrialForm:
    runs = tryable_runs(request.membership).only("id", "prompt")[:TRYABLE]
    return TrialForm(
        data,
        judge=[(model.name, model.name) for model in usable_models(request.membership)],
        run=[(str(run.pk), " ".join(run.prompt.split())[:LONGEST_QUESTION] or "…") for run in runs],
    )
