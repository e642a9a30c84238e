"""The tools that need nothing from outside, and what every tool checks of arguments and results."""

from __future__ import annotations

import ast
import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.llm.engine.errors import AddressRefused, BadAnswer
from orchestration.llm.engine.types import Json
from orchestration.tools.engine.arithmetic import DEEPEST, LONGEST, calculate
from orchestration.tools.engine.builtin import Calculator, Clock, JsonQuery, arguments_schema
from orchestration.tools.engine.tool import Tool, ToolFailed, ToolSpec, storable

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("0.1 + 0.2", "0.3"),
        ("2300 * 17 / 100", "391"),
        ("-2 ** 2", "-4"),
        ("2 ^ 3 ^ 2", "512"),
        ("2 ** -1", "0.5"),
        ("--3 - +2", "1"),
        ("7 % 4 * 2", "6"),
        ("(1 + 2) * .5e1", "15.0"),
        ("round(2.345, 2)", "2.35"),
        ("round(2.5)", "3"),
        ("round(1234, -2)", "1.2E+3"),
        ("min(3, 1, 2) + max(3, 1, 2)", "4"),
        ("round(sqrt(2) ** 2, 20)", "2"),
        ("floor(-1.5) + ceil(1.2) + abs(-1)", "1"),
        ("avg(1, 2, 6) + sum(1, 2)", "6"),
        ("ln(exp(1)) + log10(100)", "3"),
        ("round(pi * e, 4)", "8.5397"),
    ],
)
def test_arithmetic_is_exact(expression: str, value: str) -> None:
    assert calculate(expression) == Decimal(value)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("", "not complete"),
        ("1 +", "not complete"),
        ("1 $ 2", "“$” at character 3 cannot stand in an expression"),
        ("1 2", "“2” at character 3 cannot stand there"),
        ("(1", "not complete"),
        ("round 2", "“2” at character 7 cannot stand there"),
        ("__import__(1)", "“__import__” at character 1 is not known; there are abs, avg"),
        ("sqrt(1, 2)", "sqrt is given 2 values, it takes 1"),
        ("round(1, 0.5)", "up to 50 whole places"),
        ("1 / 0", "division by zero"),
        ("sqrt(-1)", "cannot be computed"),
        ("9 ** 9 ** 9", "may be up to 1,000"),
        ("10 ** 101", "larger than 10 to the power of 100"),
        ("1e999999", "larger than 10 to the power of 100"),
        ("(" * (DEEPEST + 1) + "1", "more than 50 levels deep"),
        ("1" * (LONGEST + 1), "at most 2,000"),
    ],
)
def test_what_cannot_be_computed_is_refused_with_its_place(expression: str, words: str) -> None:
    with pytest.raises(ToolFailed) as raised:
        calculate(expression)
    assert words in str(raised.value)


NUMBERS = st.integers(0, 999).map(str)
EXPRESSIONS = st.recursive(
    NUMBERS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from([" + ", " - ", "*"]), inner).map("".join),
        inner.map("({})".format),
        inner.map("-{}".format),
    ),
    max_leaves=12,
)


@given(EXPRESSIONS)
def test_whole_numbers_give_what_python_gives(expression: str) -> None:
    assert calculate(expression) == eval(
        compile(ast.parse(expression, mode="eval"), "", "eval")
    )  # the reference


@given(st.text(alphabet="0123456789.e+-*/%^(), sqrtpi$ü", max_size=60))
def test_any_text_is_computed_or_refused(expression: str) -> None:
    with suppress(ToolFailed):
        assert calculate(expression).is_finite()


@pytest.mark.parametrize(
    ("arguments", "result"),
    [
        ({}, {"now": "2026-03-01T12:00:00+00:00", "zone": "UTC"}),
        ({"zone": "Europe/Berlin", "format": "time"}, {"now": "13:00:00", "zone": "Europe/Berlin"}),
        ({"format": "date"}, {"now": "2026-03-01", "zone": "UTC"}),
        ({"format": "weekday"}, {"now": "Sunday", "zone": "UTC"}),
        ({"format": "words"}, {"now": "Sunday, 1 March 2026, 12:00", "zone": "UTC"}),
        ({"format": "unix"}, {"now": 1772366400, "zone": "UTC"}),
    ],
)
async def test_the_clock_tells_the_time_of_a_zone(arguments: Mapping[str, Json], result: Json) -> None:
    assert await Clock(lambda: NOON).call(arguments) == result


