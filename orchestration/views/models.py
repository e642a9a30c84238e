"""The Models page, and the page of one model."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from orchestra_site.accounts.access import MemberRequest, may_configure
from orchestra_site.web.htmx import render_part
from orchestration.engine.errors import InvalidRequest
from orchestration.forms.models import ModelForm, PriceForm, initial_of, refuse
from orchestration.models import LanguageModel
from orchestration.selectors.models import model_card, models_of, provider_cards
from orchestration.services import registry
from orchestration.services.trials import question_for, try_model
from orchestration.views.changes import carry_out
from orchestration.views.resting import resting
from orchestration.wiring.resources import reset_circuit

MODELS, MODEL = "orchestration:models", "orchestration:model"


@require_safe
def models(request: MemberRequest) -> HttpResponse:
    """Show the team's providers with their models, prices and record."""
    cards = provider_cards(request.membership, now=timezone.now(), today=timezone.localdate())
    context = {
        "providers": cards,
        "may_configure": request.membership.may_configure,
        "has_simulated": any(card.is_simulated for card in cards),
        "resting": [rest for card in cards for entry in card.models if (rest := resting(entry.model))],
    }
    return render(request, "orchestration/model_list.html", context)


@may_configure
@require_http_methods(["GET", "HEAD", "POST"])
def model(request: MemberRequest, model_id: UUID) -> HttpResponse:
    """Show one model's settings; change them."""
    found = own_model(request, model_id)
    if request.method != "POST":
        return _model_page(request, found)
    form = ModelForm(request.POST)
    if form.is_valid():
        try:
            registry.update_model(membership=request.membership, model=found, **form.cleaned_data)
        except InvalidRequest as refusal:
            refuse(form, refusal)
        else:
            messages.success(request, f"{form.cleaned_data['name']} was saved.")
            return redirect(MODEL, found.pk)
    return _refused(request, model_id, form=form)


@may_configure
@require_POST
def set_price(request: MemberRequest, model_id: UUID) -> HttpResponse:
    """Set what the model costs from a day on."""
    found = own_model(request, model_id)
    form = PriceForm(request.POST)
    if form.is_valid():
        try:
            registry.set_price(membership=request.membership, model=found, **form.cleaned_data)
        except InvalidRequest as refusal:
            refuse(form, refusal)
        else:
            messages.success(request, f"The price of {found.name} was set.")
            return redirect(MODEL, found.pk)
    return _refused(request, model_id, price_form=form)


@may_configure
@require_POST
def test(request: MemberRequest, model_id: UUID) -> HttpResponse:
    """Ask the model one small question and show what it said."""
    found = own_model(request, model_id)
    return _model_page(request, found, trial=try_model(found))


@may_configure
@require_POST
def reset(request: MemberRequest, model_id: UUID) -> HttpResponse:
    """Ask the model again at once, although it failed too often lately."""
    found = own_model(request, model_id)
    reset_circuit(found.pk)
    messages.success(request, f"{found.name} is asked again from now on.")
    return redirect(MODEL, found.pk)


@may_configure
@require_POST
def delete(request: MemberRequest, model_id: UUID) -> HttpResponse:
    """Delete a model; runs keep their own copy."""
    found = own_model(request, model_id)
    carry_out(request, partial(registry.delete_model, model=found), said=f"{found.name} was deleted.")
    return redirect(MODELS)


def own_model(request: MemberRequest, model_id: UUID) -> LanguageModel:
    """Return the team's model with its provider. Raises Http404."""
    return get_object_or_404(models_of(request.membership), pk=model_id)


def _refused(request: MemberRequest, model_id: UUID, **forms: ModelForm | PriceForm) -> HttpResponse:
    """Show the page as it is stored, with the form that was refused as it was filled in."""
    stored = own_model(request, model_id)
    return _model_page(request, stored, status=HTTPStatus.UNPROCESSABLE_ENTITY, **forms)


def _model_page(
    request: MemberRequest, found: LanguageModel, *, status: HTTPStatus = HTTPStatus.OK, **own: object
) -> HttpResponse:
    context = {
        "model": found,
        "card": model_card(found, {}, today=timezone.localdate()),
        "prices": found.prices.all(),
        "form": ModelForm(initial=initial_of(found)),
        "price_form": PriceForm(),
        "question": question_for(found),
        "rest": resting(found),
        **own,
    }
    return render_part(request, "orchestration/model_detail.html", "model-test", context, status=status)
