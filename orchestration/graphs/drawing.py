"""A graph as a drawing: boxes, and the smooth lines between them, to the right or down.

Lengths are pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from orchestration.graphs.graph import Graph
from orchestration.graphs.layering import EdgeKind, Layering, Line, Point, layering

BOX, END = (150.0, 46.0), (76.0, 30.0)
"""Width and height of a node, and of the input and the output."""
MARGIN, BETWEEN_LAYERS, LABELLED = 8.0, 44.0, 96.0
LABEL_AT = (0.58, 0.65)
"""The place of a label on the curve of a line's first part, as shares of its length and breadth."""
ASIDE = 8.0
"""How far from the middle of its boxes a jump is drawn: another line may connect them, too."""
AROUND = 64.0
"""How far a backward line swings out of the way."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DrawnBox:
    """A node, or an end, which has no name; `x` and `y` are those of the upper left corner."""

    name: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, kw_only=True, slots=True)
class DrawnLine:
    """A line between two boxes as an SVG path, and a place for a label on its first part."""

    source: str
    target: str
    kind: EdgeKind
    path: str
    x: float
    y: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawing:
    """A drawn graph, its nodes in the order in which they are written. `hidden` lines are not drawn."""

    width: float
    height: float
    start: DrawnBox
    end: DrawnBox
    nodes: tuple[DrawnBox, ...]
    lines: tuple[DrawnLine, ...]
    hidden: int


def drawing(graph: Graph, *, down: bool = False) -> Drawing:
    """Draw a graph, to the right or down; what stands on a circle is drawn, too."""
    across = 0 if down else 1
    layout = layering(graph, node=BOX[across], end=END[across])
    geometry = _Geometry(layout, down=down)
    start, *nodes, end = map(geometry.box, layout.boxes)
    width, height = geometry.turned(geometry.length, geometry.breadth)
    return Drawing(
        width=width,
        height=height,
        start=start,
        end=end,
        nodes=tuple(nodes),
        lines=tuple(map(geometry.line, layout.lines)),
        hidden=layout.hidden,
    )


class _Geometry:
    """Where the points of a layout are."""

    def __init__(self, layout: Layering, *, down: bool) -> None:
        self._down = down
        labelled = {line.points[0].layer for line in layout.lines if line.kind is EdgeKind.BRANCH}
        gaps = (
            LABELLED if layer in labelled and not down else BETWEEN_LAYERS for layer in range(layout.depth)
        )
        node, end = BOX[down], END[down]
        self._lengths = [end, *[node] * (layout.depth - 2), end]
        sizes = (length + gap for length, gap in zip(self._lengths, gaps, strict=True))
        self._near = list(accumulate(sizes, initial=MARGIN))[:-1]
        self.length = self._far(layout.depth - 1) + MARGIN
        backward = any(line.kind is EdgeKind.BACKWARD for line in layout.lines)
        self.breadth = layout.breadth + 2 * MARGIN + AROUND * backward

    def box(self, point: Point) -> DrawnBox:
        """Return the box of a node or an end."""
        x, y = self.turned(self._near[point.layer], MARGIN + point.middle - point.breadth / 2)
        width, height = self.turned(self._lengths[point.layer], point.breadth)
        return DrawnBox(name=point.name, x=x, y=y, width=width, height=height)

    def line(self, line: Line) -> DrawnLine:
        """Return a line: straight where it passes a layer, curved between two."""
        places = [(point.layer, self._middle(point, line.kind)) for point in line.points]
        starts = [(self._far(layer), middle) for layer, middle in places[:-1]]
        ends = [(self._near[layer], middle) for layer, middle in places[1:]]
        (x, y), (to_x, to_y) = starts[0], ends[0]
        x, y = self.turned(x + (to_x - x) * LABEL_AT[0], y + (to_y - y) * LABEL_AT[1])
        return DrawnLine(
            source=line.points[0].name,
            target=line.points[-1].name,
            kind=line.kind,
            path=self._path(starts, ends, AROUND if line.kind is EdgeKind.BACKWARD else 0.0),
            x=x,
            y=y,
        )

    def turned(self, along: float, across: float) -> tuple[float, float]:
        """Return what lies along and across the layers as x and y."""
        return (across, along) if self._down else (along, across)

    def _path(
        self, starts: Sequence[tuple[float, float]], ends: Sequence[tuple[float, float]], swing: float
    ) -> str:
        path = ""
        for (x, y), (to_x, to_y) in zip(starts, ends, strict=True):
            reach = BETWEEN_LAYERS if swing else (to_x - x) / 2
            curve = ((x, y), (x + reach, y + swing), (to_x - reach, to_y + swing), (to_x, to_y))
            first, *rest = (f"{x:.9g},{y:.9g}" for x, y in (self.turned(*each) for each in curve))
            path += f"{'L' if path else 'M'}{first}C{' '.join(rest)}"
        return path

    def _middle(self, point: Point, kind: EdgeKind) -> float:
        return MARGIN + point.middle + (ASIDE if kind is EdgeKind.JUMP and point.breadth else 0.0)

    def _far(self, layer: int) -> float:
        return self._near[layer] + self._lengths[layer]
