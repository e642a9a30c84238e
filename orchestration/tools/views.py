"""The Tools page: what pipelines may call, what a team adds to it, and a form to try each tool."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from orchestra_site.accounts.access import MemberRequest, check_may_run, may_configure, may_run
from orchestra_site.web.pages import posted, render_part
from orchestration.llm.engine.types import Json
from orchestration.llm.forms import accepted
from orchestration.llm.services.resources import run_async
from orchestration.tools.engine.tool import ToolFailed, ToolSpec
from orchestration.tools.forms.adding import (
    CredentialChangeForm,
    CredentialForm,
    DocumentForm,
    ServerChangeForm,
    ServerForm,
)
from orchestration.tools.forms.schemas import ArgumentsForm
from orchestration.tools.models import McpServer, ToolCredential
from orchestration.tools.selectors import team_credentials, team_documents, team_servers, tool_records
from orchestration.tools.services import changing
from orchestration.tools.services.registry import find_tool, freeze_tools, team_tools

TOOLS = "tools:tools"


@require_safe
def tools(request: MemberRequest) -> HttpResponse:
    """Show the tools with their use, and what the team added."""
    membership = request.membership
    records = tool_records(membership, timezone.now())
    specs = team_tools(membership.team_id)
    servers = list(team_servers(membership))
    listed = {name: (spec, records.get(name)) for name, spec in specs.items()}
    context = {
        "built_in": [each for name, each in listed.items() if "." not in name],
        "servers": [
            (
                row,
                [each for name, each in listed.items() if name.startswith(f"{row.name}.")],
                _unusable(row.tools),
            )
            for row in servers
        ],
        "credentials": team_credentials(membership),
        "documents": team_documents(membership),
        "may_configure": membership.may_configure,
        "may_run": membership.may_run,
    }
    return render(request, "tools/tool_list.html", context)


def _unusable(listed: list[dict[str, Json]]) -> list[dict[str, Json]]:
    return [tool for tool in listed if tool["problem"]]


@require_http_methods(["GET", "HEAD", "POST"])
def tool(request: MemberRequest, name: str) -> HttpResponse:
    """Show what a tool takes, and let members who may run things try it."""
    spec = team_tools(request.membership.team_id).get(name)
    if spec is None:
        raise Http404
    form = ArgumentsForm(spec.schema, posted(request))
    if request.method != "POST":
        return _tool_page(request, spec, form)
    check_may_run(request.membership)
    if not form.is_valid():
        return _tool_page(request, spec, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    started = time.monotonic()
    try:
        result = json.dumps(_called(request, spec, form.answer), indent=2, ensure_ascii=False)
    except ToolFailed as failed:
        form.add_error(None, str(failed))
        return _tool_page(request, spec, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    return _tool_page(request, spec, form, result=(result, time.monotonic() - started))


def _called(request: MemberRequest, spec: ToolSpec, arguments: dict[str, Json]) -> Json:
    async def call() -> Json:
        return await (await find_tool(team, spec.name, frozen)).call(arguments)

    team = request.membership.team_id
    frozen = freeze_tools(team, [spec.name])
    return run_async(call(), timeout=spec.timeout_s + 10)


def _tool_page(
    request: MemberRequest,
    spec: ToolSpec,
    form: ArgumentsForm,
    *,
    result: tuple[str, float] | None = None,
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    context = {
        "spec": spec,
        "schema": json.dumps(dict(spec.schema), indent=2, ensure_ascii=False),
        "form": form,
        "result": result,
        "record": tool_records(request.membership, timezone.now()).get(spec.name),
        "may_run": request.membership.may_run,
    }
    return render_part(request, "tools/tool_detail.html", "tool-try", context, status=status)


@may_configure
@require_http_methods(["GET", "HEAD", "POST"])
def add_server(request: MemberRequest) -> HttpResponse:
    """Ask for an MCP server; it is stored once it has listed its tools."""
    return _added(request, ServerForm, changing.add_server, "server")


@may_configure
@require_http_methods(["GET", "HEAD", "POST"])
def add_credential(request: MemberRequest) -> HttpResponse:
    """Ask for a credential."""
    return _added(request, CredentialForm, changing.add_credential, "credential")


@may_configure
@require_http_methods(["GET", "HEAD", "POST"])
def add_document(request: MemberRequest) -> HttpResponse:
    """Ask for a document."""

    def add(*, file: Json, **given: Json) -> object:
        return changing.add_document(raw=file.read(), **given)

    return _added(request, DocumentForm, add, "document")


def _added(
    request: MemberRequest, kind: type[forms.Form], add: Callable[..., object], what: str
) -> HttpResponse:
    """Show a form, or add what it describes and go back to the tools."""
    form = kind(request.POST, request.FILES) if request.method == "POST" else kind()
    if request.method == "POST" and accepted(form, partial(add, membership=request.membership)):
        messages.success(request, f"{form.cleaned_data['name']} was added.")
        return redirect(TOOLS)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, f"tools/{what}_add.html", {"form": form}, status=status)


@may_configure
@require_http_methods(["GET", "HEAD", "POST"])
def change_server(request: MemberRequest, pk: UUID) -> HttpResponse:
    """Change the address or the key of a server; it is stored once it has listed its tools."""
    row = get_object_or_404(team_servers(request.membership), pk=pk)
    return _changed(request, ServerChangeForm(posted(request), row=row), changing.change_server, row)


@may_configure
@require_http_methods(["GET", "HEAD", "POST"])
def change_credential(request: MemberRequest, pk: UUID) -> HttpResponse:
    """Change where a credential is sent, and its value."""
    row = get_object_or_404(team_credentials(request.membership), pk=pk)
    return _changed(request, CredentialChangeForm(posted(request), row=row), changing.change_credential, row)


def _changed(
    request: MemberRequest, form: forms.Form, change: Callable[..., object], row: McpServer | ToolCredential
) -> HttpResponse:
    """Show a form, or make the change that it describes and go back to the tools."""
    if form.is_bound and accepted(form, partial(change, membership=request.membership, row=row)):
        messages.success(request, f"{row.name} was changed.")
        return redirect(TOOLS)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "tools/addition_change.html", {"form": form, "row": row}, status=status)


@may_run
@require_POST
def refresh_server(request: MemberRequest, pk: UUID) -> HttpResponse:
    """Ask a server for its tools again."""
    row = changing.refresh_server(get_object_or_404(team_servers(request.membership), pk=pk))
    if row.error:
        messages.error(request, row.error)
    else:
        messages.success(request, f"{row.name} answered and has {len(row.tools)} tools.")
    return redirect(TOOLS)


@may_configure
@require_POST
def remove_server(request: MemberRequest, pk: UUID) -> HttpResponse:
    """Remove a server with its tools."""
    return _removed(request, get_object_or_404(team_servers(request.membership), pk=pk))


@may_configure
@require_POST
def remove_credential(request: MemberRequest, pk: UUID) -> HttpResponse:
    """Remove a credential."""
    return _removed(request, get_object_or_404(team_credentials(request.membership), pk=pk))


@may_configure
@require_POST
def remove_document(request: MemberRequest, pk: UUID) -> HttpResponse:
    """Remove a document."""
    return _removed(request, get_object_or_404(team_documents(request.membership), pk=pk))


def _removed(request: MemberRequest, row: changing.Removable) -> HttpResponse:
    changing.remove(membership=request.membership, row=row)
    messages.success(request, f"{row.name} was removed.")
    return redirect(TOOLS)
