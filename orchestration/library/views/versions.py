"""Pages of a saved definition: a new one, its versions, publishing, its name; import and export."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from itertools import zip_longest
from typing import Any, Literal

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from orchestra_site.accounts.access import MemberRequest, may_configure, may_run
from orchestra_site.web.pages import posted
from orchestration.library.forms import DefinitionNameForm, ImportForm, NewDefinitionForm, PublishForm
from orchestration.library.kinds import DefinitionKind, DefinitionReading, Remark, definition_kind
from orchestration.library.models import PublishedVersion, SavedDefinition
from orchestration.library.selectors import runs_by_version, saved_definitions, version_number
from orchestration.library.services import definitions
from orchestration.library.services.importing import (
    ImportStep,
    exported_definition,
    import_definitions,
    planned_import,
)
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.forms import accepted, refuse
from orchestration.runs.models import Run

READ_OR_SEND = ["GET", "HEAD", "POST"]
MOST_VERSIONS = 100
TYPES = {"yaml": "application/yaml; charset=utf-8", "json": "application/json"}


def definition_of(request: MemberRequest, kind: str, name: str) -> SavedDefinition:
    """Return one of the team's definitions. Raises Http404."""
    return get_object_or_404(saved_definitions(request.membership, kind), name=name)


def status_of(form: Any) -> HTTPStatus:  # noqa: ANN401  # any form
    """Return the status of a page with a form: 422 where it was refused."""
    return HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionLine:
    """A version as the page lists it, with what differs from the one before and the runs that used it."""

    version: PublishedVersion
    changes: Sequence[Remark]
    runs: Sequence[Run]


@require_safe
def versions(request: MemberRequest, kind: str, name: str) -> HttpResponse:
    """List the versions with what differs, the draft's differences on top."""
    return _versions_page(request, definition_of(request, kind, name))


