"""What models cost: the shipped table of list prices beside the team's own prices, and changes of these."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from orchestra_site.accounts.access import MemberRequest, may_configure
from orchestration.llm.engine.price_table import price_table
from orchestration.llm.forms import FollowForm, PriceForm, accepted
from orchestration.llm.selectors import listed_providers, priced_models
from orchestration.llm.services.registry import prices as registry
from orchestration.llm.services.registry.prices import is_outdated
from orchestration.llm.views.models import MODEL, own_model, refused

LONGEST_SEARCH = 100


@require_safe
def prices(request: MemberRequest) -> HttpResponse:
    """List the shipped prices, with a search, and which of the team's models follow or differ from them."""
    today, search = timezone.localdate(), request.GET.get("q", "")[:LONGEST_SEARCH]
    models = priced_models(request.membership, today)
    context = {
        "table": price_table(),
        "is_outdated": is_outdated(today),
        "models": models,
        "providers": listed_providers(models, search, today),
        "q": search,
        "may_configure": request.membership.may_configure,
    }
    return render(request, "llm/price_list.html", context)


@may_configure
@require_POST
def set_price(request: MemberRequest, model_id: UUID) -> HttpResponse:
    """Set what the model costs from a day on."""
    found = own_model(request, model_id)
    form = PriceForm(request.POST)
    if accepted(form, partial(registry.set_price, membership=request.membership, model=found)):
        messages.success(request, f"The price of {found.name} was set.")
        return redirect(MODEL, found.pk)
    return refused(request, model_id, price_form=form)


@may_configure
@require_POST
def follow(request: MemberRequest, model_id: UUID) -> HttpResponse:
    """Let the model follow a listing of the shipped table from today on."""
    found = own_model(request, model_id)
    form = FollowForm(request.POST)
    if not accepted(form, partial(registry.follow_table, membership=request.membership, model=found)):
        return refused(request, model_id, follow_form=form)
    messages.success(
        request, f"{found.name} follows the price of {form.cleaned_data['listing']} from today on."
    )
    return redirect("llm:prices") if request.POST.get("back") == "prices" else redirect(MODEL, found.pk)
