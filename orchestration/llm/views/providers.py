"""Providers: connecting, changing and deleting them, and adding recordings."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import Protocol
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from orchestra_site.accounts.access import MemberRequest, may_configure
from orchestra_site.accounts.models import Membership
from orchestra_site.web.pages import render_part, wants_part
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.forms import PRESETS, ConnectForm, ProviderForm, RecordingForm, accepted, refuse
from orchestration.llm.models import Provider, ProviderKind
from orchestration.llm.providers.adapter import ConnectionCheck
from orchestration.llm.selectors import team_providers
from orchestration.llm.services.checking import check_connection, check_provider
from orchestration.llm.services.registry import providers as registry
from orchestration.llm.services.registry import seeding

MODELS = "llm:models"


class RegistryChange(Protocol):
    """A service call that lacks only the membership."""

    def __call__(self, *, membership: Membership) -> object:
        """Make the change. Raises `InvalidRequest`."""


def apply_change(request: MemberRequest, change: RegistryChange, *, said: str) -> None:
    """Make a button's change; the next page shows that it was made, or why it was refused."""
    try:
        change(membership=request.membership)
    except InvalidRequest as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, said)


@may_configure
@require_http_methods(["GET", "HEAD", "POST"])
def connect(request: MemberRequest) -> HttpResponse:
    """Ask for an address and a key; store them once the connection worked, and go on to its models."""
    if request.method != "POST":
        return _connect_page(request, ConnectForm())
    form = ConnectForm(request.POST)
    checks: tuple[ConnectionCheck, ...] = ()
    if form.is_valid():
        try:
            data = form.cleaned_data
            report = check_connection(data["kind"], data["base_url"], data["api_key"])
            checks = report.checks
            form.add_failures(report)
            if form.is_valid():
                return _connected(request, form)
        except InvalidRequest as refusal:
            refuse(form, refusal)
    return _connect_page(request, form, checks=checks, status=HTTPStatus.UNPROCESSABLE_ENTITY)


def _connected(request: MemberRequest, form: ConnectForm) -> HttpResponse:
    """Store the provider and show what it offers."""
    data = form.cleaned_data
    provider = registry.connect_provider(
        membership=request.membership,
        name=data["name"],
        base_url=data["base_url"],
        api_key=data["api_key"],
        kind=data["kind"],
    )
    messages.success(request, f"{provider.name} is connected. Choose the models that your team should use.")
    target = reverse("llm:provider-choose", args=[provider.pk])
    if wants_part(request, "connect-form"):
        return HttpResponse(headers={"HX-Redirect": target})
    return redirect(target)


def _connect_page(
    request: MemberRequest,
    form: ConnectForm,
    *,
    checks: tuple[ConnectionCheck, ...] = (),
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    context = {"form": form, "presets": PRESETS, "checks": checks}
    return render_part(request, "llm/provider_connect.html", "connect-form", context, status=status)


@may_configure
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: MemberRequest, provider_id: UUID) -> HttpResponse:
    """Change a provider's name, address and key."""
    provider = remote_provider(request, provider_id)
    if request.method != "POST":
        form = ProviderForm(initial={"name": provider.name, "base_url": provider.base_url})
        return _edit_page(request, provider, form)
    form = ProviderForm(request.POST)
    change = partial(registry.update_provider, membership=request.membership, provider=provider)
    if accepted(form, change):
        messages.success(request, f"{form.cleaned_data['name']} was saved.")
        return redirect("llm:provider-edit", provider.pk)
    stored = remote_provider(request, provider_id)
    return _edit_page(request, stored, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)


@may_configure
@require_POST
def test(request: MemberRequest, provider_id: UUID) -> HttpResponse:
    """Try the stored address and key, and show what came of it."""
    provider = remote_provider(request, provider_id)
    form = ProviderForm(initial={"name": provider.name, "base_url": provider.base_url})
    return _edit_page(request, provider, form, checks=check_provider(provider).checks)


