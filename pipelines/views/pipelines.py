"""Pages of a team's pipelines: the list, a new one, running, renaming and deleting one."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from orchestra_site.accounts.access import MemberRequest, may_configure, may_run
from orchestra_site.web.pages import posted
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.forms import accepted, refuse
from orchestration.llm.selectors import usable_models
from orchestration.runs.models import Run
from orchestration.runs.services.starting import start_run
from pipelines.forms.saved import BLANK, NewPipelineForm, PipelineNameForm, RunForm
from pipelines.models import SavedPipeline
from pipelines.selectors import KIND, gallery, read_draft, run_figures, team_pipelines
from pipelines.services import definitions

READ_OR_SEND = ["GET", "HEAD", "POST"]


def pipeline_of(request: MemberRequest, name: str) -> SavedPipeline:
    """Return one of the team's pipelines. Raises Http404."""
    found: SavedPipeline = get_object_or_404(SavedPipeline.objects.visible_to(request.membership), name=name)
    return found


def status_of(form: Any) -> HTTPStatus:  # noqa: ANN401  # any form
    """Return the status of a page with a form: 422 where it was refused."""
    return HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK


@require_safe
def list_pipelines(request: MemberRequest) -> HttpResponse:
    """List the team's pipelines with the figures of their newest runs."""
    rows = list(team_pipelines(request.membership))
    figures = run_figures(request.membership, [row.name for row in rows])
    lines = [(row, figures[row.name]) for row in rows]
    return render(request, "pipelines/pipeline_list.html", {"lines": lines, "gallery": gallery()})


@require_http_methods(READ_OR_SEND)
@may_run
def new(request: MemberRequest) -> HttpResponse:
    """Ask for a name and what to begin with, and open the new pipeline."""
    chosen = next((each.name for each in gallery() if each.name == request.GET.get("start")), "")
    initial = {"start": chosen or BLANK, "name": chosen}
    form = NewPipelineForm(posted(request), entries=gallery(), initial=initial)
    if form.is_valid():
        start = next((each for each in gallery() if each.name == form.cleaned_data["start"]), None)
        try:
            row = definitions.create_pipeline(
                membership=request.membership,
                name=form.cleaned_data["name"],
                text=start.text if start else "",
                source=f"the gallery ({start.title})" if start else "",
            )
        except InvalidRequest as refusal:
            refuse(form, refusal)
        else:
            return redirect("pipelines:pipeline", row.name)
    context = {"form": form, "starts": zip(form["start"], [None, *gallery()], strict=True)}
    return render(request, "pipelines/pipeline_new.html", context, status=status_of(form))


@require_http_methods(READ_OR_SEND)
@may_run
def run(request: MemberRequest, name: str) -> HttpResponse:
    """Ask for the input, and start a run."""
    row = pipeline_of(request, name)
    form = _run_form(request, row)
    if form.is_valid():
        try:
            payload = form.payload(row.name)
            started = start_run(membership=request.membership, kind=KIND, payload=payload)
        except InvalidRequest as refusal:
            refuse(form, refusal)
        else:
            return redirect("runs:run", started.pk)
    context = {"form": form, "pipeline": row}
    return render(request, "pipelines/pipeline_run.html", context, status=status_of(form))


def _run_form(request: MemberRequest, row: SavedPipeline) -> RunForm:
    """Return the form, filled in with the sample or with the input of the run that is named `from`."""
    newest = row.versions.first()
    document = newest.document if newest else read_draft(row.draft, {}).document
    declared = document.get("input") if isinstance(document, dict) else None
    schema = declared.get("schema") if isinstance(declared, dict) else None
    numbers = list(row.versions.values_list("number", flat=True))
    form = RunForm(schema, posted(request), numbers, usable_models(request.membership))
    form.initial["version"] = request.GET.get("version", "latest")
    form.fill_in(row.sample)
    runs = Run.objects.visible_to(request.membership).filter(kind=KIND, ref=row.name)
    with suppress(ValidationError):  # no id
        if source := request.GET.get("from", ""):
            form.fill_in(get_object_or_404(runs, pk=source).request["input"])
    return form


@require_POST
@may_configure
def rename(request: MemberRequest, name: str) -> HttpResponse:
    """Give a pipeline another name."""
    row = pipeline_of(request, name)
    form = PipelineNameForm(request.POST)
    if accepted(form, partial(definitions.rename, membership=request.membership, pipeline=row)):
        messages.success(request, f"It is called {form.cleaned_data['name']} now.")
        return redirect("pipelines:versions", form.cleaned_data["name"])
    messages.error(request, " ".join(["Not renamed.", *map(str, form.errors.get("name", ()))]))
    return redirect("pipelines:versions", row.name)


@require_POST
@may_configure
def delete(request: MemberRequest, name: str) -> HttpResponse:
    """Delete a pipeline with its versions."""
    row = pipeline_of(request, name)
    try:
        definitions.delete(membership=request.membership, pipeline=row)
    except InvalidRequest as refusal:
        messages.error(request, str(refusal))
        return redirect("pipelines:versions", row.name)
    messages.success(request, f"{row} was deleted. Its runs are still there.")
    return redirect("pipelines:list")
