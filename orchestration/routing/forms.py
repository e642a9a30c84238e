"""The fields of a rule set: those of one rule, and those of the whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from django import forms

from orchestra_site.accounts.models import Membership
from orchestration.expressions.listed import Document, item_in
from orchestration.expressions.places import Keys
from orchestration.llm.engine.types import Json
from orchestration.routing.engine.rules import RoutingRule, rules_schema
from orchestration.routing.selectors import method_titles, usable_names
from orchestration.tools.forms.cards import PartCard
from orchestration.tools.forms.documents import Choices, PartField

RULES_LIST = "rules"
TABS = {"when": "When", "use": "Then use", "yaml": "YAML"}
WHOLE_TABS = {"about": "About", "optimisations": "Optimisations", "yaml": "YAML"}
FIELDS: Mapping[str, Sequence[str]] = {"when": ("note", "enabled", "when"), "use": ("how", "use")}
WHOLE_FIELDS: Mapping[str, Sequence[str]] = {
    "about": ("title", "description", "dial", "exploration_usd", "fall_back_below", "methods"),
    "optimisations": ("optimisations",),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class RoutingChoices:
    """What rules can name: methods and models of the team."""

    methods: Choices
    models: Choices

    @property
    def offered(self) -> Choices:
        """The methods that need a rule unless the rule set lists them: pipelines, sessions and the like."""
        return [each for each in self.methods if each[0].partition("/")[0] not in {"model", "strategy"}]


def routing_choices(membership: Membership) -> RoutingChoices:
    """Return what the rules of a team can name."""
    names = usable_names(membership)
    titles = method_titles(membership, names)
    return RoutingChoices(
        methods=list(titles.items()), models=[("", "No model"), *((name, name) for name in names)]
    )


class RuleCard(PartCard):
    """The fields of one tab for a rule, or for the rule set where `rule` is empty."""

    groups: ClassVar = {"when": "It matches requests of which all of this holds"}

    def __init__(
        self, document: Document, rule: str, tab: str, choices: RoutingChoices, *, read_only: bool = False
    ) -> None:
        schema, self._choices = rules_schema().written, choices
        fields = FIELDS if rule else WHOLE_FIELDS
        if rule:
            schema = {**schema["$defs"][RoutingRule.__name__], "$defs": schema["$defs"]}
        part = item_in(document, RULES_LIST, rule) or document
        super().__init__(part, schema, fields.get(tab, ()), read_only=read_only)
        self.notes.offered = {"method": choices.methods}

    def field(self, place: Keys, shape: Json, *, offers: str = "", only: bool = False) -> PartField:
        """Return the field for one value, with what the team has to choose from."""
        name = str(place[-1])
        if name == "method":
            offers = "method"
        field = super().field(place, shape, offers=offers, only=only)
        label, hint = field.made.label, field.made.help_text
        if name == "busy_model":
            made = forms.ChoiceField(label=label, help_text=hint, choices=self._choices.models)
            return replace(field, made=made)
        if place == ("methods",):
            several = forms.MultipleChoiceField(label=label, help_text=hint, choices=self._choices.offered)
            return replace(field, made=several, rows=0)
        return field
