"""What can be done with a run of a pipeline that is over: resume it, or go on with another value."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from orchestra_site.accounts.access import MemberRequest, may_run
from orchestra_site.web.pages import posted
from orchestration.graphs.scheduling import EndStatus
from orchestration.library.views.versions import status_of
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.forms import refuse
from orchestration.runs.models import Run
from orchestration.runs.selectors.run_state import visible_runs
from orchestration.runs.views.run import path_of
from pipelines.forms.starting import StageValueForm
from pipelines.parts.pipeline_page import frozen_pipeline
from pipelines.parts.stages import stage_row
from pipelines.selectors import KIND
from pipelines.services.reruns import rerun_from, resume

PARTS = ("output", "input")


def run_of(request: MemberRequest, run: UUID) -> Run:
    """Return one of the team's runs of pipelines. Raises Http404."""
    return get_object_or_404(visible_runs(request.membership).filter(kind=KIND), pk=run)


@require_POST
@may_run
def run_again(request: MemberRequest, run: UUID, stage: str) -> HttpResponse:
    """Start a run that goes on from a stage: where this one stopped, or from one that had ended well."""
    found, member = run_of(request, run), request.membership
    is_done = stage_row(found.pk, stage).get("status") in {EndStatus.SUCCEEDED, EndStatus.SKIPPED}
    try:
        again = (
            rerun_from(membership=member, run=found, stage=stage)
            if is_done
            else resume(membership=member, run=found)
        )
    except InvalidRequest as refusal:
        messages.error(request, str(refusal))
        return redirect(path_of(found))
    return redirect(f"{path_of(again)}?stage={stage}" if is_done else path_of(again))


@require_http_methods(["GET", "HEAD", "POST"])
@may_run
def edit_value(request: MemberRequest, run: UUID, stage: str) -> HttpResponse:
    """Ask for another output or input of a stage, and start a run that goes on with it."""
    found = run_of(request, run)
    pipeline = frozen_pipeline(found)
    if pipeline is None or stage not in {each.id for each in pipeline.stages}:
        raise Http404
    row = stage_row(found.pk, stage)
    part = request.GET.get("part", "")
    usual = "input" if row.get("status") == "failed" and row.get("input") else "output"
    part = part if part in PARTS else usual
    is_cut = part in row.get("shortened", ())
    form = StageValueForm.filled(posted(request), None if is_cut else row.get(part))
    if form.is_valid():
        given = form.cleaned_data
        try:
            again = rerun_from(
                membership=request.membership,
                run=found,
                stage=stage,
                edit={part: given["value"]},
                version=given["version"],
            )
            return redirect(f"{path_of(again)}?stage={stage}")
        except InvalidRequest as refusal:
            refuse(form, refusal)
    context = {"form": form, "run": found, "stage": stage, "part": part, "parts": PARTS, "is_cut": is_cut}
    return render(request, "pipelines/stage_value.html", context, status=status_of(form))
