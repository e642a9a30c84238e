"""Forms made from a JSON Schema: arguments of tools, questions to people, inputs, options.

The schema may come from anyone who writes a pipeline: what is too large or too deep to be shown as fields is
answered in words or as JSON instead.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from math import isfinite
from typing import Any, ClassVar

from django import forms
from django.http import QueryDict
from django.utils.html import escape

from orchestra_site.web.patterns import Pattern
from orchestra_site.web.words import plain_name
from orchestration.expressions.documents import read_document
from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.schemas import Schema, parse_schema
from orchestration.llm.engine.types import FieldFormat, Json

LONGEST_TEXT = 200_000
ONE_LINE = 200
"""Characters up to which a text that has a limit is written in one line."""
MOST_FIELDS, MOST_OPTIONS, MOST_BUTTONS, MOST_RADIOS, MOST_STEPS = 40, 200, 3, 5, 8
LONGEST_LABEL, LONGEST_HELP = 200, 1_000
LONG_TEXTS = frozenset({"textarea", "multiline", "markdown"})
"""Formats of a text that is written in several lines."""
ANSWER = "answer"
DEFINED = "#/$defs/"
NO_FIELDS = frozenset({"$ref", "$dynamicRef", "anyOf", "oneOf", "allOf", "if"})
"""Keywords of a schema whose properties alone do not say what it takes."""
YES_NO = {"oneOf": [{"const": True, "title": "Yes"}, {"const": False, "title": "No"}]}
WORDS = {
    "required": "Fill this in.",
    "invalid_choice": "Choose one of the offered answers.",
    "min_value": "Enter at least %(limit_value)s.",
    "max_value": "Enter at most %(limit_value)s.",
}
_IDENTIFIER = Pattern(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


class JsonField(forms.CharField):
    """A value of any shape as JSON, read within limits."""

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


def lines_in(text: str) -> list[str]:
    """Return the lines of a text that are not empty, without white space at their ends."""
    return [line.strip() for line in text.splitlines() if line.strip()]


class LinesField(forms.CharField):
    """A list of short texts, one a line."""

    widget = forms.Textarea(attrs={"rows": 3, "dir": "auto"})

    def prepare_value(self, value: object) -> object:
        """Show a list as lines."""
        return "\n".join(map(str, value)) if isinstance(value, list | tuple) else value

    def clean(self, value: object) -> list[str]:
        """Return the lines that are not empty."""
        return lines_in(str(super().clean(value)))


class DayField(forms.DateField):
    """A day, which the answer has as text: 2026-12-31."""

    def clean(self, value: object) -> Any:  # noqa: ANN401  # a form's value
        """Return the day as ISO text. Raises `ValidationError`."""
        day: date | None = super().clean(value)
        return day.isoformat() if day else None


def schema_fields(schema: Mapping[str, Json], models: Sequence[str] | None = None) -> dict[str, forms.Field]:
    """Return a field for each property of an object's schema, by its name.

    `models` are the choices of a property that names a model.
    """
    needed = schema.get("required", [])
    needed = needed if isinstance(needed, list) else []
    return {
        name: value_field(resolved(shape, schema), name, required=name in needed, models=models)
        for name, shape in schema.get("properties", {}).items()
    }


def resolved(shape: Json, schema: Mapping[str, Json]) -> dict[str, Json]:
    """Return the schema of a value with what it refers to, and without the choice that it may be null.

    What cannot be followed in a few steps stays as it is.
    """
    found = dict(shape) if isinstance(shape, dict) else {}
    definitions = schema.get("$defs")
    for _ in range(MOST_STEPS):
        choices, ref = found.get("anyOf"), found.get("$ref")
        choices = choices if isinstance(choices, list) else []
        others = [each for each in choices if isinstance(each, dict) and each.get("type") != "null"]
        inner, key = (others[0], "anyOf") if len(others) == 1 else (None, "$ref")
        if key == "$ref" and isinstance(ref, str) and isinstance(definitions, dict):
            inner = definitions.get(ref.removeprefix(DEFINED))
        if not isinstance(inner, dict):
            break
        found = {**inner, **{name: value for name, value in found.items() if name != key}}
    return found


def value_field(
    shape: Mapping[str, Json],
    name: str,
    *,
    required: bool,
    models: Sequence[str] | None = None,
) -> forms.Field:
    """Return the field for the resolved schema of one value: a text where it has no type."""
    title, kinds = shape.get("title"), shape.get("type")
    words = title if isinstance(title, str) and title.strip() else plain_name(name).capitalize()
    shared: dict[str, Any] = {
        "label": words[:LONGEST_LABEL] or "Value",
        "help_text": escape(str(shape.get("description", ""))[:LONGEST_HELP]),
        "initial": shape.get("default"),
        "required": required,
        "error_messages": dict(WORDS),
    }
    kind = next((each for each in kinds if each != "null"), None) if isinstance(kinds, list) else kinds
    if (choice := _choice(shape, kind, shared, models)) is not None:
        return choice
    if kind == "boolean":
        return forms.BooleanField(**{**shared, "required": False})
    items = shape.get("items")
    if kind == "array" and isinstance(items, dict) and items.get("type") == "string":
        return LinesField(**shared, max_length=LONGEST_TEXT)
    if kind in {"array", "object"} or NO_FIELDS & set(shape):
        return JsonField(**shared, max_length=LONGEST_TEXT)
    return _number(kind, shape, shared) if kind in {"integer", "number"} else _text(shape, shared)


def _choice(
    shape: Mapping[str, Json], kind: Json, shared: dict[str, Any], models: Sequence[str] | None
) -> forms.Field | None:
    """Return the field of a value, or of several, among some that are listed; None where none are."""
    if shape.get("format") == FieldFormat.MODEL and models is not None:
        shared["error_messages"]["invalid_choice"] = "“%(value)s” is none of your models."
        names = [(name, name) for name in models]
        return ModelField(choices=[*[("", "Not set")] * (not shared["required"]), *names], **shared)
    if 0 < len(options := _options(shape)) <= MOST_OPTIONS:
        return _one_of(options, shared)
    several = _options(shape.get("items")) if kind == "array" else []
    return _some_of(several, shared) if 0 < len(several) <= MOST_OPTIONS else None


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
    """Return a value that can be chosen in words; a text that is no name stays as it is."""
    words = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return (words.replace("_", " ").capitalize() if _IDENTIFIER.fullmatch(words) else words)[:LONGEST_LABEL]


def _key(value: Json) -> str:
    """Return what a browser sends for a value: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def _one_of(options: Sequence[tuple[Json, str]], shared: dict[str, Any]) -> forms.Field:
    values = {_key(value): value for value, _ in options}
    choices = [(_key(value), words) for value, words in options]
    chosen = None if shared["initial"] is None else _key(shared["initial"])
    few = len(choices) <= MOST_RADIOS and shared["required"]
    none = [] if few or chosen in values else [("", "Choose…" if shared["required"] else "Not set")]
    widget = forms.RadioSelect() if few else forms.Select()
    shared |= {"initial": chosen, "choices": [*none, *choices]}
    return forms.TypedChoiceField(coerce=values.__getitem__, empty_value=None, widget=widget, **shared)


