"""What starts a definition without a person: its page, and the address of webhooks."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from orchestra_site.accounts.access import MemberRequest, may_configure, team_not_required
from orchestration.expressions.documents import read_document
from orchestration.expressions.errors import ExpressionError
from orchestration.library.forms import ScheduleForm, WebhookForm
from orchestration.library.kinds import definition_kind
from orchestration.library.models import SavedDefinition, Trigger, TriggerKind
from orchestration.library.services.triggers import (
    WrongSecret,
    add_schedule,
    add_webhook,
    check_secret,
    delete_trigger,
    start_by_request,
    switch_trigger,
)
from orchestration.library.views.versions import READ_OR_SEND, definition_of
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.forms import refuse

BEARER = "Bearer "
LARGEST_BODY = 64_000


@require_http_methods(READ_OR_SEND)
@may_configure
def show_triggers(request: MemberRequest, kind: str, name: str) -> HttpResponse:
    """Show the triggers of a definition with the forms that add one; a new secret is shown once."""
    definition, of_kind = definition_of(request, kind, name), definition_kind(kind)
    adds = request.POST.get("kind", "")
    webhook = WebhookForm(request.POST if adds == TriggerKind.WEBHOOK else None, prefix="webhook")
    schedule = ScheduleForm(request.POST if adds == TriggerKind.SCHEDULE else None, prefix="schedule")
    form = schedule if adds == TriggerKind.SCHEDULE else webhook
    secret, new = "", None
    if form.is_valid():
        try:
            new, secret = _added(request, definition, form)
            webhook = WebhookForm(prefix="webhook")
        except InvalidRequest as refusal:
            refuse(form, refusal)
    if new is not None and not secret:
        return redirect(f"{of_kind.namespace}:triggers", name)
    triggers = definition.triggers.select_related("created_by", "last_run")
    shown = {"kind": of_kind, "definition": definition, "triggers": triggers}
    shown |= {"webhook": webhook, "schedule": schedule, "secret": secret, "new": new}
    shown["hook"] = request.build_absolute_uri("/hooks/")
    refused = request.method == "POST" and new is None
    status = HTTPStatus.UNPROCESSABLE_ENTITY if refused else HTTPStatus.OK
    return render(request, "library/trigger_list.html", shown, status=status)


def _added(request: MemberRequest, definition: SavedDefinition, form: WebhookForm) -> tuple[Trigger, str]:
    """Add what a valid form describes; return it with a webhook's secret. Raises `InvalidRequest`."""
    if not isinstance(form, ScheduleForm):
        title = form.cleaned_data["title"]
        return add_webhook(membership=request.membership, definition=definition, title=title)
    trigger = form.schedule()
    add_schedule(membership=request.membership, definition=definition, trigger=trigger)
    return trigger, ""


def trigger_of(request: MemberRequest, kind: str, name: str, trigger: UUID) -> Trigger:
    """Return a trigger of one of the team's definitions. Raises Http404."""
    found = Trigger.objects.visible_to(request.membership).select_related("definition")
    row: Trigger = get_object_or_404(found, definition__kind=kind, definition__name=name, pk=trigger)
    return row


@require_POST
@may_configure
def switch(request: MemberRequest, kind: str, name: str, trigger: UUID) -> HttpResponse:
    """Switch a trigger on or off."""
    found = trigger_of(request, kind, name, trigger)
    switch_trigger(membership=request.membership, trigger=found, on=request.POST.get("on") == "true")
    return redirect(f"{definition_kind(kind).namespace}:triggers", name)


@require_POST
@may_configure
def delete(request: MemberRequest, kind: str, name: str, trigger: UUID) -> HttpResponse:
    """Delete a trigger."""
    delete_trigger(membership=request.membership, trigger=trigger_of(request, kind, name, trigger))
    return redirect(f"{definition_kind(kind).namespace}:triggers", name)


@require_POST
@csrf_exempt
@login_not_required
@team_not_required
def receive_hook(request: HttpRequest, trigger: UUID) -> HttpResponse:
    """Start a run with the JSON of the body as its input: 202 with its id, 401 for a wrong secret."""
    webhooks = Trigger.objects.filter(kind=TriggerKind.WEBHOOK).select_related("definition", "created_by")
    found = get_object_or_404(webhooks, pk=trigger)
    try:
        check_secret(found, request.headers.get("Authorization", "").removeprefix(BEARER))
        if len(request.body) > LARGEST_BODY:
            words = {"error": f"The body has more than {LARGEST_BODY:,} bytes."}
            return JsonResponse(words, status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        run = start_by_request(found, read_document(request.body.decode() or "null", "json"))
    except WrongSecret:
        words = {"error": "Send the secret of this webhook: Authorization: Bearer …"}
        return JsonResponse(words, status=HTTPStatus.UNAUTHORIZED, headers={"WWW-Authenticate": "Bearer"})
    except (ExpressionError, UnicodeDecodeError) as error:
        return JsonResponse({"error": f"The body is not JSON. {error}"}, status=HTTPStatus.BAD_REQUEST)
    except InvalidRequest as refusal:
        refused = {"error": str(refusal), "field": refusal.field}
        return JsonResponse(refused, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    return JsonResponse({"run_id": str(run.pk)}, status=HTTPStatus.ACCEPTED)
