"""What is parsed before is not parsed again, as long as it is small."""

from __future__ import annotations

import pytest

from orchestration.expressions.conditions import parse_condition
from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.picks import parse_pick
from orchestration.expressions.schemas import parse_schema
from orchestration.expressions.templates import parse_template
from orchestration.expressions.transforms.lists import parse_transform
from orchestration.expressions.values import Json, listed, remembered, shortened
from pipelines.engine.scope import parse_source


@pytest.mark.parametrize(
    "parsed_twice",
    [
        [parse_condition("input.n > 1") for _ in range(2)],
        [parse_pick("a.b") for _ in range(2)],
        [parse_schema({"type": "string"}) for _ in range(2)],
        [parse_template("{{ input }}") for _ in range(2)],
        [parse_source({"a": ["input.text"]}) for _ in range(2)],
        [parse_transform({"truncate": 3}) for _ in range(2)],
    ],
)
def test_the_same_is_parsed_once(parsed_twice: list[object]) -> None:
    assert parsed_twice[0] is parsed_twice[1]


DEEP: Json = 1
for _ in range(10_000):
    DEEP = [DEEP]


@pytest.mark.parametrize("written", ["x" * 5_000, [0] * 1_000, DEEP, (1, 2), {1: 2}, {"a", "b"}])
def test_what_is_large_or_no_json_is_given_as_it_is_each_time(written: Json) -> None:
    given: list[Json] = []
    parse = remembered(given.append)
    parse(written)
    parse(written)
    assert [each is written for each in given] == [True, True]


def test_values_that_are_equal_in_python_are_parsed_apart() -> None:
    parse = remembered(lambda written: [written])
    parsed = [parse(each) for each in (1, 1.0, True, "1", [1], None, "null")]
    assert [each[0] for each in parsed] == [1, 1.0, True, "1", [1], None, "null"]
    assert len({id(each) for each in parsed}) == len(parsed)


def test_what_cannot_be_parsed_is_refused_each_time() -> None:
    for _ in range(2):
        with pytest.raises(ExpressionError, match="not complete"):
            parse_condition("1 +")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a" * 99, f"“{'a' * 79}…”"),
        (2**5000, "a very large number"),
        ([2**5000], '["a very large number"]'),
        ([1, [2, [3, [4]]]], '[1, [2, [3, "…"]]]'),
        (list(range(9)), '[0, 1, 2, 3, 4, "…"]'),
        ({str(number): number for number in range(9)}, '{"0": 0, "1": 1, "2": 2, "3": 3, "4": 4, "…": "…"}'),
        (float("inf"), "Infinity"),
    ],
)
def test_a_value_in_a_sentence_is_short(value: Json, shown: str) -> None:
    assert shortened(value) == shown


def test_of_many_names_the_first_are_listed() -> None:
    assert listed(str(number) for number in range(10)) == "0, 1, 2, 3, 4, 5, 6, 7 and 2 more"
    assert listed([]) == "nothing"
