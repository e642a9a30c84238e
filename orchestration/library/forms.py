"""The forms with which definitions are named, published, imported, and started by triggers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.forms.utils import flatatt
from django.http import QueryDict
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from orchestration.library.kinds import DefinitionKind
from orchestration.library.models import Trigger
from orchestration.library.services.importing import LARGEST_IMPORT
from orchestration.llm.engine.types import Json
from orchestration.tools.forms.schemas import JsonField


class DefinitionNameForm(forms.Form):
    """The name of a definition; what it may be is checked where it is stored."""

    name = forms.CharField(
        label="Name",
        max_length=40,
        help_text="What others and commands call it: small letters, digits, - and _.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


BLANK = "blank"


class NewDefinitionForm(DefinitionNameForm):
    """The name of a new definition, and what it begins with: nothing, or one of the gallery."""

    start = forms.ChoiceField(
        label="Begin with", widget=forms.RadioSelect(attrs={"class": "form-check-input"})
    )

    def __init__(self, data: QueryDict | None, *, kind: DefinitionKind[Any], chosen: str) -> None:
        known = chosen in kind.gallery
        super().__init__(data, initial={"start": chosen if known else BLANK, "name": chosen if known else ""})
        entries = [(name, each.title) for name, each in kind.gallery.items()]
        self.fields["start"].choices = [(BLANK, f"An empty {kind.noun}"), *entries]  # type: ignore[attr-defined]  # declared above
        self.entries = [None, *kind.gallery.values()]


def version_choices(numbers: Sequence[int]) -> list[tuple[str, str]]:
    """Return the versions of a definition as choices, the newest first, and its draft."""
    newest = [("latest", f"Version {numbers[0]} (newest)")] if numbers else []
    return [*newest, ("draft", "The draft"), *((str(each), f"Version {each}") for each in numbers[1:])]


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
    )
    file = forms.FileField(label="Or a file", required=False)

    def __init__(self, *args: Any, kind: DefinitionKind[Any], **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        several = f"YAML or JSON: one definition, a list, or an object with a list called {kind.plural}."
        self.fields["text"].help_text = several

    def clean(self) -> dict[str, Json]:
        """Take the text of the file where there is one."""
        data: dict[str, Json] = super().clean() or {}
        if file := data.get("file"):
            if file.size > LARGEST_IMPORT:
                raise forms.ValidationError("The file is too large for definitions.")
            try:
                data["text"] = file.read().decode()
            except UnicodeDecodeError:
                raise forms.ValidationError("The file is no text in UTF-8.") from None
        if not data.get("text", "").strip():
            raise forms.ValidationError("Paste a definition, or choose a file.")
        return data


class WebhookForm(forms.Form):
    """Names a webhook."""

    title = forms.CharField(label="Name", max_length=80, error_messages={"required": "Give it a name."})


@cache
def time_zones() -> list[tuple[str, str]]:
    """Return every time zone that this machine knows: to find them it opens six hundred files."""
    return [(name, name.replace("_", " ")) for name in sorted(available_timezones())]


class LongSelect(forms.Select):
    """A choice of hundreds: Django would render two templates for each of them, most of a page's time."""

    def render(
        self,
        name: str,
        value: object,
        attrs: dict[str, Any] | None = None,
        renderer: object = None,  # noqa: ARG002  # it renders no template
    ) -> SafeString:
        """Return the element with its options."""
        chosen = self.format_value(value)
        options = [(key, SafeString(" selected" * (key in chosen)), label) for key, label in self.choices]
        given = flatatt(self.build_attrs(self.attrs, {"name": name, **(attrs or {})}))
        shown = format_html_join("", '<option value="{}"{}>{}</option>', options)
        return format_html("<select{}>{}</select>", given, shown)


class ScheduleForm(WebhookForm):
    """Says when a run is started, and with what input."""

    crontab = forms.CharField(
        label="When",
        max_length=120,
        help_text="Minute, hour, day of the month, month, day of the week: “30 9 * * mon-fri”, or @daily.",
        error_messages={"required": "Say when it is started."},
    )
    zone = forms.ChoiceField(
        label="Time zone",
        initial=settings.TIME_ZONE,
        choices=time_zones,
        widget=LongSelect,
    )
    input = JsonField(
        label="Input as JSON",
        required=False,
        max_length=60_000,
        help_text="What each run works on, as JSON. Empty: nothing.",
    )

    def schedule(self) -> Trigger:
        """Return what a valid form describes."""
        return Trigger(**self.cleaned_data)
