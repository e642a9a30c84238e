"""The order of stages: what has ended before each, circles, and what a stage may read."""

from __future__ import annotations

import pytest
from hypothesis import given

from orchestration.graphs.graph import Graph, GraphNode, Join
from tests.support.graphs import graph, graphs, settled_before

DIAMOND = graph(a="", b="a", c="a", d="b c")


def test_stages_come_after_what_they_need_and_otherwise_as_written() -> None:
    assert DIAMOND.order == ("a", "b", "c", "d")
    assert graph(d="b c", b="a", c="a", a="").order == ("a", "b", "c", "d")
    assert graph(x="", y="", z="").order == ("x", "y", "z")


def test_the_stages_after_one_are_those_that_wait_for_it() -> None:
    assert DIAMOND.leads_to == {"a": ("b", "c"), "b": ("d",), "c": ("d",), "d": ()}


def test_what_follows_a_stage_waits_for_it_or_for_others_that_do() -> None:
    assert DIAMOND.following("a") == {"b", "c", "d"}
    assert (DIAMOND.following("b"), DIAMOND.following("d")) == (frozenset("d"), frozenset())
    assert graph(a="b", b="a").following("a") == {"a", "b"}


@pytest.mark.parametrize(
    ("stages", "cycle"),
    [
        ({"a": "", "b": "a"}, ()),
        ({"a": "b", "b": "a"}, ("a", "b", "a")),
        ({"a": "c", "b": "a", "c": "b", "d": "c"}, ("a", "b", "c", "a")),
        ({"x": "", "d": "c", "a": "b", "b": "a", "c": "b"}, ("b", "a", "b")),
    ],
)
def test_a_circle_is_named_in_the_direction_of_the_run(
    stages: dict[str, str], cycle: tuple[str, ...]
) -> None:
    found = graph(**stages)
    assert found.cycle == cycle
    assert bool(cycle) == (len(found.order) < len(found.nodes))
    assert all(settled_before(found, stage) == frozenset() for stage in cycle)


def test_branches_and_jumps_order_stages_too() -> None:
    nodes = (
        GraphNode(id="route", choices=("left", "right")),
        GraphNode(id="left", jump="mend"),
        GraphNode(id="right"),
        GraphNode(id="mend", needs=("right",)),
    )
    found = Graph(nodes=nodes)
    assert found.waits_for["left"] == ("route",)
    assert settled_before(found, "mend") == {"route", "left", "right"}
    assert (found.branches["left"], found.branches["mend"]) == (("route",), ())
    assert (found.routers["left"], found.routers["mend"]) == (("route",), ("left",))
    assert Graph(nodes=(GraphNode(id="a", jump="b"), GraphNode(id="b", choices=("a",)))).cycle == (
        "a",
        "b",
        "a",
    )


def test_names_that_no_stage_has_are_left_out() -> None:
    nodes = (GraphNode(id="a", needs=("a", "gone"), choices=("gone", "a"), jump="gone"),)
    assert Graph(nodes=nodes).waits_for == {"a": ()}


def joined(join: Join) -> Graph:
    nodes = (GraphNode(id="a"), GraphNode(id="b", needs=("a",)), GraphNode(id="c", needs=("a",)))
    return Graph(nodes=(*nodes, GraphNode(id="d", needs=("b", "c"), join=join)))


def test_a_stage_may_read_what_has_certainly_ended() -> None:
    assert settled_before(joined(Join.ALL), "d") == {"a", "b", "c"}
    for join in (Join.ANY, Join.FIRST_SUCCESS, Join.QUORUM):
        assert settled_before(joined(join), "d") == {"a"}
    assert settled_before(
        Graph(nodes=(GraphNode(id="a"), GraphNode(id="b", needs=("a",), join=Join.ANY))), "b"
    ) == {"a"}


def test_two_stages_are_ordered_when_one_has_always_ended_before_the_other() -> None:
    assert DIAMOND.are_ordered("a", "d")
    assert DIAMOND.are_ordered("d", "b")
    assert not DIAMOND.are_ordered("b", "c")
    assert not joined(Join.ANY).are_ordered("b", "d")


@given(graphs())
def test_the_order_keeps_every_need_and_leaves_nothing_out(found: Graph) -> None:
    place = {stage: number for number, stage in enumerate(found.order)}
    assert len(place) == len(found.nodes)
    assert found.cycle == ()
    assert all(place[before] < place[stage] for stage, all_ in found.waits_for.items() for before in all_)


@given(graphs())
def test_what_has_certainly_ended_lies_before(found: Graph) -> None:
    for node in found.nodes:
        settled = settled_before(found, node.id)
        assert settled <= set(found.order[: found.order.index(node.id)])
        assert all(settled_before(found, each) <= settled for each in settled)


def test_five_hundred_stages_in_a_row_and_side_by_side_are_ordered() -> None:
    row = Graph(nodes=tuple(GraphNode(id=f"s{n}", needs=(f"s{n - 1}",) if n else ()) for n in range(500)))
    assert len(settled_before(row, "s499")) == 499
    wide = Graph(
        nodes=(*(GraphNode(id=f"s{n}") for n in range(499)), GraphNode(id="all", needs=row.order[:499]))
    )
    assert len(settled_before(wide, "all")) == 499
