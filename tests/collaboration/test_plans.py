"""A plan is checked whole, made of the task's own words where nobody makes one, and changed while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collaboration.engine.plan import (
    NotPossible,
    Plan,
    PlannedSubtask,
    SubtaskStatus,
    build_plan,
    divided,
    list_items,
    with_added,
    with_changed,
    with_dropped,
)


def planned(title: str, *needs: str) -> PlannedSubtask:
    return PlannedSubtask(title=title, needs=needs)


THREE = build_plan([planned("Genoa"), planned("Marseille"), planned("Both", "1", "marseille")], most=5)


def ended(plan: Plan, id: str, status: SubtaskStatus = SubtaskStatus.ACCEPTED) -> Plan:
    return plan.put(replace(plan.named(id), status=status))


def test_a_need_is_a_number_an_id_or_a_title() -> None:
    plan = build_plan([planned("A"), planned("B"), planned("C", "1", "s2", "#1", "a")], most=5)
    assert plan.named("s3").needs == ("s1", "s2")
    assert plan.named("s3").line == "s3 C (after s1, s2)"
    assert plan.named("s1").line == "s1 A"


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ([], "1 to 5 subtasks, this one 0"),
        ([planned("A")] * 6, "1 to 5 subtasks, this one 6"),
        ([planned("A", "s9"), planned("B", "Z")], "s1 needs “s9”, no other subtask; s2 needs “Z”"),
        ([planned("A", "1")], "s1 needs “1”, no other subtask"),
        ([planned("A", "2"), planned("B", "1")], "the subtasks wait for each other: s1 → s2 → s1"),
    ],
)
def test_what_a_plan_cannot_be_is_said_in_words(parts: list[PlannedSubtask], words: str) -> None:
    with pytest.raises(NotPossible, match=words):
        build_plan(parts, most=5)


def test_a_lenient_reading_leaves_out_what_is_wrong_but_never_a_circle() -> None:
    plan = build_plan([planned("A", "s9", "1"), *[planned("B", "1")] * 7], most=5, lenient=True)
    assert [each.needs for each in plan.subtasks] == [(), ("s1",), ("s1",), ("s1",), ("s1",)]
    with pytest.raises(NotPossible, match="wait for each other"):
        build_plan([planned("A", "2"), planned("B", "1")], most=5, lenient=True)


@pytest.mark.parametrize(
    ("task", "titles"),
    [
        ("Do it:\n- count the ships\n- weigh the grain", ["count the ships", "weigh the grain"]),
        ("1. count the ships\n2) weigh the grain", ["count the ships", "weigh the grain"]),
        (
            "Count all the ships. Weigh all the grain! What is the price?",
            ["Count all the ships", "Weigh all the grain!", "What is the price?"],
        ),
    ],
)
def test_a_task_is_divided_by_its_own_words(task: str, titles: list[str]) -> None:
    *parts, last = divided(task, most=9)
    assert [each.title for each in parts] == titles
    assert last.needs == tuple(str(number + 1) for number in range(len(titles)))


def test_a_task_of_one_piece_stays_whole_and_a_long_one_is_bounded() -> None:
    assert [each.instructions for each in divided("Why?", most=9)] == ["Why?"]
    assert [each.title for each in divided("", most=9)] == ["The task"]
    assert len(divided("- a\n" * 99, most=4)) == 4
    assert len(divided("- a b\n- c d", most=1)) == 1


def test_two_tasks_yield_two_plans() -> None:
    one, two = (divided(f"Describe the {what}. Price the {what} now.", most=5) for what in ("ships", "grain"))
    assert not {each.title for each in one} & {each.title for each in two}


@given(st.text(max_size=3_000), st.integers(1, 9))
def test_any_task_can_be_divided(task: str, most: int) -> None:
    plan = build_plan(divided(task, most=most), most=most)
    assert plan.graph.cycle == ()
    assert all(each.title and each.instructions for each in plan.subtasks if task.strip())


def test_items_are_lines_with_a_mark() -> None:
    assert list_items("Plan\n * one\n12. two\n•three\n- \nfour") == ["one", "two"]


def test_what_may_start_follows_from_what_has_ended() -> None:
    assert [each.id for each in THREE.ready] == ["s1", "s2"]
    plan = ended(ended(THREE, "s1"), "s2", SubtaskStatus.FAILED)
    assert [each.id for each in plan.ready] == ["s3"]
    assert [each.id for each in plan.accepted] == ["s1"]
    assert not plan.is_over
    assert ended(plan, "s3", SubtaskStatus.DROPPED).is_over


def test_a_subtask_is_added_after_others() -> None:
    plan, added = with_added(THREE, planned("Prices", "s1"), most=4)
    assert (added.id, added.needs, plan.subtasks[-1]) == ("s4", ("s1",), added)
    with pytest.raises(NotPossible, match="has 4 subtasks; at most 4"):
        with_added(plan, planned("More"), most=4)
    with pytest.raises(NotPossible, match="no subtask “s9”"):
        with_added(THREE, planned("Prices", "s9"), most=4)


def test_a_dropped_subtask_makes_room_for_another() -> None:
    plan, dropped = with_dropped(THREE, "s2")
    assert dropped.status == "dropped"
    assert with_added(plan, planned("Prices"), most=3)[1].id == "s4"


def test_a_changed_subtask_begins_again_and_keeps_what_is_not_said() -> None:
    at_work = THREE.put(replace(THREE.named("s3"), status=SubtaskStatus.WORKING, assignee="sage"))
    plan, changed = with_changed(at_work, "s3", PlannedSubtask(title="Both, in short"))
    assert (changed.title, changed.instructions, changed.needs) == ("Both, in short", "Both", ("s1", "s2"))
    assert (changed.status, changed.assignee, plan.named("s3")) == ("waiting", "sage", changed)
    new = PlannedSubtask(title="", instructions="Only Genoa.", needs=("s1",), assignee="scout")
    _, changed = with_changed(at_work, "s3", new)
    assert (changed.title, changed.instructions, changed.needs) == ("Both", "Only Genoa.", ("s1",))


@pytest.mark.parametrize(("id", "need", "circle"), [("s1", "s3", "s1 → s3 → s1"), ("s1", "s1", "s1 → s1")])
def test_a_change_that_makes_a_circle_is_refused(id: str, need: str, circle: str) -> None:
    with pytest.raises(NotPossible, match=f"would wait for itself: {circle}"):
        with_changed(THREE, id, planned("", need))


def test_what_is_done_cannot_be_changed_any_more() -> None:
    plan = ended(THREE, "s1")
    changes: list[Callable[[], object]] = [
        lambda: with_dropped(plan, "s1"),
        lambda: with_changed(plan, "s1", planned("x")),
    ]
    for change in changes:
        with pytest.raises(NotPossible, match="s1 “Genoa” is accepted: it cannot be changed any more"):
            change()


def test_the_last_subtask_is_not_dropped() -> None:
    plan = with_dropped(with_dropped(THREE, "s1")[0], "s2")[0]
    with pytest.raises(NotPossible, match="s3 is the only subtask"):
        with_dropped(plan, "s3")


def test_who_is_given_a_subtask_may_try_it_again() -> None:
    plan = THREE.put(replace(THREE.named("s1"), failed_by=frozenset({"scout", "sage"})))
    assert with_changed(plan, "s1", PlannedSubtask(title="", assignee="scout"))[1].failed_by == {"sage"}
