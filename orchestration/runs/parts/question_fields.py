"""The fields of the form that a question asks for, made from its JSON Schema.

The schema may come from anyone who writes a pipeline: what is too large or too deep to be shown as fields is
answered in words or as JSON instead.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import isfinite
from typing import Any

from django import forms
from django.utils.html import escape

from orchestra_site.web.words import plain_name
from orchestration.expressions.documents import read_document
from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.schemas import Schema, parse_schema
from orchestration.llm.engine.types import Json

LONGEST_TEXT = LONGEST_JSON = 200_000
ONE_LINE = 200
"""Characters up to which a text that has a limit is written in one line."""
MOST_FIELDS, MOST_OPTIONS, MOST_BUTTONS, MOST_RADIOS = 40, 200, 3, 5
LONGEST_LABEL, LONGEST_HELP = 200, 1_000
LONG_TEXTS = frozenset({"textarea", "multiline", "markdown"})
"""Formats of a text that is written in several lines."""
ANSWER = "answer"
NO_FIELDS = frozenset({"$ref", "$dynamicRef", "anyOf", "oneOf", "allOf", "if"})
"""Keywords of a schema whose properties alone do not say what it takes."""
YES_NO = {"oneOf": [{"const": True, "title": "Yes"}, {"const": False, "title": "No"}]}
WORDS = {
    "required": "Fill this in.",
    "invalid_choice": "Choose one of the offered answers.",
    "min_value": "Enter at least %(limit_value)s.",
    "max_value": "Enter at most %(limit_value)s.",
}


class JsonField(forms.CharField):
    """A value as JSON text, read within limits."""

    widget = forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "class": "code"})

    def clean(self, value: object) -> Json:
        """Return the value that the text says. Raises `ValidationError`."""
        text = super().clean(value)
        try:
            return read_document(text, "json") if text else None
        except ExpressionError as error:
            raise forms.ValidationError(f"This is not JSON: {error}") from None

    def prepare_value(self, value: object) -> object:
        """Show a default as JSON, and what was typed as it was typed."""
        return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class QuestionFields:
    """`properties` are the names in the answer by the names of the fields; empty where it is one value.

    `schema` is None where it could not be read; `note` says in words what of it is not shown as fields.
    """

    fields: Mapping[str, forms.Field]
    properties: Mapping[str, str]
    schema: Schema | None
    note: str = ""

    @property
    def buttons(self) -> str:
        """The name of a choice of two or three that everything depends on; empty where there is none.

        Its answers are shown as buttons that send the form.
        """
        needed = [name for name, field in self.fields.items() if field.required]
        sole = needed or list(self.fields)
        choice = self.fields[sole[0]] if len(sole) == 1 else None
        fits = type(choice) is forms.TypedChoiceField and len(_offered(choice)) <= MOST_BUTTONS
        return sole[0] if fits else ""


def question_fields(written: Mapping[str, Json]) -> QuestionFields:
    """Return the fields for a question's schema; whatever it is, there is a way to answer."""
    try:
        schema = parse_schema(dict(written))
    except ExpressionError as error:
        note = f"The form of this question cannot be shown: {error} Answer in words."
        return QuestionFields(fields=_sole({}), properties={}, schema=None, note=note)
    properties = written.get("properties")
    if not isinstance(properties, dict) or written.get("type", "object") != "object":
        return QuestionFields(fields=_sole(written), properties={}, schema=schema)
    if len(properties) > MOST_FIELDS or NO_FIELDS & set(written):
        size = f"{len(properties):,} fields, at most {MOST_FIELDS} are shown"
        why = size if len(properties) > MOST_FIELDS else "alternatives"
        note = f"This form has {why}. Answer as JSON."
        return QuestionFields(fields=_sole({"type": "object"}), properties={}, schema=schema, note=note)
    needed = written.get("required", [])
    fields = {
        f"{ANSWER}-{number}": _field(shape, _label(name, shape), required=name in needed)
        for number, (name, shape) in enumerate(properties.items(), start=1)
    }
    return QuestionFields(fields=fields, properties=dict(zip(fields, properties, strict=True)), schema=schema)


def _sole(shape: Mapping[str, Json]) -> dict[str, forms.Field]:
    field = _field(YES_NO if shape.get("type") == "boolean" else shape, "Your answer", required=True)
    field.error_messages["required"] = "Answer the question."
    return {ANSWER: field}


def _label(name: str, shape: Json) -> str:
    title = shape.get("title") if isinstance(shape, dict) else None
    words = title if isinstance(title, str) and title.strip() else plain_name(name).capitalize()
    return words[:LONGEST_LABEL] or "Value"


