"""Pages of datasets: all of them, one with its items, adding one, its file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from http import HTTPStatus
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from orchestra_site.accounts.access import MemberRequest, may_configure, may_run
from orchestra_site.web.pages import keyset_page, posted
from orchestra_site.web.streaming import streamed_file
from orchestration.evaluation.forms import LONGEST_KEPT, DatasetForm, RatedForm
from orchestration.evaluation.models import Dataset
from orchestration.evaluation.selectors import team_datasets
from orchestration.evaluation.services.datasets import (
    BadRows,
    dataset_from_ratings,
    import_dataset,
    is_used,
    liked_runs,
    remove_dataset,
)
from orchestration.llm.engine.errors import InvalidRequest

ITEMS_ON_A_PAGE = 50
PROBLEMS_SHOWN = 50


def found(request: MemberRequest, pk: UUID) -> Dataset:
    """Return one of the team's datasets. Raises Http404."""
    dataset: Dataset = get_object_or_404(Dataset.objects.visible_to(request.membership), pk=pk)
    return dataset


@require_safe
def dataset_list(request: MemberRequest) -> HttpResponse:
    """Show the team's datasets, newest first."""
    page = keyset_page(team_datasets(request.membership), cursor=request.GET.get("cursor", ""))
    context = {"page": page, "may_run": request.membership.may_run}
    return render(request, "evaluation/dataset_list.html", context)


@may_run
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: MemberRequest) -> HttpResponse:
    """Ask for a file or rows; bad rows are listed, and nothing is stored unless the good ones are wanted."""
    bound = request.method == "POST"
    form = DatasetForm(request.POST, request.FILES) if bound else DatasetForm()
    problems: BadRows | None = None
    if bound and form.is_valid():
        clean, raw = form.cleaned_data, form.raw
        try:
            source = clean["file"].name if clean["file"] else "pasted rows"
            dataset, notes = import_dataset(
                membership=request.membership,
                name=clean["name"],
                raw=raw,
                source=source,
                partial=clean["partial"],
            )
        except InvalidRequest as refusal:
            problems = refusal if isinstance(refusal, BadRows) else None
            form = _kept(request, raw)
            form.add_error("file", str(refusal))
        else:
            for note in notes:
                messages.info(request, note)
            return redirect("evaluation:dataset", dataset.pk)
    context = {"form": form, "problems": problems, "shown": PROBLEMS_SHOWN}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if bound else HTTPStatus.OK
    return render(request, "evaluation/dataset_add.html", context, status=status)


def _kept(request: HttpRequest, raw: bytes) -> DatasetForm:
    """Return the form with a refused file as pasted rows: a browser sends a file once."""
    data = request.POST.copy()
    with suppress(UnicodeDecodeError):
        text = raw.decode()
        if "\0" not in text and len(text) <= LONGEST_KEPT:
            data["rows"] = text
    form = DatasetForm(data)
    form.is_valid()
    return form


@may_run
@require_http_methods(["GET", "HEAD", "POST"])
def add_rated(request: MemberRequest) -> HttpResponse:
    """Make a dataset of the questions whose answers members liked."""
    form = RatedForm(posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            dataset, _ = dataset_from_ratings(membership=request.membership, **form.cleaned_data)
            return redirect("evaluation:dataset", dataset.pk)
        except InvalidRequest as refusal:
            form.add_error(None, str(refusal))
    context = {"form": form, "liked": liked_runs(request.membership).count()}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "evaluation/dataset_rated.html", context, status=status)


@require_safe
def dataset(request: MemberRequest, pk: UUID) -> HttpResponse:
    """Show a dataset with its items, a page at a time."""
    row = found(request, pk)
    page = Paginator(row.items.all(), ITEMS_ON_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "dataset": row,
        "page": page,
        "is_used": is_used(request.membership, row),
        "may_run": request.membership.may_run,
        "may_configure": request.membership.may_configure,
    }
    return render(request, "evaluation/dataset_detail.html", context)


@require_safe
def export(request: MemberRequest, pk: UUID) -> StreamingHttpResponse:
    """Give the items as JSON lines, which can be uploaded again."""
    row = found(request, pk)
    return streamed_file(
        request, _lines(row), name=f"dataset-{row.pk}.jsonl", content_type="application/x-ndjson"
    )


def _lines(dataset: Dataset) -> Iterator[bytes]:
    after = 0
    while rows := list(dataset.items.filter(number__gt=after)[:500]):
        after = rows[-1].number
        yield "".join(f"{_line(row)}\n" for row in rows).encode()


def _line(row: object) -> str:
    names = {"id": "key", "prompt": "prompt", "reference": "reference", "task_type": "task_type"}
    line = {name: getattr(row, column) for name, column in names.items()}
    more = {name: given for name in ("scorer", "priority") if (given := getattr(row, name, ""))}
    return json.dumps({**line, **more}, ensure_ascii=False)


@require_POST
@may_configure
def remove(request: MemberRequest, pk: UUID) -> HttpResponse:
    """Remove a dataset."""
    row = found(request, pk)
    remove_dataset(membership=request.membership, dataset=row)
    messages.success(request, f"Removed {row.name}.")
    return redirect("evaluation:datasets")