def _some_of(options: Sequence[tuple[Json, str]], shared: dict[str, Any]) -> forms.Field:
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
    """Return the field of a number; a value on an exclusive bound is refused by what checks the whole."""
    low = shape.get("minimum", shape.get("exclusiveMinimum"))
    high = shape.get("maximum", shape.get("exclusiveMaximum"))
    bounds = {"min_value": low, "max_value": high}
    real: dict[str, Any] = {name: bound for name, bound in bounds.items() if _is_number(bound)}
    if shape.get("format") == FieldFormat.SHARE:
        in_percent = {name: Decimal(f"{100 * bound:.6g}") for name, bound in real.items() if 0 <= bound <= 1}
        return PercentField(**shared | in_percent | {"label": f"{shared['label']}, %"})
    if shape.get("format") == FieldFormat.DOLLARS:
        return forms.DecimalField(**shared, min_value=0, max_digits=12, decimal_places=6)
    if len(real) == len(bounds) and not shared["help_text"]:
        shared["help_text"] = f"From {real['min_value']} to {real['max_value']}."
    return (forms.IntegerField if kind == "integer" else forms.FloatField)(**shared, **real)


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


class SchemaForm(forms.Form):
    """The form that a JSON Schema describes; whatever it is, there is a way to answer.

    The whole `answer` is compared with the schema. `note` says in words what of it is not shown as fields.
    `label` and `missing` are the words at the field of an answer that is one value.
    """

    label: ClassVar = "Your answer"
    missing: ClassVar = "Answer the question."

    def __init__(
        self, schema: Mapping[str, Json], data: QueryDict | None = None, *, auto_id: str = "id_%s"
    ) -> None:
        super().__init__(data, auto_id=auto_id)
        self.answer: Json = None
        self.note = ""
        self._schema: Schema | None = None
        self._properties: dict[str, str] = {}
        self._made = self._fields(schema)
        self.fields |= self._made

    def _fields(self, written: Mapping[str, Json]) -> dict[str, forms.Field]:
        """Return the fields by their names in the form: one for each property, or one for all."""
        try:
            self._schema = parse_schema(dict(written))
        except ExpressionError as error:
            self.note = f"The form of this question cannot be shown: {error} Answer in words."
            return self._sole({}, written)
        properties = written.get("properties")
        if not isinstance(properties, dict) or written.get("type", "object") != "object":
            return self._sole(written, written)
        if len(properties) > MOST_FIELDS or NO_FIELDS & set(written):
            size = f"{len(properties):,} fields, at most {MOST_FIELDS} are shown"
            why = size if len(properties) > MOST_FIELDS else "alternatives"
            self.note = f"This form has {why}. Answer as JSON."
            return self._sole({"type": "object"}, written)
        fields = schema_fields(written)
        self._properties = {f"{ANSWER}-{number}": name for number, name in enumerate(fields, start=1)}
        return dict(zip(self._properties, fields.values(), strict=True))

    def _sole(self, shape: Mapping[str, Json], schema: Mapping[str, Json]) -> dict[str, forms.Field]:
        whole = YES_NO if shape.get("type") == "boolean" else resolved(shape, schema)
        field = value_field({**whole, "title": self.label}, ANSWER, required=True)
        field.error_messages["required"] = self.missing
        return {ANSWER: field}

    @property
    def inputs(self) -> list[forms.BoundField]:
        """The fields that the schema describes."""
        return [self[name] for name in self._made]

    @property
    def lines(self) -> list[forms.BoundField]:
        """The fields above the buttons."""
        buttons = self.buttons
        return [box for box in self if buttons is None or box.name != buttons.name]

    @property
    def buttons(self) -> forms.BoundField | None:
        """A choice of two or three that everything depends on: its answers are buttons that send the form."""
        needed = [name for name, field in self._made.items() if field.required]
        sole = needed or list(self._made)
        choice = self._made[sole[0]] if len(sole) == 1 else None
        if not isinstance(choice, forms.TypedChoiceField):
            return None
        offered = [value for value, _ in list(choice.choices) if value != ""]  # type: ignore[arg-type]
        return self[sole[0]] if len(offered) <= MOST_BUTTONS else None

    def clean(self) -> dict[str, Any]:
        """Compare the answer with the schema, each problem at its field."""
        clean = super().clean() or self.cleaned_data
        if not self.errors:
            self.answer = self._answer(clean)
            for problem in self._schema.problems(self.answer) if self._schema else ():
                box = self.field_at(problem.path)
                place = problem.path.removeprefix(self._properties.get(box or "", "")).lstrip(".")
                self.add_error(box, f"{place or 'This'} {problem.message}.")
        return clean

    def _answer(self, clean: Mapping[str, Any]) -> Json:
        """Return the answer without what was left empty."""
        if not self._properties:
            return clean[ANSWER] if ANSWER in self._made else {}
        given = {name: clean[box] for box, name in self._properties.items()}
        empty: tuple[Json, ...] = (None, "", [])
        needed = {name for box, name in self._properties.items() if self._made[box].required}
        return {name: value for name, value in given.items() if name in needed or value not in empty}

    def fill_in(self, value: Json) -> None:
        """Have a value as what the form begins with."""
        if self._properties and isinstance(value, dict):
            known = {box: value[name] for box, name in self._properties.items() if name in value}
            self.initial.update(known)
        elif ANSWER in self._made and value is not None:
            self.initial[ANSWER] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    def field_at(self, path: str) -> str | None:
        """Return the field that a path in the answer leads to."""
        if ANSWER in self._made:
            return ANSWER
        fitting = [
            box
            for box, name in self._properties.items()
            if path == name or path.startswith((f"{name}.", f"{name}["))
        ]
        return max(fitting, key=lambda box: len(self._properties[box]), default=None)


class ArgumentsForm(SchemaForm):
    """What a tool is called with."""

    label = "Arguments"
    missing = "Write the arguments as an object, in braces."

    def clean(self) -> dict[str, Any]:
        """Refuse arguments that are no object."""
        clean = super().clean()
        if not self.errors and not isinstance(self.answer, dict):
            self.add_error(ANSWER, self.missing)
        return clean
