"""The forms with which pipelines are made, named, published, imported and started."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms

from orchestration.expressions.documents import read_document
from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.schemas import parse_schema
from orchestration.llm.engine.types import Json
from orchestration.llm.models import LanguageModel
from orchestration.strategies.engine.types import Constraints
from orchestration.strategies.forms.fields import schema_fields
from pipelines.models import PublishedVersion
from pipelines.selectors import GalleryEntry
from pipelines.services.importing import LARGEST_IMPORT
from pipelines.services.pipeline_runs import SIMPLE, text_field

INPUT, PREFIX = "input", "input."
MOST_FIELDS, LONGEST_LINE, LONGEST_TEXT = 20, 200, 1_000_000
NAME_HELP = "What other pipelines and commands call it: small letters, digits, - and _."
DRAFT = "draft"


def name_field(help_text: str = NAME_HELP) -> forms.CharField:
    """Return the field for the name of a pipeline; what it may be is checked where it is stored."""
    widget = forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    return forms.CharField(label="Name", max_length=40, help_text=help_text, widget=widget)


class NewPipelineForm(forms.Form):
    """The name of a new pipeline, and what it begins with."""

    name = name_field()
    start = forms.ChoiceField(label="Begin with", widget=forms.RadioSelect, initial="")

    def __init__(self, *args: Any, entries: Sequence[GalleryEntry], **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        start = self.fields["start"]
        assert isinstance(start, forms.ChoiceField)  # noqa: S101  # declared above
        start.choices = [("blank", "An empty pipeline"), *((each.name, each.title) for each in entries)]
        start.initial = "blank"


class RenamePipelineForm(forms.Form):
    """Another name."""

    name = name_field("")


class PublishForm(forms.Form):
    """What a version is about, and which draft it is made of."""

    note = forms.CharField(
        label="Note", max_length=500, required=False, help_text="What is new in it, in a sentence."
    )
    based_on = forms.IntegerField(widget=forms.HiddenInput)


class ImportForm(forms.Form):
    """Definitions as a text or a file."""

    text = forms.CharField(
        label="Definitions",
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 14, "class": "code-field", "spellcheck": "false", "dir": "ltr"}),
        help_text="YAML or JSON: one definition, a list, or an object with a list called pipelines.",
    )
    file = forms.FileField(label="Or a file", required=False)

    def clean(self) -> dict[str, Json]:
        """Take the text of the file where there is one."""
        data: dict[str, Json] = super().clean() or {}
        if file := data.get("file"):
            if file.size > LARGEST_IMPORT:
                raise forms.ValidationError("The file is too large for definitions of pipelines.")
            try:
                data["text"] = file.read().decode()
            except UnicodeDecodeError:
                raise forms.ValidationError("The file is no text in UTF-8.") from None
        if not data.get("text", "").strip():
            raise forms.ValidationError("Paste a definition, or choose a file.")
        return data


class RunForm(forms.Form):
    """The input of a run, of which version, by which models, and its limits.

    The input is a field for each property of an object of simple ones, else a text or a value in JSON.
    """

    version = forms.ChoiceField(label="Version")
    models = forms.MultipleChoiceField(
        label="Models",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="For the stages that name none. Choose none to use the usual panel.",
    )
    max_cost_usd = forms.DecimalField(label="Cost limit ($)", required=False, min_value=Decimal("0.000001"))
    max_latency_s = forms.FloatField(label="Time limit (s)", required=False, min_value=0.1)
    fresh = forms.BooleanField(label="Do not use kept results of stages", required=False)

    def __init__(
        self,
        *args: Any,  # noqa: ANN401  # passed on
        versions: Sequence[PublishedVersion],
        models: Sequence[LanguageModel],
        schema: Json,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(*args, **kwargs)
        numbers = [(str(each.number), f"Version {each.number}") for each in versions]
        newest = [("latest", f"{numbers[0][1]} (newest)")] if numbers else []
        choices = {"version": [*newest, (DRAFT, "The draft"), *numbers[1:]]}
        choices["models"] = [(each.name, each.name) for each in models]
        for name, offered in choices.items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)  # noqa: S101  # declared above
            field.choices = offered
        self._schema = schema
        self.input_fields = input_fields(schema)
        self.fields |= self.input_fields

    @property
    def inputs(self) -> list[forms.BoundField]:
        """The fields of the input."""
        return [self[name] for name in self.input_fields]

    def clean_input(self) -> Json:
        """Return a text as it is, and what else the input may be read as JSON."""
        text = self.cleaned_data[INPUT]
        wants_text = self._schema is None or text_field(self._schema) == ""
        if wants_text and not (self._schema is None and text.lstrip()[:1] in {"{", "["}):
            return text
        try:
            return read_document(text or "null", "json")
        except ExpressionError as error:
            raise forms.ValidationError(f"This is no JSON. {error}") from None

    def written(self, value: Json) -> dict[str, Json]:
        """Return a value as the fields of the input have it."""
        if INPUT not in self.input_fields:
            return (
                {f"{PREFIX}{name}": each for name, each in value.items()} if isinstance(value, dict) else {}
            )
        if isinstance(value, str) or value is None:
            return {INPUT: value or ""}
        return {INPUT: json.dumps(value, indent=2, ensure_ascii=False)}

    def payload(self, name: str) -> dict[str, Json]:
        """Return what starts the run."""
        data = self.cleaned_data
        limits = {each: data[each] for each in Constraints.model_fields if data.get(each) is not None}
        given = {
            each: data[each] for each in self.input_fields if data[each] is not None and data[each] != ""
        }
        value = {each.removeprefix(PREFIX): entered for each, entered in given.items()}
        version = data["version"]
        return {
            "pipeline": name,
            "version": int(version) if version.isdecimal() else version,
            "input": data[INPUT] if INPUT in self.input_fields else value,
            "models": tuple(data["models"]),
            "constraints": limits,
            "fresh": data["fresh"],
        }


def input_fields(schema: Json) -> dict[str, forms.Field]:
    """Return a field for each property of the input, or one for the whole where they are not all simple."""
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(properties, dict) or not 0 < len(properties) <= MOST_FIELDS:
        properties = {"": None}
    try:
        parse_schema(schema if isinstance(schema, dict) else {})
    except ExpressionError:
        properties = {"": None}
    if not all(map(_is_simple, properties.values())):
        area = forms.Textarea(attrs={"rows": 8, "dir": "auto"})
        words = "A text, or a value in JSON." if schema is None else "A value in JSON."
        words = "" if schema is not None and text_field(schema) == "" else words
        return {
            INPUT: forms.CharField(label="Input", required=False, strip=False, widget=area, help_text=words)
        }
    longest = {name: {"maxLength": LONGEST_TEXT, **shape} for name, shape in properties.items()}
    found = schema_fields({"properties": longest, "required": schema.get("required", [])})
    for field in found.values():
        if type(field) is forms.CharField and (field.max_length or 0) > LONGEST_LINE:
            field.widget, field.strip = forms.Textarea(attrs={"rows": 5, "dir": "auto"}), False
    return {f"{PREFIX}{name}": field for name, field in found.items()}


def _is_simple(shape: Json) -> bool:
    """Return whether a form has a field for a property."""
    if not isinstance(shape, dict) or shape.get("type") not in SIMPLE or "format" in shape:
        return False
    return all(isinstance(each, str) for each in shape.get("enum", ())) or shape["type"] != "string"
