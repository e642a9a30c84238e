"""A graph with the states of its nodes, as pages draw it: nodes as links, lines, to the right and down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import quote

from orchestra_site.web.templatetags.ui import LOOKS, StateLook
from orchestration.graphs.drawing import Drawing, DrawnBox, DrawnLine, drawing
from orchestration.graphs.graph import Graph
from orchestration.graphs.layering import EdgeKind

UNKNOWN = "circle-dashed"
RIGHT, DOWN = "right", "down"
MOST_TWICE = 150
"""Nodes of a graph that is drawn in both directions."""
SHRINKS, FITS = 960, 1400
"""Widths in pixels up to which a drawing may become as narrow as the page, and a quarter smaller."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeMark:
    """What a graph says of a node: a state that has a look, and other words than its own."""

    state: str = ""
    words: str = ""

    @property
    def look(self) -> StateLook:
        """How the state looks; a graph of many nodes has no time for the tag that draws it elsewhere."""
        return LOOKS.get(self.state) or StateLook(UNKNOWN, self.state, "queued")


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownNode:
    """A node in a drawing; `kind` is what it is, in words, `title` what it is called, `address` its page."""

    name: str
    title: str
    address: str
    kind: str
    icon: str
    mark: NodeMark
    chosen: bool


@dataclass(frozen=True, kw_only=True)
class GraphSide:
    """One drawing of a graph; `name` is its direction, `labels` stand at the lines of branches.

    `gaps` are the lines on which a node can be put between two others.
    """

    name: str
    drawing: Drawing
    nodes: tuple[tuple[DrawnBox, ShownNode], ...]
    labels: tuple[tuple[DrawnLine, str], ...]

    @property
    def fit(self) -> str:
        """How the drawing fits into a narrower page: it shrinks, shrinks a little, or is scrolled."""
        width = self.drawing.width
        return "shrinks" if width <= SHRINKS else "fits" if width <= FITS else "scrolls"

    @property
    def gaps(self) -> list[DrawnLine]:
        """The lines of needs and branches."""
        return [line for line in self.drawing.lines if line.kind in {EdgeKind.NEED, EdgeKind.BRANCH}]


@dataclass(frozen=True, kw_only=True)
class GraphView:
    """A graph with what is known of its nodes; it is drawn when a page shows it.

    `kinds` has the words and the icon of each node, `labels` the words at lines by source and target,
    `titles` what nodes are called where that is not their name. `link` is the address of a node up to its
    name. A `narrow` one is drawn down only.
    """

    title: str
    graph: Graph
    kinds: Mapping[str, tuple[str, str]]
    labels: Mapping[tuple[str, str], str] = field(default_factory=dict)
    marks: Mapping[str, NodeMark] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    chosen: str = ""
    link: str = "?stage="
    narrow: bool = False

    @cached_property
    def nodes(self) -> Mapping[str, ShownNode]:
        """The nodes by name."""
        return {node.id: self._node(node.id) for node in self.graph.nodes}

    @property
    def directions(self) -> tuple[str, ...]:
        """To the right, and down for narrow screens; a large graph only to the right."""
        if self.narrow:
            return (DOWN,)
        return (RIGHT, DOWN) if len(self.graph.nodes) <= MOST_TWICE else (RIGHT,)

    @cached_property
    def sides(self) -> tuple[GraphSide, ...]:
        """The drawings."""
        return tuple(map(self._side, self.directions))

    def _side(self, name: str) -> GraphSide:
        drawn = drawing(self.graph, down=name == DOWN)
        branches = [line for line in drawn.lines if line.kind is EdgeKind.BRANCH]
        return GraphSide(
            name=name,
            drawing=drawn,
            nodes=tuple((box, self.nodes[box.name]) for box in drawn.nodes),
            labels=tuple((line, self.labels.get((line.source, line.target), "")) for line in branches),
        )

    def _node(self, name: str) -> ShownNode:
        kind, icon = self.kinds.get(name, ("", UNKNOWN))
        mark = self.marks.get(name) or NodeMark()
        return ShownNode(
            name=name,
            title=self.titles.get(name, name),
            address=f"{self.link}{quote(name)}",
            kind=kind,
            icon=icon,
            mark=mark,
            chosen=name == self.chosen,
        )