@pytest.mark.parametrize("zone", ["Atlantis", "../../etc/passwd", "", "/etc", "a\0b"])
async def test_a_zone_that_there_is_not_is_refused(zone: str) -> None:
    with pytest.raises(ToolFailed, match="no time zone"):
        await Clock(lambda: NOON).call({"zone": zone})


async def test_calculator_and_query_give_plain_json() -> None:
    calculator, query = Calculator(), JsonQuery()
    assert await calculator.call({"expression": "0.1 + 0.2"}) == {"value": 0.3, "text": "0.3"}
    assert await calculator.call({"expression": "0 * 5"}) == {"value": 0, "text": "0"}
    assert await calculator.call({"expression": "10 ** 20"}) == {"value": 1e20, "text": "1" + "0" * 20}
    found = await query.call({"value": {"a": [1, 2]}, "query": "a[1]"})
    assert (found, calculator.repeats({})) == (2, True)
    with pytest.raises(ToolFailed, match=r"cannot stand here|not complete"):
        await query.call({"value": {}, "query": "a["})


class GivingTool(Tool):
    """Gives what it was made with, or raises it."""

    def __init__(
        self, gives: Json, *, schema: Mapping[str, Json] | None = None, timeout_s: float = 5
    ) -> None:
        spec = ToolSpec(name="t", title="The test", description="", schema=schema or {}, timeout_s=timeout_s)
        super().__init__(spec)
        self._gives = gives

    async def run(self, _arguments: Mapping[str, Json]) -> Json:
        if isinstance(self._gives, Exception):
            raise self._gives
        if self._gives is GivingTool:
            await asyncio.sleep(60)
        return self._gives


NESTED: Json = "core"
for _ in range(70):
    NESTED = [NESTED]


@pytest.mark.parametrize(
    ("gives", "code", "words"),
    [
        (NESTED, "tool_failed", "What The test gave is nested more than 64"),
        ("x" * 1_000_001, "tool_failed", "more than 1,000,000 characters"),
        ([float("nan")], "tool_failed", "cannot be stored"),
        (BadAnswer("It was HTML."), "tool_failed", "It was HTML."),
        (AddressRefused("Not there."), "tool_refused", "Not there."),
        (TimeoutError("Its own."), None, "Its own."),
        (GivingTool, "tool_timeout", "The test gave no result within 0.05 s."),
    ],
)
async def test_what_a_tool_gives_is_bounded_and_its_errors_have_a_code(
    gives: Json, code: str | None, words: str
) -> None:
    with pytest.raises(ToolFailed if code else TimeoutError, match=words) as raised:
        await GivingTool(gives, timeout_s=0.05).call({})
    assert getattr(raised.value, "code", None) == code


@pytest.mark.parametrize(
    ("schema", "arguments", "words"),
    [
        (arguments_schema({"a": {"type": "string"}}), {"b": 1}, "The test cannot take this: the whole .*a"),
        (arguments_schema({"a": {"type": "string"}}), {"a": 1}, "a is a number, must be a text"),
        ({"additionalProperties": False}, dict.fromkeys("abcdefgh"), "."),
        ({"type": 5}, {}, "."),
        ({}, {"a": NESTED}, "What The test is given is nested"),
    ],
)
async def test_arguments_are_checked_before_the_call(schema: Json, arguments: Json, words: str) -> None:
    with pytest.raises(ToolFailed, match=words) as raised:
        await GivingTool("never", schema=schema).call(arguments)
    assert raised.value.code == "bad_arguments"


async def test_many_faults_are_counted() -> None:
    schema = {"properties": {name: {"type": "string"} for name in "abcdefgh"}}
    with pytest.raises(ToolFailed, match="; and 3 more"):
        await GivingTool("never", schema=schema).call(dict.fromkeys("abcdefgh", 1))


def test_what_no_database_can_store_is_replaced() -> None:
    assert storable({"a\0": ["\ud800", 1.5, None, True]}) == {"a\ufffd": ["\ufffd", 1.5, None, True]}
