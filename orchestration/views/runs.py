"""The Runs page: what the team has asked so far."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from orchestra_site.accounts.access import MemberRequest
from orchestra_site.accounts.selectors import members_of
from orchestra_site.web.htmx import render_part, wants_part
from orchestration.engine.strategies.registry import all_strategies
from orchestration.forms.runs import RunFilterForm
from orchestration.selectors.models import team_models
from orchestration.selectors.run_pages import RunPage, run_page

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
        "orchestration/run_list.html",
        LIST,
        {"form": form, "page": page, "cursor": cursor},
        status=HTTPStatus.OK if usable else HTTPStatus.UNPROCESSABLE_ENTITY,
    )
    if request.htmx.trigger == "run-filters":
        response["HX-Push-Url"] = f"{reverse('orchestration:runs')}{form.address_query()}"
    return response


def _offer(request: MemberRequest, form: RunFilterForm) -> None:
    """Fill the form's choices with what the team has."""
    form.offer("strategy", [(strategy.name, strategy.title) for strategy in all_strategies().values()])
    form.offer(
        "model", [(name, name) for name in team_models(request.membership).values_list("name", flat=True)]
    )
    members = members_of(request.membership)
    form.offer("who", [(str(member.user_id), str(member.user)) for member in members])
