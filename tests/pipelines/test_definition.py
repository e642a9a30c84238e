"""A definition is read whole: every error at its path, in words, and nothing is converted silently."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import given

from orchestra_site.settings.environment import ROOT
from orchestration.expressions.documents import read_document
from orchestration.expressions.fields import part_schema
from orchestration.expressions.schemas import parse_schema
from orchestration.expressions.values import listed, unknown
from orchestration.graphs.graph import GraphNode, Join
from orchestration.llm.engine.types import Json
from pipelines.engine.definition import MOST_PROBLEMS, Pipeline, Problem, pipeline_from
from pipelines.engine.rules import DefaultValue, FallbackPipeline, GoTo
from tests.support.definitions import document, pipeline, pipelines, stage

SUPPORT_REPLY = """
name: support-reply
input: {schema: {type: object}}
variables: {tone: friendly}
stages:
  - id: classify
    processor: model
    options: {strategy: expert, prompt: "Classify: {{ input.text }}"}
    input: {from: input.text, transforms: [strip, {truncate: 4000}], schema: {type: string}}
    output: {to: variable.kind, transforms: [parse_json], schema: {type: object}}
    when: "size(input.text) > 10"
    needs: []
    parallel: true
    optional: false
    timeout: 30
    retry: {attempts: 3, backoff: exponential, base: 0.5, cap: 30, jitter: true, "on": [timeout, server]}
    cache: {ttl: 3600}
    on_error: fail
  - {id: reply, processor: model, needs: [classify], on_error: {default: null}}
