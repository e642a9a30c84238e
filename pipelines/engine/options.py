"""What validation knows of a processor, and which fields and options are names or expressions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from pydantic import JsonValue

from orchestration.expressions.places import Keys
from orchestration.expressions.schemas import Schema, marked, parse_schema
from orchestration.expressions.values import ANY, ValueType
from orchestration.llm.engine.types import Json


class OptionFormat(StrEnum):
    """The `format` in the schema of a field or an option that is more than text or an object."""

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
    OPTIONS = "options"


WRITTEN_AS: Mapping[OptionFormat, type] = {
    OptionFormat.INLINE_STAGE: dict,
    OptionFormat.OPTIONS: dict,
    **dict.fromkeys(
        map(OptionFormat, ("source", "sources", "templates", "transform", "json-schema")), object
    ),
}
"""What the values of a format are where they are not text."""
_FORMATS = {str(form): form for form in OptionFormat}
AS_TEMPLATE: dict[str, JsonValue] = {"format": OptionFormat.TEMPLATE}
AS_TEMPLATES: dict[str, JsonValue] = {"format": OptionFormat.TEMPLATES}
AS_SOURCE: dict[str, JsonValue] = {"format": OptionFormat.SOURCE}
AS_SCHEMA: dict[str, JsonValue] = {"format": OptionFormat.SCHEMA}
AS_PIPELINE: dict[str, JsonValue] = {"format": OptionFormat.PIPELINE}


@dataclass(frozen=True, kw_only=True)
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

    @cached_property
    def schema(self) -> Schema:
        """The schema of the options, ready to compare them with."""
        return parse_schema(self.options_schema)


@dataclass(frozen=True, kw_only=True, slots=True)
class Marked:
    """A name or an expression, where it stands, and the fields `beside` it.

    It `is_inside` where that is a stage inside the options of another.
    """

    format: OptionFormat
    value: Json
    at: Keys
    beside: Mapping[str, Json]
    is_inside: bool = False

    @property
    def is_optional(self) -> bool:
        """Whether a default is written beside a source."""
        return self.format is OptionFormat.SOURCE and "default" in self.beside


def marked_options(schema: Json, options: Json, at: Keys = ()) -> Iterator[Marked]:
    """Yield the values that are names or expressions, as far as they have the right type."""
    for word, value, place, beside in marked(schema, options, at):
        form = _FORMATS.get(word)
        if form is not None and isinstance(value, WRITTEN_AS.get(form, str)):
            yield Marked(format=form, value=value, at=place, beside=beside)
