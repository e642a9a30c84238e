"""Pages of a team's pipelines: the list, and a run. The other pages are the library's, and the editor."""

from __future__ import annotations

from contextlib import suppress

from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from orchestra_site.accounts.access import MemberRequest, may_run
from orchestra_site.web.pages import posted
from orchestration.library.models import SavedDefinition
from orchestration.library.selectors import listed_definitions, run_figures
from orchestration.library.views.versions import READ_OR_SEND, definition_of, status_of
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.forms import refuse
from orchestration.llm.selectors import usable_models
from orchestration.runs.models import Run
from orchestration.runs.services.starting import start_run
from pipelines.forms.starting import RunForm
from pipelines.selectors import KIND, PIPELINES


@require_safe
def list_pipelines(request: MemberRequest) -> HttpResponse:
    """List the team's pipelines with the figures of their newest runs."""
    rows = list(listed_definitions(request.membership, KIND))
    figures = run_figures(request.membership, KIND, [row.name for row in rows])
    lines = [(row, figures[row.name]) for row in rows]
    return render(request, "pipelines/pipeline_list.html", {"lines": lines, "gallery": PIPELINES.gallery})


@require_http_methods(READ_OR_SEND)
@may_run
def run(request: MemberRequest, name: str) -> HttpResponse:
    """Ask for the input, and start a run."""
    row = definition_of(request, KIND, name)
    form = _run_form(request, row)
    if form.is_valid():
        try:
            payload = form.payload(row.name)
            started = start_run(membership=request.membership, kind=KIND, payload=payload)
        except InvalidRequest as refusal:
            refuse(form, refusal)
        else:
            return redirect("runs:run", started.pk)
    return render(
        request, "pipelines/pipeline_run.html", {"form": form, "pipeline": row}, status=status_of(form)
    )


def _run_form(request: MemberRequest, row: SavedDefinition) -> RunForm:
    """Return the form, filled in with the sample or with the input of the run that is named `from`."""
    newest = row.versions.first()
    document = newest.document if newest else PIPELINES.read(row.draft, {}).document
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