output: {from: stages.reply.output}
error_handling: {strategy: fallback, pipeline: simple-reply}
timeout: 120
"""


def found(*stages: Json, **fields: Json) -> dict[str, str]:
    """Return the message of each problem of a definition by its path."""
    read, problems = pipeline_from(document(*stages, **fields))
    assert (read is None) is bool(problems)
    return {problem.path: problem.message for problem in problems}


def test_the_example_of_a_definition_is_read() -> None:
    read, problems = pipeline_from(read_document(SUPPORT_REPLY, "yaml"))
    assert problems == ()
    assert read is not None
    classify, reply = read.stages
    assert (classify.retry.attempts, classify.timeout, classify.needs) == (3, 30.0, ())
    assert reply.on_error == DefaultValue(default=None)
    assert read.output is not None
    assert (read.output.source, read.output.has_default) == ("stages.reply.output", False)


@pytest.mark.parametrize(
    ("fields", "path", "message"),
    [
        (
            {"id": "Draft"},
            "stages[0].id",
            "Must be a small letter, then small letters, digits, - or _; 40 at most.",
        ),
        (
            {"id": "a" * 41},
            "stages[0].id",
            "Must be a small letter, then small letters, digits, - or _; 40 at most.",
        ),
        (
            {"id": "a\n"},
            "stages[0].id",
            "Must be a small letter, then small letters, digits, - or _; 40 at most.",
        ),
        ({"processor": 3}, "stages.a.processor", "Must be text, is 3."),
        ({"processor": ""}, "stages.a.processor", "Must have at least 1 character."),
        ({"processor": "x" * 61}, "stages.a.processor", "Must have at most 60 characters."),
        ({"needs": "b"}, "stages.a.needs", "Must be a list, is “b”."),
        ({"parallel": "yes"}, "stages.a.parallel", "Must be true or false, is “yes”."),
        ({"timeout": 0}, "stages.a.timeout", "Must be more than 0, is 0."),
        ({"timeout": "5"}, "stages.a.timeout", "Must be a number, is “5”."),
        ({"timeout": float("nan")}, "stages.a.timeout", "Must be another value, is NaN."),
        ({"timeout": 10**400}, "stages.a.timeout", "Must be a number, is a very large number."),
        ({"retry": {"attempts": 11}}, "stages.a.retry.attempts", "Must be at most 10, is 11."),
        ({"retry": {"base": -1}}, "stages.a.retry.base", "Must be at least 0, is -1."),
        ({"retry": {"attempts": 2.5}}, "stages.a.retry.attempts", "Must be a whole number, is 2.5."),
        ({"retry": {"backoff": "no"}}, "stages.a.retry.backoff", "Must be exponential or fixed, is “no”."),
        ({"output": {"to": ["next", 1]}}, "stages.a.output.to[1]", "Must be text, is 1."),
        ({"output": {"to": []}}, "stages.a.output.to", "Must have at least 1 item."),
        ({"input": {"form": 1}}, "stages.a.input.form", "There is no field “form”. Is “from” meant?"),
        ({"cache": {}}, "stages.a.cache.ttl", "This is missing."),
        (
            {"on_error": {"goto": "b", "x": 1}},
            "stages.a.on_error.x",
            "There is no field “x”. There are: goto.",
        ),
        ({"on_error": {"pipeline": 1}}, "stages.a.on_error.pipeline", "Must be text, is 1."),
        (
            {"on_error": "continue"},
            "stages.a.on_error",
            "Must be fail, skip, {default: …}, {goto: …} or {pipeline: …}, is “continue”.",
        ),
        ({"options": []}, "stages.a.options", "Must be an object, is []."),
        ({'a "b"\n': 1}, r'stages.a."a \"b\"\n"', None),
    ],
)
def test_each_wrong_field_of_a_stage_is_named(
    fields: dict[str, Json], path: str, message: str | None
) -> None:
    problems = found(stage("a") | fields)
    assert list(problems) == [path]
    assert message is None or problems[path] == message


def test_all_errors_are_found_at_once_and_in_order() -> None:
    problems = found(
        stage("a", timeout=0), 7, {"id": "c"}, name="A", variables={"X y": 1}, schema_version=2, more=1
    )
    assert problems == {
        "schema_version": "Must be 1, is 2.",
        "name": "Must be a small letter, then small letters, digits, - or _; 40 at most.",
        'variables."X y"': "Must be a small letter, then small letters, digits, - or _; 40 at most.",
        "stages.a.timeout": "Must be more than 0, is 0.",
        "stages[1]": "Must be an object, is 7.",
        "stages.c.processor": "This is missing.",
        "more": "There is no field “more”. There are: schema_version, name, title, description, input,"
        " variables, stages, output and 2 more.",
    }


def test_a_problem_of_a_stage_names_the_stage_and_the_field() -> None:
    (problem,) = pipeline_from(document(stage("draft", retry={"attempts": 0})))[1]
    assert problem == Problem(
        path="stages.draft.retry.attempts",
        message="Must be at least 1, is 0.",
        stage="draft",
        field="retry.attempts",
    )


def test_only_the_first_of_two_stages_with_one_name_is_called_by_it() -> None:
    assert list(found(stage("a", timeout=0), stage("a", timeout=0))) == [
        "stages.a.timeout",
        "stages[1].timeout",
    ]


@pytest.mark.parametrize("written", [None, [], "x", 3, True])
def test_what_is_no_object_is_no_definition(written: Json) -> None:
    assert pipeline_from(written)[1][0].message.startswith("Must be an object, is ")


def test_a_pipeline_has_one_to_500_stages() -> None:
    assert found() == {"stages": "Must have at least 1 item."}
    assert found(*(stage(f"s{n}") for n in range(501))) == {"stages": "Must have at most 500 items."}
    assert found(stages=3) == {"stages": "Must be a list, is 3."}


def nested(levels: int) -> Json:
    value: Json = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (nested(10_000), "A definition is nested more than 64 levels deep."),
        (
            document(stage("a", options={"x": nested(10_000)})),
            "A definition is nested more than 64 levels deep.",
        ),
        (document(*[[]] * 1_000_000), "A definition has more than 50,000 parts."),
        (
            document(stage("a", options={"x": "a" * 10_000_001})),
            "A definition has more than 10,000,000 characters.",
        ),
    ],
)
def test_what_is_too_large_is_refused_whole(written: Json, message: str) -> None:
    assert pipeline_from(written) == (None, (Problem(path="", message=message),))


def test_of_very_many_errors_some_are_listed() -> None:
    assert len(pipeline_from(document(*[{"x": 1}] * 490))[1]) == MOST_PROBLEMS


def test_the_graph_has_needs_choices_and_jumps() -> None:
    cases = [{"when": "true", "to": "b"}, {"to": "c"}, {"to": 3}, 4]
    read = pipeline(
        stage("a", processor="branch", options={"cases": cases, "default": "c"}),
        stage("b", "a", on_error={"goto": "c"}, join="quorum", quorum=1),
        stage("c", "a", parallel=False, options={"default": "b"}),
        stage("d", processor="branch", options={"cases": 3}),
    )
    assert read.graph.nodes == (
        GraphNode(id="a", choices=("b", "c")),
        GraphNode(id="b", needs=("a",), join=Join.QUORUM, quorum=1, jump="c"),
        GraphNode(id="c", needs=("a",), parallel=False),
        GraphNode(id="d"),
    )


def routes(*names: str) -> dict[str, Json]:
    """Return a branch between stages."""
    return stage("route", None, "branch", options={"cases": [{"to": name} for name in names]})


@pytest.mark.parametrize(
    ("stages", "needs", "join"),
    [
        (["a", "b", "z"], "b", Join.ALL),
        (["z"], "", Join.ALL),
        (["a", stage("z", "")], "", Join.ALL),
        (["a", stage("z", None, join="any")], "a", Join.ANY),
        (["a", stage("b", None, on_error={"goto": "z"}), "c", "z"], "c", Join.ALL),
        (["a", stage("b", None, on_error={"goto": "c"}), "c", "z"], "c", Join.ALL),
        ([routes("a", "b"), "z"], "route", Join.ALL),
        ([routes("a", "b"), "a", "b", "z"], "a b", Join.ANY),
        ([routes("a", "b"), "a", "b", stage("z", None, join="all")], "a b", Join.ALL),
        ([routes("a", "b"), "a", "z", "b"], "a", Join.ANY),
        ([routes("a", "b"), "a", "more", "b", "z"], "a b", Join.ANY),
        ([routes("a", "z"), "a", "z"], "", Join.ALL),
        ([routes("a", "z"), "a", stage("z", "a")], "a", Join.ALL),
    ],
)
def test_a_stage_without_needs_follows_what_is_written_before_it(
    stages: list[str | Json], needs: str, join: Join
) -> None:
    read = pipeline(*(stage(each, None) if isinstance(each, str) else each for each in stages))
    node = read.graph.node("z")
    assert (node.needs, node.join) == (tuple(needs.split()), join)


def test_of_stages_with_one_name_the_graph_has_the_first() -> None:
    assert pipeline(stage("a"), stage("b", "a"), stage("a", "b")).graph.nodes == (
        GraphNode(id="a"),
        GraphNode(id="b", needs=("a",)),
    )


def test_what_follows_an_error_is_told_by_its_key() -> None:
    ways = ["skip", {"default": 1}, {"goto": "b"}, {"pipeline": "p"}]
    read = pipeline(*(stage(f"s{number}", on_error=way) for number, way in enumerate(ways)))
    rules: list[Json] = ["skip", DefaultValue(default=1), GoTo(goto="b"), FallbackPipeline(pipeline="p")]
    assert [each.on_error for each in read.stages] == rules


def test_one_destination_and_several_are_read_alike() -> None:
    one, several = pipeline(
        stage("a", output={"to": "final"}), stage("b", output={"to": ["next", "final"]})
    ).stages
    assert one.output is not None
    assert several.output is not None
    assert (one.output.destinations, several.output.destinations) == (("final",), ("next", "final"))


def test_a_default_of_null_is_a_default() -> None:
    stages = pipeline(stage("a", input={"default": None}), stage("b", input={})).stages
    assert [read.input is not None and read.input.has_default for read in stages] == [True, False]
    assert ["default" in read.model_dump()["input"] for read in stages] == [True, False]


@given(pipelines())
def test_a_definition_that_is_written_out_is_read_again_as_the_same(written: Pipeline) -> None:
    again = pipeline_from(json.loads(json.dumps(written.model_dump(mode="json"))))[0]
    assert again is not None
    assert again.model_dump() == written.model_dump()


def fields(schema: Json) -> Iterator[tuple[str, Json]]:
    for part in [schema, *schema["$defs"].values()]:
        for name, field in part.get("properties", {}).items():
            yield name, schema["$defs"].get(field.get("$ref", "").rpartition("/")[2], {}) | field


def test_each_field_has_a_title_and_a_description_for_forms() -> None:
    lacking = [
        name for name, field in fields(part_schema(Pipeline)) if not field.keys() >= {"title", "description"}
    ]
    assert lacking == []


def test_the_exported_schema_takes_what_is_read() -> None:
    schema = parse_schema(part_schema(Pipeline))
    assert schema.problems(read_document(SUPPORT_REPLY, "yaml")) == ()
    assert schema.problems({"name": "a"})


def test_unknown_names_are_answered_with_the_nearest_or_with_all() -> None:
    assert unknown("stage", "drft", ["draft", "check"]) == "There is no stage “drft”. Is “draft” meant?"
    assert unknown("stage", "x", ["draft", "check"]) == "There is no stage “x”. There are: draft, check."
    assert unknown("stage", "x", []) == "There is no stage “x”."
    assert listed([str(number) for number in range(10)]) == "0, 1, 2, 3, 4, 5, 6, 7 and 2 more"


def test_the_exported_schema_is_that_of_the_code() -> None:
    exported = json.loads((ROOT / "docs" / "pipeline.schema.json").read_text(encoding="utf-8"))
    assert exported == json.loads(json.dumps(part_schema(Pipeline)))
