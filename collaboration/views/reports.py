"""A session as a document that is read, printed and downloaded, and from whose points another one begins."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import content_disposition_header
from django.utils.text import slugify
from django.views.decorators.http import require_http_methods, require_safe

from collaboration.forms import ForkForm, SessionSetup, session_setup, team_choices
from collaboration.parts.reports import report_context, report_markdown, session_document
from collaboration.selectors import KIND
from collaboration.services.forks import ForkChanges, fork_start, start_fork
from orchestra_site.accounts.access import MemberRequest, may_run
from orchestra_site.web.alphabets import encodable
from orchestra_site.web.pages import posted
from orchestration.library.views.versions import READ_OR_SEND
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.runs.models import Run
from orchestration.runs.selectors.run_state import visible_runs
from orchestration.runs.views.run import path_of

LONGEST_NAME, MOST_DIGITS = 50, 50
FORK = "collaboration/session_fork.html"


def session_run(request: MemberRequest, run: UUID) -> Run:
    """Return one of the team's runs that are sessions. Raises Http404."""
    return get_object_or_404(visible_runs(request.membership).filter(kind=KIND), pk=run)


@require_safe
def show_report(request: MemberRequest, run: UUID) -> HttpResponse:
    """Show the report; `?conversation=all` unfolds what was said, so that it is printed, too."""
    found = session_run(request, run)
    shown = report_context(session_document(found))
    is_whole = request.GET.get("conversation") == "all"
    return render(request, "collaboration/session_report.html", {**shown, "run": found, "is_whole": is_whole})


@require_safe
def report_file(request: MemberRequest, run: UUID) -> HttpResponse:
    """Send the report as a Markdown file."""
    found = session_run(request, run)
    return _file(found, "report.md", report_markdown(session_document(found)), "text/markdown")


@require_safe
def session_file(request: MemberRequest, run: UUID) -> HttpResponse:
    """Send the whole record as a JSON file."""
    found = session_run(request, run)
    text = json.dumps(session_document(found), ensure_ascii=False, indent=2)
    return _file(found, "session.json", text, "application/json")


def _file(run: Run, ending: str, text: str, content_type: str) -> HttpResponse:
    """Return a text as a file to download, named after what was to be done."""
    task = slugify(" ".join(run.prompt[:200].split()), allow_unicode=True)[:LONGEST_NAME].strip("-")
    name = content_disposition_header(as_attachment=True, filename=f"{task or 'session'}-{ending}")
    headers = {"Content-Disposition": name or "", "Cache-Control": "no-store"}
    return HttpResponse(encodable(text), content_type=f"{content_type}; charset=utf-8", headers=headers)


@require_http_methods(READ_OR_SEND)
@may_run
def fork(request: MemberRequest, run: UUID) -> HttpResponse:
    """Ask after which entry a session goes on differently, and how; start the fork."""
    found = session_run(request, run)
    shown = report_context(session_document(found))
    entry = _entry(request.POST if request.method == "POST" else request.GET, shown["last_fork"])
    context = {"run": found, "entry": entry, "points": _points(shown, entry), "title": shown["title"]}
    try:
        state = fork_start(found, entry)[1].step.state
    except InvalidRequest as refusal:
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        return render(request, FORK, {**context, "refusal": refusal}, status=status)
    setup = session_setup(request.membership, state.lineup, state.lineup)
    most_usd = found.request["constraints"].get("max_cost_usd")
    form = ForkForm(posted(request), state, team_choices(request.membership).models, most_usd)
    if request.method == "POST" and (started := _started(request, found, entry, form, setup)) is not None:
        return redirect(path_of(started))
    context |= {"form": form, "setup": setup, "state": state}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if request.method == "POST" else HTTPStatus.OK
    return render(request, FORK, context, status=status)


def _started(request: MemberRequest, run: Run, entry: int, form: ForkForm, setup: SessionSetup) -> Run | None:
    """Start a fork; None where it cannot be, and each problem stands at its field then."""
    setup.notes.part = document = setup.with_typed(request.POST)
    if not form.is_valid() or setup.notes.problems:
        return None
    document = form.with_participant(document)
    if not setup.is_sound(document):
        return None
    limits = {**run.request["constraints"], "max_cost_usd": form.cleaned_data["max_cost_usd"]}
    changes = ForkChanges(
        lineup=document,
        constraints={name: value for name, value in limits.items() if value is not None},
        direction=form.cleaned_data["direction"].strip(),
        plan=list(form.edits()),
    )
    try:
        return start_fork(membership=request.membership, run=run, entry=entry, changes=changes)
    except InvalidRequest as refusal:
        setup.refuse(form, refusal)
    return None


def _entry(given: Mapping[str, Any], last: int) -> int:
    """Return the entry that is chosen, the last one where none is."""
    chosen = str(given.get("entry", ""))
    return int(chosen) if chosen.isascii() and chosen.isdecimal() and len(chosen) < MOST_DIGITS else last


def _points(shown: Mapping[str, Any], entry: int) -> list[tuple[int, str]]:
    """Return the points that a fork can begin at, with their words: decisions, and what is chosen."""
    found = {0: "The beginning"}
    said = next((each for each in reversed(shown["talk"]) if each["entry"] <= entry), None)
    if said is not None:
        found[entry] = f"After message {said['number']}: {said['from']}, {said['word'].lower()}"
    found |= {
        each["entry"]: f"After decision {each['number']}: {each['question']}" for each in shown["decided"]
    }
    found.setdefault(shown["last_fork"], "The last point from which it can go on")
    return sorted((number, words) for number, words in found.items() if number <= shown["last_fork"])
