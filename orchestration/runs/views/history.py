"""The history of a team's runs."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from orchestra_site.accounts.access import MemberRequest
from orchestra_site.accounts.selectors import team_members
from orchestra_site.web.pages import render_part, wants_part
from orchestration.llm.selectors import team_models
from orchestration.runs.forms import RunFilterForm
from orchestration.runs.kinds import PAGES, all_kinds, get_page
from orchestration.runs.parts.run_lines import run_lines
from orchestration.runs.selectors.runs import run_page, run_total

LIST = "run-list"


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
        (f"{kind.name}/{ref}", title)
        for kind in all_kinds()
        for ref, title in kind.titles(request.membership).items()
    ]
    form.offer("method", methods)
    names = team_models(request.membership).values_list("name", flat=True)
    form.offer("model", [(name, name) for name in names])
    members = team_members(request.membership)
    form.offer("who", [(str(member.user_id), str(member.user)) for member in members])
