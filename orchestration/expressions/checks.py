"""The keywords of JSON Schema that are checked here: by RE2, in linear time, in words for people."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from datetime import date, datetime, time
from ipaddress import IPv4Address, IPv6Address
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from orchestra_site.web.patterns import Pattern
from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.fields import PATTERNS
from orchestration.expressions.keywords import Keywords
from orchestration.expressions.values import Bounds, Json, shortened

MOST_STEPS = 300_000
"""Keywords that are compared with a part of a value, each as often as it has entries: about two seconds."""
BOUNDS = Bounds(depth=64, nodes=100_000, characters=10_000_000)
MOST_NAMED = 10
STEPS: ContextVar[list[int]] = ContextVar("steps")
KEYWORDS: ContextVar[Keywords] = ContextVar("keywords")

Found = Iterator[ValidationError]
Check = Callable[[Any, Json, Json, Mapping[str, Json]], Iterable[ValidationError] | None]


def take(steps: int) -> None:
    """Count steps. Raises `ExpressionError` beyond `MOST_STEPS`."""
    counted = STEPS.get()
    counted[0] += steps
    if counted[0] > MOST_STEPS:
        raise ExpressionError(f"Comparing the value with the schema takes more than {MOST_STEPS:,} steps.")


def _counted(check: Check) -> Check:
    def counting(validator: Any, wanted: Json, value: Json, schema: Mapping[str, Json]) -> Found:  # noqa: ANN401
        take(1 + (len(wanted) if isinstance(wanted, list | dict) else 0))
        yield from check(validator, wanted, value, schema) or ()

    return counting


def _required(_validator: object, wanted: list[str], value: Json, _schema: Mapping[str, Json]) -> Found:
    if isinstance(value, dict):
        yield from (ValidationError(f"has no “{name}”") for name in wanted if name not in value)


def _dependent(
    _validator: object, wanted: dict[str, list[str]], value: Json, _schema: Mapping[str, Json]
) -> Found:
    for name in (each for each in wanted if isinstance(value, dict) and each in value):
        for needed in wanted[name]:
            if needed not in value:
                yield ValidationError(f"has no “{needed}”, which “{name}” needs")


def _pattern(_validator: object, wanted: str, value: Json, _schema: Mapping[str, Json]) -> Found:
    if isinstance(value, str) and not _occurs(wanted, value):
        words = f"be {PATTERNS[wanted]}" if wanted in PATTERNS else f"match the pattern {shortened(wanted)}"
        yield ValidationError(f"is {shortened(value)}, must {words}")


def _named_by_patterns(validator: Any, wanted: Json, value: Json, _schema: Mapping[str, Json]) -> Found:  # noqa: ANN401
    if isinstance(value, dict):
        for pattern, schema in wanted.items():
            for name in (each for each in value if _occurs(pattern, each)):
                yield from validator.descend(value[name], _schema_at(schema), path=name, schema_path=pattern)


def _properties(validator: Any, wanted: Json, value: Json, _schema: Mapping[str, Json]) -> Found:  # noqa: ANN401
    for name in (each for each in wanted if isinstance(value, dict) and each in value):
        yield from validator.descend(value[name], _schema_at(wanted[name]), path=name, schema_path=name)


def _schema_at(schema: Json) -> Json:
    """Return a schema by which nothing fits for false: of false itself the library forgets the path."""
    return {"not": True} if schema is False else schema


def _additional(validator: Any, wanted: Json, value: Json, schema: Mapping[str, Json]) -> Found:  # noqa: ANN401
    if not isinstance(value, dict):
        return
    patterns, known = schema.get("patternProperties", {}), schema.get("properties", {})
    take(len(value))
    others = [
        name for name in value if name not in known and not any(_occurs(each, name) for each in patterns)
    ]
    if wanted is False and others:
        named = ", ".join(shortened(name) for name in islice(others, MOST_NAMED))
        yield ValidationError(f"has {named}, which {'is' if len(others) == 1 else 'are'} not expected")
    elif wanted is not False:
        for name in others:
            yield from validator.descend(value[name], wanted, path=name)


def _occurs(pattern: str, text: str) -> bool:
    take(1 + len(text) // 1000)
    return KEYWORDS.get().patterns[pattern].search(text) is not None


def _unique(_validator: object, wanted: Json, value: Json, _schema: Mapping[str, Json]) -> Found:
    if wanted and isinstance(value, list):
        take(sum(1 for _ in BOUNDS.parts(value, "The value")))
        seen = set[Hashable]()
        for place, item in enumerate(value):
            key = _key(item)
            if key in seen:
                yield ValidationError(f"has {shortened(item)} twice, the second time as item {place}")
                return
            seen.add(key)


def _key(value: Json) -> Hashable:
    """Return what is equal for values that are equal in JSON, in which 1 is 1.0 but not true."""
    if isinstance(value, dict):
        return frozenset((name, _key(item)) for name, item in value.items())
    return tuple(map(_key, value)) if isinstance(value, list) else (isinstance(value, bool), value)


def _reference(validator: Any, wanted: str, value: Json, _schema: Mapping[str, Json]) -> Found:  # noqa: ANN401
    yield from validator.descend(value, KEYWORDS.get().target(wanted))


def _format(_validator: object, wanted: str, value: Json, _schema: Mapping[str, Json]) -> Found:
    named, fits = FORMATS.get(wanted, ("", bool))
    if named and isinstance(value, str) and not _fits(fits, value):
        yield ValidationError(f"is {shortened(value)}, must be {named}")


def _fits(fits: Callable[[str], object], value: str) -> bool:
    try:
        return len(value) <= LONGEST_FORMATTED and bool(fits(value))
    except ValueError:
        return False


LONGEST_FORMATTED = 2_000
DATE, TIME = r"\d{4}-\d\d-\d\d", r"\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:[Zz]|[+-]\d\d:\d\d)"
IS_DATE, IS_TIME, IS_MOMENT = Pattern(DATE), Pattern(TIME), Pattern(f"{DATE}[Tt ]{TIME}")
FORMATS: Mapping[str, tuple[str, Callable[[str], object]]] = {
    "date": ("a date, as 2026-01-31", lambda value: IS_DATE.fullmatch(value) and date.fromisoformat(value)),
    "date-time": (
        "a moment, as 2026-01-31T12:00:00Z",
        lambda value: IS_MOMENT.fullmatch(value) and datetime.fromisoformat(value.upper()),
    ),
    "email": ("an email address", Pattern(r"[^@\s]+@[^@\s]+\.[^@\s.]+").fullmatch),
    "ipv4": ("an IPv4 address", IPv4Address),
    "ipv6": ("an IPv6 address", IPv6Address),
    "time": (
        "a time, as 12:00:00Z",
        lambda value: IS_TIME.fullmatch(value) and (time.fromisoformat(value.upper()), True)[1],
    ),
    "uri": ("an address, as https://example.org", Pattern(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s]+").fullmatch),
    "uuid": ("a UUID", Pattern(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}").fullmatch),
}
"""The formats that are checked, each in words; others are notes."""

OURS: Mapping[str, Check] = {
    "$ref": _reference,
    "additionalProperties": _additional,
    "dependentRequired": _dependent,
    "format": _format,
    "pattern": _pattern,
    "patternProperties": _named_by_patterns,
    "properties": _properties,
    "required": _required,
    "uniqueItems": _unique,
}
Validator = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {word: _counted(check) for word, check in {**Draft202012Validator.VALIDATORS, **OURS}.items()},
)
