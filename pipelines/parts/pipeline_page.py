"""What the run page shows of a pipeline: its graph, one of its stages, and what each stage took and cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.urls import reverse

from orchestration.graphs.scheduling import EndStatus
from orchestration.runs.engine.types import EventKind
from orchestration.runs.kinds import CALL_EVENTS, END_EVENTS, START_EVENTS, KindPage, Redraw, Section
from orchestration.runs.models import Event, Run, RunStatus
from orchestration.runs.parts.graphs import GraphView
from orchestration.runs.parts.values import ShownValue
from orchestration.runs.parts.waterfall import Waterfall, elapsed_s, span_waterfall
from orchestration.runs.selectors.run_state import RunState
from orchestration.strategies.engine.types import StrategyEvent, counted
from pipelines.engine.definition import Pipeline, pipeline_from
from pipelines.engine.stages import STAGE_STARTED
from pipelines.parts.graph import pipeline_graph
from pipelines.parts.stages import CACHED, RunStage, RunStages, stage_panel

STAGE_EVENTS = frozenset(
    {STAGE_STARTED, EventKind.STEP_ENDED}
    | {EventKind.QUESTION_ASKED, EventKind.QUESTION_ANSWERED, EventKind.ANSWER_WITHDRAWN}
)
MOMENTS = {
    "joined": "Which stages it follows",
    "cache": "Whether an earlier result is used",
    "timeout": "Its time was up",
    "failed": "It failed",
    "pipeline.started": "What it was started with",
    "pipeline.failed": "The pipeline failed",
}


class PipelinePage(KindPage):
    """The page of a run of one pipeline."""

    template = "pipelines/run_sections.html"
    sentence = "pipelines/_run_sentence.html"
    stylesheets = ("css/graph.css", "css/pipeline_run.css", "css/ballots.css")
    sections = (Section(name="run-graph"), Section(name="chosen-stage"), Section(name="run-stage"))
    details = (Section(name="run-stages"),)
    sentences: Mapping[str, str] = {
        kind: f"pipelines/events/{kind}.html" for kind in (STAGE_STARTED, EventKind.STEP_ENDED.value)
    }
    remembered = frozenset({STAGE_STARTED, *StrategyEvent})
    advice: Mapping[str, str] = {
        "stage_failed": "Look at the stage below: resume from it, or put another value in its place."
    }

    def context(self, state: RunState, now: datetime) -> dict[str, Any]:
        """Return the graph, the stage to look at, and what the stages took."""
        pipeline = frozen_pipeline(state.run)
        if pipeline is None:
            return {"calls": state.calls}
        stages = RunStages(state, pipeline)
        failed = [each.key for each in stages.own if each.state == EndStatus.FAILED and not each.handled]
        output, number = state.run.output, state.run.request.get("version")
        return {
            "graph": pipeline_graph(pipeline, stages.marks, stages.focus),
            "panel": stage_panel(state, pipeline, stages, stages.focus, now),
            "stages": stages.own,
            "ended": sum(stage.seconds is not None for stage in stages.own),
            "running": [stage.key for stage in stages.own if stage.state == RunStatus.RUNNING],
            "waiting": [stage.key for stage in stages.own if stage.state == RunStatus.WAITING],
            "own_table": True,
            "path": _path(stages.own, elapsed_s(state, now) or 0.0),
            "verdict": _verdict(stages.own),
            "answer_text": "" if output is None or isinstance(output, str) else ShownValue(output).markdown,
            "shortfall": _failures(failed) if state.run.caveat else "",
            "method_words": f"version {number}" if number is not None else "draft",
        }

    def chosen(self, state: RunState, query: Mapping[str, str], now: datetime) -> dict[str, Any]:
        """Return the stage that the page's address names."""
        key, pipeline = query.get("stage", ""), frozen_pipeline(state.run)
        if not key or pipeline is None:
            return {}
        stages = RunStages(state, pipeline)
        graph = pipeline_graph(pipeline, stages.marks, key)
        return {"graph": graph, "chosen": stage_panel(state, pipeline, stages, key, now)}

    def redraw(self, events: Sequence[Event], context: Mapping[str, Any]) -> Redraw:
        """Return the stages in the graph that events change, at the end all, and the sections."""
        if "graph" not in context:
            return Redraw()
        graph: GraphView = context["graph"]
        kinds = {event.kind for event in events}
        names = dict.fromkeys(event.step.partition("/")[0] for event in events if event.kind in STAGE_EVENTS)
        if kinds & (START_EVENTS | END_EVENTS):
            names = dict.fromkeys(graph.nodes)
        nodes = [
            ("graph-node", {"node": graph.nodes[name], "side": side})
            for name in names
            for side in graph.directions
            if name in graph.nodes
        ]
        if not names and not kinds & CALL_EVENTS:
            return Redraw()
        lanes = panel.model["lanes"] if (panel := context["panel"]) and panel.model else ()
        return Redraw(
            sections=frozenset({"run-stage", "run-stages"}),
            pieces=nodes,
            calls=frozenset(lane.call for lane in lanes if lane.streams),
        )

    def is_elsewhere(self, decision: Mapping[str, Any], context: Mapping[str, Any]) -> bool:  # noqa: ARG002
        """Return that each decision stands with the stage that made it."""
        return True

    def moment(self, step: str) -> str:
        """Return in words what was decided at a step."""
        return MOMENTS.get(step, "")

    def start_address(self) -> str:
        """Return the list of pipelines."""
        return reverse("pipelines:list")

    def change_address(self, run: Run) -> str:
        """Return the page where the pipeline is run, filled in with the input of `run`."""
        return f"{reverse('pipelines:run', args=[run.ref])}?from={run.pk}"


def frozen_pipeline(run: Run) -> Pipeline | None:
    """Return the pipeline that a run was started with, None where this version cannot read it."""
    return pipeline_from(run.request.get("definition"))[0]


def _verdict(stages: Sequence[RunStage]) -> str:
    """Return in words how the stages ended."""
    states = Counter("succeeded" if stage.state == CACHED else stage.state for stage in stages)
    words = [f"{states['succeeded']} of {counted(len(stages), 'stage')} succeeded"]
    return ", ".join(words + [f"{states[each]} {each}" for each in ("failed", "skipped") if states[each]])


def _failures(names: Sequence[str]) -> str:
    return f"Failed: {', '.join(names)}. The output was made without {'it' if len(names) == 1 else 'them'}."


def _path(stages: Iterable[RunStage], whole: float) -> Waterfall:
    """Return the stages that have run, and not in an earlier run, as bars."""
    ran = [stage for stage in stages if stage.seconds is not None and stage.attempts and not stage.kept]
    spans = [(stage.name, "", stage.state, stage.started_s, stage.seconds or 0.0) for stage in ran]
    return span_waterfall(spans, whole)
