"""The form that puts another value in place of a stage's input or output, and runs what follows again."""

from __future__ import annotations

import json
from typing import Any

from django import forms

from orchestration.expressions.documents import LONGEST, read_document
from orchestration.expressions.errors import ExpressionError
from orchestration.llm.engine.types import Json
from pipelines.services.reruns import SAME

TEXT, JSON = "text", "json"
WIDE = {"rows": 12, "class": "code-field", "spellcheck": "false", "dir": "auto"}


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
