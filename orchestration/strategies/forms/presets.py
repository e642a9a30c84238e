"""Forms of presets: the card of the editor, and the page on which one is saved from Ask or from a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, ClassVar

from django import forms
from django.http import QueryDict

from orchestration.expressions.listed import Document
from orchestration.expressions.places import Keys
from orchestration.library.forms import DefinitionNameForm
from orchestration.llm.engine.types import FieldFormat, Json
from orchestration.strategies.engine.preset import preset_schema
from orchestration.strategies.engine.strategy import all_strategies
from orchestration.strategies.engine.types import USUAL_ROUNDS
from orchestration.strategies.forms.fields import option_schema
from orchestration.tools.forms.cards import PartCard
from orchestration.tools.forms.documents import Choices, PartField
from orchestration.tools.forms.schemas import JsonField

TABS: Mapping[str, str] = {"preset": "Preset", "options": "Options", "yaml": "YAML"}
FIELDS: Mapping[str, Sequence[str]] = {
    "preset": ("title", "description", "strategy", "models", "tools", "tool_rounds"),
    "options": ("options",),
}
SAVED = {"strategy": str, "models": list, "options": dict, "tools": list, "tool_rounds": int}
"""What a preset takes over from a request, with its types."""


class PresetCard(PartCard):
    """The fields of one tab of a preset; its options are those of the strategy that it names."""

    folded_names: ClassVar = {"tools", "tool_rounds"}

    def __init__(
        self, document: Document, tab: str, *, models: Sequence[str], tools: Choices, read_only: bool = False
    ) -> None:
        self._models, self._tools = models, tools
        strategy, schema = all_strategies().get(str(document.get("strategy", ""))), preset_schema().written
        if strategy is not None:
            own = option_schema(strategy.Options)
            options = {**schema["properties"]["options"], "properties": own["properties"]}
            defined = {**schema.get("$defs", {}), **own.get("$defs", {})}
            properties = {**schema["properties"], "options": options}
            schema = {**schema, "$defs": defined, "properties": properties}
        super().__init__(document, schema, FIELDS.get(tab, ()), read_only=read_only)
        named = [(each.name, each.title) for each in all_strategies().values()]
        self.notes.offered = {"strategy": named, "model": [(name, name) for name in models]}

    def field(self, place: Keys, shape: Json, *, offers: str = "", only: bool = False) -> PartField:
        """Return the field for one value, with what the team has to choose from."""
        if place == ("models",):
            names = ", ".join(self._models)
            there = f" There are: {names}." if names else " Your team has none yet."
            shape = {**shape, "description": f"{shape.get('description', '')}{there}"}
        if shape.get("format") == FieldFormat.MODEL:
            return super().field(place, {**shape, "type": "string"}, offers="model")
        if shape.get("format") == FieldFormat.SHARE:
            shape = {**shape, "format": "", "description": f"{shape.get('description', '')} From 0 to 1."}
        offers = "strategy" if place == ("strategy",) else offers
        field = super().field(place, shape, offers=offers, only=only)
        if place != ("tools",):
            return field
        label, hint = field.made.label, field.made.help_text
        made = forms.MultipleChoiceField(label=label, help_text=hint, choices=self._tools)
        return replace(field, made=made, rows=0)

    def with_typed(self, data: QueryDict) -> Document:
        """Return the preset with what was typed; another strategy keeps the options that it has, too."""
        before, after = self.part.get("strategy"), super().with_typed(data)
        strategy = all_strategies().get(str(after.get("strategy", "")))
        options = after.get("options")
        if after.get("strategy") == before or strategy is None or not isinstance(options, dict):
            return after
        known = strategy.Options.model_fields
        return {**after, "options": {name: value for name, value in options.items() if name in known}}


class SavePresetForm(DefinitionNameForm):
    """A name for the `content` that was asked with, and what is new in this version where it has others."""

    title = forms.CharField(label="Title", max_length=120, required=False, help_text="What pages call it.")
    note = forms.CharField(
        label="Note", max_length=500, required=False, help_text="What it is for, or what is new in it."
    )
    made = JsonField(required=False, max_length=200_000, widget=forms.HiddenInput)

    def __init__(
        self, data: QueryDict | None, *, made: Mapping[str, Json] | None = None, name: str = ""
    ) -> None:
        super().__init__(data, initial={"made": made, "name": name})
        self.content: Mapping[str, Json] = made or {}

    def clean(self) -> dict[str, Json]:
        """Refuse a strategy, panel and options that are none, above the form: nobody has typed them."""
        data: dict[str, Json] = super().clean() or {}
        self.errors.pop("made", None)
        sent: Mapping[str, Json] = made if isinstance(made := data.get("made"), dict) else {}
        found = {name: value for name, value in sent.items() if name in SAVED}
        fits = all(isinstance(value, SAVED[name]) for name, value in found.items())
        if not fits or not {"strategy", "models"} <= found.keys():
            raise forms.ValidationError("What was to be saved cannot be read. Begin again from Ask or a run.")
        self.content = found
        return data


def unusual_content(given: Mapping[str, Any]) -> dict[str, Json]:
    """Return what a preset takes over from a request or a configuration: of its options those not as usual.

    Unknown options stay. Tools are taken over where there are any; a run has them frozen, by name.
    """
    options, strategy = dict(given.get("options") or {}), all_strategies().get(given["strategy"])
    if strategy is not None:
        usual = strategy.Options().model_dump(mode="json")
        with suppress(ValueError):  # options stay as they are where one does not fit
            options = strategy.Options.model_validate(options).model_dump(mode="json")
        options = {name: value for name, value in options.items() if (name, value) not in usual.items()}
    found: dict[str, Json] = {
        "strategy": given["strategy"],
        "models": list(given.get("models") or ()),
        "options": options,
    }
    if given.get("tools"):
        found |= {"tools": list(given["tools"]), "tool_rounds": given.get("tool_rounds", USUAL_ROUNDS)}
    return found
