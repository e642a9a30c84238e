"""Two versions of a pipeline are compared by what they mean, in sentences."""

from __future__ import annotations

import pytest
from hypothesis import given

from orchestration.llm.engine.types import Json
from pipelines.engine.definition import Pipeline
from pipelines.engine.differences import changes
from tests.support.definitions import pipeline, pipelines, stage

LONG = "Write a friendly answer to the letter below, in the language of the letter, in three sentences.\n"


def said(old: Pipeline, new: Pipeline) -> list[str]:
    return [change.message for change in changes(old, new)]


def of_a_stage(old: dict[str, Json], new: dict[str, Json]) -> list[str]:
    return said(pipeline(stage("a", **old)), pipeline(stage("a", **new)))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ({"retry": {"attempts": 2}}, {"retry": {"attempts": 4}}, "retries 2 → 4"),
        ({"timeout": 30}, {"timeout": 2.5}, "timeout 30 → 2.5"),
        ({}, {"timeout": 2}, "timeout none → 2"),
        ({"optional": True}, {}, "optional true → false"),
        ({}, {"when": "true"}, "when none → “true”"),
        ({"options": {"n": 1}}, {"options": {"n": True}}, "n 1 → true"),
        ({"options": {"n": None}}, {}, "n none → not given"),
        ({"options": {"n": [1, 2]}}, {"options": {"n": [1, 3]}}, "n[1] 2 → 3"),
        ({"options": {"n": [1]}}, {"options": {"n": [1, "b"]}}, 'n [1] → [1, "b"]'),
        ({"options": {"n": []}}, {"options": {"n": ["b" * 99]}}, "n [] → 1 entry"),
        ({"options": {"n": []}}, {"options": {"n": ["b" * 99] * 3}}, "n [] → 3 entries"),
        ({"options": {"n": {"x": {"y": 1}}}}, {"options": {"n": {"x": {"y": 2}}}}, "n.x.y 1 → 2"),
        ({"options": {"n": 1}}, {"options": {"n": LONG}}, "n 1 → a text of 96 characters"),
        (
            {"options": {"prompt": LONG}},
            {"options": {"prompt": LONG + "Be brief."}},
            "prompt changed (2 words)",
        ),
        (
            {"options": {"prompt": LONG}},
            {"options": {"prompt": LONG.replace("three", "2")}},
            "prompt changed (1 word)",
        ),
        (
            {"options": {"prompt": LONG}},
            {"options": {"prompt": LONG * 1 + " "}},
            "prompt changed (white space only)",
        ),
        (
            {"options": {"prompt": LONG}},
            {"options": {"prompt": LONG.replace("Write a", "a Write")}},
            "prompt changed (words in another order)",
        ),
        ({"input": {}}, {"input": {"default": None}}, "input.default not given → none"),
        ({"retry": {"on": ["server"]}}, {"retry": {"on": []}}, 'retried errors ["server"] → []'),
        ({"on_error": "skip"}, {"on_error": {"default": 1}}, 'on_error “skip” → {"default": 1}'),
    ],
)
def test_a_change_of_a_stage_is_a_sentence(old: dict[str, Json], new: dict[str, Json], message: str) -> None:
    assert of_a_stage(old, new) == [f"Stage a: {message}"]


def test_a_change_has_its_path() -> None:
    (change,) = changes(pipeline(stage("a")), pipeline(stage("a", options={"x": [1]})))
    assert change.path == "stages.a.options.x"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({}, {"retry": {}, "parallel": True, "timeout": None}),
        ({"timeout": 3}, {"timeout": 3.0}),
        ({"output": {"to": "next"}}, {"output": {"to": ["next"]}}),
        ({"retry": {"on": ["server", "timeout"]}}, {"retry": {"on": ["timeout", "server"]}}),
        ({"options": {"a": 1, "b": 2}}, {"options": {"b": 2, "a": 1.0}}),
    ],
)
def test_another_way_to_write_the_same_is_no_change(old: dict[str, Json], new: dict[str, Json]) -> None:
    assert of_a_stage(old, new) == []


def test_the_order_of_needs_means_nothing() -> None:
    first = [stage("a"), stage("b"), stage("c")]
    assert said(pipeline(*first, stage("d", "a b")), pipeline(*first, stage("d", "b a"))) == []
    assert said(pipeline(*first, stage("d", "a b")), pipeline(*first, stage("d", "b c"))) == [
        "Stage d: no longer needs a",
        "Stage d: now needs c",
    ]


