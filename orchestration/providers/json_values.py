"""Reading JSON that a stranger sent: nothing is taken for granted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from orchestration.engine.types import Json

LARGEST = 2_000_000_000


def parse_json(text: str | bytes) -> Json:
    """Return the value. Raises `ValueError` for anything unreadable, nested too deeply or not UTF-8."""
    try:
        return json.loads(text)
    except RecursionError as error:
        message = "nested too deeply"
        raise ValueError(message) from error


def mapping(value: Json) -> Mapping[str, Json]:
    """Return `value` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: Json) -> list[Json]:
    """Return `value` if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def text_of(value: Json) -> str:
    """Return `value` if it is a string, else an empty one."""
    return value if isinstance(value, str) else ""


def whole_number(value: Json) -> int | None:
    """Return `value` if it is a plausible count (from 0 to two thousand million), else None."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST:
        return None
    return value


def money(value: Json) -> Decimal | None:
    """Return `value` as an amount if it is a finite number, or a string of one, that is not negative."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and amount >= 0 else None
