"""The Runs page: what the team has asked so far."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from orchestra_site.accounts.access import MemberRequest
from orchestra_site.accounts.selectors import team_members
from orchestra_site.web.pages import render_part, wants_part
from orchestration.llm.selectors import team_models
from orchestration.runs.forms.runs import RunFilterForm
from orchestration.runs.kinds import all_kinds, get_page, start_address
from orchestration.runs.selectors.run_pages import RunPage, run_page
from orchestration.runs.selectors.runs import RunLine

LIST = "run-list"


@require_safe
def runs(request: MemberRequest) -> HttpResponse:
    """Show a page of the team's runs; htmx gets the list alone, under the address without empty filters."""
    form = RunFilterForm(request.GET)
    if not wants_part(request, LIST):
        _offer(request, form)
    usable = form.is_valid()
    cursor = request.GET.get("cursor", "")
    page = run_page(request.membership, form.wanted(), cursor, now=timezone.now()) if usable else RunPage()
    response = render_part(
        request,
        "runs/run_list.html",
        LIST,
        {"form": form, "page": page, "lines": _lines(page), "cursor": cursor, "start": start_address()},
        status=HTTPStatus.OK if usable else HTTPStatus.UNPROCESSABLE_ENTITY,
    )
    if request.htmx.trigger == "run-filters":
        response["HX-Push-Url"] = f"{reverse('runs:runs')}{form.address_query()}"
    return response


def _lines(page: RunPage) -> list[tuple[RunLine, str]]:
    """Return the page's lines, each with how its kind names what was run."""
    return [(line, get_page(line.kind).method(line.ref)) for line in page.lines]


def _offer(request: MemberRequest, form: RunFilterForm) -> None:
    """Fill the form's choices with what the team has."""
    methods = [
        (f"{kind.name}/{choice.ref}", choice.title)
        for kind in all_kinds()
        for choice in kind.choices(request.membership)
    ]
    form.offer("method", methods)
    form.offer(
        "model", [(name, name) for name in team_models(request.membership).values_list("name", flat=True)]
    )
    members = team_members(request.membership)
    form.offer("who", [(str(member.user_id), str(member.user)) for member in members])
