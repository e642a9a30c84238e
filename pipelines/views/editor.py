"""The editor of a pipeline: its graph, the card of a stage, the YAML of the draft, and a try on a sample."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
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
from orchestration.expressions.upgrades import UnsupportedVersion
from orchestration.library.models import SavedDefinition
from orchestration.library.selectors import listed_definitions
from orchestration.library.services.definitions import DraftConflict, save_draft
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.llm.models import ProviderKind
from orchestration.llm.selectors import usable_models
from orchestration.runs.models import Run
from orchestration.runs.parts.graphs import NodeMark
from orchestration.runs.services.starting import start_run
from orchestration.runs.views.run import page_content, path_of
from orchestration.strategies.engine.types import counted
from pipelines.engine import editing
from pipelines.engine.definition import Pipeline, Problem, problem_at
from pipelines.engine.processors import PROCESSORS
from pipelines.engine.upgrades import upgraded
from pipelines.forms.cards import TAB_OF, TABS, TRIED, Card, offered
from pipelines.forms.changes import SIDES, done
from pipelines.parts.graph import pipeline_graph
from pipelines.parts.sample import team_sample
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
    if not isinstance(written, dict):
        return Opened(pipeline=pipeline, written=written, read_only=read_only)
    stage, tab = data.get("stage", "").partition("/")[0], data.get("tab", "")
    stage = stage if editing.stage_in(written, stage) is not None else ""
    tab = tab if tab in TABS else next(iter(TABS))
    card = Card(written, stage, tab, read_only=read_only)
    return Opened(pipeline=pipeline, written=written, stage=stage, tab=tab, card=card, read_only=read_only)


def _changed(request: MemberRequest, opened: Opened) -> HttpResponse:
    """Store the draft with what was typed on the card, and what a button does."""
    if opened.card is None:
        raise InvalidRequest(
            "The YAML of the draft cannot be read. Mend it first, then its stages can be edited."
        )
    part = opened.card.with_typed(request.POST) if "typed" in request.POST else opened.card.part
    if opened.card.notes.typed:
        if "HX-Request" not in request.headers:
            return _page(request, opened, unread=True)
        context = _context(request, opened) | {"oob": True}
        return render(request, f"{PAGE}#editor-saved", context, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    changed = done(opened.written, opened.card, part, request.POST)
    same = changed.document == opened.written
    text = opened.pipeline.draft if same else rewritten(opened.pipeline.draft, changed.document)
    return _saved(request, replace(opened, stage=changed.stage), text, words=changed.words)


def _saved(request: MemberRequest, opened: Opened, text: str, *, words: str = "") -> HttpResponse:
    """Store a text as the draft, and show what that changes. Raises `InvalidRequest`."""
    before, based_on = opened.pipeline, request.POST.get("based_on", "")
    number = int(based_on) if based_on.isdecimal() and len(based_on) < LONGEST_NUMBER else 0
    try:
        saved = save_draft(membership=request.membership, definition=before, text=text, based_on=number)
    except DraftConflict as conflict:
        theirs = _opened(request, conflict.theirs, request.POST)
        return _page(request, theirs, conflict=conflict, mine=text)
    if "HX-Request" not in request.headers:
        messages.success(request, words or "The draft was saved.")
        return redirect(_address(saved, opened.stage, opened.tab))
    data = request.POST.copy()
    data["stage"] = opened.stage
    after = _opened(request, saved, data)
    shapes = [(each.tab, each.stage, each.card and each.card.shape) for each in (opened, after)]
    if words or shapes[0] != shapes[1]:
        return _page(request, after, words=words, undo=before.draft if words else "")
    return render(request, f"{PAGE}#editor-saved", _context(request, after) | {"oob": True})


def _written(request: MemberRequest, opened: Opened) -> HttpResponse:
    """Store the text of the draft; it comes from the YAML tab, or from where a change is undone."""
    words = "" if opened.tab == "yaml" else "The draft is as it was before."
    return _saved(request, opened, request.POST.get("text", "").replace("\r\n", "\n"), words=words)


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
    """Run the draft on the sample and show that in its graph; without htmx, on the run's own page."""
    simulated = request.POST.get("models") != "real"
    sample = team_sample(request.membership, opened.pipeline, opened.written)
    models = usable_models(request.membership)
    usable = [each.name for each in models if (each.provider.kind == ProviderKind.SIMULATED) == simulated]
    payload: dict[str, Json] = {
        "pipeline": opened.pipeline.name,
        "version": "draft",
        "input": sample.input,
        "models": usable[:PANEL_SIZE],
    }
    run = start_run(membership=request.membership, kind=KIND, payload=payload)
    if "HX-Request" in request.headers:
        return _page(request, replace(opened, stage="", tab=TRIED))
    return HttpResponse(status=HTTPStatus.SEE_OTHER, headers={"Location": path_of(run)})


