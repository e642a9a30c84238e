"""The forms with which pipelines are made, named, published, imported and started."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms

from orchestration.expressions.documents import read_document
from orchestration.expressions.errors import ExpressionError
from orchestration.llm.engine.types import Json
from orchestration.llm.models import LanguageModel
from orchestration.strategies.engine.types import Constraints
from pipelines.models import PublishedVersion
from pipelines.selectors import GalleryEntry
from pipelines.services.importing import LARGEST_IMPORT
from pipelines.services.pipeline_runs import text_field

NAME_HELP = "What other pipelines and commands call it: small letters, digits, - and _."
DRAFT = "draft"


def name_field() -> forms.CharField:
    """Return the field for the name of a pipeline; what it may be is checked where it is stored."""
    widget = forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    return forms.CharField(label="Name", max_length=40, help_text=NAME_HELP, widget=widget)


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

    name = name_field()


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
    """The input of a run, of which version, by which models, and its limits."""

    input = forms.CharField(
        label="Input",
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8, "dir": "auto"}),
    )
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
        self._text = text_field(schema)
        if self._text and len(schema["properties"]) > 1:
            self._text = None
        self._is_open = schema is None
        words = "A text, or a value in JSON." if self._is_open else ""
        self.fields["input"].help_text = "A value in JSON." if self._text is None else words

    def clean_input(self) -> Json:
        """Return the text as it is, or as the one field of text that the pipeline takes, or read as JSON."""
        text = self.cleaned_data["input"]
        if self._text is not None and not (self._is_open and text.lstrip()[:1] in {"{", "["}):
            return {self._text: text} if self._text else text
        try:
            return read_document(text or "null", "json")
        except ExpressionError as error:
            raise forms.ValidationError(f"This is no JSON. {error}") from None

    def written(self, value: Json) -> str:
        """Return a value as the field of the input has it."""
        if self._text and isinstance(value, dict):
            value = value.get(self._text)
        if isinstance(value, str) and self._text is not None:
            return value
        return "" if value is None else json.dumps(value, indent=2, ensure_ascii=False)

    def payload(self, name: str) -> dict[str, Json]:
        """Return what starts the run."""
        data = self.cleaned_data
        limits = {each: data[each] for each in Constraints.model_fields if data.get(each) is not None}
        version = data["version"]
        return {
            "pipeline": name,
            "version": int(version) if version.isdecimal() else version,
            "input": data["input"],
            "models": tuple(data["models"]),
            "constraints": limits,
            "fresh": data["fresh"],
        }
