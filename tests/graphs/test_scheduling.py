"""Which stages start, in which order, and which never do: joins, branches, jumps, bounds."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.graphs.graph import Graph, GraphNode, Join
from orchestration.graphs.scheduling import NO_MOVES, Ending, EndStatus, Moves, Schedule
from tests.support.graphs import graph, graphs, settled_before

OK = Ending(status=EndStatus.SUCCEEDED)
BROKEN = Ending(status=EndStatus.FAILED)
LEFT_OUT = Ending(status=EndStatus.SKIPPED)
STOPPED = Ending(status=EndStatus.CANCELLED)
PASSED = Ending(status=EndStatus.SKIPPED, passes=True)
TOLERATED = Ending(status=EndStatus.FAILED, passes=True)
ENDINGS = {"+": OK, "-": BROKEN, "o": LEFT_OUT, "x": STOPPED, "p": PASSED, "t": TOLERATED}


def joined(join: Join, ends: str, *, quorum: int = 1) -> Moves:
    """Return the last moves when the needs of one stage end like this, in order."""
    names = tuple(f"n{place}" for place in range(3))
    last = GraphNode(id="z", needs=names, join=join, quorum=quorum)
    schedule = Schedule(Graph(nodes=(*map(lambda name: GraphNode(id=name), names), last)), at_once=9)  # noqa: C417
    moves = schedule.begin()
    for name, mark in zip(names, ends, strict=False):
        moves = schedule.ended(name, ENDINGS[mark])
        if moves.start or moves.skipped:
            return moves
    return moves


@pytest.mark.parametrize(
    ("join", "ends", "outcome"),
    [
        (Join.ALL, "+++", "starts"),
        (Join.ALL, "+oo", "starts"),
        (Join.ALL, "++", ""),
        (Join.ALL, "-", "n0 failed."),
        (Join.ALL, "+x", "n1 cancelled."),
        (Join.ALL, "ooo", "Everything that it needs was skipped."),
        (Join.ALL, "ptp", "starts"),
        (Join.ALL, "opo", "starts"),
        (Join.ALL, "pt", ""),
        (Join.ALL, "p-", "n1 failed."),
        (Join.ANY, "p", "starts"),
        (Join.ANY, "oot", "starts"),
        (Join.ANY, "ox", ""),
        (Join.ANY, "+", "starts"),
        (Join.ANY, "-", "starts"),
        (Join.ANY, "oo", ""),
        (Join.ANY, "oo+", "starts"),
        (Join.ANY, "ooo", "Everything that it needs was skipped."),
        (Join.FIRST_SUCCESS, "-+", "starts"),
        (Join.FIRST_SUCCESS, "-o", ""),
        (Join.FIRST_SUCCESS, "-o-", "Nothing that it needs succeeded."),
        (Join.FIRST_SUCCESS, "pt", ""),
        (Join.FIRST_SUCCESS, "ptp", "Nothing that it needs succeeded."),
        (Join.QUORUM, "pt", "Only 0 of the 2 that it needs can succeed."),
        (Join.QUORUM, "+t+", "starts"),
        (Join.QUORUM, "+", ""),
        (Join.QUORUM, "+-+", "starts"),
        (Join.QUORUM, "-o", "Only 0 of the 2 that it needs can succeed."),
    ],
)
def test_a_join_starts_or_skips_as_soon_as_it_is_clear(join: Join, ends: str, outcome: str) -> None:
    moves = joined(join, ends, quorum=2)
    told = "starts" if moves.start == ("z",) else "".join(each.reason for each in moves.skipped)
    assert told == outcome


def test_stages_that_need_nothing_start_at_once_up_to_the_bound() -> None:
    schedule = Schedule(graph(a="", b="", c="", d="a"), at_once=2)
    assert schedule.begin().start == ("a", "b")
    assert schedule.ended("a", OK).start == ("c",)
    assert schedule.ended("c", OK).start == ("d",)


def test_a_stage_that_is_not_parallel_runs_alone() -> None:
    nodes = (GraphNode(id="a"), GraphNode(id="b", parallel=False), GraphNode(id="c"))
    schedule = Schedule(Graph(nodes=nodes), at_once=9)
    assert schedule.begin().start == ("a", "c")
    assert schedule.ended("a", OK).start == ()
    assert schedule.ended("c", OK).start == ("b",)
    first = Schedule(Graph(nodes=(nodes[1], nodes[0])), at_once=9)
    assert first.begin().start == ("b",)
    assert first.ended("b", OK).start == ("a",)


def branch(*ends: tuple[str, Ending]) -> tuple[Schedule, list[Moves]]:
    nodes = (
        GraphNode(id="route", choices=("left", "right")),
        GraphNode(id="left"),
        GraphNode(id="right"),
        GraphNode(id="after", needs=("left", "right")),
    )
    schedule = Schedule(Graph(nodes=nodes), at_once=9)
    return schedule, [schedule.begin(), *(schedule.ended(stage, ending) for stage, ending in ends)]


def test_only_the_stage_that_a_branch_chose_runs_and_the_ways_meet_again() -> None:
    chosen = Ending(status=EndStatus.SUCCEEDED, chosen=frozenset({"right"}))
    schedule, moves = branch(("route", chosen), ("right", OK), ("after", OK))
    assert [each.start for each in moves] == [("route",), ("right",), ("after",), ()]
    assert [(each.name, each.reason) for each in moves[1].skipped] == [("left", "No branch chose it.")]
    assert schedule.is_over


def test_a_stage_that_two_branches_may_choose_waits_for_both_and_runs_if_one_chose_it() -> None:
    routes = (GraphNode(id="one", choices=("both", "x")), GraphNode(id="two", choices=("both", "y")))
    schedule = Schedule(
        Graph(nodes=(*routes, *(GraphNode(id=name) for name in ("both", "x", "y")))), at_once=9
    )
    schedule.begin()
    chosen = [Ending(status=EndStatus.SUCCEEDED, chosen=frozenset({name})) for name in ("both", "y")]
    first, second = (schedule.ended(name, end) for name, end in zip(("one", "two"), chosen, strict=True))
    assert (first.start, [each.name for each in first.skipped]) == ((), ["x"])
    assert sorted(second.start) == ["both", "y"]


def test_a_branch_that_failed_chose_nothing() -> None:
    schedule, moves = branch(("route", BROKEN))
    assert [each.name for each in moves[1].skipped] == ["left", "right", "after"]
    assert schedule.is_over


def test_a_failure_jumps_to_a_later_stage_once_all_before_it_has_ended() -> None:
    nodes = (
        GraphNode(id="draft", jump="mend"),
        GraphNode(id="check", needs=("draft",)),
        GraphNode(id="mend", needs=("check",)),
    )
    schedule = Schedule(Graph(nodes=nodes), at_once=9)
    schedule.begin()
    moves = schedule.ended("draft", Ending(status=EndStatus.FAILED, jumps=True))
    assert ([each.name for each in moves.skipped], moves.start) == (["check"], ("mend",))


def test_a_jump_waits_for_what_else_stands_before_its_target() -> None:
    nodes = (
        GraphNode(id="draft", jump="mend"),
        GraphNode(id="check"),
        GraphNode(id="mend", needs=("draft", "check")),
    )
    schedule = Schedule(Graph(nodes=nodes), at_once=9)
    schedule.begin()
    jump = Ending(status=EndStatus.FAILED, jumps=True)
    assert [schedule.ended("draft", jump).start, schedule.ended("check", OK).start] == [(), ("mend",)]
    schedule.ended("mend", OK)
    assert schedule.statuses == {"draft": "failed", "check": "succeeded", "mend": "succeeded"}


def test_without_a_jump_the_target_is_a_stage_like_others() -> None:
    nodes = (GraphNode(id="a", jump="b"), GraphNode(id="b", needs=("a",)), GraphNode(id="c", needs=("b",)))
    schedule = Schedule(Graph(nodes=nodes), at_once=9)
    schedule.begin()
    assert [each.name for each in schedule.ended("a", BROKEN).skipped] == ["b", "c"]


def test_a_stage_that_is_held_leaves_its_place_to_others_and_starts_once_they_have_ended() -> None:
    nodes = [GraphNode(id=name, parallel=False) for name in "zab"]
    schedule = Schedule(Graph(nodes=tuple(nodes)), at_once=9)
    assert schedule.begin().start == ("z",)
    assert schedule.hold("z", ["a", "b"]).start == ("a",)
    assert schedule.ended("a", OK).start == ("b",)
    assert schedule.ended("b", OK).start == ("z",)
    assert schedule.ended("z", OK) == Moves()
    assert schedule.is_over


def test_an_arm_whose_needs_have_ended_waits_for_the_branch_that_may_choose_it() -> None:
    nodes = (GraphNode(id="a"), GraphNode(id="b", choices=("c",)), GraphNode(id="c", needs=("a",)))
    schedule = Schedule(Graph(nodes=nodes), at_once=9)
    assert schedule.begin().start == ("a", "b")
    assert schedule.ended("a", OK) == NO_MOVES
    chosen = Ending(status=EndStatus.SUCCEEDED, chosen=frozenset({"c"}))
    assert schedule.ended("b", chosen).start == ("c",)
    assert schedule.statuses == dict.fromkeys("ab", EndStatus.SUCCEEDED)


def test_an_end_that_lets_nothing_start_is_followed_by_nothing() -> None:
    schedule = Schedule(graph(a="", b="", c="a b"), at_once=9)
    schedule.begin()
    assert schedule.ended("a", LEFT_OUT) == NO_MOVES
    assert schedule.ended("b", OK).start == ("c",)


def test_what_does_not_run_cannot_end() -> None:
    schedule = Schedule(graph(a="", b="a"), at_once=9)
    schedule.begin()
    with pytest.raises(ValueError, match="Node b is not running"):
        schedule.ended("b", OK)


@given(found=graphs(), seed=st.integers(0, 9999), at_once=st.integers(1, 4))
def test_any_graph_ends_with_each_stage_at_most_once_and_after_all_it_waits_for(
    found: Graph, seed: int, at_once: int
) -> None:
    drawn, schedule, started, running = (
        random.Random(seed),
        Schedule(found, at_once=at_once),
        list[str](),
        set(),
    )
    moves = schedule.begin()
    while True:
        for stage in moves.start:
            _check_start(found, schedule, stage)
        started += moves.start
        running |= set(moves.start)
        assert len(running) <= at_once
        if not running:
            break
        stage = drawn.choice(sorted(running))
        running.remove(stage)
        moves = schedule.ended(stage, _any_ending(found.node(stage), drawn))
    assert schedule.is_over
    assert schedule.statuses.keys() == {node.id for node in found.nodes}
    assert len(started) == len(set(started))


def _check_start(found: Graph, schedule: Schedule, stage: str) -> None:
    """Check that what a stage needs lets it start."""
    ended = [schedule.statuses.get(need) for need in found.needs[stage]]
    if found.node(stage).join is Join.QUORUM and ended and not any(found.routers[stage]):
        assert ended.count(EndStatus.SUCCEEDED) >= found.node(stage).quorum


def _any_ending(node: GraphNode, drawn: random.Random) -> Ending:
    status = drawn.choice([EndStatus.SUCCEEDED, EndStatus.FAILED, EndStatus.SKIPPED])
    chosen = frozenset(each for each in node.choices if drawn.random() < 0.5)
    jumps = status is EndStatus.FAILED and drawn.random() < 0.5
    passes = status is not EndStatus.SUCCEEDED and not jumps and drawn.random() < 0.5
    return Ending(status=status, chosen=chosen, jumps=jumps, passes=passes)


@given(found=graphs())
def test_where_nothing_fails_every_need_has_ended_before_a_stage_that_joins_all(found: Graph) -> None:
    schedule = Schedule(found, at_once=3)
    moves, running, ended = schedule.begin(), list[str](), set[str]()
    while moves.start or running:
        for stage in moves.start:
            node = found.node(stage)
            before = settled_before(found, stage)
            assert before <= schedule.statuses.keys()
            assert node.join is not Join.ALL or set(node.needs) <= schedule.statuses.keys()
        running += moves.start
        stage = running.pop(0)
        ended.add(stage)
        chosen = frozenset(found.node(stage).choices)
        moves = schedule.ended(stage, Ending(status=EndStatus.SUCCEEDED, chosen=chosen))
    assert schedule.is_over
