"""The graph of a pipeline as pages draw it: stages as links, lines, once to the right and once down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from pipelines.engine.definition import Pipeline, Stage
from pipelines.engine.drawing import Drawing, DrawnBox, DrawnLine, drawing
from pipelines.engine.layering import EdgeKind
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
LONGEST_LABEL = 15
SHRINKS, FITS = 960, 1400
"""Widths in pixels up to which a drawing may become as narrow as the page, and a quarter smaller."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StageMark:
    """What a graph says of a stage: a state that `{% state %}` knows, and in other words than its own."""

    state: str = ""
    words: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class GraphStage:
    """A stage in a drawing."""

    name: str
    processor: str
    icon: str
    mark: StageMark
    chosen: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class GraphLabel:
    """What stands at a line of a branch: when it is taken, in full and shortened."""

    line: DrawnLine
    text: str

    @property
    def short(self) -> str:
        """The beginning of a long text."""
        return self.text if len(self.text) <= LONGEST_LABEL else f"{self.text[: LONGEST_LABEL - 1]}…"


@dataclass(frozen=True, kw_only=True)
class GraphSide:
    """One drawing of a graph; `name` is its direction."""

    name: str
    drawing: Drawing
    stages: tuple[tuple[DrawnBox, GraphStage], ...]
    labels: tuple[GraphLabel, ...]

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

    @cached_property
    def sides(self) -> tuple[GraphSide, ...]:
        """The drawings: to the right, and down for narrow screens."""
        return tuple(self._side(down=down) for down in (False, True))

    def _side(self, *, down: bool) -> GraphSide:
        drawn = drawing(self.pipeline.graph, down=down)
        conditions = {
            (stage.id, target): " or ".join(words)
            for stage in self.pipeline.stages
            for target, words in _conditions(stage).items()
        }
        labels = (
            GraphLabel(line=line, text=conditions.get((line.source, line.target), ""))
            for line in drawn.lines
            if line.kind is EdgeKind.BRANCH
        )
        return GraphSide(
            name="down" if down else "right",
            drawing=drawn,
            stages=tuple((box, self.stages[box.name]) for box in drawn.stages),
            labels=tuple(label for label in labels if label.text),
        )

    def _stage(self, stage: Stage) -> GraphStage:
        processor = PROCESSORS.get(stage.processor)
        return GraphStage(
            name=stage.id,
            processor=processor.title if processor is not None else stage.processor,
            icon=ICONS.get(stage.processor, "circle-dashed"),
            mark=self.marks.get(stage.id) or StageMark(),
            chosen=stage.id == self.chosen,
        )


def _conditions(stage: Stage) -> Mapping[str, list[str]]:
    """Return when each stage is chosen by a branch, as it is written."""
    found: dict[str, list[str]] = {}
    for target, words in _cases(stage):
        found.setdefault(target, []).append(words)
    return found


def _cases(stage: Stage) -> Iterator[tuple[str, str]]:
    cases = stage.options.get("cases") if stage.choices else None
    for case in cases if isinstance(cases, list) else ():
        if isinstance(case, dict) and isinstance(case.get("to"), str):
            yield case["to"], str(case.get("when", ""))
    if stage.choices and isinstance(default := stage.options.get("default"), str):
        yield default, "otherwise"
