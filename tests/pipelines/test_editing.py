"""Stages of a document are added, copied, moved, renamed and removed, and what names them follows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.expressions.listed import free_id, moved_item
from orchestration.graphs.graph import GraphNode
from orchestration.llm.engine.types import Json
from pipelines.engine.definition import pipeline_from
from pipelines.engine.editing import (
    added_after,
    added_before,
    added_between,
    duplicated,
    new_stage,
    outline,
    references,
    removed,
    renamed,
    stage_in,
    stages_in,
    with_stage,
)
from pipelines.engine.options import ProcessorSpec
from pipelines.engine.processors import PROCESSORS as REAL
from tests.support.definitions import document, linked_documents, problems, stage
from tests.support.processors import PROCESSORS

DOCUMENTS = st.shared(linked_documents(), key="document")
STAGES = DOCUMENTS.flatmap(lambda found: st.sampled_from([each["id"] for each in found["stages"]]))
NEW = {"id": "new", "processor": "transform"}


def faults(found: Json) -> list[str]:
    """Return what is wrong with a document."""
    pipeline, wrong = pipeline_from(found)
    return [
        f"{each.path}: {each.message}" for each in (problems(pipeline, PROCESSORS, {}) if pipeline else wrong)
    ]


@given(DOCUMENTS, STAGES, st.sampled_from(["new", "new-2", "stages2"]))
def test_a_renamed_stage_is_named_so_everywhere(found: Json, name: str, new: str) -> None:
    changed = renamed(found, name, new, PROCESSORS)
    assert faults(found) == faults(changed) == []
    assert references(changed, new, PROCESSORS) == references(found, name, PROCESSORS)
    assert renamed(changed, new, name, PROCESSORS) == found


def nodes(found: Json) -> dict[str, GraphNode]:
    """Return the stages as the graph has them."""
    drawn = outline(found)
    return {node.id: node for node in drawn.graph.nodes} if drawn else {}


@given(DOCUMENTS, STAGES)
def test_a_stage_added_anywhere_makes_no_problem_and_is_removed_again(found: Json, name: str) -> None:
    after = added_after(found, NEW, name)
    assert faults(after) == []
    assert nodes(after)["new"].needs == (name,)
    before = added_before(found, NEW, name)
    assert faults(before) == []
    assert nodes(before)[name].needs == ("new",)
    for changed in (after, before, added_after(found, NEW, "")):
        assert nodes(removed(changed, "new")) == nodes(found)


@given(DOCUMENTS, STAGES)
def test_a_stage_on_a_line_follows_the_one_and_precedes_the_other(found: Json, name: str) -> None:
    drawn = outline(found)
    assert drawn is not None
    for after in drawn.graph.node(name).needs:
        changed = added_between(found, NEW, after, name)
        assert faults(changed) == []
        needs = {node.id: node.needs for node in nodes(changed).values()}
        assert (after in needs["new"], "new" in needs[name], after in needs[name]) == (True, True, False)


def nodes_of(found: Json) -> dict[str, tuple[str, ...]]:
    drawn = outline(found)
    return dict(drawn.graph.waits_for) if drawn else {}


def test_a_branch_chooses_the_stage_that_is_put_before_its_arm() -> None:
    cases = [{"when": "true", "to": "left"}, {"when": "true", "to": "right"}, "odd"]
    route = stage("route", processor="branch", options={"cases": cases, "default": "left"})
    found = document(route, stage("left"), stage("right"), stage("last", "left right", join="any"))
    changed = added_between(found, NEW, "route", "left")
    assert stage_in(changed, "route") == {
        **route,
        "options": {"cases": [{"when": "true", "to": "new"}, *cases[1:]], "default": "new"},
    }
    assert (nodes_of(changed)["new"], nodes_of(changed)["left"]) == (("route",), ("new",))
    again = added_between(changed, {**NEW, "id": "other"}, "route", "right")
    assert (stage_in(again, "route") or {})["options"]["default"] == "new"
    for unlinked in (added_between(found, NEW, "last", "left"), added_between(found, NEW, "", "left")):
        assert unlinked == added_before(found, NEW, "left")


@given(DOCUMENTS, STAGES)
def test_a_copy_stands_behind_its_stage_without_problems(found: Json, name: str) -> None:
    changed, copy = duplicated(found, name)
    names = [each["id"] for each in stages_in(changed)]
    assert names.index(copy) == names.index(name) + 1
    assert faults(changed) == []


@given(DOCUMENTS, STAGES)
def test_a_moved_stage_comes_back_and_stays_at_the_ends(found: Json, name: str) -> None:
    place = [each["id"] for each in found["stages"]].index(name)
    down = moved_item(found, "stages", name, 1)
    assert (moved_item(down, "stages", name, -1) == found) or place == len(found["stages"]) - 1
    assert stages_in(moved_item(found, "stages", name, -place - 3))[0]["id"] == name


@given(DOCUMENTS, STAGES)
def test_what_still_names_a_removed_stage_was_listed_before(found: Json, name: str) -> None:
    left = removed(found, name)
    listed = references(found, name, PROCESSORS)
    assert all(
        any(place.split(" · ")[-1].split(".")[0] in fault for place in listed) for fault in faults(left)
    )


def test_references_say_stage_and_field() -> None:
    found = document(
        stage("a", "a"),
        stage(
            "b",
            "a",
            "branch",
            options={"cases": [{"when": "stages.a.output == 1", "to": "a"}], "default": "c"},
        ),
        stage("c", "a", input={"from": "stages.a.output"}, when="stages.a.status == 'failed'"),
        "no stage",
        stage("v", processor="validate", options={"schema": {"type": "object"}}, when="stages.a.output == ("),
        stage(
            "d", "c", "model", options={"prompt": "{{ broken", "models": ["a"]}, input={"from": "input.x]"}
        ),
        output={"from": "stages.a.output"},
    )
    assert references(found, "a", PROCESSORS) == [
        "b · needs[0]",
        "b · options.cases[0].when",
        "b · options.cases[0].to",
        "c · needs[0]",
        "c · input.from",
        "c · when",
        "output.from",
    ]
    assert renamed(found, "gone", "else", PROCESSORS) == found


@pytest.mark.parametrize(
    "written", ["", None, [], {"stages": 3}, {"stages": [1, {}, {"id": 4}]}, {"stages": {}}]
)
def test_what_is_no_stage_is_none(written: Json) -> None:
    assert stages_in(written) == []
    assert free_id(written, "stages", "model") == "model"


SPECS = {name: each.spec for name, each in REAL.items()}
NAMING: list[tuple[str, Json, Json]] = [
    (
        "aggregate",
        {"from": ["a", "b", {"from": "stages.a.output"}]},
        {"from": ["new-1", "b", {"from": "stages.new-1.output"}]},
    ),
    ("aggregate", {"from": "a"}, {"from": "new-1"}),
    (
        "run",
        {"kind": "strategy", "payload": {"text": "{{ stages.a.output }}", "n": [1, "a"]}},
        {"kind": "strategy", "payload": {"text": '{{ stages["new-1"].output }}', "n": [1, "a"]}},
    ),
    (
        "map",
        {"stage": {"processor": "model", "options": {"prompt": "{{ stages.a.output }}"}}},
        {"stage": {"processor": "model", "options": {"prompt": '{{ stages["new-1"].output }}'}}},
    ),
    ("model", {"prompt": "{{ stages.a.output | nothing }}"}, {"prompt": "{{ stages.a.output | nothing }}"}),
]


@pytest.mark.parametrize(("name", "options", "expected"), NAMING)
def test_the_options_of_every_processor_follow(name: str, options: Json, expected: Json) -> None:
    found = document(stage("a"), stage("b", "a", name, options=options))
    changed = renamed(found, "a", "new-1", SPECS)
    assert changed["stages"][1]["options"] == expected


def test_of_a_definition_with_faults_the_outline_has_what_can_be_drawn() -> None:
    odd = stage("b", processor="branch", options={"cases": [{"to": "c"}]}, on_error={"goto": 3})
    found = document(stage("a"), odd, stage("No name"), {"id": "c", "needs": {"a": 1}, "processor": "wait"})
    assert list(nodes(found)) == ["a", "b", "c"]
    assert nodes(found)["b"].choices == ("c",)
    assert nodes(found)["c"].needs == ()
    assert nodes({}) == {}


def test_needs_of_which_one_cannot_be_read_are_none() -> None:
    found = document(stage("a"), {"id": "b", "processor": "wait", "needs": ["a", 5]}, stage("c", "b"))
    assert nodes(found)["b"].needs == ("a",)
    assert stage_in(removed(found, "c"), "b") == found["stages"][1]
    unnamed = document(stage("a"), {"when": "stages.a.output == 1"})
    assert references(unnamed, "a", PROCESSORS) == ["stages[1].when"]


def test_what_a_removed_branch_could_choose_follows_what_that_needed() -> None:
    chosen = {"cases": [{"when": "true", "to": "one"}], "default": "two"}
    route = {"id": "route", "processor": "branch", "options": chosen}
    arms = [{"id": name, "processor": "transform"} for name in ("one", "two")]
    left = removed(document({**NEW, "id": "first"}, route, *arms), "route")
    assert {name: node.needs for name, node in nodes(left).items()} == {
        "first": (),
        "one": ("first",),
        "two": ("first",),
    }


def test_what_follows_a_branch_goes_on_to_follow_any_of_its_arms() -> None:
    chosen = {"cases": [{"when": "true", "to": "one"}], "default": "two"}
    arms = [{"id": name, "processor": "transform"} for name in ("one", "two", "last")]
    found = document({"id": "route", "processor": "branch", "options": chosen}, *arms)
    changed = added_after(found, NEW, "two")
    assert changed["stages"][-1] == {**arms[-1], "needs": ["one", "new"], "join": "any"}
    assert faults(changed) == []


CHAIN = document(stage("a"), stage("b", "a"), stage("c", "b"))


def needs(found: Json) -> dict[str, tuple[str, ...]]:
    """Return what each stage needs, in the order of the document."""
    return {name: node.needs for name, node in nodes(found).items()}


def test_a_stage_is_added_at_the_end_and_on_a_line_and_before_what_no_line_leads_to() -> None:
    assert needs(added_after(CHAIN, NEW, ""))["new"] == ("c",)
    assert needs(added_between(CHAIN, NEW, "a", "b")) == {"a": (), "new": ("a",), "b": ("new",), "c": ("b",)}
    between_none = added_between(CHAIN, NEW, "a", "c")
    assert needs(between_none) == {"a": (), "b": ("a",), "new": ("b",), "c": ("new",)}


def test_a_copy_stands_behind_its_stage_and_needs_the_same() -> None:
    changed, copy = duplicated(CHAIN, "b")
    assert (copy, needs(changed)) == ("b-2", {"a": (), "b": ("a",), "b-2": ("a",), "c": ("b",)})


def test_a_stage_is_moved_by_places_and_stays_at_the_ends() -> None:
    orders = [[each["id"] for each in stages_in(moved_item(CHAIN, "stages", "a", by))] for by in (1, 9, -1)]
    assert orders == [["b", "a", "c"], ["b", "c", "a"], ["a", "b", "c"]]


def test_a_renamed_stage_is_named_so_in_a_template_that_is_a_source() -> None:
    reading = stage("b", "a", input={"from": {"template": "{{ stages.a.output }}!"}})
    changed = renamed(document(stage("a"), reading), "a", "first", PROCESSORS)
    assert stages_in(changed)[1]["input"] == {"from": {"template": "{{ stages.first.output }}!"}}


def test_a_new_stage_has_a_free_name_and_reads_what_stands_before() -> None:
    shape = {"required": ["prompt", "n"], "properties": {"prompt": {"format": "template"}}}
    spec = ProcessorSpec(name="model", options_schema=shape)
    found = document(stage("model"), stage("model-2"))
    made = new_stage(found, spec)
    assert made["id"] == "model-3"
    assert made["options"] == {"prompt": "{{ previous }}"}
    assert new_stage({}, spec)["options"] == {"prompt": "{{ input }}"}
    assert new_stage({}, PROCESSORS["transform"]) == {"id": "transform", "processor": "transform"}


def test_a_stage_is_replaced_where_it_stands() -> None:
    found = document(stage("a"), stage("b"))
    changed = with_stage(found, "b", stage("c"))
    assert [each["id"] for each in stages_in(changed)] == ["a", "c"]
    assert stage_in(changed, "b") is None
