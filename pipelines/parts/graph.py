"""The graph of a pipeline as pages draw it: stages as links, lines, once to the right and once down."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from orchestra_site.web.templatetags.ui import LOOKS, StateLook
from orchestration.graphs.drawing import Drawing, DrawnBox, DrawnLine, drawing
from orchestration.graphs.layering import EdgeKind
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
UNKNOWN = "circle-dashed"
RIGHT, DOWN = "right", "down"
MOST_TWICE = 150
"""Stages of a graph that is drawn in both directions."""
SHRINKS, FITS = 960, 1400
"""Widths in pixels up to which a drawing may become as narrow as the page, and a quarter smaller."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StageMark:
    """What a graph says of a stage: a state that has a look, and other words than its own."""

    state: str = ""
    words: str = ""

    @property
    def look(self) -> StateLook:
        """How the state looks; a graph of many stages has no time for the tag that draws it elsewhere."""
        return LOOKS.get(self.state) or StateLook(UNKNOWN, self.state, "queued")


@dataclass(frozen=True, kw_only=True, slots=True)
class GraphStage:
    """A stage in a drawing."""

    name: str
    processor: str
    icon: str
    mark: StageMark
    chosen: bool


@dataclass(frozen=True, kw_only=True)
class GraphSide:
    """One drawing of a graph; `name` is its direction, `labels` stand at the lines of branches."""

    name: str
    drawing: Drawing
    stages: tuple[tuple[DrawnBox, GraphStage], ...]
    labels: tuple[tuple[DrawnLine, str], ...]

    @property
    def fit(self) -> str:
        """How the drawing fits into a narrower page: it shrinks, shrinks a little, or is scrolled."""
        width = self.drawing.width
        return "shrinks" if width <= SHRINKS else "fits" if width <= FITS else "scrolls"


@dataclass(frozen=True, kw_only=True)
class GraphView:
    """A pipeline's graph with what is known of its stages; it is drawn when a page shows it."""

    pipeline: Pipeline
    marks: Mapping[str, StageMark] = field(default_factory=dict)
    chosen: str = ""

    @cached_property
    def stages(self) -> Mapping[str, GraphStage]:
        """The stages by name."""
        return {stage.id: self._stage(stage) for stage in self.pipeline.stages}

    @property
    def directions(self) -> tuple[str, ...]:
        """To the right, and down for narrow screens; a large graph only to the right."""
        return (RIGHT, DOWN) if len(self.pipeline.stages) <= MOST_TWICE else (RIGHT,)

    @cached_property
    def sides(self) -> tuple[GraphSide, ...]:
        """The drawings."""
        cases = {stage.id: _cases(stage) for stage in self.pipeline.stages if stage.choices}
        return tuple(self._side(name, cases) for name in self.directions)

    def _side(self, name: str, cases: Mapping[str, Mapping[str, str]]) -> GraphSide:
        drawn = drawing(self.pipeline.graph, down=name == DOWN)
        branches = [line for line in drawn.lines if line.kind is EdgeKind.BRANCH]
        return GraphSide(
            name=name,
            drawing=drawn,
            stages=tuple((box, self.stages[box.name]) for box in drawn.nodes),
            labels=tuple((line, cases[line.source].get(line.target, "")) for line in branches),
        )

    def _stage(self, stage: Stage) -> GraphStage:
        processor = PROCESSORS.get(stage.processor)
        return GraphStage(
            name=stage.id,
            processor=processor.title if processor is not None else stage.processor,
            icon=ICONS.get(stage.processor, UNKNOWN),
            mark=self.marks.get(stage.id) or StageMark(),
            chosen=stage.id == self.chosen,
        )


def _cases(stage: Stage) -> Mapping[str, str]:
    """Return when a branch chooses each stage, as it is written."""
    found: dict[str, list[str]] = defaultdict(list)
    cases = stage.options.get("cases")
    for case in cases if isinstance(cases, list) else ():
        if isinstance(case, dict):
            found[str(case.get("to"))].append(str(case.get("when", "")))
    found[str(stage.options.get("default"))].append("otherwise")
    return {target: " or ".join(filter(None, words)) for target, words in found.items()}
