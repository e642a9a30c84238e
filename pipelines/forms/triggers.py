"""Forms of what starts a pipeline without a person."""

from __future__ import annotations

from zoneinfo import available_timezones

from django import forms
from django.conf import settings

from orchestration.tools.forms.schemas import JsonField
from pipelines.models import Trigger


class WebhookForm(forms.Form):
    """Names a webhook."""

    title = forms.CharField(label="Name", max_length=80, error_messages={"required": "Give it a name."})


class ScheduleForm(WebhookForm):
    """Says when a pipeline is started, and with what input."""

    crontab = forms.CharField(
        label="When",
        max_length=120,
        help_text="Minute, hour, day of the month, month, day of the week: “30 9 * * mon-fri”, or @daily.",
        error_messages={"required": "Say when it is started."},
    )
    zone = forms.ChoiceField(
        label="Time zone",
        initial=settings.TIME_ZONE,
        choices=[(name, name.replace("_", " ")) for name in sorted(available_timezones())],
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
