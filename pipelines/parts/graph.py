"""The graph of a pipeline as pages draw it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from orchestration.runs.parts.graphs import UNKNOWN, GraphView, NodeMark
from pipelines.engine.definition import Pipeline, Stage
from pipelines.engine.processors import PROCESSORS

ICONS = {
    "model": "brain",
    "transform": "adjustments-horizontal",
    "validate": "check",
    "tool": "bolt",
    "branch": "git-branch",
    "map": "list-numbers",
    "aggregate": "scale",
    "pipeline": "route",
    "run": "player-play",
    "session": "users",
    "human": "user-circle",
    "wait": "hourglass",
}


def pipeline_graph(pipeline: Pipeline, marks: Mapping[str, NodeMark], chosen: str) -> GraphView:
    """Return the graph of a pipeline with what is known of its stages, one of them chosen."""
    kinds = {}
    for stage in pipeline.stages:
        known = PROCESSORS.get(stage.processor)
        title = known.title if known is not None else stage.processor
        kinds[stage.id] = title, ICONS.get(stage.processor, UNKNOWN)
    labels = {(stage.id, to): words for stage in pipeline.stages for to, words in _cases(stage).items()}
    title = pipeline.title or pipeline.name
    return GraphView(
        title=title, graph=pipeline.graph, kinds=kinds, labels=labels, marks=marks, chosen=chosen
    )


def _cases(stage: Stage) -> Mapping[str, str]:
    """Return when a branch chooses each stage, as it is written."""
    found: dict[str, list[str]] = defaultdict(list)
    cases = stage.options.get("cases") if stage.choices else ()
    for case in cases if isinstance(cases, list) else ():
        if isinstance(case, dict):
            found[str(case.get("to"))].append(str(case.get("when", "")))
    found[str(stage.options.get("default"))].append("otherwise")
    return {target: " or ".join(filter(None, words)) for target, words in found.items()}
