"""Choosing from a provider's models, and adding what was chosen."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from orchestra_site.accounts.access import MemberRequest, may_configure
from orchestration.engine.errors import InvalidRequest, ModelError
from orchestration.forms.models import MAX_CHOSEN, BaseChosenModels, ChosenModels, suggested
from orchestration.models import Provider
from orchestration.providers.openai_compatible.catalogue import RemoteModel
from orchestration.selectors.choices import choices_of
from orchestration.services import registry
from orchestration.services.trials import remote_models
from orchestration.views.providers import listing_provider


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
            return redirect("orchestration:models")
    return _add_page(request, provider, formset, status=HTTPStatus.UNPROCESSABLE_ENTITY)


def _choose_page(request: MemberRequest, provider: Provider, *, said: str = "") -> HttpResponse:
    listed, trouble = _listed(provider)
    search = request.GET.get("q", "")
    context = {
        "provider": provider,
        "choices": choices_of(provider, listed, search=search, picked=_picked(request)),
        "q": search,
        "trouble": trouble,
        "said": said,
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if said else HTTPStatus.OK
    return render(request, "orchestration/provider_choose.html", context, status=status)


def _add_page(
    request: MemberRequest,
    provider: Provider,
    formset: BaseChosenModels,
    *,
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    context = {"provider": provider, "formset": formset}
    return render(request, "orchestration/provider_add.html", context, status=status)


def _listed(provider: Provider) -> tuple[tuple[RemoteModel, ...], str]:
    """Return what the provider lists, or why it cannot be read."""
    try:
        return remote_models(provider), ""
    except (ModelError, InvalidRequest) as error:
        return (), str(error)


def _picked(request: MemberRequest) -> list[str]:
    """Return the ids that were ticked or typed, each once, in order."""
    return list(dict.fromkeys(filter(None, (id_.strip() for id_ in request.GET.getlist("pick")))))
