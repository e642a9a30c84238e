"""The drawing of a graph: boxes that do not overlap, lines that lead from one to the other, few crossings."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.graphs.drawing import Drawing, DrawnBox, DrawnLine, drawing
from orchestration.graphs.graph import Graph, GraphNode
from orchestration.graphs.layering import MOST_PARTS, EdgeKind
from tests.support.graphs import graph, graphs

DIAMOND = graph(a="", b="a", c="a", d="b c")
ROUTED = Graph(
    nodes=(
        GraphNode(id="route", choices=("left", "right")),
        GraphNode(id="left", jump="mend"),
        GraphNode(id="right", needs=("route",)),
        GraphNode(id="mend"),
    )
)


def boxes(drawn: Drawing) -> dict[str, DrawnBox]:
    return {box.name: box for box in drawn.nodes}


def middles(drawn: Drawing, *, down: bool = False) -> dict[str, float]:
    return {
        box.name: box.x + box.width / 2 if down else box.y + box.height / 2
        for box in (drawn.start, *drawn.nodes)
    }


def places(line: DrawnLine) -> list[tuple[float, float]]:
    """Return the points of a line's path, those that pull its curves included."""
    written = line.path.replace("M", " ").replace("C", " ").replace("L", " ").split()
    return [(float(x), float(y)) for x, y in (each.split(",") for each in written)]


def touches(box: DrawnBox, place: tuple[float, float], *, far: bool, down: bool) -> bool:
    """Return whether a place lies on the side of a box where lines leave it, or reach it."""
    (x, y), (left, top) = place, (box.x, box.y)
    side, low, high = (y, left, left + box.width) if down else (x, top, top + box.height)
    edge = (top + box.height * far) if down else (left + box.width * far)
    return side == pytest.approx(edge) and low < (x if down else y) < high


def kinds(drawn: Drawing) -> dict[tuple[str, str], EdgeKind]:
    return {(line.source, line.target): line.kind for line in drawn.lines}


@given(graphs(), st.booleans())
def test_no_two_boxes_overlap_and_all_lie_inside(found: Graph, down: bool) -> None:  # noqa: FBT001
    drawn = drawing(found, down=down)
    for one, other in combinations((drawn.start, *drawn.nodes, drawn.end), 2):
        apart_x = one.x + one.width <= other.x or other.x + other.width <= one.x
        assert apart_x or one.y + one.height <= other.y or other.y + other.height <= one.y
    for box in (drawn.start, *drawn.nodes, drawn.end):
        assert min(box.x, box.y) >= 0
        assert box.x + box.width <= drawn.width
        assert box.y + box.height <= drawn.height


@given(graphs(), st.booleans())
def test_every_line_starts_and_ends_at_its_boxes(found: Graph, down: bool) -> None:  # noqa: FBT001
    drawn = drawing(found, down=down)
    stages = boxes(drawn)
    for line in drawn.lines:
        first, *_, last = places(line)
        assert touches(stages.get(line.source, drawn.start), first, far=True, down=down)
        assert touches(stages.get(line.target, drawn.end), last, far=False, down=down)


@given(graphs())
def test_every_need_branch_and_jump_is_drawn_and_nothing_else(found: Graph) -> None:
    drawn = drawing(found)
    assert drawn.hidden == 0
    inner = {(line.source, line.target) for line in drawn.lines if line.source and line.target}
    assert inner == {(before, stage) for stage, all_ in found.waits_for.items() for before in all_}
    assert {line.target for line in drawn.lines if not line.source} == {
        stage for stage, before in found.waits_for.items() if not before
    }


@given(graphs(), st.booleans())
def test_the_same_graph_gives_the_same_drawing(found: Graph, down: bool) -> None:  # noqa: FBT001
    assert drawing(found, down=down) == drawing(Graph(nodes=found.nodes), down=down)


def test_stages_stand_in_their_order_to_the_right_or_down() -> None:
    right, under = boxes(drawing(DIAMOND)), boxes(drawing(DIAMOND, down=True))
    assert right["a"].x < right["b"].x == right["c"].x < right["d"].x
    assert under["a"].y < under["b"].y == under["c"].y < under["d"].y
    assert drawing(DIAMOND).start.x < right["a"].x
    assert drawing(DIAMOND).end.x > right["d"].x


def test_a_line_says_what_it_means() -> None:
    found = kinds(drawing(ROUTED))
    assert found["route", "left"] == found["route", "right"] == EdgeKind.BRANCH
    assert found["left", "mend"] == EdgeKind.JUMP
    assert {edge for edge in found if "" in edge} == {
        ("", "route"),
        ("left", ""),
        ("right", ""),
        ("mend", ""),
    }


def test_only_rightward_branches_make_room_for_their_labels() -> None:
    plain = graph(route="", left="route", right="route", mend="left")
    assert drawing(ROUTED).width > drawing(plain).width
    assert drawing(ROUTED, down=True).height == drawing(plain, down=True).height


def test_a_row_of_stages_is_straight_and_forks_lie_on_both_sides_of_it() -> None:
    assert len(set(middles(drawing(graph(a="", b="a", c="b"))).values())) == 1
    found = middles(drawing(graph(a="", b="a", c="a", d="b c")))
    assert found["b"] < found["a"] == found["d"] < found["c"]


def test_stages_are_ordered_so_that_lines_do_not_cross() -> None:
    found = middles(drawing(graph(a="", b="", c="", x="c", y="b", z="a")))
    assert [found[name] for name in "abc"] == [found[name] for name in "zyx"]


def test_a_line_that_passes_a_layer_leaves_its_boxes_alone() -> None:
    drawn = drawing(graph(a="", b="a", c="b", d="a c"))
    passing = next(line for line in drawn.lines if (line.source, line.target) == ("a", "d"))
    box = boxes(drawn)["b"]
    beside = [y for x, y in places(passing) if box.x <= x <= box.x + box.width]
    assert beside
    assert not any(box.y <= y <= box.y + box.height for y in beside)


def test_what_stands_on_a_circle_is_drawn_with_a_line_that_leads_back() -> None:
    found = drawing(graph(a="c", b="a", c="b", d="c"))
    assert len(found.nodes) == 4
    assert [edge for edge, kind in kinds(found).items() if kind == EdgeKind.BACKWARD] == [("c", "a")]
    assert found.height > drawing(graph(a="", b="a", c="b", d="c")).height


def test_of_more_lines_than_can_be_drawn_the_longest_are_hidden() -> None:
    names = [f"s{place}" for place in range(120)]
    nodes = tuple(GraphNode(id=name, needs=tuple(names[:place])) for place, name in enumerate(names))
    found = drawing(Graph(nodes=nodes))
    assert found.hidden > 0
    assert len(found.lines) + found.hidden == 120 * 119 / 2 + 2
    assert {(one, other) for one, other in pairwise(names)} <= set(kinds(found))
    assert len(found.lines) <= MOST_PARTS


def test_a_graph_without_stages_is_drawn() -> None:
    assert drawing(graph()).nodes == ()
