"""Form fields for a strategy's options, made from its schema: a new option needs no form code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from pydantic import BaseModel

from orchestration.engine.types import Json

PREFIX = "options."
MODEL_FORMAT = "model"


class ModelField(forms.ChoiceField):
    """The name of one of the team's models."""


def names_model(field: forms.Field) -> bool:
    """Tell whether a field names a helper model."""
    return isinstance(field, ModelField)


def option_fields(options: type[BaseModel], models: Sequence[str]) -> dict[str, forms.Field]:
    """Return a field for each option, named `options.<name>` as errors about it are."""
    schema = options.model_json_schema()
    definitions = schema.get("$defs", {})
    return {
        f"{PREFIX}{name}": _field(name, _flat(shape, definitions), models)
        for name, shape in schema.get("properties", {}).items()
    }


def option_values(cleaned: Mapping[str, Any]) -> dict[str, Json]:
    """Return the options among a form's cleaned values, by the strategy's names; an empty one is left out."""
    return {
        name.removeprefix(PREFIX): value
        for name, value in cleaned.items()
        if name.startswith(PREFIX) and value not in {None, ""}
    }


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


def _field(name: str, shape: Mapping[str, Json], models: Sequence[str]) -> forms.Field:
    """Return the field for one flat schema."""
    told: dict[str, Any] = {
        "label": shape.get("title") or name.replace("_", " ").capitalize(),
        "help_text": shape.get("description", ""),
        "initial": shape.get("default"),
        "error_messages": {"required": "Enter a value."},
        "required": "default" not in shape,
    }
    if shape.get("format") == MODEL_FORMAT:
        none = [] if told["required"] else [("", "Not set")]
        return ModelField(choices=[*none, *((model, model) for model in models)], **told)
    if "enum" in shape:
        choices = [(v, str(v).replace("_", " ").capitalize()) for v in shape["enum"]]
        return forms.ChoiceField(
            choices=[*([("", "Not set")] if "nullable" in shape else []), *choices], **told
        )
    match shape.get("type"):
        case "boolean":
            return forms.BooleanField(**{**told, "required": False})
        case "integer":
            return forms.IntegerField(**told | _bounds(shape))
        case "number":
            return forms.FloatField(**told | _bounds(shape), widget=forms.NumberInput(attrs={"step": "any"}))
        case _:
            return forms.CharField(**told, max_length=shape.get("maxLength", 2000))


def _bounds(shape: Mapping[str, Json]) -> dict[str, Any]:
    """Return the inclusive bounds; what lies on an exclusive one is refused by the strategy itself."""
    low = shape.get("minimum", shape.get("exclusiveMinimum"))
    high = shape.get("maximum", shape.get("exclusiveMaximum"))
    bounds = {"min_value": low, "max_value": high}
    return {name: bound for name, bound in bounds.items() if bound is not None}