def _edit_page(
    request: MemberRequest,
    provider: Provider,
    form: ProviderForm,
    *,
    checks: tuple[ConnectionCheck, ...] = (),
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    context = {"form": form, "provider": provider, "presets": PRESETS, "checks": checks}
    return render_part(request, "llm/provider_edit.html", "provider-test", context, status=status)


@may_configure
@require_POST
def forget_key(request: MemberRequest, provider_id: UUID) -> HttpResponse:
    """Remove the stored key."""
    provider = remote_provider(request, provider_id)
    forgotten = partial(registry.set_secret, provider=provider, api_key="")
    apply_change(request, forgotten, said=f"The key of {provider.name} was removed.")
    return redirect("llm:provider-edit", provider.pk)


@may_configure
@require_POST
def switch(request: MemberRequest, provider_id: UUID) -> HttpResponse:
    """Offer the provider's models to new runs, or stop offering them."""
    provider = own_provider(request, provider_id)
    enabled = request.POST.get("enabled") == "yes"
    state = "enabled: its models are offered again" if enabled else "disabled: its models are not offered"
    change = partial(registry.switch_provider, provider=provider, enabled=enabled)
    apply_change(request, change, said=f"{provider.name} is {state}.")
    return redirect(MODELS)


@may_configure
@require_POST
def delete(request: MemberRequest, provider_id: UUID) -> HttpResponse:
    """Delete a provider with its models; runs keep their own copy."""
    provider = own_provider(request, provider_id)
    deleted = partial(registry.delete_provider, provider=provider)
    apply_change(request, deleted, said=f"{provider.name} was deleted.")
    return redirect(MODELS)


@may_configure
@require_POST
def add_simulated(request: MemberRequest) -> HttpResponse:
    """Add the simulated models that the team does not have."""
    apply_change(request, seeding.add_simulated, said="The simulated models are ready. They work offline.")
    return redirect(MODELS)


def own_provider(request: MemberRequest, provider_id: UUID) -> Provider:
    """Return the team's provider. Raises Http404."""
    return get_object_or_404(team_providers(request.membership), pk=provider_id)


def remote_provider(request: MemberRequest, provider_id: UUID) -> Provider:
    """Return the team's provider if it has an address. Raises Http404 for all others."""
    remote = [kind for kind in ProviderKind if kind.is_remote]
    return get_object_or_404(team_providers(request.membership), pk=provider_id, kind__in=remote)


def listing_provider(request: MemberRequest, provider_id: UUID) -> Provider:
    """Return the team's provider if it lists models to choose from. Raises Http404 for others."""
    listing = team_providers(request.membership).exclude(kind=ProviderKind.SIMULATED)
    return get_object_or_404(listing, pk=provider_id)


@may_configure
@require_http_methods(["GET", "HEAD", "POST"])
def add_recording(request: MemberRequest) -> HttpResponse:
    """Ask for a file; keep it once every line of it is in order, and go on to its models."""
    offered = registry.offered_recordings()
    if request.method != "POST":
        return _recording_page(request, RecordingForm(offered=offered))
    form = RecordingForm(request.POST, request.FILES, offered=offered)
    if form.is_valid():
        try:
            provider = _connected_recording(request, form)
        except InvalidRequest as refusal:
            refuse(form, refusal)
        else:
            messages.success(request, f"{provider.name} was added. Choose the models your team should use.")
            return redirect("llm:provider-choose", provider.pk)
    return _recording_page(request, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)


def _connected_recording(request: MemberRequest, form: RecordingForm) -> Provider:
    file, name = form.cleaned_data["file"], form.cleaned_data["name"]
    if not file:
        offered = form.cleaned_data["offered"]
        return registry.connect_offered(membership=request.membership, name=name, offered=offered)
    return registry.connect_recording(
        membership=request.membership, name=name, source=file.name, chunks=file.chunks()
    )


def _recording_page(
    request: MemberRequest, form: RecordingForm, *, status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    return render(request, "llm/recording_add.html", {"form": form}, status=status)
