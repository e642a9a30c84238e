"""Pages of sessions outside the room: the list, and the form that starts one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from collaboration.engine.lineup import LineUp, read_lineup
from collaboration.forms import AS_BEFORE, SessionSetup, StartForm, session_setup
from collaboration.selectors import KIND, LINEUPS, newest_sessions, shown_participants
from collaboration.services.estimates import estimate_session
from collaboration.services.freezing import chosen_lineup, stored_lineup, with_models
from collaboration.services.session_runs import USUAL_LINEUP
from collaboration.views.reports import session_run
from orchestra_site.accounts.access import MemberRequest, may_run
from orchestration.expressions.listed import Document
from orchestration.library.forms import version_choices
from orchestration.library.parts import DefinitionLine, definition_lines
from orchestration.library.selectors import version_number
from orchestration.library.views.versions import READ_OR_SEND
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.runs.models import Run
from orchestration.runs.services.starting import Origin, start_run
from orchestration.runs.views.run import path_of

START = "collaboration/session_start.html"
PARTS = ("session-setup", "session-estimate")


@require_safe
def list_sessions(request: MemberRequest) -> HttpResponse:
    """List the sessions that go on, the last ones, and the line-ups, the team's and those of the gallery."""
    lines = definition_lines(request.membership, LINEUPS)
    going_on, over = (
        [(run, lines[run.ref].title if run.ref in lines else run.ref) for run in runs]
        for runs in newest_sessions(request.membership)
    )
    shown = [(line, shown_participants(line.document)) for line in lines.values()]
    context = {"lines": shown, "going_on": going_on, "over": over}
    return render(request, "collaboration/session_list.html", context)


@require_http_methods(READ_OR_SEND)
@may_run
def start(request: MemberRequest, name: str = "") -> HttpResponse:
    """Ask for a task and who does it, and start a session; parts are drawn again as the form is filled in."""
    lines, source = definition_lines(request.membership, LINEUPS), _source(request)
    if name and name not in lines:
        raise Http404
    sends = request.method == "POST" and "HX-Request" not in request.headers and "redraw" not in request.POST
    form = _start_form(request, lines, source, name, sends=sends)
    chosen = _chosen(request, form.chosen, lines, source)
    if sends and (run := _started(request, form, source, chosen)) is not None:
        return HttpResponse(status=HTTPStatus.SEE_OTHER, headers={"Location": path_of(run)})
    text = str(form["text"].value() or "")
    context = {
        "form": form,
        "cards": [(each, lines.get(each.data["value"])) for each in form["lineup"]],
        "chosen": chosen,
        "source": source,
        "restores": request.method == "GET" and not request.GET and not name,
        "line": lines.get(form.chosen),
        "estimate": chosen.resolved
        and estimate_session(membership=request.membership, lineup=chosen.resolved, text=text),
    }
    part = request.headers.get("HX-Target", "") if "HX-Request" in request.headers else ""
    template = f"{START}#{part}" if part in PARTS else START
    status = HTTPStatus.UNPROCESSABLE_ENTITY if sends else HTTPStatus.OK
    return render(request, template, context, status=status)


def _source(request: MemberRequest) -> Run | None:
    """Return the session that is started again, if one is."""
    try:
        source = UUID(request.POST.get("from") or request.GET.get("from", ""))
    except ValueError:
        return None
    return session_run(request, source)


def _start_form(
    request: MemberRequest,
    lines: Mapping[str, DefinitionLine],
    source: Run | None,
    name: str,
    *,
    sends: bool,
) -> StartForm:
    """Return the form with what was sent, else with what the address names or an earlier session had."""
    data = request.POST if request.method == "POST" else request.GET
    titles = {AS_BEFORE: "As in that session"} if source else {}
    titles |= {each: line.title for each, line in lines.items()}
    wanted = data.get("lineup") or name or (AS_BEFORE if source else USUAL_LINEUP)
    initial = {"text": data.get("text", source.prompt if source else "")}
    initial["lineup"] = wanted if wanted in titles else USUAL_LINEUP
    return StartForm(request.POST if sends else None, titles=titles, initial=initial)


@dataclass(frozen=True, kw_only=True, slots=True)
class ChosenLineUp:
    """The line-up of a session that is being started: `setup` are its fields, None where it cannot run.

    `document` is what it is changed to, `resolved` that with a model in each seat, without problems only.
    `number` is that of its version, `fault` says why it cannot run.
    """

    versions: Sequence[tuple[str, str]] = ()
    version: str = "latest"
    number: int | None = None
    setup: SessionSetup | None = None
    document: Document | None = None
    resolved: LineUp | None = None
    fault: str = ""

    def payload(self, name: str) -> dict[str, Json]:
        """Return what a session is started with: the name of a line-up as it is saved, else a document."""
        if self.setup is not None and self.document != self.setup.part:
            return {"lineup": self.document, "version": None}
        if name == AS_BEFORE:
            return {"lineup": self.document, "version": self.number}
        return {"lineup": name, "version": version_number(self.version) or self.version}


def _chosen(
    request: MemberRequest, name: str, lines: Mapping[str, DefinitionLine], source: Run | None
) -> ChosenLineUp:
    """Return the chosen line-up with what was typed for it, if that was typed for this one."""
    row, member = lines[name].definition if name in lines else None, request.membership
    versions = version_choices(list(row.versions.values_list("number", flat=True))) if row else []
    wanted = request.POST.get("version") or request.GET.get("version", "")
    version = wanted if wanted in dict(versions) else versions[0][0] if versions else "latest"
    chosen = ChosenLineUp(versions=versions, version=version)
    try:
        if name == AS_BEFORE and source is not None:
            base, number = stored_lineup(source.request["lineup"]), source.request.get("version")
        else:
            base, number = chosen_lineup(member, name, version_number(version) or version)
        setup = session_setup(member, base, with_models(member, base))
    except InvalidRequest as fault:
        return replace(chosen, fault=str(fault))
    is_same = request.POST.get("setup_of") == f"{name} {version}"
    document = setup.with_typed(request.POST) if is_same else setup.part
    setup.notes.part = document
    lineup = read_lineup(document)[0]
    resolved = lineup and with_models(member, lineup)
    return replace(chosen, number=number, setup=setup, document=document, resolved=resolved)


def _started(request: MemberRequest, form: StartForm, source: Run | None, chosen: ChosenLineUp) -> Run | None:
    """Start the session; None where it cannot, and each problem stands at its field then."""
    setup, is_valid = chosen.setup, form.is_valid()
    if setup is None:
        form.add_error("lineup", chosen.fault)
        return None
    if not setup.is_sound(chosen.document or {}) or not is_valid:
        return None
    payload = {"text": form.cleaned_data["text"], **chosen.payload(form.chosen)}
    if source is not None:
        payload["constraints"] = source.request.get("constraints", {})
    try:
        origin, member = Origin(rerun_of=source), request.membership
        return start_run(membership=member, kind=KIND, payload=payload, origin=origin)
    except InvalidRequest as refusal:
        setup.refuse(form, refusal)
    return None
