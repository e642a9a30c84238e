"""What the Ask form is built from: fields made from a JSON Schema, and example questions.

A new option, limit or kind of run needs no form code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from pydantic import BaseModel

from orchestration.llm.engine.types import Json
from orchestration.strategies.engine.options import MODEL_FORMAT
from orchestration.strategies.engine.strategy import all_strategies, get_strategy
from orchestration.strategies.engine.types import DOLLARS_FORMAT, SHARE_FORMAT

PREFIX = "options."


class ModelField(forms.ChoiceField):
    """The name of one of the team's models."""


class PercentField(forms.FloatField):
    """A share of 0 to 1 that is entered and shown in percent; `min_value` and `max_value` are in percent."""

    def prepare_value(self, value: object) -> object:
        """Show a share in percent, and what was typed as it was typed."""
        is_share = isinstance(value, int | float) and not isinstance(value, bool)
        return f"{100 * value:.6g}" if is_share else value  # type: ignore[operator]

    def clean(self, value: object) -> float | None:
        """Return the share. Raises `ValidationError`."""
        typed = value.strip().removesuffix("%") if isinstance(value, str) else value
        percent = super().clean(typed)
        return None if percent is None else round(percent / 100, 6)


class LinesField(forms.CharField):
    """A list of short texts, one a line."""

    widget = forms.Textarea(attrs={"rows": 3})

    def prepare_value(self, value: object) -> object:
        """Show a list as lines."""
        return "\n".join(map(str, value)) if isinstance(value, list | tuple) else value

    def clean(self, value: object) -> list[str]:
        """Return the lines that are not empty."""
        return [line.strip() for line in str(super().clean(value)).splitlines() if line.strip()]


def option_fields(options: type[BaseModel], models: Sequence[str]) -> dict[str, forms.Field]:
    """Return a field for each option, named `options.<name>` as errors about it are."""
    fields = schema_fields(options.model_json_schema(), models)
    return {f"{PREFIX}{name}": field for name, field in fields.items()}


def schema_fields(schema: Mapping[str, Json], models: Sequence[str] = ()) -> dict[str, forms.Field]:
    """Return a field for each property of an object's schema, by its name.

    `models` are the choices of a property that names a model.
    """
    definitions = schema.get("$defs", {})
    needed = schema.get("required", [])
    return {
        name: _field(name, _flat(shape, definitions), models, required=name in needed)
        for name, shape in schema.get("properties", {}).items()
    }


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


def _flat(shape: Mapping[str, Json], definitions: Mapping[str, Json]) -> dict[str, Json]:
    """Return an option's schema with references and `or null` folded in."""
    flat = dict(shape)
    for part in flat.pop("anyOf", []):
        if part.get("type") == "null":
            flat["nullable"] = True
        else:
            flat = {**_flat(part, definitions), **flat}
    if "$ref" in flat:
        flat = {**_flat(definitions[flat.pop("$ref").rsplit("/", 1)[-1]], definitions), **flat}
    return flat


def _field(name: str, shape: Mapping[str, Json], models: Sequence[str], *, required: bool) -> forms.Field:
    """Return the field for one flat schema."""
    shared: dict[str, Any] = {
        "label": shape.get("title") or name.replace("_", " ").capitalize(),
        "help_text": shape.get("description", ""),
        "initial": shape.get("default"),
        "error_messages": {
            "required": "Enter a value.",
            "min_value": "Enter at least %(limit_value)s.",
            "max_value": "Enter at most %(limit_value)s.",
        },
        "required": required,
    }
    if shape.get("format") == MODEL_FORMAT:
        none = [] if shared["required"] else [("", "Not set")]
        return ModelField(choices=[*none, *((model, model) for model in models)], **shared)
    if "enum" in shape:
        choices = [(v, str(v).replace("_", " ").capitalize()) for v in shape["enum"]]
        return forms.ChoiceField(
            choices=[*([("", "Not set")] if "nullable" in shape else []), *choices], **shared
        )
    if shape.get("format") == SHARE_FORMAT:
        bounds = {name: Decimal(f"{100 * bound:.6g}") for name, bound in _bounds(shape).items()}
        widget = forms.NumberInput(attrs={"step": "any"})
        return PercentField(**shared | bounds | {"label": f"{shared['label']}, %"}, widget=widget)
    if shape.get("format") == DOLLARS_FORMAT:
        return forms.DecimalField(**shared, min_value=0, max_digits=12, decimal_places=6)
    return _typed_field(shape, shared)


def _typed_field(shape: Mapping[str, Json], shared: dict[str, Any]) -> forms.Field:
    """Return the field for a schema's type, text where it has none."""
    match shape.get("type"):
        case "boolean":
            return forms.BooleanField(**{**shared, "required": False})
        case "integer":
            return forms.IntegerField(**shared | _bounds(shape))
        case "number":
            return forms.FloatField(
                **shared | _bounds(shape), widget=forms.NumberInput(attrs={"step": "any"})
            )
        case "array":
            return LinesField(**shared)
        case "object":
            return forms.JSONField(
                **{**shared, "initial": shared["initial"] or {}}, widget=forms.Textarea(attrs={"rows": 4})
            )
        case _:
            return forms.CharField(**shared, max_length=shape.get("maxLength", 2000))


def _bounds(shape: Mapping[str, Json]) -> dict[str, Any]:
    """Return the inclusive bounds; the strategy itself refuses a value on an exclusive one."""
    low = shape.get("minimum", shape.get("exclusiveMinimum"))
    high = shape.get("maximum", shape.get("exclusiveMaximum"))
    bounds = {"min_value": low, "max_value": high}
    return {name: bound for name, bound in bounds.items() if bound is not None}


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
