"""The form that adds a recording."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.template.defaultfilters import filesizeformat

FORMAT = "JSON lines, plain or gzip: on each line dataset, item_id, prompt, and answers with model and text."
NONE = "Choose a file."
ONE_OF_BOTH = "Choose a file, either of your own or one that is offered, not both."


class RecordingForm(forms.Form):
    """A recording from the member's machine, or one that the operator offers."""

    file = forms.FileField(
        label="File",
        max_length=200,
        error_messages={"required": NONE},
        widget=forms.FileInput(attrs={"accept": ".jsonl,.gz,application/json,application/gzip"}),
    )
    name = forms.CharField(label="Name", max_length=80, help_text="What your team calls this recording.")

    def __init__(self, *given: Any, offered: Sequence[str], **named: Any) -> None:  # noqa: ANN401  # Django's own
        super().__init__(*given, **named)
        most = filesizeformat(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
        self.fields["file"].help_text = f"{FORMAT} At most {most}."
        self.fields["file"].required = not offered
        if offered:
            choices = [("", "None"), *((name, name) for name in offered)]
            self.fields["offered"] = forms.ChoiceField(
                label="Or a file on the server",
                required=False,
                choices=choices,
                help_text="What the operator put into recordings/offered of the data folder.",
            )
            self.order_fields(["file", "offered", "name"])

    def clean(self) -> dict[str, Any]:
        """Ask for exactly one file."""
        data = super().clean() or self.cleaned_data
        if "file" not in self.errors and bool(data.get("file")) == bool(data.get("offered")):
            self.add_error("file", ONE_OF_BOTH if data.get("file") else NONE)
        return data