def test_needs_by_place_are_compared_with_those_that_are_written() -> None:
    a, b, c = (stage(name, None, timeout=number + 1) for number, name in enumerate("abc"))
    assert said(pipeline(a, b), pipeline(a, b | {"needs": ["a"], "join": "all"})) == []
    assert said(pipeline(a, b), pipeline(a, b | {"needs": []})) == ["Stage b: no longer needs a"]
    assert said(pipeline(a, c), pipeline(a, b, c)) == ["Stage b was added after a"]
    assert said(pipeline(a, b, c), pipeline(a, stage("d", None, timeout=2), c)) == [
        "Stage b was renamed to d"
    ]


def test_changes_of_the_pipeline_come_first() -> None:
    old = pipeline(stage("a"), variables={"tone": "friendly"}, output={"from": "previous"})
    new = pipeline(stage("a", timeout=3), variables={"tone": "formal"}, timeout=60)
    assert said(old, new) == [
        "Pipeline: variables.tone “friendly” → “formal”",
        'Pipeline: output {"from": "previous", "transforms": [], "schema": null} → none',
        "Pipeline: timeout none → 60",
        "Stage a: timeout none → 3",
    ]


A, B, C, D = stage("a", timeout=1), stage("b", timeout=2), stage("c", timeout=3), stage("d", timeout=4)


@pytest.mark.parametrize(
    ("old", "new", "messages"),
    [
        ([A, B], [A, C, B], ["Stage c was added after a"]),
        ([A, B], [C, A, B], ["Stage c was added as the first"]),
        ([A, B, C], [A, C], ["Stage b was removed"]),
        ([A, B], [B, A], ["a and b were swapped"]),
        ([A, B, C, D], [D, B, C, A], ["a and d were swapped"]),
        ([A, B, C, D], [B, C, A, D], ["Stage a was moved after c"]),
        ([A, B, C, D], [D, A, B, C], ["Stage d was moved to the beginning"]),
        ([A, B], [A, stage("e", timeout=2)], ["Stage b was renamed to e"]),
        ([A, B], [A, stage("e", timeout=9)], ["Stage b was removed", "Stage e was added after a"]),
    ],
)
def test_stages_come_go_move_and_are_renamed(old: list[Json], new: list[Json], messages: list[str]) -> None:
    assert said(pipeline(*old), pipeline(*new)) == messages


def referring(name: str) -> Pipeline:
    """Return a pipeline in which a stage is named in every way there is."""
    cases = [{"when": "true", "to": name}, {"to": 3}, 4]
    return pipeline(
        stage("choose", processor="branch", options={"cases": cases, "default": name, "n": [name]}),
        stage("a", on_error={"goto": name}, output={"to": "next"}),
        stage(name, "choose", options={"x": 1}),
        stage("b", name, input={"from": [f"stages.{name}.output", {"x": f"stages.{name}.output.y"}]}),
        stage("c", name, options={"prompt": f"Read {{{{ stages.{name}.output }}}}"}),
        output={"from": f"stages.{name}.output"},
    )


def test_where_a_renamed_stage_is_named_nothing_has_changed() -> None:
    old = referring("check")
    new = referring("verify").model_dump(mode="json")
    new["stages"][0]["options"]["n"] = ["check"]
    assert said(old, pipeline(*new.pop("stages"), **new)) == ["Stage check was renamed to verify"]


def test_stages_that_need_each_other_are_renamed_together() -> None:
    old, new = pipeline(A, stage("x", "a"), stage("y", "x")), pipeline(A, stage("v", "a"), stage("w", "v"))
    assert said(old, new) == ["Stage x was renamed to v", "Stage y was renamed to w"]


@given(pipelines())
def test_a_pipeline_does_not_differ_from_itself(one: Pipeline) -> None:
    assert changes(one, Pipeline.model_validate(one.model_dump())) == ()


@given(pipelines(), pipelines())
def test_there_are_as_many_changes_in_one_direction_as_in_the_other(one: Pipeline, other: Pipeline) -> None:
    forth, back = changes(one, other), changes(other, one)
    assert len(forth) == len(back)
    assert all(change.message and change.path for change in forth)