CHANGES = {"write": _written, "sample": _with_sample, "try": _tried}
"""What a POST does that is no change of a card, by its word."""


def _page(request: MemberRequest, opened: Opened, **more: Any) -> HttpResponse:  # noqa: ANN401  # for the template
    """Show the editor, whole or as the part that htmx swaps; what was refused with 422."""
    refused = {"conflict", "refusal", "unread"} & more.keys()
    status = HTTPStatus.UNPROCESSABLE_ENTITY if refused else HTTPStatus.OK
    context = _context(request, opened) | more
    if request.method != "POST" or "HX-Request" not in request.headers:
        return render_part(request, PAGE, "editor", context, status=status)
    answer = render(request, f"{PAGE}#editor", context, status=status)
    answer.headers["HX-Retarget"], answer.headers["HX-Reswap"] = "#editor", "outerHTML"
    answer.headers["HX-Push-Url"] = _address(opened.pipeline, opened.stage, opened.tab)
    return answer


def _context(request: MemberRequest, opened: Opened) -> dict[str, Any]:
    """Return what the template shows; of a run of this very draft on the sample what the run's page does."""
    document, known = opened.written, TeamPipelines(request.membership)
    sample = team_sample(request.membership, opened.pipeline, document)
    reading = PIPELINES.check(document, known, name=opened.pipeline.name)
    problems = reading.problems if opened.fault is None else (problem_at(str(opened.fault)),)
    drawn = reading.definition or editing.outline(document)
    run = sample.run if _is_of(sample.run, reading) else None
    shown = page_content(request, run) if run is not None else {}
    stages = editing.stages_in(document)
    names, writes = {stage["id"] for stage in stages}, not opened.read_only
    if run is not None and request.method != "POST" and request.GET.keys() & {"stage", "tab"} == {"stage"}:
        opened = replace(opened, tab=TRIED)
    context = shown | {
        "pipeline": opened.pipeline,
        "opened": opened,
        "card": opened.card,
        "tabs": [(name, word) for name, word in TABS.items() if name != TRIED or run or opened.tab == TRIED],
        "processors": PROCESSORS.values(),
        "stages": stages,
        "writes": writes,
        "newest": stages[-1]["id"] if stages else "",
        "adding": {side: name for side in SIDES if (name := request.GET.get(side)) in names and writes},
        "document_is_empty": opened.tab != "yaml" and not stages,
        "problems": [(each, _tab(each)) for each in problems],
        "graph": _graph(drawn, opened.stage, shown["graph"].marks if shown else _marks(problems)),
        "sample": sample,
        "tried": run,
    }
    if opened.card is None:
        return context
    scope = sample.scope(document, opened.stage, reading.definition)
    opened.card.notes.values = sample.values(opened.card.part, opened.stage, scope)
    opened.card.notes.offered = offered(
        document, opened.stage, drawn, sorted({*known} - {opened.pipeline.name})
    )
    opened.card.note(problems)
    named = editing.references(document, opened.stage, processor_specs()) if opened.stage else ()
    return context | {"references": named}


def _is_of(run: Run | None, reading: PipelineReading) -> bool:
    """Return whether a run is one of the draft as it is now."""
    if run is None or reading.definition is None or reading.problems:
        return False
    return bool(run.request.get("definition") == reading.definition.model_dump(mode="json"))


def _marks(problems: Sequence[Problem]) -> Mapping[str, NodeMark]:
    counts = Counter(problem.stage for problem in problems)
    return {name: NodeMark(state="failed", words=counted(n, "problem")) for name, n in counts.items()}


def _graph(drawn: Pipeline | None, chosen: str, marks: Mapping[str, NodeMark]) -> dict[str, Any] | None:
    """Return the narrower drawing of the graph, as far as it can be drawn."""
    if drawn is None:
        return None
    graph = pipeline_graph(drawn, marks, chosen)
    return {"title": graph.title, "sides": [min(graph.sides, key=lambda side: side.drawing.width)]}


def _tab(problem: Problem) -> str:
    """Return the tab on which a problem is mended."""
    return TAB_OF.get(problem.field.split(".")[0].split("[")[0], "does") if problem.path else "yaml"
