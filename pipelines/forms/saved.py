"""The forms with which pipelines are made, named, published, imported and started."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any

from django import forms
from django.http import QueryDict

from orchestration.expressions.documents import read_document
from orchestration.expressions.errors import ExpressionError
from orchestration.llm.engine.types import Json
from orchestration.llm.models import LanguageModel
from orchestration.strategies.engine.types import Constraints
from orchestration.tools.forms.schemas import ANSWER, SchemaForm
from pipelines.selectors import GalleryEntry, version_number
from pipelines.services.importing import LARGEST_IMPORT

BLANK = "blank"


class PipelineNameForm(forms.Form):
    """The name of a pipeline; what it may be is checked where it is stored."""

    name = forms.CharField(
        label="Name",
        max_length=40,
        help_text="What other pipelines and commands call it: small letters, digits, - and _.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


class NewPipelineForm(PipelineNameForm):
    """The name of a new pipeline, and what it begins with."""

    start = forms.ChoiceField(
        label="Begin with", widget=forms.RadioSelect(attrs={"class": "form-check-input"})
    )

    def __init__(self, *args: Any, entries: Sequence[GalleryEntry], **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        choices = [(BLANK, "An empty pipeline"), *((each.name, each.title) for each in entries)]
        self.fields["start"].choices = choices  # type: ignore[attr-defined]  # declared above


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


class RunForm(SchemaForm):
    """The input of a run as its schema says, of which version, by which models, and its limits."""

    label = "Input"
    missing = "Write what it works on."
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
        self, schema: Json, data: QueryDict | None, versions: Sequence[int], models: Sequence[LanguageModel]
    ) -> None:
        super().__init__(schema if isinstance(schema, dict) else {}, data)
        self._is_open = not isinstance(schema, dict)
        newest = [("latest", f"Version {versions[0]} (newest)")] if versions else []
        older = [(str(each), f"Version {each}") for each in versions[1:]]
        choices = {"version": [*newest, ("draft", "The draft"), *older]}
        choices["models"] = [(each.name, each.name) for each in models]
        for name, offered in choices.items():
            self.fields[name].choices = offered  # type: ignore[attr-defined]  # declared above
        if self._is_open:
            self.fields[ANSWER].help_text = "A text, or a value in JSON."

    def clean(self) -> dict[str, Any]:
        """Read the input as JSON where it is written so and may be anything."""
        clean = super().clean()
        if self._is_open and isinstance(self.answer, str) and self.answer.lstrip()[:1] in {"{", "["}:
            with suppress(ExpressionError):  # a text
                self.answer = read_document(self.answer, "json")
        return clean

    def payload(self, name: str) -> dict[str, Json]:
        """Return what starts the run."""
        data = self.cleaned_data
        limits = {each: data[each] for each in Constraints.model_fields if data.get(each) is not None}
        return {
            "pipeline": name,
            "version": version_number(data["version"]) or data["version"],
            "input": self.answer,
            "models": data["models"],
            "constraints": limits,
            "fresh": data["fresh"],
        }
