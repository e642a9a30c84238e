"""Graphs of stages for tests: written by hand, and any at all."""

from __future__ import annotations

from hypothesis import strategies as st

from orchestration.graphs.graph import Graph, GraphNode, Join


def graph(**needs: str) -> Graph:
    """Return a graph of stages, each with the names that it needs."""
    return Graph(nodes=tuple(GraphNode(id=name, needs=tuple(given.split())) for name, given in needs.items()))


def settled_before(graph: Graph, name: str) -> set[str]:
    """Return the stages that have certainly ended when one starts."""
    return {node.id for node in graph.nodes if graph.has_ended(node.id, name)}


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Return any graph without a circle, written in any order, with branches and jumps."""
    count = draw(st.integers(1, 12))
    names = [f"s{place}" for place in range(count)]
    nodes = []
    for place, name in enumerate(names):
        earlier, later = names[:place], names[place + 1 :]
        needs = draw(st.lists(st.sampled_from(earlier), max_size=4, unique=True)) if earlier else []
        choices = draw(st.lists(st.sampled_from(later), max_size=2, unique=True)) if later else []
        node = GraphNode(
            id=name,
            needs=tuple(needs),
            join=draw(st.sampled_from(Join)),
            quorum=draw(st.integers(1, max(1, len(needs)))),
            parallel=draw(st.booleans()),
            choices=tuple(choices),
            jump=draw(st.sampled_from(["", *later])),
        )
        nodes.append(node)
    return Graph(nodes=tuple(draw(st.permutations(nodes))))
