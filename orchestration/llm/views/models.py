"""The Models page, the page of one model, and choosing a provider's models to add."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from uuid import UUID

from django.contrib import messages
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from orchestra_site.accounts.access import MemberRequest, may_configure
from orchestra_site.web.pages import render_part
from orchestration.llm.engine.errors import InvalidRequest, ModelError
from orchestration.llm.engine.price_table import price_table
from orchestration.llm.engine.resilience.circuit import CircuitSnapshot, CircuitState
from orchestration.llm.forms import (
    MAX_CHOSEN,
    BaseChosenModels,
    ChosenModels,
    FollowForm,
    ModelForm,
    PriceForm,
    accepted,
    model_initial,
    suggested,
)
from orchestration.llm.models import LanguageModel, Provider, ProviderKind
from orchestration.llm.providers.adapter import RemoteModel
from orchestration.llm.selectors import (
    listed_price,
    model_card,
    offered_models,
    priced_model,
    provider_cards,
    team_models,
)
from orchestration.llm.services.checking import model_question, remote_models, run_model_test
from orchestration.llm.services.registry import models as registry
from orchestration.llm.services.resources import circuit_snapshot, reset_circuit
from orchestration.llm.views.providers import MODELS, apply_change, listing_provider

MODEL = "llm:model"


@require_safe
def models(request: MemberRequest) -> HttpResponse:
    """Show the team's providers with their models, prices and record."""
    cards = provider_cards(request.membership, now=timezone.now(), today=timezone.localdate())
    context = {
        "providers": cards,
        "may_configure": request.membership.may_configure,
        "has_simulated": any(card.is_simulated for card in cards),
        "open_circuits": [
            found for card in cards for entry in card.models if (found := open_circuit(entry.model))
        ],
    }
    return render(request, "llm/model_list.html", context)


@may_configure
@require_http_methods(["GET", "HEAD", "POST"])
def model(request: MemberRequest, model_id: UUID) -> HttpResponse:
    """Show one model's settings; change them."""
    found = own_model(request, model_id)
    if request.method != "POST":
        return _model_page(request, found)
    form = ModelForm(request.POST)
    if accepted(form, partial(registry.update_model, membership=request.membership, model=found)):
        messages.success(request, f"{form.cleaned_data['name']} was saved.")
        return redirect(MODEL, found.pk)
    return refused(request, model_id, form=form)


@may_configure
@require_POST
def test(request: MemberRequest, model_id: UUID) -> HttpResponse:
    """Ask the model one small question and show its answer."""
    found = own_model(request, model_id)
    return _model_page(request, found, result=run_model_test(found))


@may_configure
@require_POST
def reset(request: MemberRequest, model_id: UUID) -> HttpResponse:
    """Close the model's circuit, so that it is asked again at once."""
    found = own_model(request, model_id)
    reset_circuit(found.pk)
    messages.success(request, f"{found.name} is asked again from now on.")
    return redirect(MODEL, found.pk)


@may_configure
@require_POST
def delete(request: MemberRequest, model_id: UUID) -> HttpResponse:
    """Delete a model; runs keep their own copy."""
    found = own_model(request, model_id)
    apply_change(request, partial(registry.delete_model, model=found), said=f"{found.name} was deleted.")
    return redirect(MODELS)


def own_model(request: MemberRequest, model_id: UUID) -> LanguageModel:
    """Return the team's model with its provider. Raises Http404."""
    return get_object_or_404(team_models(request.membership), pk=model_id)


def refused(request: MemberRequest, model_id: UUID, **forms: Form) -> HttpResponse:
    """Show the page as it is stored, with the form that was refused as it was filled in."""
    stored = own_model(request, model_id)
    return _model_page(request, stored, status=HTTPStatus.UNPROCESSABLE_ENTITY, **forms)


