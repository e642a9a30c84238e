"""Forms of presets: the card of the editor, and the page on which one is saved from Ask or from a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from django import forms
from django.http import QueryDict

from orchestration.expressions.listed import Document
from orchestration.expressions.places import Keys
from orchestration.library.forms import DefinitionNameForm
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import FieldFormat, Json
from orchestration.runs.models import Run
from orchestration.strategies.engine.options import StrategyOptions
from orchestration.strategies.engine.preset import preset_schema
from orchestration.strategies.engine.strategy import all_strategies
from orchestration.strategies.engine.types import USUAL_ROUNDS, Request
from orchestration.strategies.forms.fields import option_schema
from orchestration.strategies.selectors import strategy_name
from orchestration.tools.forms.cards import PartCard
from orchestration.tools.forms.documents import Choices, PartField
from orchestration.tools.forms.schemas import JsonField

TABS: Mapping[str, str] = {"preset": "Preset", "options": "Options", "yaml": "YAML"}
FIELDS: Mapping[str, Sequence[str]] = {
    "preset": ("title", "description", "strategy", "models", "tools", "tool_rounds"),
    "options": ("options",),
}
SAVED = ("strategy", "models", "options", "tools", "tool_rounds")
"""What a preset takes over from a request."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PresetModels:
    """What a preset of the team has to choose from."""

    models: Sequence[str]
    tools: Choices


class PresetCard(PartCard):
    """The fields of one tab of a preset; its options are those of the strategy that it names."""

    folded_names: ClassVar = {"tools", "tool_rounds"}

    def __init__(self, document: Document, tab: str, team: PresetModels, *, read_only: bool = False) -> None:
        self._team, strategy = team, all_strategies().get(str(document.get("strategy", "")))
        schema = preset_schema().written
        if strategy is not None:
            own = option_schema(strategy.Options)
            options = {**schema["properties"]["options"], "properties": own["properties"]}
            defined = {**schema.get("$defs", {}), **own.get("$defs", {})}
            schema = {
                **schema,
                "$defs": defined,
                "properties": {**schema["properties"], "options": options},
            }
        super().__init__(document, schema, FIELDS.get(tab, ()), read_only=read_only)
        named = [(each.name, each.title) for each in all_strategies().values()]
        self.notes.offered = {"strategy": named, "model": [(name, name) for name in team.models]}

    def field(self, place: Keys, shape: Json, *, offers: str = "", only: bool = False) -> PartField:
        """Return the field for one value, with what the team has to choose from."""
        if place == ("models",):
            names = ", ".join(self._team.models)
            there = f" There are: {names}." if names else " Your team has none yet."
            shape = {**shape, "description": f"{shape.get('description', '')}{there}"}
        shapes = (shape, *shape.get("anyOf", ()))
        if any(each.get("format") == FieldFormat.MODEL for each in shapes):
            return super().field(place, {**shape, "type": "string"}, offers="model")
        if any(each.get("format") == FieldFormat.SHARE for each in shapes):
            shape = {**shape, "format": "", "description": f"{shape.get('description', '')} From 0 to 1."}
        offers = "strategy" if place == ("strategy",) else offers
        field = super().field(place, shape, offers=offers, only=only)
        if place != ("tools",):
            return field
        label, hint = field.made.label, field.made.help_text
        made = forms.MultipleChoiceField(label=label, help_text=hint, choices=self._team.tools)
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
    """A name for what was asked, and what is new in this version where there is one of this name."""

    title = forms.CharField(label="Title", max_length=120, required=False, help_text="What pages call it.")
    note = forms.CharField(
        label="Note", max_length=500, required=False, help_text="What it is for, or what is new in it."
    )
    made = JsonField(required=False, max_length=200_000, widget=forms.HiddenInput)

    def __init__(
        self, data: QueryDict | None, *, made: Mapping[str, Json] | None = None, name: str = ""
    ) -> None:
        super().__init__(data, initial={"made": made, "name": name})
        self._given = made

    def clean(self) -> dict[str, Json]:
        """Refuse a strategy, panel and options that are none, above the form: nobody has typed them."""
        data: dict[str, Json] = super().clean() or {}
        self.errors.pop("made", None)
        self._given = self._given or readable_content(data.get("made"))
        if self._given is None:
            raise forms.ValidationError("What was to be saved cannot be read. Begin again from Ask or a run.")
        return data

    @property
    def content(self) -> Mapping[str, Json]:
        """The strategy, panel and options that are saved."""
        return self._given or {}

    def refuse(self, refusal: InvalidRequest) -> None:
        """Show a refusal at its field, or above the form."""
        self.add_error(refusal.field if refusal.field in {"name", "title", "note"} else None, str(refusal))


def readable_content(sent: Json) -> Mapping[str, Json] | None:
    """Return what a preset is made of as a page sent it, None where that has no such form."""
    if not isinstance(sent, dict):
        return None
    found = {name: value for name, value in sent.items() if name in SAVED}
    shapes = {"strategy": str, "models": list, "options": dict, "tools": list, "tool_rounds": int}
    fits = all(isinstance(value, shapes[name]) for name, value in found.items())
    return found if fits and {"strategy", "models"} <= found.keys() else None


def from_request(request: Request) -> dict[str, Json]:
    """Return what a preset takes over from a request as it is filled in on Ask."""
    return unusual_content(request.model_dump(mode="json"))


def from_run(run: Run) -> dict[str, Json]:
    """Return what a preset takes over from a run; the tools of a run are frozen by name."""
    return unusual_content({**run.request, "strategy": strategy_name(run)})


def unusual_content(given: Mapping[str, Any]) -> dict[str, Json]:
    """Return the strategy, the panel and the options that are not as usual, and tools where there are any."""
    strategy = all_strategies().get(given["strategy"])
    options = dict(given.get("options") or {})
    if strategy is not None:
        options = _set_options(strategy.Options, options)
    found: dict[str, Json] = {
        "strategy": given["strategy"],
        "models": list(given.get("models") or ()),
        "options": options,
    }
    if given.get("tools"):
        found |= {"tools": list(given["tools"]), "tool_rounds": given.get("tool_rounds", USUAL_ROUNDS)}
    return found


def _set_options(schema: type[StrategyOptions], options: Mapping[str, Json]) -> dict[str, Json]:
    """Return the options that differ from the defaults, as they are written; unknown ones stay."""
    usual = schema().model_dump(mode="json")
    written = _as_json(schema, options)
    return {name: value for name, value in written.items() if name not in usual or usual[name] != value}


def _as_json(schema: type[StrategyOptions], options: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return the options with values of their types, or as they are where one does not fit."""
    try:
        return schema.model_validate(options).model_dump(mode="json")
    except ValueError:
        return options
