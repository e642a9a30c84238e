"""The forms with which pipelines are made and started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any

from django import forms
from django.http import QueryDict

from orchestration.expressions.documents import read_document
from orchestration.expressions.errors import ExpressionError
from orchestration.library.forms import DefinitionNameForm
from orchestration.library.selectors import version_number
from orchestration.llm.engine.types import Json
from orchestration.llm.models import LanguageModel
from orchestration.strategies.engine.types import Constraints
from orchestration.tools.forms.schemas import ANSWER, SchemaForm
from pipelines.selectors import GalleryEntry

BLANK = "blank"


class NewPipelineForm(DefinitionNameForm):
    """The name of a new pipeline, and what it begins with."""

    start = forms.ChoiceField(
        label="Begin with", widget=forms.RadioSelect(attrs={"class": "form-check-input"})
    )

    def __init__(self, *args: Any, entries: Mapping[str, GalleryEntry], **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        choices = [(BLANK, "An empty pipeline"), *((name, each.title) for name, each in entries.items())]
        self.fields["start"].choices = choices  # type: ignore[attr-defined]  # declared above


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
