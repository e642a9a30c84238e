"""Adding a recording of real answers as a provider."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from orchestra_site.accounts.access import MemberRequest, may_configure
from orchestration.engine.errors import InvalidRequest
from orchestration.forms.models import refuse
from orchestration.forms.recordings import RecordingForm
from orchestration.models import Provider
from orchestration.services import registry


@may_configure
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: MemberRequest) -> HttpResponse:
    """Ask for a file; keep it once every line of it is in order, and go on to its models."""
    offered = registry.offered_recordings()
    if request.method != "POST":
        return _page(request, RecordingForm(offered=offered))
    form = RecordingForm(request.POST, request.FILES, offered=offered)
    if form.is_valid():
        try:
            provider = _connected(request, form)
        except InvalidRequest as refusal:
            refuse(form, refusal)
        else:
            messages.success(request, f"{provider.name} was added. Choose the models your team should use.")
            return redirect("orchestration:provider-choose", provider.pk)
    return _page(request, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)


def _connected(request: MemberRequest, form: RecordingForm) -> Provider:
    file, name = form.cleaned_data["file"], form.cleaned_data["name"]
    if not file:
        offered = form.cleaned_data["offered"]
        return registry.connect_offered(membership=request.membership, name=name, offered=offered)
    return registry.connect_recording(
        membership=request.membership, name=name, source=file.name, chunks=file.chunks()
    )


def _page(request: MemberRequest, form: RecordingForm, *, status: HTTPStatus = HTTPStatus.OK) -> HttpResponse:
    return render(request, "orchestration/recording_add.html", {"form": form}, status=status)
