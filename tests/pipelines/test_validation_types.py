"""A value that a later stage cannot take is found before the run, where types are declared."""

from __future__ import annotations

import pytest

from orchestration.llm.engine.types import Json
from tests.support.definitions import pipeline, problems, stage
from tests.support.processors import PROCESSORS


def mapped(source: Json, *transforms: Json, **fields: Json) -> dict[str, Json]:
    return {"input": {"from": source, "transforms": list(transforms), **fields}}


def found(first: dict[str, Json], later: dict[str, Json], **fields: Json) -> list[str]:
    """Return the problems of a stage after one that gives text."""
    fields.setdefault(
        "input", {"schema": {"type": "object", "properties": {"n": {"type": ["integer", "null"]}}}}
    )
    written = pipeline(stage("a") | first, stage("z"), stage("b", "a") | later, **fields)
    return [f"{each.path}: {each.message}" for each in problems(written, PROCESSORS, {})]


SORT = "stages.b.input.transforms[0]: sort takes a list, and is given"
ASKS = "stages.b.input.schema: The schema asks for a list, and is given"


@pytest.mark.parametrize(
    ("first", "later", "message"),
    [
        ({}, mapped("stages.a.output", "sort"), f"{SORT} a text."),
        ({}, mapped("previous", "sort"), f"{SORT} a text."),
        ({"needs": []}, mapped("previous", "sort") | {"needs": ["a", "z"]}, f"{SORT} an object."),
        ({}, mapped("input.n", "sort"), f"{SORT} null or a number."),
        ({}, mapped({"value": True}, "sort"), f"{SORT} true or false."),
        ({}, mapped({"template": "x"}, "sort"), f"{SORT} a text."),
        ({}, mapped({"x": "previous"}, "sort"), f"{SORT} an object."),
        ({}, mapped({"from": "previous", "default": 1}, "sort"), f"{SORT} a number or a text."),
        ({}, mapped("previous", "sort", default=1), f"{SORT} a number or a text."),
        ({"on_error": {"default": 1}}, mapped("previous", "sort"), f"{SORT} a number or a text."),
        ({"output": {"transforms": ["count"]}}, mapped("previous", "sort"), f"{SORT} a number."),
        ({}, mapped("previous", schema={"type": "array"}), f"{ASKS} a text."),
        ({}, mapped("previous", "strip", schema={"type": ["array"]}), f"{ASKS} a text."),
        (
            {"output": {"schema": {"type": "array"}}},
            {},
            "stages.a.output.schema: The schema asks for a list, and is given a text.",
        ),
        (
            {},
            mapped("previous.label"),
            "stages.b.input.from: previous.label is not there: what it is read from has no fields.",
        ),
    ],
)
def test_a_value_of_a_wrong_type_is_named(
    first: dict[str, Json], later: dict[str, Json], message: str
) -> None:
    assert found(first, later) == [message]


LABELLED = {
    "transforms": ["parse_json"],
    "schema": {"type": "object", "properties": {"label": {"type": "string"}}},
}
LISTED = {"transforms": ["parse_json"], "schema": {"type": "array", "items": {"type": "string"}}}


@pytest.mark.parametrize(
    ("first", "later"),
    [
        ({}, mapped(["previous"], "sort")),
        ({}, mapped("input.x", "sort")),
        ({}, mapped("variable.x", "sort")),
        ({}, mapped("stages.a.status")),
        ({"processor": "transform"}, mapped("previous", "sort")),
        ({"processor": "transform"}, mapped("previous.x[0].y", "sort")),
        ({"on_error": {"pipeline": "p"}}, mapped("previous", "sort")),
        ({"on_error": {"default": {"label": []}}, "output": LABELLED}, mapped("previous.label", "sort")),
        ({"output": LABELLED}, mapped("previous.label", "strip")),
        ({"output": LABELLED}, mapped("previous.other.x", "sort")),
        ({"output": LISTED}, mapped("previous[0]", "strip")),
        ({}, mapped("previous", schema={"minLength": 1})),
    ],
)
def test_what_may_fit_is_no_problem(first: dict[str, Json], later: dict[str, Json]) -> None:
    assert [each for each in found(first, later, variables={"x": 1}) if "pipeline" not in each] == []


@pytest.mark.parametrize(
    ("output", "source"),
    [(LABELLED, "previous.label"), (LISTED, "previous[0]"), (LABELLED, "stages.a.output.label")],
)
def test_types_inside_of_a_schema_are_known(output: Json, source: str) -> None:
    assert found({"output": output}, mapped(source, "sort")) == [f"{SORT} a text."]


def test_where_an_expression_is_wrong_types_are_not_guessed() -> None:
    assert len(found({}, mapped("nothing", "sort"))) == 1
    assert len(found({}, mapped("previous", "no", "sort"))) == 1
    assert len(found({}, {"processor": "no"} | mapped("previous", "strip"))) == 1
    assert found({}, {}, output={"transforms": ["strip"]}) == []


A = stage("a")
PASSED = stage("m", "a", processor="human", when="true")


@pytest.mark.parametrize(
    ("before", "last", "types"),
    [
        ([A, stage("m", "a", processor="human")], "m", "an object"),
        ([A, PASSED], "m", "a text or an object"),
        ([A, PASSED, stage("n", "m", processor="human", optional=True)], "n", "a text or an object"),
        ([A, PASSED | {"on_error": "skip", "when": None}], "m", "a text or an object"),
        (
            [A, PASSED | {"on_error": {"goto": "z"}, "when": None}, stage("n", "m")],
            "m",
            "a text or an object",
        ),
        ([PASSED | {"needs": []}], "m", "true or false or an object"),
        ([A, stage("b"), stage("c", "a b")], "c", "a text"),
        ([A, stage("b")], "a b", "an object"),
        ([A, PASSED], "a m", "an object"),
        ([PASSED | {"needs": ["n"]}, stage("n", "m", when="true")], "m", "a text or an object"),
        ([], "", "true or false"),
    ],
)
def test_what_a_stage_that_is_passed_over_was_given_may_be_what_the_next_one_is_given(
    before: list[Json], last: str, types: str
) -> None:
    declared = {"schema": {"type": "boolean"}}
    checked = pipeline(*before, stage("z", last, **mapped("previous", "sort")), input=declared)
    said = [each.message for each in problems(checked, PROCESSORS, {}) if "sort" in each.message]
    assert said == [f"sort takes a list, and is given {types}."]
