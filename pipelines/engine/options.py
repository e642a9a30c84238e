"""What validation knows of a processor, and which of its options are names or expressions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from pydantic import JsonValue

from orchestration.expressions.values import ANY, ValueType
from orchestration.llm.engine.types import Json
from pipelines.engine.problems import Keys


class OptionFormat(StrEnum):
    """The `format` in the schema of an option that is more than text or an object."""

    CONDITION = "condition"
    TEMPLATE = "template"
    TEMPLATES = "templates"
    SOURCE = "source"
    SOURCES = "sources"
    PICK = "pick"
    TRANSFORM = "transform"
    SCHEMA = "json-schema"
    STAGE = "stage"
    PIPELINE = "pipeline"
    INLINE_STAGE = "inline-stage"


WRITTEN_AS: Mapping[OptionFormat, type] = {
    OptionFormat.SOURCE: object,
    OptionFormat.SOURCES: object,
    OptionFormat.TEMPLATES: object,
    OptionFormat.TRANSFORM: object,
    OptionFormat.SCHEMA: object,
    OptionFormat.INLINE_STAGE: dict,
}
"""What the values of a format are where they are not text."""
_FORMATS = set(OptionFormat)
AS_TEMPLATE: dict[str, JsonValue] = {"format": OptionFormat.TEMPLATE}
AS_TEMPLATES: dict[str, JsonValue] = {"format": OptionFormat.TEMPLATES}
AS_SOURCE: dict[str, JsonValue] = {"format": OptionFormat.SOURCE}
AS_SCHEMA: dict[str, JsonValue] = {"format": OptionFormat.SCHEMA}
AS_PIPELINE: dict[str, JsonValue] = {"format": OptionFormat.PIPELINE}


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessorSpec:
    """A processor as validation sees it.

    `options_schema` is the JSON Schema of its options, in which `OptionFormat` says what an option means.
    `gives` are the types that its result may have; `cacheable` is False where it acts outside the run.
    `faults` yields what else is wrong with options that fit the schema: where in them, and a sentence.
    """

    name: str
    options_schema: Json
    gives: tuple[ValueType, ...] = ANY
    cacheable: bool = True
    faults: Callable[[Json], Iterable[tuple[Keys, str]]] = lambda _: ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Marked:
    """An option that is a name or an expression, and where it stands."""

    format: OptionFormat
    value: Json
    at: Keys


def marked_options(schema: Json, options: Json) -> Iterator[Marked]:
    """Yield the options that are names or expressions, as far as they have the right type."""
    yield from _marked(schema, options, (), schema)


def _marked(part: Json, value: Json, at: Keys, schema: Json) -> Iterator[Marked]:
    part = _resolved(part, schema)
    if part.get("format") in _FORMATS:
        kind = OptionFormat(part["format"])
        if isinstance(value, WRITTEN_AS.get(kind, str)):
            yield Marked(format=kind, value=value, at=at)
        return
    for choice in (*part.get("anyOf", ()), *part.get("oneOf", ()), *part.get("allOf", ())):
        yield from _marked(choice, value, at, schema)
    for key, inner in _inside(value) if part else ():
        item = part.get("items") if isinstance(key, int) else part.get("properties", {}).get(key)
        below = part.get("additionalProperties") if item is None and isinstance(key, str) else item
        yield from _marked(below, inner, (*at, key), schema)


def _inside(value: Json) -> Iterable[tuple[str | int, Json]]:
    """Return what a value directly contains, by key or index."""
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()


def _resolved(part: Json, schema: Json) -> dict[str, Json]:
    """Return a part of a schema itself where it is named: `#/$defs/Case`."""
    if not isinstance(part, dict):
        return {}
    name = part.get("$ref", "").removeprefix("#/$defs/")
    return schema["$defs"][name] | part if name else part
