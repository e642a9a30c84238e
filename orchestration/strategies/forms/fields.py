"""What the Ask form is built from: the fields of a strategy's options, and example questions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django import forms
from pydantic import BaseModel

from orchestration.llm.engine.types import FieldFormat, Json
from orchestration.strategies.engine.strategy import all_strategies, get_strategy
from orchestration.tools.forms.schemas import PercentField, schema_fields

PREFIX = "options."


@cache
def option_schema(options: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON Schema of a strategy's options: making it takes a tenth of the time of an Ask page."""
    return options.model_json_schema()


def option_fields(
    options: type[BaseModel], models: Sequence[str], rubrics: Callable[[], Sequence[str]] = tuple
) -> dict[str, forms.Field]:
    """Return a field for each option, named `options.<name>` as errors about it are.

    A rubric is one of `rubrics`, read only where there is such an option; without any it has no field.
    """
    schema = option_schema(options)
    shapes = schema["properties"]
    naming = {name for name, shape in shapes.items() if shape.get("format") == FieldFormat.RUBRIC}
    known = list(rubrics()) if naming else []
    properties = {
        name: {**shape, "enum": known} if name in naming else shape
        for name, shape in shapes.items()
        if known or name not in naming
    }
    fields = schema_fields({**schema, "properties": properties}, models)
    return {f"{PREFIX}{name}": field for name, field in fields.items()}


def option_values(cleaned: Mapping[str, Any]) -> dict[str, Json]:
    """Return the options among a form's cleaned values, by the strategy's names; an empty one is left out."""
    return {
        name.removeprefix(PREFIX): value
        for name, value in cleaned.items()
        if name.startswith(PREFIX) and value is not None and value != ""
    }


def initial_text(field: forms.Field) -> str:
    """Return what a page shows and sends for a field that was not touched."""
    return "" if field.initial is None else str(field.prepare_value(field.initial))


def typed_value(box: forms.BoundField) -> Any:  # noqa: ANN401  # whatever was typed
    """Return what is filled in, a percentage as a share; nothing where that is none."""
    if not isinstance(box.field, PercentField):
        return box.value()
    try:
        return box.field.clean(box.value())
    except forms.ValidationError:
        return None


def untouched_options(strategy: str) -> dict[str, str]:
    """Return what a page sends for unchanged options of `strategy`, by the fields' names."""
    if strategy not in all_strategies():
        return {}
    fields = option_fields(get_strategy(strategy).Options, [])
    return {name: initial_text(field) for name, field in fields.items()}


@dataclass(frozen=True, slots=True)
class Example:
    """A prompt and its title."""

    title: str
    prompt: str


EXAMPLES = (
    Example("Open question", "How should a small team decide which bug to fix first?"),
    Example("Percentage", "What is 17% of 2,300?"),
    Example("Units", "Convert 26.2 miles to kilometres."),
    Example("Date", "What day of the week was 20 July 1969?"),
    Example("Sorting", "Sort these numbers in ascending order: 42, 7, 19, 3, 88, 61"),
    Example("Counting", 'How many times does the letter "s" occur in "Mississippi"?'),
    Example(
        "Classifying",
        "Classify this review as positive, negative or neutral: "
        '"The battery died after two days and support never answered. I want my money back."',
    ),
)