def _versions_page(request: MemberRequest, row: SavedDefinition, refusal: str = "") -> HttpResponse:
    """Show the versions, with 422 and why where something was refused."""
    kind = definition_kind(row.kind)
    found = list(row.versions.select_related("author")[: MOST_VERSIONS + 1])
    runs = runs_by_version(request.membership, row)
    lines = [
        VersionLine(
            version=version,
            changes=kind.differences(kind.published(older), kind.published(version)),
            runs=runs.get(version.number, ()),
        )
        for version, older in zip_longest(found, found[1:])
    ]
    reading = kind.read(row.draft, kind.known(request.membership), name=row.name)
    newest = str(found[0].number) if found else ""
    context = {
        "kind": kind,
        "definition": row,
        "refusal": refusal,
        "lines": lines[:MOST_VERSIONS],
        "reading": reading,
        "draft_changes": kind.differences(kind.published(found[0] if found else None), reading.definition),
        "draft_runs": runs.get(None, ()),
        "sides": [
            (each, request.GET.get(each, usual)) for each, usual in (("old", newest), ("new", "draft"))
        ],
        "rename_form": DefinitionNameForm(initial={"name": row.name}),
        **_compared(request, kind, row, reading),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if refusal else HTTPStatus.OK
    return render(request, "library/version_list.html", context, status=status)


def _compared(
    request: MemberRequest,
    kind: DefinitionKind[Any],
    row: SavedDefinition,
    reading: DefinitionReading[Any, Remark],
) -> dict[str, object]:
    """Return what differs between the two versions that the address names; `draft` is one, too."""
    chosen = [request.GET.get(each, "") for each in ("old", "new")]
    if not any(chosen):
        return {"compared": None}
    old, new = (
        reading.definition
        if each == "draft"
        else kind.published(row.versions.filter(number=version_number(each)).first())
        for each in chosen
    )
    return {"compared": kind.differences(old, new), "both": old is not None and new is not None}


@require_http_methods(READ_OR_SEND)
@may_configure
def publish(request: MemberRequest, kind: str, name: str) -> HttpResponse:
    """Show what would be published, and publish it with a note."""
    row, of_kind = definition_of(request, kind, name), definition_kind(kind)
    form = PublishForm(posted(request), initial={"based_on": row.draft_number})
    if form.is_valid():
        try:
            version = definitions.publish(membership=request.membership, definition=row, **form.cleaned_data)
        except InvalidRequest as refusal:
            form.data = {**request.POST.dict(), "based_on": row.draft_number}
            refuse(form, refusal)
        else:
            messages.success(request, f"Version {version.number} is published.")
            return redirect(f"{of_kind.namespace}:versions", row.name)
    reading = of_kind.read(row.draft, of_kind.known(request.membership), name=row.name)
    newest = row.versions.first()
    context = {
        "kind": of_kind,
        "definition": row,
        "form": form,
        "reading": reading,
        "newest": newest,
        "changes": of_kind.differences(of_kind.published(newest), reading.definition),
    }
    return render(request, "library/version_publish.html", context, status=status_of(form))


@require_POST
@may_run
def restore(request: MemberRequest, kind: str, name: str, number: int) -> HttpResponse:
    """Make a version the draft again, unless that is another one than the member saw."""
    row = definition_of(request, kind, name)
    get_object_or_404(row.versions, number=number)
    based_on = version_number(request.POST.get("based_on", ""))
    try:
        definitions.restore(membership=request.membership, definition=row, number=number, based_on=based_on)
    except InvalidRequest as refusal:
        return _versions_page(request, row, str(refusal))
    messages.success(request, f"The draft is version {number} again. Publish it when it is as you want it.")
    return redirect(f"{definition_kind(kind).namespace}:versions", row.name)


@require_POST
@may_configure
def rename(request: MemberRequest, kind: str, name: str) -> HttpResponse:
    """Give a definition another name."""
    row, page = definition_of(request, kind, name), f"{definition_kind(kind).namespace}:versions"
    form = DefinitionNameForm(request.POST)
    if accepted(form, partial(definitions.rename, membership=request.membership, definition=row)):
        messages.success(request, f"It is called {form.cleaned_data['name']} now.")
        return redirect(page, form.cleaned_data["name"])
    messages.error(request, " ".join(["Not renamed.", *map(str, form.errors.get("name", ()))]))
    return redirect(page, row.name)


@require_POST
@may_configure
def delete(request: MemberRequest, kind: str, name: str) -> HttpResponse:
    """Delete a definition with its versions."""
    row, namespace = definition_of(request, kind, name), definition_kind(kind).namespace
    try:
        definitions.delete(membership=request.membership, definition=row)
    except InvalidRequest as refusal:
        messages.error(request, str(refusal))
        return redirect(f"{namespace}:versions", row.name)
    messages.success(request, f"{row} was deleted. Its runs are still there.")
    return redirect(f"{namespace}:list")


@require_safe
def export(request: MemberRequest, kind: str, name: str, syntax: Literal["yaml", "json"]) -> HttpResponse:
    """Give a version, or the draft, as a file."""
    row = definition_of(request, kind, name)
    text = exported_definition(row, definition_kind(kind), request.GET.get("version") or "latest", syntax)
    if text is None:
        raise Http404("There is no such version, or the draft cannot be read.")
    response = HttpResponse(text, content_type=TYPES[syntax])
    response["Content-Disposition"] = f'attachment; filename="{row.name}.{syntax}"'
    return response


@require_http_methods(READ_OR_SEND)
@may_run
def import_page(request: MemberRequest, kind: str) -> HttpResponse:
    """Show what an import would do; the second button does it."""
    of_kind = definition_kind(kind)
    form = ImportForm(posted(request), request.FILES or None, kind=of_kind)
    planned = None
    if form.is_valid():
        text = form.cleaned_data["text"]
        try:
            planned = planned_import(request.membership, of_kind, text)
            if "import" in request.POST:
                done = import_definitions(request.membership, of_kind, text)
                messages.success(request, f"Imported: {', '.join(each.name for each in done)}.")
                return redirect(f"{of_kind.namespace}:list")
        except InvalidRequest as refusal:
            refuse(form, refusal)
        form.data = {"text": text}
    refused = any(each.step is ImportStep.REFUSE for each in planned or ())
    context = {"kind": of_kind, "form": form, "planned": planned, "refused": refused}
    return render(request, "library/definition_import.html", context, status=status_of(form))


@require_http_methods(READ_OR_SEND)
@may_run
def new_page(request: MemberRequest, kind: str) -> HttpResponse:
    """Ask for a name and what to begin with, and open the new definition."""
    of_kind = definition_kind(kind)
    form = NewDefinitionForm(posted(request), kind=of_kind, chosen=request.GET.get("start", ""))
    if form.is_valid():
        start = of_kind.gallery.get(form.cleaned_data["start"])
        try:
            row = definitions.create_definition(
                membership=request.membership,
                kind=of_kind,
                name=form.cleaned_data["name"],
                text=start.text if start else "",
                source=f"the gallery ({start.title})" if start else "",
            )
        except InvalidRequest as refusal:
            refuse(form, refusal)
        else:
            return redirect(of_kind.page, row.name)
    context = {"kind": of_kind, "form": form, "starts": zip(form["start"], form.entries, strict=True)}
    return render(request, "library/definition_new.html", context, status=status_of(form))
