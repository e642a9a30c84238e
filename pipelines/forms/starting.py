"""The forms with which pipelines are started, and run again from a stage."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any

from django import forms
from django.http import QueryDict

from orchestration.expressions.documents import LONGEST, read_document
from orchestration.expressions.errors import ExpressionError
from orchestration.library.forms import version_choices
from orchestration.library.selectors import version_number
from orchestration.llm.engine.types import Json
from orchestration.llm.models import LanguageModel
from orchestration.strategies.engine.types import Constraints
from orchestration.tools.forms.schemas import ANSWER, SchemaForm
from pipelines.services.reruns import SAME

TEXT, JSON = "text", "json"
WIDE = {"rows": 12, "class": "code-field", "spellcheck": "false", "dir": "auto"}


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
        choices = {"version": version_choices(versions)}
        choices["models"] = [(each.name, each.name) for each in models]
        for name, offered in choices.items():
            self.fields[name].choices = offered  # type: ignore[attr-defined]  # declared above
        if self._is_open:
            self.fields[ANSWER].help_text = "A text, or JSON where it begins with { or [."

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


class StageValueForm(forms.Form):
    """A value, how it is written, and with which version of the pipeline to go on."""

    value = forms.CharField(
        label="Value",
        required=False,
        strip=False,
        max_length=LONGEST,
        widget=forms.Textarea(attrs=WIDE),
        help_text="Nothing written is an empty text.",
    )
    written = forms.ChoiceField(
        label="It is", choices=[(TEXT, "Text, as it stands there"), (JSON, "JSON")], widget=forms.RadioSelect
    )
    version = forms.ChoiceField(
        label="Go on with",
        choices=[
            (SAME, "The pipeline as this run had it"),
            ("latest", "The newest published version"),
            ("draft", "The draft"),
        ],
    )

    @classmethod
    def filled(cls, data: Any, value: Json) -> StageValueForm:  # noqa: ANN401  # what Django binds forms to
        """Return the form with a value in it."""
        is_text = isinstance(value, str)
        written = value if is_text or value is None else json.dumps(value, ensure_ascii=False, indent=2)
        initial = {"value": written, "written": TEXT if is_text else JSON, "version": SAME}
        return cls(data, initial=initial)

    def clean(self) -> None:
        """Read the value as it is written."""
        value = self.cleaned_data.get("value", "")
        if self.cleaned_data.get("written") == JSON:
            try:
                self.cleaned_data["value"] = read_document(value, "json")
            except ExpressionError as error:
                self.add_error("value", str(error))
