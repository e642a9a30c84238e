"""The inbox, and answering what a run asks, from there and from the run's page."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from orchestra_site.accounts.access import MemberRequest, may_run
from orchestra_site.web.pages import local_path, posted, render_part, wants_part
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.runs.forms import InboxFilterForm
from orchestration.runs.kinds import KINDS, all_kinds, get_page
from orchestration.runs.models import HumanQuestion, Run
from orchestration.runs.parts.questions import AnswerForm, QuestionCard, question_card
from orchestration.runs.parts.updates import PAGE
from orchestration.runs.selectors.inbox import ANSWERED_FOR, Inbox, gone_questions, inbox, newer_for
from orchestration.runs.services.commands import answer_question, withdraw_answer
from orchestration.runs.views.run import page_content, path_of, run_of

TEMPLATE = "runs/inbox.html"
QUESTION = "runs/_question.html"
LIST, NEWS = "inbox-list", "inbox-news"


@require_safe
def show_inbox(request: MemberRequest) -> HttpResponse:
    """Show what waits for a person; htmx gets the list alone, or what has changed since it was shown."""
    if wants_part(request, NEWS):
        return render_part(request, TEMPLATE, NEWS, _news(request))
    now, kinds = timezone.now(), [(kind.name, kind.title) for kind in all_kinds()]
    form = InboxFilterForm(request.GET, kinds)
    usable = form.is_valid()
    shown: dict[str, Any] = {"form": form, "since": now.isoformat(), "days": ANSWERED_FOR.days}
    if usable:
        chosen = form.cleaned_data
        found = inbox(request.membership, chosen["kind"], request.GET.get("cursor", ""), now)
        shown |= _cards(request, found) | {"inbox": found, "only_mine": chosen["who"] == "me"}
    status = HTTPStatus.OK if usable else HTTPStatus.UNPROCESSABLE_ENTITY
    return render_part(request, TEMPLATE, LIST, shown, status=status)


def _cards(request: MemberRequest, found: Inbox) -> dict[str, Any]:
    def card(question: HumanQuestion) -> QuestionCard:
        who = question.answerable_among(found.users)
        allowed = question.may_be_answered_by(request.membership)
        shown = question_card(question, may_answer=allowed, who=who, user=request.user)
        return replace(shown, method=_method(question.run))

    return {
        "mine": list(map(card, found.mine.rows)),
        "others": list(map(card, found.others)),
        "settled": list(map(card, found.settled)),
    }


def _method(run: Run) -> str:
    """Return what was run in words, with its kind where that is known."""
    method, kind = get_page(run.kind).method(run.ref), KINDS.get(run.kind)
    return method if kind is None or kind.title == method else f"{kind.title} · {method}"


def _news(request: MemberRequest) -> dict[str, Any]:
    """Return what has changed since a page was shown: questions that are new, and that wait no more."""
    since, shown = _moment(request.GET.get("since", "")), set[UUID]()
    for text in request.GET.getlist("shown"):
        try:
            shown.add(UUID(text))
        except ValueError:
            continue
    gone = [each for each in gone_questions(request.membership, shown) if each.answered_by != request.user]
    return {
        "new": newer_for(request.membership, since) if since else 0,
        "gone": [question_card(each, may_answer=False, who="") for each in gone],
        "since": since.isoformat() if since else "",
    }


def _moment(text: str) -> datetime | None:
    try:
        found = parse_datetime(text)
    except ValueError:
        return None
    return found.astimezone(UTC) if found and timezone.is_aware(found) else None


@require_http_methods(["GET", "POST"])
@may_run
def answer(request: MemberRequest, run: UUID, question: UUID) -> HttpResponse:
    """Give a run the answer it waits for; a GET of htmx gets the question as it is by now."""
    found = run_of(request, run)
    asked = get_object_or_404(HumanQuestion.objects.select_related("answered_by"), run=found, pk=question)
    form, error = AnswerForm(asked, posted(request)), ""
    if form.is_valid():
        try:
            answer_question(membership=request.membership, question=asked, answer=form.answer)
        except InvalidRequest as refusal:
            error = str(refusal)
    return _answered(request, asked, form, error)


@require_POST
@may_run
def undo_answer(request: MemberRequest, run: UUID, question: UUID) -> HttpResponse:
    """Take an answer back that the run has not used yet."""
    asked = get_object_or_404(HumanQuestion, run=run_of(request, run), pk=question)
    error = ""
    try:
        withdraw_answer(membership=request.membership, question=asked)
    except InvalidRequest as refusal:
        error = str(refusal)
    return _answered(request, asked, AnswerForm(asked), error)


def _answered(request: MemberRequest, question: HumanQuestion, form: AnswerForm, error: str) -> HttpResponse:
    """Show the question as it is by now, with what is wrong; without htmx, the page that it is on."""
    question = HumanQuestion.objects.select_related("answered_by", "run__created_by").get(pk=question.pk)
    allowed = question.may_be_answered_by(request.membership)
    card = replace(question_card(question, may_answer=allowed, user=request.user), form=form, error=error)
    refused = bool(error or form.errors)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if refused else HTTPStatus.OK
    if request.htmx:
        return render(request, QUESTION, {"card": card, "may_run": True}, status=status)
    if not refused:
        return redirect(local_path(request, request.POST.get("next", "")) or path_of(question.run))
    content = page_content(request, question.run)
    cards = [card if each.question == question else each for each in content["view"].questions]
    if error and card not in cards:  # it waits no more, so that the page has no form to hold the words
        messages.error(request, error)
    return render(request, PAGE, content | {"view": replace(content["view"], questions=cards)}, status=status)
