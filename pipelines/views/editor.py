"""The editor of a pipeline: its graph, the card of a stage, the YAML of the draft, and a try on a sample."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from orchestra_site.accounts.access import MemberRequest, check_may_run
from orchestra_site.web.pages import render_part
from orchestration.expressions.documents import read_document
from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.rewriting import rewritten
from orchestration.library.models import SavedDefinition
from orchestration.library.selectors import listed_definitions
from orchestration.library.services.definitions import DraftConflict, save_draft
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.llm.models import ProviderKind
from orchestration.llm.selectors import usable_models
from orchestration.runs.models import Run
from orchestration.runs.services.starting import start_run
from pipelines.engine import editing
from pipelines.engine.definition import Problem, problem_at
from pipelines.engine.editing import references
from pipelines.engine.processors import PROCESSORS
from pipelines.engine.upgrades import UnsupportedVersion, upgraded
from pipelines.forms.cards import TAB_OF, TABS, Card, card
from pipelines.forms.changes import done
from pipelines.parts.graph import GraphView, StageMark
from pipelines.parts.sample import sample_values, suggestions, team_sample
from pipelines.selectors import KIND, PIPELINES, PipelineReading, TeamPipelines, processor_specs

PAGE = "pipelines/pipeline_edit.html"
PANEL_SIZE, LONGEST_NUMBER, LINES_ABOUT, LONGEST_LINE = 3, 10, 2, 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """A draft as it is stored, what it says, and which stage and tab of it are open.

    `written` is what the text says, in the newest schema version; `fault` why it cannot be read.
    """

    pipeline: SavedDefinition
    written: Json = None
    fault: ExpressionError | UnsupportedVersion | None = None
    stage: str = ""
    tab: str = "yaml"
    card: Card | None = None
    read_only: bool = False

    @property
    def document(self) -> editing.Document | None:
        """What can be edited on cards; None where the text is no object."""
        return self.written if isinstance(self.written, dict) else None

    @property
    def place(self) -> list[tuple[int, str, bool]]:
        """The lines about where the text cannot be read: number, text, and whether it is that line."""
        text, position = self.pipeline.draft, getattr(self.fault, "position", None)
        if position is None:
            return []
        wrong = text.count("\n", 0, position)
        lines = enumerate(text.split("\n")[: wrong + LINES_ABOUT + 1])
        return [(n + 1, line[:LONGEST_LINE], n == wrong) for n, line in lines if n >= wrong - LINES_ABOUT]


@require_http_methods(["GET", "HEAD", "POST"])
def editor(request: MemberRequest, name: str) -> HttpResponse:
    """Show the draft; a POST changes it, stores its text or its sample, or tries it."""
    pipeline = get_object_or_404(listed_definitions(request.membership, KIND), name=name)
    if request.method != "POST":
        return _page(request, _opened(request, pipeline, request.GET))
    check_may_run(request.membership)
    opened = _opened(request, pipeline, request.POST)
    try:
        return CHANGES.get(request.POST.get("do", ""), _changed)(request, opened)
    except InvalidRequest as refusal:
        return _page(request, opened, refusal=refusal)


def _opened(request: MemberRequest, pipeline: SavedDefinition, data: QueryDict) -> Opened:
    """Read the draft; a stage that is not there any more is not open."""
    read_only = not request.membership.may_run
    try:
        written = upgraded(read_document(pipeline.draft, "yaml"))[0]
    except (ExpressionError, UnsupportedVersion) as error:
        return Opened(pipeline=pipeline, fault=error, read_only=read_only)
    opened = Opened(pipeline=pipeline, written=written, read_only=read_only)
    if opened.document is None:
        return opened
    stage, tab = data.get("stage", ""), data.get("tab", "")
    stage = stage if editing.stage_in(written, stage) is not None else ""
    tab = tab if tab in TABS else next(iter(TABS))
    return replace(opened, stage=stage, tab=tab, card=card(written, stage, tab, read_only=read_only))


def _changed(request: MemberRequest, opened: Opened) -> HttpResponse:
    """Store the draft with what was typed on the card, and what a button does."""
    if opened.document is None or opened.card is None:
        raise InvalidRequest(
            "The YAML of the draft cannot be read. Mend it first, then its stages can be edited."
        )
    data = request.POST
    part, unread = opened.card.with_typed(data) if "typed" in data else (opened.card.notes.part, {})
    if unread:
        opened.card.notes.typed = {name: data.get(name, "") for name in unread}
        opened.card.notes.problems = {name: [message] for name, message in unread.items()}
        if "HX-Request" in request.headers:
            context = _context(request, opened) | {"oob": True}
            return render(request, f"{PAGE}#editor-saved", context, status=HTTPStatus.UNPROCESSABLE_ENTITY)
        return _page(request, opened, unread=unread)
    changed = done(opened.document, opened.card, part, data)
    same = changed.document == opened.document
    text = opened.pipeline.draft if same else rewritten(opened.pipeline.draft, changed.document)
    return _saved(request, replace(opened, stage=changed.stage), text, words=changed.words)


def _saved(request: MemberRequest, opened: Opened, text: str, *, words: str = "") -> HttpResponse:
    """Store a text as the draft, and show what that changes. Raises `InvalidRequest`."""
    before = opened.pipeline
    try:
        saved = save_draft(
            membership=request.membership, definition=before, text=text, based_on=_based_on(request)
        )
    except DraftConflict as conflict:
        theirs = _opened(request, conflict.theirs, request.POST)
        return _page(request, theirs, conflict=conflict, mine=text)
    if "HX-Request" not in request.headers:
        messages.success(request, words or "The draft was saved.")
        return redirect(_address(saved, opened.stage, opened.tab))
    data = request.POST.copy()
    data["stage"] = opened.stage
    after = _opened(request, saved, data)
    if words or _shape(after) != _shape(opened):
        return _page(request, after, words=words, undo=before.draft if words else "")
    return render(request, f"{PAGE}#editor-saved", _context(request, after) | {"oob": True})


def _shape(opened: Opened) -> object:
    """Return what of a card cannot be changed in place: its fields, and what is said of them."""
    return opened.tab, opened.stage, opened.card and [(each.name, each.hint) for each in opened.card]


def _written(request: MemberRequest, opened: Opened) -> HttpResponse:
    """Store the text of the draft; it comes from the YAML tab, or from where a change is undone."""
    words = "" if opened.tab == "yaml" else "The draft is as it was before."
    return _saved(request, opened, request.POST.get("text", "").replace("\r\n", "\n"), words=words)


def _based_on(request: MemberRequest) -> int:
    written = request.POST.get("based_on", "")
    return int(written) if written.isdecimal() and len(written) < LONGEST_NUMBER else 0


def _address(pipeline: SavedDefinition, stage: str, tab: str) -> str:
    return f"{reverse('pipelines:pipeline', args=[pipeline.name])}?{urlencode({'stage': stage, 'tab': tab})}"


def _with_sample(request: MemberRequest, opened: Opened) -> HttpResponse:
    """Store the input to try the draft on. Raises `InvalidRequest`."""
    pipeline = opened.pipeline
    runs = Run.objects.visible_to(request.membership).filter(kind=KIND, ref=pipeline.name)
    try:
        written = read_document(request.POST.get("sample", "").replace("\r\n", "\n"), "yaml")
    except ExpressionError as error:
        raise InvalidRequest(f"The sample cannot be read. {error}", field="sample") from None
    if "run" in request.POST:
        written = get_object_or_404(runs, pk=request.POST["run"]).request["input"]
    saved = save_draft(
        membership=request.membership,
        definition=pipeline,
        text=pipeline.draft,
        based_on=pipeline.draft_number,
        sample=written,
    )
    return redirect(_address(saved, opened.stage, opened.tab))


def _tried(request: MemberRequest, opened: Opened) -> HttpResponse:
    """Run the draft on the sample, and go to the run. Raises `InvalidRequest`."""
    simulated = request.POST.get("models") != "real"
    sample = team_sample(request.membership, opened.pipeline, opened.document)
    usable = [
        each.name
        for each in usable_models(request.membership)
        if (each.provider.kind == ProviderKind.SIMULATED) == simulated
    ]
    payload: dict[str, Json] = {
        "pipeline": opened.pipeline.name,
        "version": "draft",
        "input": sample.input,
        "models": usable[:PANEL_SIZE],
    }
    run = start_run(membership=request.membership, kind=KIND, payload=payload)
    address = reverse("runs:run", args=[run.pk])
    return HttpResponse(status=HTTPStatus.SEE_OTHER, headers={"Location": address})


CHANGES = {"write": _written, "sample": _with_sample, "try": _tried}
"""What a POST does that is no change of a card, by its word."""


def _page(request: MemberRequest, opened: Opened, **more: Any) -> HttpResponse:  # noqa: ANN401  # for the template
    """Show the editor, whole or as the part that htmx swaps; what was refused with 422."""
    refused = {"conflict", "refusal", "unread"} & more.keys()
    status = HTTPStatus.UNPROCESSABLE_ENTITY if refused else HTTPStatus.OK
    context = _context(request, opened, **more)
    if request.method != "POST" or "HX-Request" not in request.headers:
        return render_part(request, PAGE, "editor", context, status=status)
    answer = render(request, f"{PAGE}#editor", context, status=status)
    answer.headers["HX-Retarget"], answer.headers["HX-Reswap"] = "#editor", "outerHTML"
    answer.headers["HX-Push-Url"] = _address(opened.pipeline, opened.stage, opened.tab)
    return answer


def _context(request: MemberRequest, opened: Opened, **more: Any) -> dict[str, Any]:  # noqa: ANN401  # see above
    document, known = opened.document, TeamPipelines(request.membership)
    sample = team_sample(request.membership, opened.pipeline, document)
    reading = PIPELINES.check(opened.written, known, name=opened.pipeline.name)
    problems = reading.problems if opened.fault is None else (problem_at(str(opened.fault)),)
    context = {
        "pipeline": opened.pipeline,
        "opened": opened,
        "card": opened.card,
        "tabs": TABS.items(),
        "processors": PROCESSORS.values(),
        "stages": editing.stages_in(document),
        "document_is_empty": opened.tab != "yaml" and not editing.stages_in(document),
        "problems": [(each, _tab(each)) for each in problems],
        "graph": _graph(opened, reading),
        "sample": sample,
        **more,
    }
    if document is None or opened.card is None:
        return context
    part = editing.stage_in(document, opened.stage) or document
    scope = sample.scope(document, opened.stage, reading.definition)
    opened.card.note(problems, sample_values(part, opened.stage, scope))
    named = references(document, opened.stage, processor_specs()) if opened.stage else ()
    return context | {"references": named, "suggestions": suggestions(document, opened.stage, sorted(known))}


def _graph(opened: Opened, reading: PipelineReading) -> dict[str, Any] | None:
    """Return the narrower drawing of the graph with the problems of each stage, as far as it can be drawn."""
    drawn = reading.definition or editing.outline(opened.document)
    counts = Counter(problem.stage for problem in reading.problems)
    marks = {
        name: StageMark(state="failed", words=f"{count} problem{'s' * (count > 1)}")
        for name, count in counts.items()
    }
    if drawn is None:
        return None
    sides = GraphView(pipeline=drawn, marks=marks, chosen=opened.stage).sides
    return {"pipeline": drawn, "sides": [min(sides, key=lambda side: side.drawing.width)]}


def _tab(problem: Problem) -> str:
    """Return the tab on which a problem is mended."""
    return TAB_OF.get(problem.field.split(".")[0].split("[")[0], "does") if problem.path else "yaml"
