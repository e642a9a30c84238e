"""What goes into a stage and comes out of it, step by step."""

from __future__ import annotations

import pytest

from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.mapping import MappingError, Traced, mapped_input
from orchestration.llm.engine.types import Json
from pipelines.engine.mapping import mapped_output, parse_destination, parse_input, parse_output, with_output
from pipelines.engine.scope import Scope

SCOPE = Scope(input={"text": "  Hello  ", "price": "12"}, variables={"long": "x" * 10_000_001})
ORDER = {
    "type": "object",
    "properties": {"items": {"type": "array", "items": {"type": "number"}}},
    "required": ["id"],
}


def test_an_input_is_read_transformed_and_checked_in_this_order() -> None:
    plan = parse_input("input.text", ["strip", {"truncate": 3}], {"type": "string"})
    trace: list[Traced] = []
    assert mapped_input(SCOPE, plan, trace) == "He…"
    assert [(step.path, step.value, step.error) for step in trace] == [
        ("from", "  Hello  ", ""),
        ("transforms[0]", "Hello", ""),
        ("transforms[1]", "He…", ""),
        ("schema", "He…", ""),
    ]


@pytest.mark.parametrize("default", [None, "", {"a": 1}])
def test_a_default_takes_the_place_of_a_missing_value(default: Json) -> None:
    trace: list[Traced] = []
    assert mapped_input(SCOPE, parse_input("input.tone", default=default), trace) == default
    assert [step.path for step in trace] == ["default"]


@pytest.mark.parametrize(
    ("source", "transforms", "schema", "path", "words"),
    [
        ("input.tone", [], None, "from", "input has no field “tone”; it has text, price."),
        ({"template": "{{ variable.x }}"}, [], None, "from", "x"),
        ("input.text", ["strip", {"cast": "number"}], None, "transforms[1]", "This is no number: “Hello”"),
        ("input.price", [], {"type": "number"}, "schema", "the value: "),
        ("variable.long", [], None, "from", "The value has more than 10,000,000 characters."),
    ],
)  # fmt: skip
def test_an_input_that_fails_says_where_and_why(
    source: Json, transforms: list[Json], schema: Json, path: str, words: str
) -> None:
    trace: list[Traced] = []
    with pytest.raises(MappingError) as caught:
        mapped_input(SCOPE, parse_input(source, transforms, schema), trace)
    assert caught.value.path == path
    assert words in str(caught.value)
    assert trace[-1].error == str(caught.value)
    assert all(step.error == "" for step in trace[:-1])


def test_a_result_that_does_not_fit_names_the_place_and_the_value() -> None:
    with pytest.raises(MappingError) as caught:
        mapped_output({"items": [1, "two"]}, parse_output(schema=ORDER))
    assert "items[1]: " in str(caught.value)
    assert "(“two”)" in str(caught.value)
    assert caught.value.path == "schema"
    assert caught.value.value == '{"items": [1, "two"]}'


def test_of_many_faults_the_first_ones_are_named() -> None:
    with pytest.raises(MappingError, match=r"; and 7 more$"):
        mapped_output(["x"] * 10, parse_output(schema={"items": {"type": "number"}}))


def test_a_fault_in_a_field_with_an_odd_name_shows_the_whole_value() -> None:
    with pytest.raises(MappingError) as caught:
        mapped_output({"a b": 1}, parse_output(schema={"properties": {"a b": {"type": "string"}}}))
    assert "1" in str(caught.value)


def test_a_result_is_transformed_and_goes_to_its_destinations() -> None:
    plan = parse_output(["variable.reply.kind", "variable.last", "final"], ["parse_json", {"pick": "label"}])
    output = mapped_output('```{"label": "bug"}```', plan)
    variables = {"reply": {"tone": "dry"}}
    assert output == "bug"
    assert plan.is_final
    assert with_output(variables, plan, output) == {
        "reply": {"tone": "dry", "kind": "bug"},
        "last": "bug",
    }
    assert variables == {"reply": {"tone": "dry"}}


def test_a_result_goes_to_the_stages_that_follow_unless_said_otherwise() -> None:
    plan = parse_output()
    assert mapped_output([1], plan) == [1]
    assert not plan.is_final
    assert with_output({"a": 1}, plan, [1]) == {"a": 1}


def test_a_field_is_only_put_into_an_object() -> None:
    with pytest.raises(MappingError, match=r"variable\.a\.b is a text; only an object has fields\."):
        with_output({"a": {"b": "text"}}, parse_output(["variable.a.b.c"]), 1)


def test_a_result_that_is_too_large_is_refused() -> None:
    with pytest.raises(MappingError, match=r"The result has more than 1,000,000 characters\."):
        mapped_output("x" * 1_000_001, parse_output())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nowhere", "A result goes to next, final or variable.<name>, not to “nowhere”."),
        ("variable", "A result goes to"),
        ("variable.", "none of these"),
        ("variable.a[0]", "A result is put into fields, not into items of a list"),
    ],
)
def test_a_destination_that_cannot_be_read_says_why(text: str, words: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_destination(text)
    assert words in str(caught.value)
