"""The history of a team's runs."""

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
from orchestration.runs.forms import RunFilterForm
from orchestration.runs.kinds import PAGES, all_kinds, get_page
from orchestration.runs.selectors.runs import RunPage, run_page

LIST = "run-list"
NO_RUNS = RunPage(rows=[], next="", previous="")


@require_safe
def runs(request: MemberRequest) -> HttpResponse:
    """Show a page of the team's runs; htmx gets the list alone, under the address without empty filters."""
    form = RunFilterForm(request.GET)
    if not wants_part(request, LIST):
        _offer(request, form)
    usable = form.is_valid()
    cursor = request.GET.get("cursor", "")
    page = run_page(request.membership, form.wanted(), cursor) if usable else NO_RUNS
    start = next(filter(None, (kind.start_address() for kind in PAGES.values())), "")
    now = timezone.now()
    lines = [(run, get_page(run.kind).method(run.ref), run.working_seconds(now)) for run in page.rows]
    response = render_part(
        request,
        "runs/run_list.html",
        LIST,
        {"form": form, "page": page, "lines": lines, "cursor": cursor, "start": start},
        status=HTTPStatus.OK if usable else HTTPStatus.UNPROCESSABLE_ENTITY,
    )
    if request.htmx.trigger == "run-filters":
        response["HX-Push-Url"] = f"{reverse('runs:runs')}{form.address_query()}"
    return response


def _offer(request: MemberRequest, form: RunFilterForm) -> None:
    """Fill the form's choices with what the team has."""
    methods = [
        (f"{kind.name}/{choice.ref}", choice.title)
        for kind in all_kinds()
        for choice in kind.choices(request.membership)
    ]
    form.offer("method", methods)
    names = team_models(request.membership).values_list("name", flat=True)
    form.offer("model", [(name, name) for name in names])
    members = team_members(request.membership)
    form.offer("who", [(str(member.user_id), str(member.user)) for member in members])
