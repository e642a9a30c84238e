"""The forms of the Models page. A key goes in and never comes out again."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils import timezone

from orchestration.engine.types import Capability, Tier

PRESETS = (
    ("https://api.openai.com/v1", "OpenAI"),
    ("https://openrouter.ai/api/v1", "OpenRouter"),
    ("https://api.groq.com/openai/v1", "Groq"),
    ("https://api.mistral.ai/v1", "Mistral"),
    ("https://api.deepseek.com/v1", "DeepSeek"),
    ("https://generativelanguage.googleapis.com/v1beta/openai", "Gemini"),
    ("https://api.together.xyz/v1", "Together"),
    ("https://api.x.ai/v1", "xAI"),
    ("http://localhost:11434/v1", "Ollama on this machine"),
    ("http://localhost:8000/v1", "vLLM on this machine"),
    ("http://localhost:8080/v1", "llama.cpp on this machine"),
)
TIERS = [(tier.value, tier.value.title()) for tier in Tier]
CAPABILITIES = [(item.value, item.value.replace("_", " ").capitalize()) for item in Capability]
EARLIEST, LATEST = date(2000, 1, 1), date(2100, 1, 1)


def key_field(label: str, help_text: str) -> forms.CharField:
    """Return the field for a provider's key: typed, never shown, never filled in by a browser."""
    widget = forms.PasswordInput(
        render_value=False, attrs={"autocomplete": "off", "spellcheck": "false", "data-1p-ignore": ""}
    )
    return forms.CharField(label=label, max_length=4_000, required=False, widget=widget, help_text=help_text)


def address_field() -> forms.CharField:
    """Return the field for a provider's base address, with well-known ones offered."""
    widget = forms.TextInput(
        attrs={"list": "known-addresses", "inputmode": "url", "autocomplete": "off", "spellcheck": "false"}
    )
    return forms.CharField(
        label="Address",
        max_length=400,
        widget=widget,
        help_text="The base address of an OpenAI-compatible server, such as https://api.openai.com/v1.",
    )


class ConnectForm(forms.Form):
    """Where real models are, and the key that opens them."""

    base_url = address_field()
    api_key = key_field("Key", "Stored encrypted and never shown again. A local server may need none.")
    name = forms.CharField(label="Name", max_length=80, help_text="What your team calls this provider.")


class ProviderForm(forms.Form):
    """A provider's name and address; an empty key keeps the stored one as long as the address stays."""

    name = forms.CharField(label="Name", max_length=80)
    base_url = address_field()
    api_key = key_field(
        "New key", "Leave empty to keep the stored key. Another address asks for the key again."
    )


def dollars_field(label: str) -> forms.DecimalField:
    """Return a field for US dollars per million tokens."""
    return forms.DecimalField(
        label=label, min_value=0, max_value=100_000, max_digits=12, decimal_places=6, required=False
    )


class PriceFields(forms.Form):
    """A price: both amounts or neither."""

    input_price = dollars_field("Input, $ per million tokens")
    output_price = dollars_field("Output, $ per million tokens")

    def clean(self) -> dict[str, Any]:
        """Refuse half a price."""
        data = super().clean() or self.cleaned_data
        given = {name: data.get(name) for name in ("input_price", "output_price")}
        missing = [name for name, value in given.items() if value is None and name not in self.errors]
        if len(missing) == 1:
            self.add_error(missing[0], "Enter both prices, or leave both empty. A free model costs 0.")
        return data

    @property
    def price(self) -> tuple[Decimal, Decimal] | None:
        """Input and output price, None when they were left empty."""
        amounts = self.cleaned_data["input_price"], self.cleaned_data["output_price"]
        return None if amounts[0] is None or amounts[1] is None else (amounts[0], amounts[1])


class ChosenModelForm(PriceFields):
    """One of a provider's models, about to be added."""

    remote_name = forms.CharField(max_length=200, widget=forms.HiddenInput)
    name = forms.CharField(label="Name", max_length=120)
    tier = forms.ChoiceField(label="Tier", choices=TIERS)
    context_window = forms.IntegerField(label="Context window, tokens", min_value=256, max_value=100_000_000)


MAX_CHOSEN = 50
ChosenModels = forms.formset_factory(
    ChosenModelForm,
    extra=0,
    min_num=1,
    validate_min=True,
    max_num=MAX_CHOSEN,
    validate_max=True,
    absolute_max=MAX_CHOSEN + 1,
)


class ModelForm(forms.Form):
    """What a team may say about one of its models."""

    name = forms.CharField(label="Name", max_length=120, help_text="What your team calls it.")
    tier = forms.ChoiceField(
        label="Tier", choices=TIERS, help_text="Its place on the ladder from cheap to dear."
    )
    family = forms.CharField(
        label="Family",
        max_length=60,
        required=False,
        help_text="Its lineage, such as gpt or llama. A judge from another family is preferred.",
    )
    context_window = forms.IntegerField(label="Context window, tokens", min_value=256, max_value=100_000_000)
    max_output_tokens = forms.IntegerField(label="Longest answer, tokens", min_value=1, max_value=10_000_000)
    max_concurrency = forms.IntegerField(label="Calls at once", min_value=1, max_value=256)
    timeout_s = forms.FloatField(label="Time limit of a call, seconds", min_value=1, max_value=3600)
    capabilities = forms.MultipleChoiceField(
        label="Capabilities", choices=CAPABILITIES, widget=forms.CheckboxSelectMultiple, required=False
    )
    enabled = forms.BooleanField(label="Offered for new runs", required=False)


class PriceForm(PriceFields):
    """A new price and the day it starts."""

    valid_from = forms.DateField(
        label="Valid from",
        initial=timezone.localdate,
        widget=forms.DateInput(attrs={"type": "date"}),
        validators=[MinValueValidator(EARLIEST), MaxValueValidator(LATEST)],
        help_text="Runs keep the price that held when they started.",
    )

    def clean(self) -> dict[str, Any]:
        """Require a price."""
        data = super().clean()
        if not self.errors and self.price is None:
            self.add_error("input_price", "Enter both prices. A free model costs 0.")
        return data
