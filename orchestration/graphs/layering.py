"""The layered layout of a graph: which layer, which order in it, which place across.

After Sugiyama: each node stands in a layer after all it waits for, a line that passes a layer has a bend in
it, the order inside the layers is chosen by barycentres so that few lines cross, and everything is drawn
towards its neighbours as far as order and gaps allow. Lengths are pixels.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import accumulate, pairwise
from statistics import fmean

from orchestration.graphs.graph import Graph

BETWEEN, BESIDE_LINE = 16.0, 12.0
MOST_PARTS = 2500
"""Bends and lines that are drawn; the longest lines beyond it are left out."""
MOST_SWEEPS = 8
STRAIGHT = 12
"""How much more a line counts that is the only one of both its points: rows and long lines are straight."""


class EdgeKind(StrEnum):
    """What a line means. One that is `BACKWARD` closes a circle, which is an error of the definition."""

    NEED = "need"
    BRANCH = "branch"
    JUMP = "jump"
    BACKWARD = "backward"


@dataclass(slots=True, eq=False)
class Point:
    """A box, or a bend of a line, in its layer, between its neighbours in the layers before and after.

    Only a node has a name, only a box has breadth. `middle` is its place across the layers.
    """

    name: str
    layer: int
    breadth: float = 0.0
    place: int = 0
    middle: float = 0.0
    before: list[Point] = field(default_factory=list)
    after: list[Point] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Line:
    """A line between two boxes, through its bends."""

    kind: EdgeKind
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Layering:
    """A graph in layers: the input, the nodes as written, the output; and the lines that are drawn.

    `hidden` lines were too many.
    """

    boxes: Sequence[Point]
    lines: Sequence[Line]
    hidden: int
    breadth: float

    @property
    def depth(self) -> int:
        """How many layers there are."""
        return self.boxes[-1].layer + 1


def layering(graph: Graph, *, node: float, end: float) -> Layering:
    """Lay out a graph whose nodes, and whose input and output, are so broad; those on a circle, too."""
    boxes = _boxes(graph, node, end)
    edges = sorted(_edges(graph, boxes), key=lambda edge: abs(_span(edge)))
    layers: list[list[Point]] = [[] for _ in range(boxes[-1].layer + 1)]
    for point in boxes:
        layers[point.layer].append(point)
    lines = tuple(_laid(edges, layers))
    breadth = _place(_ordered(layers))
    return Layering(boxes, lines, len(edges) - len(lines), breadth)


def _boxes(graph: Graph, breadth: float, end: float) -> list[Point]:
    """Return the input, the nodes and the output; of a circle, what is written later comes later."""
    depths: dict[str, int] = {}
    for name in dict.fromkeys((*graph.order, *(node.id for node in graph.nodes))):
        depths[name] = max((depths.get(each, 0) for each in graph.waits_for[name]), default=0) + 1
    inner = [Point(node.id, depths[node.id], breadth) for node in graph.nodes]
    return [Point("", 0, end), *inner, Point("", max(depths.values(), default=0) + 1, end)]


def _edges(graph: Graph, boxes: Sequence[Point]) -> Iterator[Line]:
    """Yield each line once, without bends; that of a branch stands for the need of the same node."""
    start, *inner, end = boxes
    named = {point.name: point for point in inner}
    leads_on: set[Point] = set()
    for node, point in zip(graph.nodes, inner, strict=True):
        branches = graph.branches[node.id]
        kinds = dict.fromkeys(node.needs, EdgeKind.NEED) | dict.fromkeys(branches, EdgeKind.BRANCH)
        before = {named[each]: kind for each, kind in kinds.items() if each in named and each != node.id}
        leads_on.update(before)
        yield from (_edge(source, point, kind) for source, kind in before.items())
        if node.jump in named and node.jump != node.id:
            yield _edge(point, named[node.jump], EdgeKind.JUMP)
        if not graph.waits_for[node.id]:
            yield _edge(start, point, EdgeKind.NEED)
    yield from (_edge(point, end, EdgeKind.NEED) for point in inner if point not in leads_on)


def _edge(source: Point, target: Point, kind: EdgeKind) -> Line:
    return Line(kind if target.layer > source.layer else EdgeKind.BACKWARD, (source, target))


def _span(edge: Line) -> int:
    """Return by how many layers a line leads on."""
    return edge.points[-1].layer - edge.points[0].layer


def _laid(edges: Sequence[Line], layers: Sequence[list[Point]]) -> Iterator[Line]:
    """Yield the lines that are drawn; each adds its bends to the layers that it passes."""
    parts = 0
    for edge in edges:
        parts += max(1, _span(edge))
        if parts > MOST_PARTS:
            return
        source, target = edge.points
        bends = [Point("", layer) for layer in range(source.layer + 1, target.layer)]
        for bend in bends:
            layers[bend.layer].append(bend)
        points = (source, *bends, target)
        for one, other in pairwise(points) if edge.kind is not EdgeKind.BACKWARD else ():
            one.after.append(other)
            other.before.append(one)
        yield Line(edge.kind, points)


def _ordered(layers: list[list[Point]]) -> list[list[Point]]:
    """Order the layers by the mean places of neighbours, back and forth; return the best order of all."""
    best, fewest = _counted(layers)
    for sweep in range(MOST_SWEEPS):
        if not fewest:
            break
        forth = sweep % 2 == 0
        for layer in layers if forth else reversed(layers):
            sides = ((point, point.before if forth else point.after) for point in layer)
            means = {
                point: fmean(each.place for each in side) if side else point.place for point, side in sides
            }
            layer.sort(key=means.__getitem__)
            for place, point in enumerate(layer):
                point.place = place
        found, crossings = _counted(layers)
        if crossings < fewest:
            best, fewest = found, crossings
    return best


def _counted(layers: list[list[Point]]) -> tuple[list[list[Point]], int]:
    """Give each point its number in its layer; return a copy of the order, and how often its lines cross."""
    for layer in layers:
        for place, point in enumerate(layer):
            point.place = place
    count = 0
    for layer in layers:
        passed: list[int] = []
        for point in layer:
            ends = [each.place for each in point.after]
            count += sum(len(passed) - bisect_right(passed, end) for end in ends)
            for end in ends:
                insort(passed, end)
    return [list(layer) for layer in layers], count


def _place(layers: Sequence[Sequence[Point]]) -> float:
    """Draw each point towards its neighbours: those before it, those after it, at last all of them.

    Return how broad the whole is, from 0 on.
    """
    for sides in ("before", "after", "before", "after", "all", "all", "all"):
        for layer in reversed(layers) if sides == "after" else layers:
            _spread(layer, [_wanted(point, sides) for point in layer])
    points = [point for layer in layers for point in layer]
    least = min(point.middle - point.breadth / 2 for point in points)
    for point in points:
        point.middle = round(point.middle - least, 1)
    return max(point.middle + point.breadth / 2 for point in points)


def _wanted(point: Point, sides: str) -> float:
    """Return the mean of the places of a point's neighbours; an only line between two counts for more."""
    before = [(each, len(each.after)) for each in point.before] if sides != "after" else []
    after = [(each, len(each.before)) for each in point.after] if sides != "before" else []
    near = [
        (each.middle, 1 if lines > 1 or len(side) > 1 else STRAIGHT)
        for side in (before, after)
        for each, lines in side
    ]
    total = sum(weight for _, weight in near)
    return sum(middle * weight for middle, weight in near) / total if total else point.middle


def _spread(layer: Sequence[Point], wanted: Sequence[float]) -> None:
    """Place the points of a layer as near as can be to where each is wanted, in order and with gaps.

    The squares of the distances are least: pool adjacent violators, on the places less the gaps before them.
    """
    gaps = (
        (one.breadth + other.breadth) / 2 + (BETWEEN if one.breadth and other.breadth else BESIDE_LINE)
        for one, other in pairwise(layer)
    )
    offsets = list(accumulate(gaps, initial=0.0))
    blocks: list[tuple[float, int]] = []  # the sum of the places of points that touch, and their number
    for place, offset in zip(wanted, offsets, strict=True):
        block = (place - offset, 1)
        while blocks and blocks[-1][0] * block[1] >= block[0] * blocks[-1][1]:
            last = blocks.pop()
            block = (last[0] + block[0], last[1] + block[1])
        blocks.append(block)
    middles = (total / size for total, size in blocks for _ in range(size))
    for point, middle, offset in zip(layer, middles, offsets, strict=True):
        point.middle = middle + offset
