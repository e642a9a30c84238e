"""Transforms between texts, numbers and structured values."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Literal

from pydantic import Field

from orchestra_site.web.patterns import ASCII, DOTALL, Pattern
from orchestration.expressions.embedded import decoded, json_values, unfenced
from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.picks import parse_pick
from orchestration.expressions.templates import parse_template
from orchestration.expressions.transforms.specs import (
    GIVEN,
    MISSING,
    Step,
    TransformError,
    refused,
    transform,
)
from orchestration.expressions.transforms.text import TEXT, spelled
from orchestration.expressions.values import Json, ValueType, listed, shortened

NUMBER, OBJECT = (ValueType.NUMBER,), (ValueType.OBJECT,)


@transform(main="expression", value={"order": {"id": 7}}, parameter="order.id", result=7)
def pick(*, expression: Annotated[str, Field(description="JMESPath.")]) -> Step:
    """Take a part of a value, or put parts together."""
    return guarded(parse_pick(expression).apply)


def guarded(step: Callable[[Json], Json]) -> Callable[[Json], Json]:
    """Return a step that raises `TransformError` where an expression fails."""

    def applied(value: Json) -> Json:
        try:
            return step(value)
        except ExpressionError as error:
            raise TransformError(str(error)) from None

    return applied


@transform(
    main="text", gives=TEXT, value={"name": "Ada"}, parameter="Dear {{ value.name }}", result="Dear Ada"
)
def template(
    *, text: Annotated[str, Field(title="Template", description="{{ value }} stands for the value.")]
) -> Step:
    """Write a text in which the value stands."""
    parsed = parse_template(text)
    if others := parsed.names - {"value"}:
        raise ExpressionError(
            f"A template among the transforms knows only value, not {listed(sorted(others))};"
            " a template as the source knows all."
        )
    return guarded(lambda value: parsed.render({"value": value}))


@transform(takes=TEXT, value='```json\n{"a": [1, 2,]}\n```', result={"a": [1, 2]})
def parse_json() -> Step:
    """Read a text as JSON; fences, words around it and commas too many are left out."""
    return _read_json


_COMMA = Pattern(r'("(?:[^"\\]|\\.)*(?:"|\\?$))|,\s*([}\]])', DOTALL)
"""A string, which may have no end, or a comma before a closing bracket."""


def _read_json(text: str) -> Json:
    if len(text) > GIVEN.characters:
        raise TransformError(f"The text has more than {GIVEN.characters:,} characters.")
    reasons = []
    for written in _readings(text):
        try:
            return decoded(written)
        except RecursionError:
            raise TransformError("The JSON is nested too deeply.") from None
        except json.JSONDecodeError as error:
            reasons.append(f"{error.msg} in line {error.lineno}, character {error.colno}")
        except ValueError:
            raise TransformError("The JSON has a number of too many digits.") from None
    raise refused(f"The text is no JSON ({reasons[0]})", text)


def _readings(text: str) -> Iterator[str]:
    """Yield a text as it is, without its fence, the longest JSON in it, and that without commas too many."""
    yield text
    yield unfenced(text)
    yield max((json.dumps(value) for value in json_values(text)), key=len, default="")
    start = min((place for place in map(text.find, "{[") if place >= 0), default=len(text))
    inside = text[start : max(map(text.rfind, "}]")) + 1]
    yield _COMMA.sub(lambda found: found.group(1) or found.group(2) or "", inside)


@transform(gives=TEXT, main="indent", value={"a": "é"}, result='{"a": "é"}')
def dump_json(
    *,
    indent: Annotated[
        int | None, Field(ge=0, le=8, description="Blanks for each level. Empty: one line.")
    ] = None,
    sort_keys: Annotated[bool, Field(title="Sort fields")] = False,
) -> Step:
    """Write a value as JSON."""
    return lambda value: json.dumps(value, ensure_ascii=False, indent=indent, sort_keys=sort_keys)


@transform(main="to", value=" 1,250.5 ", parameter="number", result=1250.5)
def cast(
    *,
    to: Annotated[
        Literal["number", "integer", "string", "boolean", "list"],
        Field(description="A value that is not of this type and cannot be read as it is refused."),
    ],
) -> Step:
    """Read a value as another type."""
    return CASTS[to]


_NUMERAL = Pattern(r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d{1,1000})?(\.\d{1,1000})?([eE][-+]?\d{1,3})?", ASCII)


def _number(value: Json) -> Json:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    text = value.strip() if isinstance(value, str) else ""
    found = _NUMERAL.fullmatch(text)
    try:
        if found is not None and found.groups() == (None, None):
            return int(text.replace(",", ""))
        if found is not None:
            return float(text.replace(",", ""))
    except ValueError:
        pass
    raise refused("This is no number", value)


def _integer(value: Json) -> Json:
    number = _number(value)
    if isinstance(number, float) and not number.is_integer():
        raise refused("This number has a fraction; round it first", value)
    return int(number)


def _string(value: Json) -> Json:
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return spelled(value)


_BOOLEANS = dict.fromkeys(("true", "yes", "on", "1"), True)
_BOOLEANS |= dict.fromkeys(("false", "no", "off", "0"), False)


def _boolean(value: Json) -> Json:
    word = spelled(value).strip().lower() if isinstance(value, str | int) else ""
    if word not in _BOOLEANS:
        raise refused("This is neither true nor false", value)
    return _BOOLEANS[word]


def _list(value: Json) -> Json:
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


CASTS = {"number": _number, "integer": _integer, "string": _string, "boolean": _boolean, "list": _list}

MOST_EXACT = 2**53
"""From here on a float has no fraction."""


@transform(takes=NUMBER, gives=NUMBER, main="digits", value=2.675, parameter=2, result=2.68)
def round_(*, digits: Annotated[int, Field(ge=0, le=10, description="Behind the point.")] = 0) -> Step:
    """Round a number; a half is rounded away from zero."""
    unit = Decimal(1).scaleb(-digits)

    def rounded(number: float) -> Json:
        if isinstance(number, int):
            return number
        exact = abs(number) >= MOST_EXACT
        near = number if exact else Decimal(repr(number)).quantize(unit, ROUND_HALF_UP)
        return float(near) if digits else int(near)

    return rounded


@transform(main="value", is_whole=True, value="", parameter="unknown", result="unknown")
def default(*, value: Json) -> Step:
    """Replace nothing or an empty text by a value."""
    return lambda given: value if given is None or given == "" else given


@transform(
    takes=(ValueType.TEXT, ValueType.NUMBER, ValueType.BOOLEAN, ValueType.NOTHING),
    value="Refund",
    parameter={"table": {"refund": "billing", "bug": "support"}, "default": "front desk"},
    result="billing",
)
def lookup(
    *,
    table: Annotated[dict[str, Json], Field(description="The result for each value.")],
    ignore_case: Annotated[bool, Field(title="Ignore capitals and blanks around it")] = True,
    default: Annotated[Json, Field(description="For other values. Not given: they are refused.")] = MISSING,
) -> Step:
    """Replace a value by what a table says."""
    folded = (
        {name.strip().casefold(): result for name, result in reversed(table.items())} if ignore_case else {}
    )

    def found(value: Json) -> Json:
        name = "null" if value is None else spelled(value)
        result = table.get(name, folded.get(name.strip().casefold(), default))
        if result is MISSING:
            raise TransformError(f"The table has no {shortened(value)}; it has {listed(table)}.")
        return result

    return found


@transform(
    takes=(ValueType.OBJECT, ValueType.LIST),
    gives=OBJECT,
    main="fields",
    is_whole=True,
    value=[{"a": 1, "b": 1}, {"b": 2}],
    parameter={"c": 3},
    result={"a": 1, "b": 2, "c": 3},
)
def merge(*, fields: Annotated[dict[str, Json] | None, Field(description="Added last.")] = None) -> Step:
    """Put objects together as one; of fields with one name the last one counts."""

    def merged(value: Json) -> Json:
        result: dict[str, Json] = {}
        for place, each in enumerate(value if isinstance(value, list) else [value]):
            if not isinstance(each, dict):
                raise refused(f"[{place}] is no object", each)
            result |= each
        return result | (fields or {})

    return merged


@transform(takes=OBJECT, gives=(ValueType.LIST,), value={"a": 1, "b": 2}, result=["a", "b"])
def keys() -> Step:
    """List the names of an object's fields."""
    return list


@transform(takes=OBJECT, gives=(ValueType.LIST,), value={"a": 1, "b": 2}, result=[1, 2])
def values() -> Step:
    """List the values of an object's fields."""
    return lambda given: list(given.values())


DATA_TRANSFORMS = (pick, template, parse_json, dump_json, cast, round_, default, lookup, merge, keys, values)
