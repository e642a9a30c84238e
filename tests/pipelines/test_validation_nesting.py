"""Pipelines that contain pipelines are checked across documents."""

from __future__ import annotations

from collections.abc import Mapping

from orchestration.llm.engine.types import Json
from pipelines.engine.definition import Pipeline
from pipelines.engine.options import OptionFormat, ProcessorSpec, marked_options
from tests.support.definitions import pipeline, problems, stage
from tests.support.processors import PROCESSORS


def named(name: str, *inner: str, size: int = 0) -> Pipeline:
    """Return a pipeline with stages that run others, and more stages up to a size."""
    calls = [
        stage(f"call{number}", processor="pipeline", options={"name": each})
        for number, each in enumerate(inner)
    ]
    rest = [stage(f"s{number}") for number in range(max(size - len(calls), not calls))]
    return pipeline(*calls, *rest, name=name)


def library(*others: Pipeline) -> Mapping[str, Pipeline]:
    return {each.name: each for each in others}


def found(checked: Pipeline, *others: Pipeline) -> dict[str, str]:
    return {each.path: each.message for each in problems(checked, PROCESSORS, library(*others))}


CALL = "stages.call0.options.name"


def test_a_pipeline_that_is_there_may_be_contained() -> None:
    assert found(named("top", "inner", "inner"), named("inner")) == {}


def test_a_pipeline_that_is_missing_is_named_with_the_nearest() -> None:
    assert found(named("top", "iner"), named("inner")) == {
        CALL: "There is no pipeline “iner”. Is “inner” meant?"
    }


def test_every_place_that_names_a_pipeline_is_checked() -> None:
    checked = pipeline(
        stage("a", on_error={"pipeline": "x"}),
        stage("b", processor="pipeline", options={"name": 3}),
        error_handling={"strategy": "fallback", "pipeline": "y"},
    )
    assert list(found(checked)) == [
        "stages.a.on_error.pipeline",
        "stages.b.options.name",
        "error_handling.pipeline",
    ]


def test_a_pipeline_cannot_contain_itself() -> None:
    assert found(named("top", "top")) == {CALL: "Pipelines cannot contain themselves: top → top."}


def test_a_circle_across_documents_is_named() -> None:
    assert found(named("top", "inner"), named("inner", "deep"), named("deep", "top")) == {
        CALL: "Pipelines cannot contain themselves: top → inner → deep → top."
    }


def test_a_circle_further_down_is_named_too() -> None:
    assert found(named("top", "inner"), named("inner", "deep"), named("deep", "inner")) == {
        CALL: "Pipelines cannot contain themselves: inner → deep → inner."
    }
    assert found(named("top", "inner"), named("inner", "gone")) == {}


def chain(length: int) -> list[Pipeline]:
    return [named(f"p{number}", f"p{number + 1}") for number in range(1, length)] + [named(f"p{length}")]


def test_pipelines_are_nested_8_deep_at_most() -> None:
    assert found(named("top", "p1"), *chain(7)) == {}
    assert found(named("top", "p1"), *chain(8)) == {CALL: "Pipelines are nested 9 deep here; 8 at most."}
    assert list(found(named("top", "p1"), *chain(2000))) == [CALL]


def test_all_stages_together_are_5000_at_most() -> None:
    assert found(named("top", *["inner"] * 10, size=10), named("inner", size=499)) == {}
    assert found(named("top", *["inner"] * 10, size=11), named("inner", size=499)) == {
        "stages": "With the pipelines in it, it has 5,001 stages; 5,000 at most."
    }


def test_twice_as_many_at_each_level_are_counted_to_a_million() -> None:
    doubling = [named(f"p{number}", *[f"p{number + 1}"] * 2) for number in range(1, 100)]
    said = found(named("top", "p1"), *doubling, named("p100"))
    assert said["stages"] == "With the pipelines in it, it has 1,000,000 stages; 5,000 at most."


def test_the_meaning_of_options_is_read_from_their_schema() -> None:
    case: Json = {
        "properties": {"when": {"format": "condition"}, "to": {"type": "string", "format": "stage"}}
    }
    schema: Json = {
        "$defs": {"Case": case},
        "properties": {
            "cases": {"items": {"$ref": "#/$defs/Case"}},
            "source": {"anyOf": [{"format": "source"}, {"type": "null"}]},
            "date": {"type": "string", "format": "date"},
        },
        "additionalProperties": {"format": "template"},
    }
    options = {
        "cases": [{"when": "true", "to": "b"}, {"to": 3}, 4],
        "source": ["input"],
        "date": "x",
        "more": "y",
    }
    marked = [(each.format, each.value, each.at) for each in marked_options(schema, options)]
    assert marked == [
        (OptionFormat.CONDITION, "true", ("cases", 0, "when")),
        (OptionFormat.STAGE, "b", ("cases", 0, "to")),
        (OptionFormat.SOURCE, ["input"], ("source",)),
        (OptionFormat.TEMPLATE, "y", ("more",)),
    ]
    assert list(marked_options(3, options)) == []


def test_a_transform_and_a_stage_among_the_options_are_checked() -> None:
    schema = {"properties": {"steps": {"items": {"format": "transform"}}, "each": {"format": "stage"}}}
    processors = {"map": ProcessorSpec(name="map", options_schema=schema)}
    checked = pipeline(stage("a", processor="map", options={"steps": ["strip", "no"], "each": "b"}))
    assert {each.path for each in problems(checked, processors, {})} == {
        "stages.a.options.steps[1]",
        "stages.a.options.each",
    }