def _model_page(
    request: MemberRequest, found: LanguageModel, *, status: HTTPStatus = HTTPStatus.OK, **own: object
) -> HttpResponse:
    today = timezone.localdate()
    priced = priced_model(found, today)
    likely = priced.listed or next(iter(priced.elsewhere), None)
    context = {
        "model": found,
        "card": model_card(found, {}, today=today),
        "priced": priced,
        "is_remote": ProviderKind(found.provider.kind).is_remote,
        "prices": tuple(reversed(found.price_history())),
        "form": ModelForm(initial=model_initial(found)),
        "price_form": PriceForm(),
        "follow_form": FollowForm(initial={"listing": likely.listing.key if likely else ""}),
        "question": model_question(found),
        "open_circuit": open_circuit(found),
        **own,
    }
    return render_part(request, "llm/model_detail.html", "model-test", context, status=status)


@may_configure
@require_safe
def choose(request: MemberRequest, provider_id: UUID) -> HttpResponse:
    """List the provider's models, with a search; what is ticked stays ticked."""
    return _choose_page(request, listing_provider(request, provider_id))


@may_configure
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: MemberRequest, provider_id: UUID) -> HttpResponse:
    """Show what was ticked with names and prices to check; a POST adds it."""
    provider = listing_provider(request, provider_id)
    if request.method == "POST":
        return _add(request, provider, ChosenModels(request.POST))
    picked = _picked(request)
    if not picked or len(picked) > MAX_CHOSEN:
        said = f"Choose at most {MAX_CHOSEN} models at a time." if picked else "Choose at least one model."
        return _choose_page(request, provider, said=said)
    listed, _ = _listed(provider)
    known = {remote.id: remote for remote in listed}
    chosen = [known.get(id_) or RemoteModel(id=id_) for id_ in picked]
    initial = [suggested(registry.suggest_model(remote, provider.base_url)) for remote in chosen]
    return _add_page(request, provider, ChosenModels(initial=initial))


def _add(request: MemberRequest, provider: Provider, formset: BaseChosenModels) -> HttpResponse:
    if formset.is_valid():
        try:
            added = registry.add_models(
                membership=request.membership,
                provider=provider,
                models=[form.new_model() for form in formset.forms],
            )
        except InvalidRequest as refusal:
            formset.refuse(refusal)
        else:
            names = ", ".join(model.name for model in added)
            messages.success(request, f"Added from {provider.name}: {names}.")
            return redirect(MODELS)
    return _add_page(request, provider, formset, status=HTTPStatus.UNPROCESSABLE_ENTITY)


def _choose_page(request: MemberRequest, provider: Provider, *, said: str = "") -> HttpResponse:
    listed, trouble = _listed(provider)
    search = request.GET.get("q", "")
    context = {
        "provider": provider,
        "choices": offered_models(provider, listed, search=search, picked=_picked(request)),
        "q": search,
        "trouble": trouble,
        "said": said,
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if said else HTTPStatus.OK
    return render(request, "llm/provider_choose.html", context, status=status)


def _add_page(
    request: MemberRequest,
    provider: Provider,
    formset: BaseChosenModels,
    *,
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    today, known = timezone.localdate(), price_table()
    matches = [known.match(form["remote_name"].value() or "", provider.base_url) for form in formset.forms]
    context = {
        "provider": provider,
        "formset": formset,
        "chosen": [
            (form, match.listing, [listed_price(each, today) for each in match.elsewhere])
            for form, match in zip(formset.forms, matches, strict=True)
        ],
        "as_of": known.as_of,
    }
    return render(request, "llm/provider_add.html", context, status=status)


def _listed(provider: Provider) -> tuple[tuple[RemoteModel, ...], str]:
    """Return what the provider lists, or why it cannot be read."""
    try:
        return remote_models(provider), ""
    except (ModelError, InvalidRequest) as error:
        return (), str(error)


def _picked(request: MemberRequest) -> list[str]:
    """Return the ids that were ticked or typed, each once, in order."""
    return list(dict.fromkeys(filter(None, (id_.strip() for id_ in request.GET.getlist("pick")))))


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenCircuit:
    """A model that is not asked now because it failed too often, and the state of its circuit."""

    model: LanguageModel
    circuit: CircuitSnapshot


def open_circuit(model: LanguageModel) -> OpenCircuit | None:
    """Return a model's circuit unless it is closed or the model was never asked in this process."""
    circuit = circuit_snapshot(model.pk)
    if circuit is None or circuit.state is CircuitState.CLOSED:
        return None
    return OpenCircuit(model=model, circuit=circuit)
