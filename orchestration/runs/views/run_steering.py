"""Steering a run from its page: pause it, let it go on, answer what it asks."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from orchestra_site.accounts.access import MemberRequest, may_run
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.runs.forms.answers import AnswerForm
from orchestration.runs.models import HumanQuestion
from orchestration.runs.services.commands import pause_run
from orchestration.runs.services.queueing import answer_question, resume_run
from orchestration.runs.views.run_live import path_of, run_of


@require_POST
@may_run
def pause(request: MemberRequest, run: UUID) -> HttpResponse:
    """Let the calls under way end, then wait."""
    found = run_of(request, run)
    try:
        pause_run(membership=request.membership, run=found)
    except InvalidRequest as refusal:
        messages.info(request, str(refusal))
    return redirect(path_of(found))


@require_POST
@may_run
def resume(request: MemberRequest, run: UUID) -> HttpResponse:
    """Let a paused run go on."""
    found = run_of(request, run)
    resume_run(membership=request.membership, run=found)
    return redirect(path_of(found))


@require_POST
@may_run
def answer(request: MemberRequest, run: UUID, question: UUID) -> HttpResponse:
    """Give a run the answer it waits for."""
    found = run_of(request, run)
    asked = get_object_or_404(HumanQuestion, run=found, pk=question)
    form = AnswerForm(asked, request.POST)
    try:
        if not form.is_valid():
            raise InvalidRequest(form.first_error)  # noqa: TRY301  # one way out for every refusal
        answer_question(membership=request.membership, question=asked, answer=form.answer)
    except InvalidRequest as refusal:
        messages.error(request, str(refusal))
    return redirect(path_of(found))