def _field(shape: Json, label: str, *, required: bool) -> forms.Field:
    """Return the field for the schema of one value."""
    shape = shape if isinstance(shape, dict) else {}
    shared: dict[str, Any] = {
        "label": label,
        "help_text": escape(str(shape.get("description", ""))[:LONGEST_HELP]),
        "initial": shape.get("default"),
        "required": required,
        "error_messages": dict(WORDS),
    }
    kinds = shape.get("type")
    kind = next((k for k in kinds if k != "null"), None) if isinstance(kinds, list) else kinds
    options = _options(shape)
    if options and len(options) <= MOST_OPTIONS:
        return _choice(options, shared)
    if kind == "boolean":
        return forms.BooleanField(**{**shared, "required": False})
    if kind == "array" and 0 < len(several := _options(shape.get("items"))) <= MOST_OPTIONS:
        return _choices(several, shared)
    if kind in {"array", "object"} or NO_FIELDS & set(shape):
        return JsonField(**shared, max_length=LONGEST_JSON)
    return _number(kind, shape, shared) if kind in {"integer", "number"} else _text(shape, shared)


def _options(shape: Json) -> list[tuple[Json, str]]:
    """Return the values that a schema lists, each with its words; empty where it lists none."""
    if not isinstance(shape, dict):
        return []
    if isinstance(shape.get("enum"), list):
        return [(value, _words(value)) for value in shape["enum"]]
    named = shape.get("oneOf")
    if not isinstance(named, list) or not all(isinstance(each, dict) and "const" in each for each in named):
        return []
    return [
        (each["const"], str(each.get("title") or _words(each["const"]))[:LONGEST_LABEL]) for each in named
    ]


def _words(value: Json) -> str:
    return (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))[:LONGEST_LABEL]


def _key(value: Json) -> str:
    """Return what a browser sends for a value: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def _offered(field: forms.Field) -> list[tuple[str, str]]:
    return [choice for choice in getattr(field, "choices", ()) if choice[0] != ""]


def _choice(options: Sequence[tuple[Json, str]], shared: dict[str, Any]) -> forms.Field:
    values = {_key(value): value for value, _ in options}
    choices = [(_key(value), words) for value, words in options]
    chosen = shared["initial"]
    shared |= {"initial": None if chosen is None else _key(chosen)}
    few = len(choices) <= MOST_RADIOS and shared["required"]
    none = [] if few else [("", "Choose…" if shared["required"] else "Not set")]
    widget = forms.RadioSelect() if few else forms.Select()
    return forms.TypedChoiceField(
        choices=[*none, *choices], coerce=values.__getitem__, empty_value=None, widget=widget, **shared
    )


def _choices(options: Sequence[tuple[Json, str]], shared: dict[str, Any]) -> forms.Field:
    values = {_key(value): value for value, _ in options}
    chosen = shared["initial"]
    shared |= {"initial": [_key(each) for each in chosen] if isinstance(chosen, list) else None}
    return forms.TypedMultipleChoiceField(
        choices=[(_key(value), words) for value, words in options],
        coerce=values.__getitem__,
        empty_value=[],
        widget=forms.CheckboxSelectMultiple(),
        **shared,
    )


def _number(kind: Json, shape: Mapping[str, Json], shared: dict[str, Any]) -> forms.Field:
    bounds = {"min_value": shape.get("minimum"), "max_value": shape.get("maximum")}
    real: dict[str, Any] = {name: bound for name, bound in bounds.items() if _is_number(bound)}
    if len(real) == len(bounds) and not shared["help_text"]:
        shared["help_text"] = f"From {real['min_value']} to {real['max_value']}."
    made = forms.IntegerField if kind == "integer" else forms.FloatField
    return made(**shared, **real)


def _is_number(value: Json) -> bool:
    return (isinstance(value, int) and not isinstance(value, bool)) or (
        isinstance(value, float) and isfinite(value)
    )


def _text(shape: Mapping[str, Json], shared: dict[str, Any]) -> forms.Field:
    if shape.get("format") == "date":
        shared["error_messages"]["invalid"] = "Enter a day, as 2026-12-31."
        return DayField(**shared, widget=forms.DateInput(attrs={"type": "date"}))
    most = shape.get("maxLength")
    longest = most if isinstance(most, int) and 0 < most < LONGEST_TEXT else LONGEST_TEXT
    short = longest <= ONE_LINE and shape.get("format") not in LONG_TEXTS
    widget = forms.TextInput() if short else forms.Textarea(attrs={"rows": 3})
    widget.attrs |= {"dir": "auto", "autocomplete": "off"}
    return forms.CharField(**shared, max_length=longest, widget=widget)


class DayField(forms.DateField):
    """A day, which the answer has as text: 2026-12-31."""

    def clean(self, value: object) -> Any:  # noqa: ANN401  # a form's value
        """Return the day as ISO text. Raises `ValidationError`."""
        day: date | None = super().clean(value)
        return day.isoformat() if day else None
