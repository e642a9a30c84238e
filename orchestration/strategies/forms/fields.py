"""What the Ask form is built from: fields of options, folded groups with what is set, examples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from django import forms
from pydantic import BaseModel

from orchestration.llm.engine.types import FieldFormat, Json
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


EXAMPLES: Mapping[str, str] = {
    "Open question": "How should a small team decide which bug to fix first?",
    "Percentage": "What is 17% of 2,300?",
    "Units": "Convert 26.2 miles to kilometres.",
    "Date": "What day of the week was 20 July 1969?",
    "Sorting": "Sort these numbers in ascending order: 42, 7, 19, 3, 88, 61",
    "Counting": 'How many times does the letter "s" occur in "Mississippi"?',
    "Classifying": "Classify this review as positive, negative or neutral: "
    '"The battery died after two days and support never answered. I want my money back."',
}
"""Prompts to begin with, by title."""
LONGEST_VALUE = 40
SHOWN = 3
"""Fields that a folded group names; the others are counted."""


class Fault(NamedTuple):
    """Something wrong: the label of the field, the reason, and the id of the element to mend it at."""

    label: str
    words: str
    target: str


class FieldGroup(NamedTuple):
    """Fields that are folded away under a title; `empty` says what holds while none of them is set."""

    name: str
    title: str
    boxes: Sequence[forms.BoundField]
    empty: str

    @property
    def is_wrong(self) -> bool:
        """True when a field in it is wrong."""
        return any(box.errors for box in self.boxes)

    @property
    def told(self) -> str:
        """What is set in it, in one line."""
        changed = [value_in_words(box) for box in self.boxes if is_set(box)]
        more = [f"{len(changed) - SHOWN} more"] if len(changed) > SHOWN else []
        return " · ".join([*changed[:SHOWN], *more]) or self.empty


def is_set(box: forms.BoundField) -> bool:
    """Return whether a field differs from its default; one that was not sent has it."""
    value = box.value()
    usual = {initial_text(box.field), str(box.field.initial or "")}
    return value is not None and str(value or "") not in usual


def value_in_words(box: forms.BoundField) -> str:
    """Return the label and the value of a field, a long one shortened."""
    value = box.field.prepare_value(box.value())
    if isinstance(box.field, forms.BooleanField):
        return f"{box.label} {'on' if value else 'off'}"
    if isinstance(box.field, PercentField):
        return f"{str(box.label).removesuffix(', %')} {value} %"
    if isinstance(box.field, forms.ChoiceField):
        labels = {str(choice): str(label) for choice, label in box.field.widget.choices}
        chosen = value or () if isinstance(box.field, forms.MultipleChoiceField) else [value]
        value = ", ".join(labels.get(each, each) for each in map(str, chosen))
    words = " ".join(str(value).split())
    shown = words if len(words) <= LONGEST_VALUE else f"{words[:LONGEST_VALUE].rstrip()}…"
    return f"{box.label} {shown or 'empty'}"
