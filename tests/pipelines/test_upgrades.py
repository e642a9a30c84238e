"""Definitions of earlier versions are brought to the newest one, and each change is listed."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given

from orchestration.expressions.upgrades import UnsupportedVersion, Upgrade
from orchestration.llm.engine.types import Json
from pipelines.engine.definition import Pipeline, pipeline_from
from pipelines.engine.upgrades import upgraded
from tests.support.definitions import document, pipelines, stage

WRITTEN = Upgrade(path="schema_version", message="The version is written down: 1.")


def version_0(*stages: Json, **fields: Json) -> dict[str, Json]:
    """Return a definition without a version."""
    return {name: value for name, value in document(*stages, **fields).items() if name != "schema_version"}


def upgraded_source(source: Json) -> tuple[Json, list[str]]:
    """Return what becomes of the source of a stage's input, and the paths that are listed."""
    new, upgrades = upgraded(version_0(stage("a", input={"from": source, "transforms": []})))
    return new["stages"][0]["input"]["from"], [each.path for each in upgrades[1:]]


@pytest.mark.parametrize(
    ("source", "new", "paths"),
    [
        ("prev", "previous", ["stages.a.input.from"]),
        ("prev.text", "previous.text", ["stages.a.input.from"]),
        ("prev[0].text", "previous[0].text", ["stages.a.input.from"]),
        ({"x": "prev", "y": ["input", "prev"]}, {"x": "previous", "y": ["input", "previous"]},
         ["stages.a.input.from.x", "stages.a.input.from.y[1]"]),
        (
            {"from": "prev", "default": "prev"},
            {"from": "previous", "default": "prev"},
            ["stages.a.input.from.from"],
        ),
        ("previous", "previous", []),
        ("input.prev", "input.prev", []),
        ({"value": "prev"}, {"value": "prev"}, []),
        ({"template": "prev"}, {"template": "prev"}, []),
        (None, None, []),
    ],
)  # fmt: skip
def test_prev_becomes_previous_where_it_is_a_source(source: Json, new: Json, paths: list[str]) -> None:
    assert upgraded_source(source) == (new, paths)


def test_the_output_of_the_pipeline_is_upgraded_too() -> None:
    new, upgrades = upgraded(version_0(stage("a"), output={"from": "prev"}))
    assert new["output"] == {"from": "previous"}
    assert upgrades == (WRITTEN, Upgrade(path="output.from", message="prev is now called previous."))


def test_continue_becomes_skip() -> None:
    new, upgrades = upgraded(version_0(stage("a", on_error="continue"), stage("b", on_error="fail")))
    assert [each["on_error"] for each in new["stages"]] == ["skip", "fail"]
    assert upgrades == (WRITTEN, Upgrade(path="stages.a.on_error", message="continue is now called skip."))


def test_what_is_upgraded_can_be_read() -> None:
    old = version_0(stage("a"), stage("b", "a", input={"from": "prev"}, on_error="continue"))
    assert pipeline_from(upgraded(old)[0])[0] is not None


def test_the_document_that_was_given_stays_as_it_is() -> None:
    old = version_0(stage("a", input={"from": {"x": "prev"}}, on_error="continue"), output={"from": ["prev"]})
    kept = copy.deepcopy(old)
    upgraded(old)
    assert old == kept


@given(pipelines())
def test_a_definition_of_the_newest_version_is_not_changed(pipeline: Pipeline) -> None:
    written = pipeline.model_dump(mode="json")
    assert upgraded(written) == (written, ())


@pytest.mark.parametrize("version", [2, 10**5000], ids=["next", "far"])
def test_a_newer_version_is_refused_in_words(version: int) -> None:
    with pytest.raises(UnsupportedVersion, match=r"reads versions up to 1\. Update Orchestra"):
        upgraded(document(stage("a"), schema_version=version))


@pytest.mark.parametrize("written", [None, [], "x", {"schema_version": "1"}, {"schema_version": True},
                                     {"schema_version": -1}])  # fmt: skip
def test_what_has_no_version_is_left_to_the_reader(written: Json) -> None:
    assert upgraded(written) == (written, ())


@pytest.mark.parametrize(
    "broken",
    [{}, {"stages": 3}, {"stages": [3, None]}, {"stages": [{"input": 3}]}, {"stages": [{"input": {}}]}],
)
def test_what_is_broken_is_upgraded_as_far_as_it_goes(broken: Json) -> None:
    new, upgrades = upgraded(broken)
    assert new == {"schema_version": 1, **broken}
    assert upgrades == (WRITTEN,)


def test_version_0_may_be_written_down() -> None:
    assert upgraded({"schema_version": 0})[0] == {"schema_version": 1}


def test_a_source_of_any_depth_ends() -> None:
    source: Json = "prev"
    for _ in range(10_000):
        source = [source]
    assert upgraded_source(source)[1] == []
