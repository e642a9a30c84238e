"""The forms of the Models pages. Keys are write-only: no form shows one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any, cast

from django import forms
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.html import format_html

from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.price_table import price_table
from orchestration.llm.engine.types import Capability, Prices, Tier
from orchestration.llm.models import LanguageModel, PriceSource, ProviderKind
from orchestration.llm.providers.adapter import CheckSubject, ConnectionReport
from orchestration.llm.services.registry.models import NewModel

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
CAPABILITIES = [(can.value, can.words[0].upper() + can.words[1:]) for can in Capability]
EARLIEST, LATEST = date(2000, 1, 1), date(2100, 1, 1)


def refuse(form: forms.Form, refusal: InvalidRequest) -> None:
    """Put a service's refusal at each field it names; one of no field of this form stands above it."""
    for fault in refusal.errors or (refusal,):
        form.add_error(fault.field if fault.field in form.fields else None, str(fault))


def accepted(form: forms.Form, change: Callable[..., object]) -> bool:
    """Make the change that a valid form describes, and return whether it was made.

    A refusal is put at the form's field.
    """
    if form.is_valid():
        try:
            change(**form.cleaned_data)
        except InvalidRequest as refusal:
            refuse(form, refusal)
    return form.is_valid()


def key_field(label: str, help_text: str) -> forms.CharField:
    """Return the field for a provider's key: typed, never shown, never filled in by a browser."""
    widget = forms.PasswordInput(
        render_value=False,
        attrs={"autocomplete": "off", "spellcheck": "false", "data-1p-ignore": "", "hx-preserve": "true"},
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


NO_LIST = "no_list"
BLAMED = (
    (CheckSubject.ADDRESS, "base_url", "unreachable"),
    (CheckSubject.KEY, "api_key", "refused"),
    (CheckSubject.MODELS, "base_url", NO_LIST),
)


REMOTE_KINDS = [(kind.value, kind.label) for kind in ProviderKind if kind.is_remote]


class ConnectForm(forms.Form):
    """The kind of a provider, where there is a choice, the address of its API, and the key to it."""

    kind = forms.TypedChoiceField(
        label="Format",
        choices=REMOTE_KINDS,
        coerce=ProviderKind,
        required=len(REMOTE_KINDS) > 1,
        empty_value=ProviderKind.OPENAI_COMPATIBLE,
    )
    base_url = address_field()
    api_key = key_field("Key", "Stored encrypted and never shown again. A local server may need none.")
    name = forms.CharField(label="Name", max_length=80, help_text="What your team calls this provider.")
    without_list = forms.BooleanField(
        label="Connect without a list of models: I will enter their names", required=False
    )

    @property
    def asks_kind(self) -> bool:
        """True when there is more than one kind to choose from."""
        return self.fields["kind"].required

    @property
    def asks_without_list(self) -> bool:
        """True once a server was found that answers but lists no models."""
        return bool(self.has_error("base_url", NO_LIST) or self["without_list"].value())

    def add_failures(self, report: ConnectionReport) -> None:
        """Put what went wrong with the connection at the field where it can be corrected."""
        for subject, field, code in BLAMED:
            sentence = report.failed(subject)
            if sentence and not (code == NO_LIST and self.cleaned_data["without_list"]):
                self.add_error(field, forms.ValidationError(sentence, code=code))


class ProviderForm(forms.Form):
    """A provider's name and address; an empty key keeps the stored one as long as the address stays."""

    name = forms.CharField(label="Name", max_length=80)
    base_url = address_field()
    api_key = key_field(
        "New key", "Leave empty to keep the stored key. Another address asks for the key again."
    )


def dollars_field(label: str, *, required: bool = False) -> forms.DecimalField:
    """Return a field for US dollars per million tokens.

    The dearest call, with the largest context and the longest answer there can be, costs what can be stored.
    """
    return forms.DecimalField(
        label=label, min_value=0, max_value=10_000, max_digits=12, decimal_places=6, required=required
    )


CACHED_ALONE = "Enter the other two prices, too, or leave this one empty."


class ChosenModelForm(forms.Form):
    """One of a provider's models, about to be added."""

    remote_name = forms.CharField(max_length=200, widget=forms.HiddenInput)
    family = forms.CharField(max_length=60, widget=forms.HiddenInput, required=False)
    capabilities = forms.MultipleChoiceField(
        choices=CAPABILITIES, widget=forms.MultipleHiddenInput, required=False
    )
    name = forms.CharField(label="Name", max_length=120)
    tier = forms.ChoiceField(label="Tier", choices=TIERS)
    context_window = forms.IntegerField(label="Context window, tokens", min_value=256, max_value=100_000_000)
    max_output_tokens = forms.IntegerField(label="Longest answer, tokens", min_value=1, max_value=10_000_000)
    input_per_million = dollars_field("Input, $ per million tokens")
    output_per_million = dollars_field("Output, $ per million tokens")
    cached_input_per_million = dollars_field("Cached input, $ per million tokens")
    price_source = forms.ChoiceField(choices=PriceSource.choices, widget=forms.HiddenInput, required=False)
    listing = forms.CharField(max_length=160, widget=forms.HiddenInput, required=False)
    offered = forms.CharField(max_length=100, widget=forms.HiddenInput, required=False)

    def clean(self) -> dict[str, Any]:
        """Refuse half a price."""
        data = super().clean() or self.cleaned_data
        given = {name: data.get(name) for name in ("input_per_million", "output_per_million")}
        missing = [name for name, value in given.items() if value is None and name not in self.errors]
        if len(missing) == 1:
            self.add_error(missing[0], "Enter both prices, or leave both empty. A free model costs 0.")
        elif missing and data.get("cached_input_per_million") is not None:
            self.add_error("cached_input_per_million", CACHED_ALONE)
        return data

    def new_model(self) -> NewModel:
        """Return what the form asks to add; call it on a valid form."""
        data = dict(self.cleaned_data)
        amounts = {field.name: data.pop(field.name) for field in fields(Prices)}
        prices = None if amounts["input_per_million"] is None else Prices(**amounts)
        source, listing = PriceSource(data.pop("price_source") or PriceSource.PERSON), data.pop("listing")
        if prices is None or data.pop("offered") != written_prices(prices):
            source, listing = PriceSource.PERSON, ""
        data.pop("offered", None)
        can = frozenset(map(Capability, data.pop("capabilities")))
        data |= {"tier": Tier(data["tier"]), "capabilities": can}
        return NewModel(**data, prices=prices, price_source=source, listing=listing)


def suggested(model: NewModel) -> dict[str, Any]:
    """Return what is known of a model as the form shows it."""
    shown = {name: getattr(model, name, None) for name in ChosenModelForm.base_fields}
    if model.prices:
        amounts = {field.name: getattr(model.prices, field.name) for field in fields(Prices)}
        shown |= {name: plain_number(usd) for name, usd in amounts.items() if usd is not None}
        shown["offered"] = written_prices(model.prices)
    return {**shown, "capabilities": sorted(model.capabilities)}


def written_prices(prices: Prices) -> str:
    """Return prices as one text, the same for equal ones."""
    amounts = (getattr(prices, field.name) for field in fields(Prices))
    return "/".join("" if usd is None else plain_number(usd) for usd in amounts)


def plain_number(amount: Decimal) -> str:
    """Return an amount without needless zeros."""
    return format(amount.normalize(), "f")


MAX_CHOSEN = 50


class BaseChosenModels(forms.BaseFormSet):  # type: ignore[type-arg]  # not subscriptable at run time
    """The models about to be added."""

    def refuse(self, refusal: InvalidRequest) -> None:
        """Put a service's refusal at the field it names as `<index>.<field>`, or above the forms."""
        index, _, name = refusal.field.partition(".")
        if name and index.isdecimal() and int(index) < len(self.forms):
            return refuse(self.forms[int(index)], InvalidRequest(str(refusal), field=name))
        self.non_form_errors().append(str(refusal))
        return None


ChosenModels = cast(
    "type[BaseChosenModels]",
    forms.formset_factory(
        ChosenModelForm,
        formset=BaseChosenModels,
        extra=0,
        min_num=1,
        validate_min=True,
        max_num=MAX_CHOSEN,
        validate_max=True,
        absolute_max=MAX_CHOSEN + 1,
    ),
)


class ModelForm(forms.Form):
    """What a team may say about one of its models."""

    name = forms.CharField(label="Name", max_length=120, help_text="What your team calls it.")
    tier = forms.ChoiceField(
        label="Tier", choices=TIERS, help_text="Its price class, from cheap to expensive."
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
    timeout_s = forms.FloatField(
        label="Time limit of a call, seconds",
        min_value=1,
        max_value=3600,
        help_text="Thinking in silence included. A call that runs into it is not asked again.",
    )
    capabilities = forms.MultipleChoiceField(
        label="Capabilities", choices=CAPABILITIES, widget=forms.CheckboxSelectMultiple, required=False
    )
    enabled = forms.BooleanField(label="Offered for new runs", required=False)


def model_initial(model: LanguageModel) -> dict[str, Any]:
    """Return a model's settings as the form shows them."""
    shown = {name: getattr(model, name) for name in ModelForm.base_fields}
    return {**shown, "timeout_s": f"{model.timeout_s:g}"}


def listing_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the listings of the shipped table under their providers."""
    by_provider = groupby(price_table().listings.values(), lambda listing: listing.provider)
    return [(name, [(each.key, f"{name} {each.name}") for each in found]) for name, found in by_provider]


class PriceForm(forms.Form):
    """A new price and the day it starts."""

    input_per_million = dollars_field("Input, $ per million tokens", required=True)
    output_per_million = dollars_field("Output, $ per million tokens", required=True)
    cached_input_per_million = dollars_field("Cached input, $ per million tokens")
    valid_from = forms.DateField(
        label="Valid from",
        initial=timezone.localdate,
        widget=forms.DateInput(attrs={"type": "date"}),
        validators=[MinValueValidator(EARLIEST), MaxValueValidator(LATEST)],
        help_text="Runs keep the price that was valid when they started.",
    )


class FollowForm(forms.Form):
    """The listing of the shipped price table that a model should follow."""

    listing = forms.ChoiceField(label="Listing", choices=listing_choices)


FORMAT = format_html(
    "JSON lines, plain or gzip: on each line {}, {}, {}, and {} with {} and {}.",
    *(
        format_html("<code>{}</code>", name)
        for name in ("dataset", "item_id", "prompt", "answers", "model", "text")
    ),
)
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
        self.fields["file"].help_text = format_html("{} At most {}.", FORMAT, most)
        self.fields["file"].required = not offered
        if offered:
            choices = [("", "none of these"), *((name, name) for name in offered)]
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
