"""A definition is checked whole: what does not fit together is said at its path, in order, once."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from orchestration.llm.engine.types import Json
from pipelines.engine.definition import MOST_PROBLEMS, Pipeline, read_definition
from pipelines.engine.validation import document_problems
from tests.support.definitions import document, pipeline, pipelines, problems, stage
from tests.support.processors import PROCESSORS

CLOSED = {"schema": {"properties": {"text": {"type": "string"}}, "additionalProperties": False}}


def found(*stages: Json, **fields: Json) -> dict[str, str]:
    """Return the message of each problem of a definition by its path."""
    return {each.path: each.message for each in problems(pipeline(*stages, **fields), PROCESSORS, {})}


def reads(source: Json, **fields: Json) -> dict[str, Json]:
    """Return the fields of a stage that reads a source."""
    return {"input": {"from": source, **fields}}


A = stage("a")


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        (
            [stage("a", processor="models")],
            {"stages.a.processor": "There is no processor “models”. Is “model” meant?"},
        ),
        ([A, stage("b"), A], {"stages[2].id": "There is another stage “a”."}),
        ([stage("a", "b")], {"stages.a.needs[0]": "There is no stage “b”. There are: a."}),
        ([stage("a", "a")], {"stages.a.needs[0]": "A stage cannot need itself."}),
        ([A, stage("b", "a a")], {"stages.b.needs[1]": "a is named twice."}),
        ([stage("a", "b"), stage("b", "a")], {"stages.a.needs": "Stages wait for each other: a → b → a."}),
        (
            [stage("a", "b"), stage("b", "a"), stage("c", "d"), stage("d", "c")],
            {
                "stages.a.needs": "Stages wait for each other: a → b → a.",
                "stages.c.needs": "Stages wait for each other: c → d → c.",
            },
        ),
        (
            [stage("a", "b", on_error={"goto": "b"}), stage("b")],
            {"stages.a.needs": "Stages wait for each other: a → b → a."},
        ),
        (
            [A, stage("b", "a", on_error={"goto": "a"})],
            {"stages.b.on_error.goto": "a is no later stage: only forward is possible."},
        ),
        (
            [stage("a", on_error={"goto": "a"})],
            {"stages.a.on_error.goto": "a is no later stage: only forward is possible."},
        ),
        (
            [stage("a", on_error={"goto": "b"})],
            {"stages.a.on_error.goto": "There is no stage “b”. There are: a."},
        ),
        (
            [A, stage("b", "a", "branch", options={"cases": [{"when": "true", "to": "a"}], "default": "c"})],
            {
                "stages.b.options.cases[0].to": "a is no later stage: only forward is possible.",
                "stages.b.options.default": "There is no stage “c”. There are: a, b.",
            },
        ),
        (
            [A, stage("b", "a", join="quorum", quorum=2)],
            {"stages.b.quorum": "2 of 1 needs cannot succeed."},
        ),
        (
            [A, stage("b", "a", join="quorum")],
            {"stages.b.quorum": "How many needs have to succeed is missing."},
        ),
        (
            [A, stage("b", "a", quorum=1)],
            {"stages.b.quorum": "A quorum goes with the join quorum, not with all."},
        ),
        (
            [stage("a", join="any")],
            {"stages.a.join": "The join any is one of several needs, and there are none."},
        ),
        (
            [stage("a", retry={"base": 50})],
            {"stages.a.retry.base": "The first wait is longer than the longest, 30 seconds."},
        ),
        (
            [stage("a", processor="human", cache={"ttl": 9})],
            {"stages.a.cache": "The result of human cannot be used again: it acts outside the run."},
        ),
        (
            [stage("a", output={"to": ["next", "nxt", "variable.x[0]", "next"]})],
            {
                "stages.a.output.to[1]": "A result goes to next, final or variable.<name>, not to “nxt”,"
                " at character 1.",
                "stages.a.output.to[2]": "A result is put into fields, not into items of a list:"
                " “variable.x[0]”.",
                "stages.a.output.to[3]": "next is named twice.",
            },
        ),
    ],
)
def test_stages_have_to_fit_together(stages: list[Json], expected: dict[str, str]) -> None:
    assert found(*stages) == expected


@pytest.mark.parametrize(
    ("later", "path", "message"),
    [
        (reads("stages.c.output"), "input.from", "c cannot read what it gives itself."),
        (reads("stages.zz.output"), "input.from", "There is no stage “zz”. There are: a, b, c."),
        (
            reads("stages.b.output"),
            "input.from",
            "b need not have ended when c starts: need it, or give a default.",
        ),
        (reads(["input", {"x": "stages.b.status"}]), "input.from", "b need not have ended when c starts"),
        ({"when": "stages.b.output == 'x'"}, "when", "b need not have ended when c starts"),
        (
            {"options": {"prompt": "{{ stages.b.output }}"}},
            "options.prompt",
            "b need not have ended when c starts",
        ),
        (
            {"processor": "aggregate", "options": {"from": "stages.b.output"}},
            "options.from",
            "b need not have",
        ),
        (reads("variable.b"), "input.from", "b need not have ended when c starts"),
        (reads("variable.kidn"), "input.from", "There is no variable “kidn”. Is “kind” meant?"),
        (reads("input.txt"), "input.from", "There is no field of the input “txt”. Is “text” meant?"),
        (reads("inptu"), "input.from", "There is no source “inptu”"),
        (reads("input.x y"), "input.from", "A source is written as"),
        (reads({"template": "{{ input.text"}), "input.from", ""),
        ({"when": "input.text >"}, "when", "The condition is not complete, at character 13."),
        ({"when": "inptu.text == 'x'"}, "when", "There is no name “inptu”. Is “input” meant?"),
        ({"options": {"prompt": "{% for"}}, "options.prompt", ""),
        ({"processor": "aggregate", "options": {"pick": "a["}}, "options.pick", ""),
        ({"processor": "validate", "options": {"schema": {"type": "txt"}}}, "options.schema", ""),
        (
            reads("input", transforms=["truncated"]),
            "input.transforms[0]",
            "There is no transform “truncated”",
        ),
        (reads("input", schema={"type": "txt"}), "input.schema", ""),
        ({"output": {"schema": {"type": "txt"}}}, "output.schema", ""),
        ({"options": {"models": 3}}, "options.models", ""),
        ({"processor": "branch", "options": {"cases": [{"to": 3}]}}, "options.cases[0].to", ""),
        ({"timeout": 100}, "timeout", "The whole pipeline has only 60 seconds."),
    ],
)
def test_what_a_stage_reads_has_to_be_there(later: dict[str, Json], path: str, message: str) -> None:
    stages = [A, stage("b", "a", output={"to": "variable.b"}), stage("c", "a") | later]
    problems_found = found(*stages, input=CLOSED, variables={"kind": 1}, timeout=60)
    assert list(problems_found) == [f"stages.c.{path}"]
    assert problems_found[f"stages.c.{path}"].startswith(message)


@pytest.mark.parametrize(
    "later",
    [
        reads("stages.b.output", default=None),
        reads({"from": "stages.b.output", "default": 1}),
        reads("stages.a.output"),
        reads(["stages.a.output", "stages.a.status"]),
        reads("variable.b", default=1),
        reads("variable.kind.x[0]"),
        reads("variable"),
        reads("input.text"),
        reads("input"),
        reads({"value": "stages.zz.output"}),
        reads(["previous", "context.run_id", 3]),
        {"when": "stages.a.output == 'x' && input.text == 'y'"},
        {"when": "stages['a'].output == 'x'"},
        {"input": {"transforms": ["strip"]}},
        {"on_error": {"default": [1]}},
        {"options": {"prompt": "{{ stages.a.output }} {{ variable.kind }}"}},
    ],
)
def test_what_is_there_may_be_read(later: dict[str, Json]) -> None:
    stages = [A, stage("b", "a", output={"to": "variable.b"}), stage("c", "a") | later]
    assert found(*stages, input=CLOSED, variables={"kind": 1}) == {}


def test_a_stage_without_needs_may_read_all_that_is_written_before_it() -> None:
    assert found(A, stage("b", None), stage("c", None) | reads(["stages.a.output", "previous"])) == {}
    assert found(A, stage("b"), stage("c", None, join="quorum", quorum=2)) == {
        "stages.c.quorum": "2 of 1 needs cannot succeed."
    }


def test_what_may_be_skipped_by_a_join_cannot_be_read() -> None:
    first = [stage("a"), stage("b")]
    assert found(*first, stage("c", "a b") | reads("stages.a.output")) == {}
    assert list(found(*first, stage("c", "a b", join="any") | reads("stages.a.output"))) == [
        "stages.c.input.from"
    ]


def test_two_stages_write_a_variable_only_one_after_the_other() -> None:
    to: dict[str, Json] = {"output": {"to": "variable.x"}}
    assert found(stage("a", **to), stage("b", "a", **to), stage("c", "b", **to)) == {}
    assert found(stage("a", **to), stage("b", **to), variables={"x": 1}) == {
        "stages.b.output.to": "a and b both write variable.x, in no certain order."
    }
    assert list(found(stage("a", output={"to": "final"}), stage("b", output={"to": "final"}))) == [
        "stages.b.output.to"
    ]


def test_a_variable_of_a_stage_can_be_read_after_it() -> None:
    writing = stage("a", output={"to": "variable.kind.name"})
    assert found(writing, stage("b", "a") | reads("variable.kind.name")) == {}
    assert found(writing | reads("variable.kind")) == {
        "stages.a.input.from": "a cannot read what it gives itself."
    }


NEVER = stage("a", when="1 > 2")


@pytest.mark.parametrize(
    ("stages", "paths"),
    [
        ([NEVER, stage("b", "a"), stage("c", "b")], ["stages.a.when"]),
        ([NEVER, stage("b", "a", join="first_success")], ["stages.a.when", "stages.b.needs"]),
        (
            [NEVER, stage("c"), stage("b", "a c", join="quorum", quorum=2)],
            ["stages.a.when", "stages.b.needs"],
        ),
        (
            [NEVER | {"processor": "branch", "options": {"default": "b"}}, stage("b")],
            ["stages.a.when", "stages.b.id"],
        ),
        (
            [NEVER | {"processor": "branch", "options": {"default": "b"}}, stage("b"), stage("c", "b")],
            ["stages.a.when", "stages.b.id", "stages.c.needs"],
        ),
        ([NEVER, stage("c", on_error={"goto": "b"}), stage("b", "a")], ["stages.a.when"]),
        ([stage("a", when="1 + 'x' == 2")], []),
        ([stage("a", when="1 < 2")], []),
    ],
)
def test_a_stage_that_can_never_run_is_named(stages: list[Json], paths: list[str]) -> None:
    assert list(found(*stages)) == paths


@pytest.mark.parametrize(
    ("fields", "path", "message"),
    [
        ({"input": {"schema": {"type": "txt"}}}, "input.schema", ""),
        ({"output": {"from": "stages.zz.output"}}, "output.from", "There is no stage “zz”. There are: a."),
        ({"output": {"from": "variable.x"}}, "output.from", "There is no variable “x”."),
        ({"output": {"from": "previous", "transforms": ["no"]}}, "output.transforms[0]", ""),
        (
            {"output": {"from": "stages.a.output", "transforms": ["sort"]}},
            "output.transforms[0]",
            "sort takes a list",
        ),
        (
            {"error_handling": {"strategy": "fallback"}},
            "error_handling.pipeline",
            "The pipeline that takes over is missing.",
        ),
        (
            {"error_handling": {"pipeline": "p"}},
            "error_handling.pipeline",
            "A fallback pipeline goes with the strategy fallback, not fail_fast.",
        ),
    ],
)
def test_the_fields_of_the_pipeline_are_checked_too(fields: dict[str, Json], path: str, message: str) -> None:
    problems_found = found(A, **fields)
    assert list(problems_found) == [path]
    assert problems_found[path].startswith(message)


def paths(*stages: Json, **fields: Json) -> list[str]:
    """Return the paths of all that is wrong with a document."""
    written = document(*stages, **fields)
    return [each.path for each in document_problems(written, PROCESSORS, {})[1]]


def test_ten_errors_are_ten_problems_in_the_order_of_the_document() -> None:
    stages = [
        stage("a", processor="x", timeout=200, retry={"base": 40}),
        stage("b", "zz a", when="(", options={"prompt": "{{"}, join="quorum", output={"to": "x"}),
    ]
    assert paths(
        *stages, timeout=100, output={"from": "stages.q.output"}, error_handling={"pipeline": "p"}
    ) == [
        "stages.a.processor", "stages.a.timeout", "stages.a.retry.base", "stages.b.options.prompt",
        "stages.b.output.to", "stages.b.when", "stages.b.needs[0]", "stages.b.quorum", "output.from",
        "error_handling.pipeline",
    ]  # fmt: skip


def test_wrong_fields_and_wrong_references_are_ten_problems_together() -> None:
    stages = [
        stage("a", processor="x", timeout="5", retry={"attempts": 0}),
        stage("Draft", None, when="("),
        stage("c", None, input={"form": 1, "from": "stages.Draft.output"}),
        stage("b", "zz", options={"prompt": "{{"}, parallel=1, output={"to": "x"}),
    ]
    assert paths(*stages, timeout=-1, output={"from": "stages.q.output"}, more=1) == [
        "stages.a.processor", "stages.a.timeout", "stages.a.retry.attempts", "stages[1].id", "stages[1].when",
        "stages.c.input.form", "stages.b.options.prompt", "stages.b.output.to", "stages.b.needs[0]",
        "stages.b.parallel", "output.from", "timeout", "more",
    ]  # fmt: skip


ROUTE = stage("r", None, "branch", options={"cases": [{"when": "true", "to": "b"}], "default": "c"})


@pytest.mark.parametrize(
    ("stages", "fields", "expected"),
    [
        ([A, 7, stage("b", None, **reads("stages.zz.output"))], {}, ["stages[1]", "stages.b.input.from"]),
        ([{"id": "a"}, stage("b", None, **reads("stages.a.output"))], {}, ["stages.a.processor"]),
        ([stage("a", **reads("stages.b.output")), {"processor": "model"}], {}, [
            "stages.a.input.from", "stages[1].id"]),
        ([A, stage("b", "a", join="most", quorum=2)], {}, ["stages.b.join"]),
        ([A, stage("b") | {"needs": "a", "join": "any"}], {}, ["stages.b.needs"]),
        ([A, stage("b") | {"needs": ["zz", 5]}], {}, ["stages.b.needs[0]", "stages.b.needs[1]"]),
        ([A, stage("b", "a", join="quorum", quorum=0)], {}, ["stages.b.quorum"]),
        ([stage("a", retry={"base": 50, "cap": "x"})], {}, ["stages.a.retry.cap"]),
        ([stage("a", retry={"on": ["server", "no"]})], {}, ["stages.a.retry.on[1]"]),
        ([stage("a", cache={"tll": 3})], {}, ["stages.a.cache.ttl", "stages.a.cache.tll"]),
        ([stage("a", on_error={"goto": 3})], {}, ["stages.a.on_error.goto"]),
        ([stage("a", options=3, processor="branch")], {}, ["stages.a.options"]),
        ([ROUTE | {"processor": 3}, stage("b", "c"), stage("c", "b")], {}, ["stages.r.processor"]),
        ([stage("a", output={"to": 3}), stage("b", None, **reads("variable.x"))], {}, ["stages.a.output.to"]),
        ([stage("a", **reads("variable.x"))], {"variables": 3}, ["variables"]),
        ([stage("a", **reads("variable.y"))], {"variables": {"X y": 1, "x": 1}}, ['variables."X y"']),
        ([A], {"name": 3, "error_handling": {"strategy": "no", "pipeline": "p"}}, [
            "name", "error_handling.strategy"]),
        ([A], {"schema_version": 2, "output": {"from": "no"}}, ["schema_version", "output.from"]),
        ([], {"timeout": 0}, ["stages", "timeout"]),
    ],
)  # fmt: skip
def test_what_only_follows_from_a_wrong_field_is_no_problem(
    stages: list[Json], fields: dict[str, Json], expected: list[str]
) -> None:
    assert paths(*stages, **fields) == expected


def test_a_stage_without_a_name_is_not_among_those_that_there_are() -> None:
    written = document(A, 7, stage("b", None, **reads("stages.zzz.output")))
    found = document_problems(written, PROCESSORS, {})[1]
    assert found[-1].message == "There is no stage “zzz”. There are: a, b."


def test_a_document_with_wrong_fields_can_be_shown_without_them_and_not_run() -> None:
    written = document(stage("a", timeout=0), stage("B", None))
    shown = read_definition(written)[0]
    assert shown is not None
    assert [(each.id, each.timeout) for each in shown.stages] == [("a", None), ("B", None)]
    assert document_problems(written, PROCESSORS, {})[0] is None
    assert document_problems(document(A), PROCESSORS, {}) == (pipeline(A), ())


def inside(**fields: Json) -> Json:
    """Return a stage that runs another one for each item."""
    return stage("m", "a", "map", options={"stage": {"processor": "model"} | fields})


@pytest.mark.parametrize(
    ("fields", "path", "message"),
    [
        ({"processor": "no"}, "processor", "There is no processor “no”"),
        ({"processor": 3}, "processor", "Must be text, is 3."),
        ({"processor": "branch"}, "processor", "A branch cannot stand inside another stage."),
        ({"options": {"prompt": "{{"}}, "options.prompt", ""),
        ({"options": {"prompts": "x"}}, "options", ""),
        ({"(one)": "x"}, '"(one)"', "There is no field “(one)”."),
        ({"options": {"prompt": "{{ stages.z.output }}"}}, "options.prompt", "z need not have ended when m"),
        (reads("stages.zz.output"), "input.from", "There is no stage “zz”. Is “z” meant?"),
        (reads("input", transforms=["no"]), "input.transforms[0]", "There is no transform “no”"),
        (reads({"value": 1}, transforms=["sort"]), "input.transforms[0]", "sort takes a list"),
        ({"output": {"transforms": ["sort"]}}, "output.transforms[0]", "sort takes a list"),
        ({"output": {"to": "variable.x"}}, "output.to", "What a stage inside another gives goes to next"),
        ({"timeout": 100}, "timeout", "The whole pipeline has only 60 seconds."),
        ({"retry": {"base": 50}}, "retry.base", "The first wait is longer"),
        ({"needs": ["a"]}, "needs", "There is no field “needs”. There are: processor, options, input"),
        ({"processor": "pipeline", "options": {"name": "p"}}, "options.name", "There is no pipeline “p”."),
        (
            {"processor": "map", "options": {"stage": {"processor": "x"}}},
            "options.stage.processor",
            "There is",
        ),
        (
            {"processor": "map", "options": {"stage": reads("input")}},
            "options.stage.processor",
            "This is",
        ),
    ],
)
def test_a_stage_inside_another_is_checked_like_one(fields: dict[str, Json], path: str, message: str) -> None:
    said = found(A, inside(**fields), stage("z"), timeout=60)
    assert list(said) == [f"stages.m.options.stage.{path}".rstrip(".")]
    assert next(iter(said.values())).startswith(message)


def test_only_a_stage_inside_another_knows_the_item() -> None:
    item = reads(["context.item.name", "context.index"])
    assert found(A, inside(**item, options={"prompt": "{{ context.item }}"})) == {}
    assert found(stage("m", "", "map", options={"stage": None})) == {}
    assert found(stage("a", **reads("context.item.name")))["stages.a.input.from"] == (
        "context.item.name is known only in a stage that runs for each item of a list."
    )
    assert found(stage("a", when="context.itm == 1")) == {
        "stages.a.when": "There is no field of the context “itm”. Is “item” meant?"
    }


def test_of_very_many_problems_some_are_listed() -> None:
    stages = [stage(f"s{number}", "x y", processor="no") for number in range(400)]
    assert len(problems(pipeline(*stages), PROCESSORS, {})) == MOST_PROBLEMS


@settings(deadline=None)
@given(pipelines())
def test_any_definition_can_be_checked_and_nothing_is_said_twice(written: Pipeline) -> None:
    said = problems(written, PROCESSORS, {})
    assert len(set(said)) == len(said)
    assert all(each.path and each.message for each in said)
