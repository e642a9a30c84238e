"""The editor of a pipeline: its graph, the card of a stage, the YAML of the draft, and a try on a sample."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods

from orchestra_site.accounts.access import MemberRequest
from orchestra_site.accounts.models import Membership
from orchestration.expressions.documents import read_document
from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.listed import Document
from orchestration.library.services.definitions import save_draft
from orchestration.library.views.editor import YAML, Act, DefinitionEditor, Opened, PlacedProblem
from orchestration.library.views.versions import READ_OR_SEND
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
from pipelines.engine.editing import STAGES
from pipelines.engine.processors import PROCESSORS
from pipelines.engine.upgrades import upgraded
from pipelines.forms.cards import TAB_OF, TABS, TRIED, Card, offered
from pipelines.parts.graph import pipeline_graph
from pipelines.parts.sample import team_sample
from pipelines.selectors import KIND, PIPELINES, PipelineReading, TeamPipelines, processor_specs

PANEL_SIZE = 3
SIDES = ("after", "before")


class PipelineEditor(DefinitionEditor):
    """Stages as parts, beside a graph and a sample."""

    kind = PIPELINES
    page = "pipelines/pipeline_edit.html"
    word = "stage"
    listed = STAGES
    part_tabs = whole_tabs = TABS

    def read(self, text: str) -> Json:
        """Return what a draft says, in the newest schema version."""
        return upgraded(super().read(text))[0]

    @property
    def acts(self) -> Mapping[str, Act]:
        """Storing a sample, and trying the draft on it."""
        return {"sample": self._take_sample, "try": self._try}

    def card(self, membership: Membership, document: Document, part: str, tab: str) -> Card:
        """Return the card of a stage."""
        return Card(document, part, tab, read_only=not membership.may_run)

    def mended(self, old: Document, new: Document) -> Document:
        """Return a stage with the options that its new processor begins with."""
        if new.get("processor") == old.get("processor"):
            return new
        rest = {name: value for name, value in new.items() if name != "options"}
        spec = processor_specs().get(str(new.get("processor")))
        made = editing.new_stage({STAGES: [old]}, spec) if spec is not None else {}
        return rest | ({"options": made["options"]} if "options" in made else {})

    def added(self, document: Document, data: QueryDict) -> tuple[Document, str]:
        """Return a document with a stage after another one, before one, between two, or at the end."""
        spec = processor_specs().get(data.get("processor", ""))
        if spec is None:
            raise InvalidRequest("Choose what the new stage does.")
        new, names = editing.new_stage(document, spec), [stage["id"] for stage in editing.stages_in(document)]
        after, before = (data.get(side, "") if data.get(side) in names else "" for side in SIDES)
        if before:
            return editing.added_between(document, new, after, before), new["id"]
        return editing.added_after(document, new, after or (names[-1] if names else "")), new["id"]

    def duplicated(self, document: Document, part: str) -> tuple[Document, str]:
        """Return a document with a copy of a stage behind it."""
        return editing.duplicated(document, part)

    def removed(self, document: Document, part: str) -> Document:
        """Return a document without a stage."""
        return editing.removed(document, part)

    def renamed(self, document: Document, part: str, new: str) -> Document:
        """Return a document in which a stage has another name, wherever it is named."""
        return editing.renamed(document, part, new, processor_specs())

    def context(self, request: MemberRequest, opened: Opened) -> dict[str, Any]:
        """Return what the page shows; of a run of this very draft on the sample what the run's page does."""
        document, known = opened.written, TeamPipelines(request.membership)
        sample = team_sample(request.membership, opened.definition, document)
        reading = PIPELINES.check(document, known, name=opened.definition.name)
        problems = reading.problems if opened.fault is None else (problem_at(str(opened.fault)),)
        drawn = reading.definition or editing.outline(document)
        run = sample.run if _is_of(sample.run, reading) else None
        shown = page_content(request, run) if run is not None else {}
        stages = editing.stages_in(document)
        names, writes = {stage["id"] for stage in stages}, not opened.read_only
        is_asked = request.method != "POST" and request.GET.keys() & {"stage", "tab"} == {"stage"}
        if run is not None and is_asked:
            opened = replace(opened, tab=TRIED)
        context = shown | {
            "opened": opened,
            "tabs": [
                (name, word) for name, word in TABS.items() if name != TRIED or run or opened.tab == TRIED
            ],
            "processors": PROCESSORS.values(),
            "stages": stages,
            "newest": stages[-1]["id"] if stages else "",
            "adding": {side: name for side in SIDES if (name := request.GET.get(side)) in names and writes},
            "document_is_empty": opened.tab != YAML and not stages,
            "problems": [_placed(each) for each in problems],
            "graph": _graph(drawn, opened.part, shown["graph"].marks if shown else _marks(problems)),
            "sample": sample,
            "tried": run,
        }
        if opened.card is None:
            return context
        scope = sample.scope(document, opened.part, reading.definition)
        opened.card.notes.values = sample.values(opened.card.part, opened.part, scope)
        opened.card.notes.offered = offered(
            document, opened.part, drawn, sorted({*known} - {opened.definition.name})
        )
        named = editing.references(document, opened.part, processor_specs()) if opened.part else ()
        return context | {"references": named}

    def _take_sample(self, request: MemberRequest, opened: Opened) -> HttpResponse:
        """Store the input to try the draft on. Raises `InvalidRequest`."""
        pipeline = opened.definition
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
        return redirect(self.address(replace(opened, definition=saved)))

    def _try(self, request: MemberRequest, opened: Opened) -> HttpResponse:
        """Run the draft on the sample and show that in its graph; without htmx, on the run's own page."""
        simulated = request.POST.get("models") != "real"
        sample = team_sample(request.membership, opened.definition, opened.written)
        models = usable_models(request.membership)
        usable = [each.name for each in models if (each.provider.kind == ProviderKind.SIMULATED) == simulated]
        payload: dict[str, Json] = {
            "pipeline": opened.definition.name,
            "version": "draft",
            "input": sample.input,
            "models": usable[:PANEL_SIZE],
        }
        run = start_run(membership=request.membership, kind=KIND, payload=payload)
        if "HX-Request" in request.headers:
            return self.show(request, replace(opened, part="", tab=TRIED))
        return HttpResponse(status=HTTPStatus.SEE_OTHER, headers={"Location": path_of(run)})


EDITOR = PipelineEditor()


@require_http_methods(READ_OR_SEND)
def editor(request: MemberRequest, name: str) -> HttpResponse:
    """Show the draft of a pipeline; a POST changes it, stores its text or its sample, or tries it."""
    return EDITOR.edit(request, name)


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


def _placed(problem: Problem) -> PlacedProblem:
    """Return a problem with the tab on which it is mended."""
    field = problem.field.split(".")[0].split("[")[0]
    return PlacedProblem(
        part=problem.stage,
        tab=TAB_OF.get(field, "does") if problem.path else YAML,
        field=problem.field,
        label=" · ".join(filter(None, [problem.stage, problem.field or "the definition"])),
        message=problem.message,
    )
