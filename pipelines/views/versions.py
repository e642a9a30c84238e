"""Versions of a pipeline: what differs, publishing, restoring; definitions from files and to files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from itertools import zip_longest
from typing import Literal

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from orchestra_site.accounts.access import MemberRequest, may_configure, may_run
from orchestra_site.web.pages import posted
from orchestration.expressions.changes import Change
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.forms import refuse
from orchestration.runs.models import Run
from pipelines.engine.definition import Pipeline
from pipelines.engine.differences import changes
from pipelines.forms.saved import ImportForm, PipelineNameForm, PublishForm
from pipelines.models import PublishedVersion, SavedPipeline
from pipelines.selectors import (
    DraftReading,
    TeamPipelines,
    published_pipeline,
    read_draft,
    runs_by_version,
    version_number,
)
from pipelines.services import definitions
from pipelines.services.importing import exported, import_definitions, planned_import
from pipelines.views.pipelines import READ_OR_SEND, pipeline_of, status_of

MOST_VERSIONS = 100
TYPES = {"yaml": "application/yaml; charset=utf-8", "json": "application/json"}


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionLine:
    """A version as the page lists it, with what differs from the one before and the runs that used it."""

    version: PublishedVersion
    changes: Sequence[Change]
    runs: Sequence[Run]


@require_safe
def versions(request: MemberRequest, name: str) -> HttpResponse:
    """List the versions with what differs, the draft's differences on top."""
    row = pipeline_of(request, name)
    found = list(row.versions.select_related("author")[: MOST_VERSIONS + 1])
    runs = runs_by_version(request.membership, row.name)
    lines = [
        VersionLine(
            version=version,
            changes=_differences(_published(older), _published(version)),
            runs=runs.get(version.number, ()),
        )
        for version, older in zip_longest(found, found[1:])
    ]
    reading = read_draft(row.draft, TeamPipelines(request.membership), name=row.name)
    newest = str(found[0].number) if found else ""
    context = {
        "pipeline": row,
        "lines": lines[:MOST_VERSIONS],
        "reading": reading,
        "draft_changes": _differences(_published(found[0]) if found else None, reading.pipeline),
        "draft_runs": runs.get(None, ()),
        "sides": [
            (each, request.GET.get(each, usual)) for each, usual in (("old", newest), ("new", "draft"))
        ],
        "rename_form": PipelineNameForm(initial={"name": row.name}),
        **_compared(request, row, reading),
    }
    return render(request, "pipelines/version_list.html", context)


def _published(version: PublishedVersion | None) -> Pipeline | None:
    return None if version is None else published_pipeline(version)


def _differences(old: Pipeline | None, new: Pipeline | None) -> Sequence[Change]:
    return () if old is None or new is None else changes(old, new)


def _compared(request: MemberRequest, row: SavedPipeline, reading: DraftReading) -> dict[str, object]:
    """Return what differs between the two versions that the address names; `draft` is one, too."""
    chosen = [request.GET.get(each, "") for each in ("old", "new")]
    if not any(chosen):
        return {"compared": None}
    sides = [
        reading.pipeline
        if each == "draft"
        else _published(row.versions.filter(number=version_number(each)).first())
        for each in chosen
    ]
    return {"compared": _differences(*sides), "both": all(sides)}


@require_http_methods(READ_OR_SEND)
@may_configure
def publish(request: MemberRequest, name: str) -> HttpResponse:
    """Show what would be published, and publish it with a note."""
    row = pipeline_of(request, name)
    form = PublishForm(posted(request), initial={"based_on": row.draft_number})
    if form.is_valid():
        try:
            version = definitions.publish(membership=request.membership, pipeline=row, **form.cleaned_data)
        except InvalidRequest as refusal:
            form.data = {**request.POST.dict(), "based_on": row.draft_number}
            refuse(form, refusal)
        else:
            messages.success(request, f"Version {version.number} is published.")
            return redirect("pipelines:versions", row.name)
    reading = read_draft(row.draft, TeamPipelines(request.membership), name=row.name)
    newest = row.versions.first()
    context = {
        "pipeline": row,
        "form": form,
        "reading": reading,
        "newest": newest,
        "changes": _differences(_published(newest), reading.pipeline),
    }
    return render(request, "pipelines/version_publish.html", context, status=status_of(form))


@require_POST
@may_run
def restore(request: MemberRequest, name: str, number: int) -> HttpResponse:
    """Make a version the draft again."""
    row = pipeline_of(request, name)
    get_object_or_404(row.versions, number=number)
    definitions.restore(membership=request.membership, pipeline=row, number=number, based_on=row.draft_number)
    messages.success(request, f"The draft is version {number} again. Publish it when it is as you want it.")
    return redirect("pipelines:versions", row.name)


@require_safe
def export(request: MemberRequest, name: str, syntax: Literal["yaml", "json"]) -> HttpResponse:
    """Give a version, or the draft, as a file."""
    row = pipeline_of(request, name)
    wanted = request.GET.get("version", "")
    if wanted == "draft" and syntax == "yaml":
        text = row.draft
    elif wanted == "draft" and (document := read_draft(row.draft, {}).document) is not None:
        text = exported(document, syntax)
    else:
        found = row.versions.filter(**({"number": version_number(wanted)} if wanted else {})).first()
        if found is None:
            raise Http404("There is no such version, or the draft cannot be read.")
        text = exported(found.document, syntax)
    response = HttpResponse(text, content_type=TYPES[syntax])
    response["Content-Disposition"] = f'attachment; filename="{row.name}.{syntax}"'
    return response


@require_http_methods(READ_OR_SEND)
@may_run
def import_pipelines(request: MemberRequest) -> HttpResponse:
    """Show what an import would do; the second button does it."""
    form = ImportForm(posted(request), request.FILES or None)
    planned = None
    if form.is_valid():
        text = form.cleaned_data["text"]
        try:
            planned = planned_import(request.membership, text)
            if "import" in request.POST:
                done = import_definitions(request.membership, text)
                messages.success(request, f"Imported: {', '.join(each.name for each in done)}.")
                return redirect("pipelines:list")
        except InvalidRequest as refusal:
            refuse(form, refusal)
        form.data = {"text": text}
    context = {"form": form, "planned": planned}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "pipelines/pipeline_import.html", context, status=status)
