"""The history of a team's runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.text import Truncator
from django.views.decorators.http import require_GET, require_http_methods, require_safe

from orchestra_site.accounts.access import MemberRequest, may_run
from orchestra_site.accounts.selectors import team_members
from orchestra_site.web.pages import render_part, wants_part
from orchestra_site.web.streaming import streamed_file
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.runs.forms import RunFilterForm
from orchestration.runs.kinds import PAGES, get_page, kind_titles
from orchestration.runs.models import Run
from orchestration.runs.parts.comparison import FEWEST, MOST, comparison
from orchestration.runs.parts.exporting import csv_chunks, json_chunks
from orchestration.runs.parts.run_lines import run_lines
from orchestration.runs.selectors.chosen_runs import chosen_runs, matching_batches, models_and_members
from orchestration.runs.selectors.runs import run_page, run_total
from orchestration.runs.services.deleting import delete_run, may_delete, refusal

LIST = "run-list"
MOST_CHOSEN = 100
"""Runs that can be deleted at once."""


@require_safe
def runs(request: MemberRequest) -> HttpResponse:
    """Show a page of the team's runs; htmx gets the list alone, under the address without empty filters."""
    form = RunFilterForm(request.GET)
    if not wants_part(request, LIST):
        _offer(request, form)
    usable = form.is_valid()
    start = next(filter(None, (kind.start_address() for kind in PAGES.values())), "")
    response = render_part(
        request,
        "runs/run_list.html",
        LIST,
        {"form": form, "start": start, "chips": form.chips(_names(request, form))}
        | (_found(request, form) if usable else {}),
        status=HTTPStatus.OK if usable else HTTPStatus.UNPROCESSABLE_ENTITY,
    )
    if request.htmx.trigger == "run-filters":
        response["HX-Push-Url"] = f"{reverse('runs:runs')}{form.address_query()}"
    return response


def _found(request: MemberRequest, form: RunFilterForm) -> dict[str, Any]:
    """Return the runs that a valid form keeps: a page of them, how many there are, and what they cost."""
    wanted, cursor = form.wanted(), request.GET.get("cursor", "")
    page = run_page(request.membership, wanted, cursor)
    return {
        "page": page,
        "lines": run_lines(page.rows, wanted.text, timezone.now()),
        "total": run_total(request.membership, wanted),
        "cursor": cursor,
        "filters": form.address_query(),
    }


def _names(request: MemberRequest, form: RunFilterForm) -> dict[str, str]:
    """Return the method and the member of a filter in words."""
    found = dict[str, str]()
    kind, _, ref = str(form.data.get("method", "")).strip().rpartition("/")
    if ref:
        found["method"] = get_page(kind).method(ref)
    who = form.cleaned_data.get("who") if form.is_valid() else None
    member = team_members(request.membership).filter(user_id=who).first() if who else None
    if member is not None:
        found["who"] = str(member.user)
    return found


def _offer(request: MemberRequest, form: RunFilterForm) -> None:
    """Fill the form's choices with what the team has."""
    methods = [
        (f"{kind}/{ref}", title)
        for kind, titles in kind_titles(request.membership).items()
        for ref, title in titles.items()
    ]
    form.offer("method", methods)
    names, people = models_and_members(request.membership)
    form.offer("model", [(name, name) for name in names])
    form.offer("who", people)


Chunks = Callable[[Iterator[Sequence[Run]], datetime], Iterator[bytes]]


@require_GET
def export_csv(request: MemberRequest) -> HttpResponseBase:
    """Send the runs that the filter keeps as CSV."""
    return _export(request, csv_chunks, "csv", "text/csv; charset=utf-8")


@require_GET
def export_json(request: MemberRequest) -> HttpResponseBase:
    """Send the runs that the filter keeps as JSON."""
    return _export(request, json_chunks, "json", "application/json")


def _export(request: MemberRequest, chunks: Chunks, ending: str, content_type: str) -> HttpResponseBase:
    form = RunFilterForm(request.GET)
    if not form.is_valid():
        return redirect(f"{reverse('runs:runs')}{form.address_query()}")
    now = timezone.now()
    content = chunks(matching_batches(request.membership, form.wanted()), now)
    name = f"runs-{timezone.localtime(now):%Y-%m-%d-%H%M}.{ending}"
    return streamed_file(request, content, name=name, content_type=content_type)


@require_GET
def compare(request: MemberRequest) -> HttpResponse:
    """Show two to four runs side by side, the others compared with the first."""
    chosen = request.GET.getlist("run")[: MOST_CHOSEN + 1]
    runs = chosen_runs(request.membership, chosen)
    fits, marked = FEWEST <= len(runs) <= MOST, request.GET.get("show") == "differences"
    shown = {
        "chosen": runs,
        "comparison": comparison(runs, timezone.now(), marked=marked) if fits else None,
        "marks": marked,
    }
    status = HTTPStatus.OK if fits else HTTPStatus.UNPROCESSABLE_ENTITY
    return render(request, "runs/run_compare.html", shown, status=status)


@require_http_methods(["GET", "POST"])
@may_run
def delete(request: MemberRequest, run: UUID | None = None) -> HttpResponse:
    """Ask whether the chosen runs, or the one of the address, shall be deleted; when posted, delete them."""
    given = request.POST if request.method == "POST" else request.GET
    chosen = [str(run)] if run else given.getlist("run")[: MOST_CHOSEN + 1]
    runs = chosen_runs(request.membership, chosen)
    refusals = [(found, refusal(request.membership, found)) for found in runs]
    if run and not may_delete(request.membership, runs[0]):
        raise PermissionDenied(f"Your role does not allow this. {refusals[0][1]}")
    if request.method == "POST" and 0 < len(runs) <= MOST_CHOSEN:
        _delete(request, runs)
        return redirect("runs:runs")
    deletable = [found for found, why in refusals if not why]
    shown = {
        "deletable": deletable if len(runs) <= MOST_CHOSEN else [],
        "kept": [(found, why) for found, why in refusals if why],
        "cost_usd": sum((found.cost_usd for found in deletable), Decimal(0)),
        "calls": sum(found.calls_started for found in deletable),
        "most": MOST_CHOSEN if len(runs) > MOST_CHOSEN else None,
    }
    status = HTTPStatus.OK if 0 < len(runs) <= MOST_CHOSEN else HTTPStatus.UNPROCESSABLE_ENTITY
    return render(request, "runs/run_delete.html", shown, status=status)


def _delete(request: MemberRequest, runs: Sequence[Run]) -> None:
    """Delete runs and say what became of them."""
    refused = []
    for run in runs:
        try:
            delete_run(membership=request.membership, run=run)
        except InvalidRequest as why:
            refused.append(f"“{Truncator(run.prompt).chars(60)}” was not deleted. {why}")
    deleted = len(runs) - len(refused)
    if deleted:
        messages.success(request, f"{deleted} run{'' if deleted == 1 else 's'} deleted.")
    for words in refused:
        messages.warning(request, words)
