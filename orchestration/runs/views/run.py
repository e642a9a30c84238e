"""The page of a run, and what can be done to one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from orchestra_site.accounts.access import MemberRequest, may_run
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.runs.forms import MessageForm, RatingForm, SentForm
from orchestration.runs.kinds import KINDS, get_kind, get_page, large_kinds
from orchestration.runs.models import Run
from orchestration.runs.parts.run_view import run_view
from orchestration.runs.parts.updates import PAGE, page_context
from orchestration.runs.selectors.run_state import (
    RunState,
    raw_run,
    run_state,
    usual_seconds,
    visible_runs,
    whole_run,
)
from orchestration.runs.services.commands import (
    cancel_run,
    pause_run,
    resume_run,
    send_message,
)
from orchestration.runs.services.learning import rate_run
from orchestration.runs.services.starting import Origin, start_run


def run_of(request: MemberRequest, run: UUID) -> Run:
    """Return one of the team's runs. Raises Http404."""
    return get_object_or_404(visible_runs(request.membership), pk=run)


def path_of(run: Run) -> str:
    """Return the address of a run's page."""
    return reverse("runs:run", args=[run.pk])


@require_GET
def show_run(request: MemberRequest, run: UUID) -> HttpResponse:
    """Show a run as it stands; its socket goes on from the last event shown."""
    found = run_of(request, run)
    usual = None if found.is_over else usual_seconds(found)
    return render(request, PAGE, {"usual_s": usual} | page_content(request, found))


def page_content(request: MemberRequest, run: Run) -> dict[str, Any]:
    """Return the context of a run's page."""
    state, now = _read(run), timezone.now()
    view = run_view(state, after=0, now=now, member=request.membership)
    chosen = view.page.chosen(state, request.GET.dict(), now)
    is_whole = view.run.is_over and view.run.last_seq == view.seq
    socket = "" if is_whole else f"/ws/runs/{view.run.pk}/?after={view.seq}"
    return page_context(view, may_run=request.membership.may_run) | chosen | {"live_socket": socket}


def _read(run: Run) -> RunState:
    large = large_kinds()
    return whole_run(run.pk, partial(run_state, large=large), large=large)


def _after_post(
    request: MemberRequest, run: Run, part: str, error: str, shown: dict[str, Any]
) -> HttpResponse:
    """Answer a form with the partial that it stands in; without htmx, with the whole page."""
    if not error and not request.htmx:
        return redirect(path_of(run))
    status = HTTPStatus.UNPROCESSABLE_ENTITY if error else HTTPStatus.OK
    content = page_content(request, run) | shown
    return render(request, part if request.htmx else PAGE, content, status=status)


@require_GET
def show_json(request: MemberRequest, run: UUID) -> JsonResponse:
    """Give the run as plain data."""
    return JsonResponse(raw_run(_read(run_of(request, run))), json_dumps_params={"indent": 2})


@require_GET
def show_question(request: MemberRequest, run: UUID) -> HttpResponse:
    """Give the whole question of a run as plain text."""
    return HttpResponse(run_of(request, run).prompt, content_type="text/plain; charset=utf-8")


@require_GET
def show_text(request: MemberRequest, run: UUID, call: UUID | None = None) -> HttpResponse:
    """Give the whole answer of a run, or of one of its calls, as plain text."""
    found = run_of(request, run)
    text = found.answer if call is None else get_object_or_404(found.calls, pk=call).text
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


@require_POST
@may_run
def cancel(request: MemberRequest, run: UUID) -> HttpResponse:
    """End a run; its page tells when it has ended."""
    return _steered(request, run_of(request, run), cancel_run)


@require_POST
@may_run
def pause(request: MemberRequest, run: UUID) -> HttpResponse:
    """Let the calls under way end, then wait."""
    return _steered(request, run_of(request, run), pause_run)


def _steered(request: MemberRequest, run: Run, command: Callable[..., None]) -> HttpResponse:
    """Send a run a command, whose event changes the page; without htmx, show the page again."""
    try:
        command(membership=request.membership, run=run)
    except InvalidRequest as refusal:
        if request.htmx:
            return HttpResponse(str(refusal), status=HTTPStatus.CONFLICT, content_type="text/plain")
        messages.info(request, str(refusal))
    return HttpResponse(status=HTTPStatus.NO_CONTENT) if request.htmx else redirect(path_of(run))


@require_POST
@may_run
def rerun(request: MemberRequest, run: UUID) -> HttpResponse:
    """Ask the same again, as it was asked; what cannot be asked any more opens for changes."""
    found = run_of(request, run)
    try:
        payload = get_kind(found.kind).payload(found)
        origin = Origin(rerun_of=found)
        again = start_run(membership=request.membership, kind=found.kind, payload=payload, origin=origin)
    except InvalidRequest as refusal:
        messages.error(request, str(refusal))
        return redirect(get_page(found.kind).change_address(found) or path_of(found))
    return redirect(path_of(again))


@require_POST
@may_run
def rate(request: MemberRequest, run: UUID) -> HttpResponse:
    """Keep what the member thinks of the answer."""
    found = run_of(request, run)
    form = RatingForm(request.POST)
    error = form.submit(lambda: rate_run(membership=request.membership, run=found, **form.cleaned_data))
    return _after_post(request, found, f"{PAGE}#run-ratings", error, {"rate_error": error})


@require_POST
@may_run
def message(request: MemberRequest, run: UUID) -> HttpResponse:
    """Send a run what the member says or does; what is refused stays in its fields."""
    found = run_of(request, run)
    kind, place = KINDS.get(found.kind), request.POST.get("place", "")
    own = kind.posted_message(dict(request.POST.lists())) if kind else None
    form = MessageForm(request.POST) if own is None else SentForm(request.POST)
    error = form.submit(
        lambda: send_message(
            membership=request.membership,
            run=found,
            payload=form.cleaned_data if own is None else own,
            check=get_kind(found.kind).check_message,
        )
    )
    kept = request.POST.dict() if error else {}
    page = get_page(found.kind)
    part = f"{PAGE}#run-message" if own is None else f"{page.template}#{page.reply}"
    shown = {
        "message_error": error,
        "message_text": kept.get("text", ""),
        "message_kept": kept,
        "place": place,
    }
    return _after_post(request, found, part, error, shown)


@require_POST
@may_run
def resume(request: MemberRequest, run: UUID) -> HttpResponse:
    """Let a paused run go on."""
    found = run_of(request, run)
    resume_run(membership=request.membership, run=found)
    return redirect(path_of(found))
