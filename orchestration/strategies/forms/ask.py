"""The Ask form: the question, the method that answers it, the models, the limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from django import forms
from django.forms.utils import ErrorDict
from django.http import QueryDict

from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.llm.models import LanguageModel, ProviderKind
from orchestration.runs.kinds import Startable, get_kind
from orchestration.runs.models import Run
from orchestration.strategies.engine.errors import InvalidOptions, OptionError
from orchestration.strategies.engine.strategy import all_strategies, get_strategy
from orchestration.strategies.engine.types import Constraints, Request
from orchestration.strategies.forms.fields import (
    PREFIX,
    PanelRow,
    PercentField,
    default_panel,
    initial_text,
    moved,
    option_fields,
    option_values,
    panel_rows,
    schema_fields,
)
from orchestration.strategies.services.strategy_runs import NAME

OPTIONS_OF = "options_of"
FIRST_STRATEGY = "voting"
LIMITS = tuple(Constraints.model_fields)
SHARED_PROPERTIES = {"text", "system", "models", "constraints", "strategy", "options"}
"""Properties of a payload for which the form has fields of its own."""


class MethodChoice(NamedTuple):
    """A method in the list on Ask."""

    name: str
    title: str
    summary: str


class AskForm(forms.Form):
    """Checks each field by itself; `start_run` refuses what several fields together make impossible."""

    text = forms.CharField(
        label="Question",
        strip=False,
        widget=forms.Textarea(attrs={"rows": 5, "placeholder": "Ask something, or pick an example below."}),
        error_messages={"required": "Write what you want to ask."},
    )
    system = forms.CharField(
        label="Instructions",
        strip=False,
        required=False,
        help_text="Sent to every model before the question: a role, a tone, a format.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    strategy = forms.CharField(label="Method")
    models = forms.MultipleChoiceField(
        label="Panel", error_messages={"required": "Choose at least one model."}
    )

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        models: Sequence[LanguageModel],
        others: Mapping[str, Startable] | None = None,
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        known = {"strategy": FIRST_STRATEGY, "models": default_panel(models)} | dict(initial or {})
        super().__init__(data, initial=known)
        self._models = models
        self._others = others or {}
        names = [model.name for model in models]
        picker = self.fields["models"]
        picker.choices = [(name, name) for name in names]  # type: ignore[attr-defined]
        self.fields |= schema_fields(Constraints.model_json_schema())
        asked = str(self.data.get("strategy") or self.initial["strategy"])
        there = asked in all_strategies() or asked in self._others  # those of other kinds as "kind/name"
        self.chosen_method = asked if there else FIRST_STRATEGY
        self.fields |= self._method_fields(names)
        if self.is_bound and self.data.get(OPTIONS_OF) != self.chosen_method:
            self.data = self._with_usual_options()

    def _method_fields(self, models: Sequence[str]) -> dict[str, forms.Field]:
        """Return the fields of the chosen method, and make those it has no use for optional."""
        other = self.other
        if other is None:
            return option_fields(get_strategy(self.chosen_method).Options, models)
        properties = other.schema.get("properties", {})
        for name in {"text", "models"} - set(properties):
            self.fields[name].required = False
        own = {name: shape for name, shape in properties.items() if name not in SHARED_PROPERTIES}
        fields = schema_fields({**other.schema, "properties": own}, models)
        return {f"{PREFIX}{name}": field for name, field in fields.items()}

    @property
    def other(self) -> Startable | None:
        """The chosen method where it is no strategy."""
        return self._others.get(self.chosen_method)

    def asks_for(self, name: str) -> bool:
        """Return whether the payload of the chosen method has the property `name`."""
        other = self.other
        return other is None or name in other.schema.get("properties", {})

    @property
    def wants_panel(self) -> bool:
        """True when the chosen method takes a panel."""
        return self.asks_for("models")

    @property
    def wants_limits(self) -> bool:
        """True when the chosen method takes limits."""
        return self.asks_for("constraints")

    def _with_usual_options(self) -> QueryDict:
        """Return the data with the strategy's usual options where the page showed another's, or none."""
        data = QueryDict(mutable=True)
        data.update(self.data)
        untouched = _untouched_options(str(self.data.get(OPTIONS_OF, "")))
        for name, field in self.fields.items():
            if not name.startswith(PREFIX):
                continue
            if name in untouched and data.get(name) == untouched[name]:
                del data[name]  # the default of the strategy shown before, not a choice
            if name not in data and field.initial not in {None, False}:
                data[name] = initial_text(field)
        return data

    def clean_strategy(self) -> str:
        """Refuse an unknown method."""
        name = str(self.cleaned_data["strategy"])
        if name in self._others:
            return name
        try:
            return get_strategy(name).name
        except InvalidRequest as refusal:
            raise forms.ValidationError(str(refusal)) from None

    def clean_models(self) -> list[str]:
        """Put the chosen models into the panel's order."""
        chosen = set(self.cleaned_data["models"])
        return [row.name for row in self.panel if row.name in chosen]

    @property
    def panel(self) -> list[PanelRow]:
        """The rows of the panel picker, after the move that a button requests."""
        if not isinstance(self.data, QueryDict) or not self.is_bound:
            chosen = self.initial["models"]
            return panel_rows(self._models, chosen, chosen)
        order = self.data.getlist("order")
        if not order and self.data.get(OPTIONS_OF) in self._others:  # which the page showed no panel for
            chosen = self.initial["models"]
            return panel_rows(self._models, chosen, self.data.getlist("models") or chosen)
        direction, _, name = self.data.get("move", "").partition(":")
        order = moved(order, name, up=direction == "up") if name else order
        return panel_rows(self._models, order, self.data.getlist("models"))

    @property
    def only_simulated(self) -> bool:
        """True when the team has no model yet that is not simulated."""
        return all(model.provider.kind == ProviderKind.SIMULATED for model in self._models)

    @property
    def method_choices(self) -> list[MethodChoice]:
        """All methods: strategies, the default one first, then those of other kinds."""
        ordered = sorted(all_strategies().values(), key=lambda strategy: strategy.name != FIRST_STRATEGY)
        known = [MethodChoice(each.name, each.title, each.summary) for each in ordered]
        return [*known, *(MethodChoice(name, o.title, o.summary) for name, o in self._others.items())]

    @property
    def option_boxes(self) -> list[forms.BoundField]:
        """The fields of the method's own options."""
        return [self[name] for name in self.fields if name.startswith(PREFIX)]

    @property
    def limit_boxes(self) -> list[forms.BoundField]:
        """The fields of the limits."""
        return [self[name] for name in LIMITS]

    @property
    def has_limits(self) -> bool:
        """True when a limit is set or wrong."""
        return any(box.value() not in {None, ""} or box.errors for box in self.limit_boxes)

    @property
    def has_own_options(self) -> bool:
        """True when an option differs from its default, or is wrong."""
        return any(
            box.errors
            or str(box.value() or "") not in {initial_text(box.field), str(box.field.initial or "")}
            for box in self.option_boxes
        )

    def draft(self) -> Request | None:
        """Return the request as filled in so far, valid or not; None where no strategy is chosen."""
        if self.other is not None:
            return None
        return Request(
            text=str(self["text"].value() or ""),
            system=str(self["system"].value() or ""),
            strategy=self.chosen_method,
            models=tuple(row.name for row in self.panel if row.checked),
            options=option_values({box.name: _typed(box) for box in self.option_boxes}),
        )

    def set_aside_errors(self) -> None:
        """Drop the errors, so that the form shows what was filled in without them."""
        self._errors = ErrorDict()

    def payload(self) -> tuple[str, dict[str, Json]]:
        """Return the kind of run that the valid form asks for, and its payload."""
        clean = self.cleaned_data
        method, options = clean["strategy"], option_values(clean)
        limits = {name: clean[name] for name in LIMITS if clean[name] is not None}
        payload = {
            "text": clean["text"],
            "system": clean["system"],
            "models": tuple(clean["models"]),
            "constraints": limits,
        }
        if method not in self._others:
            return NAME, {**payload, "strategy": method, "options": options}
        kind, _, ref = method.partition("/")
        asked = {name: value for name, value in payload.items() if self.asks_for(name)}
        return kind, {**asked, **options, "ref": ref}

    def refuse(self, refusal: InvalidRequest) -> None:
        """Show a refusal at its field; one that concerns no field of this form is shown above it."""
        faults = refusal.errors if isinstance(refusal, InvalidOptions) else (refusal,)
        for fault in faults:
            words = fault.message if isinstance(fault, OptionError) else str(fault)
            self.add_error(fault.field if fault.field in self.fields else None, words)


def _typed(box: forms.BoundField) -> Any:  # noqa: ANN401  # whatever was typed
    """Return what is filled in, a percentage as a share; nothing where that is none."""
    if not isinstance(box.field, PercentField):
        return box.value()
    try:
        return box.field.clean(box.value())
    except forms.ValidationError:
        return None


def _untouched_options(strategy: str) -> dict[str, str]:
    """Return what a page sends for unchanged options of `strategy`, by the fields' names."""
    if strategy not in all_strategies():
        return {}
    fields = option_fields(get_strategy(strategy).Options, [])
    return {name: initial_text(field) for name, field in fields.items()}


def initial_values(run: Run) -> dict[str, Any]:
    """Return the initial values of the form that changes and starts a run again."""
    payload = get_kind(run.kind).payload(run)
    method = run.ref if run.kind == NAME else f"{run.kind}/{run.ref}"
    own = payload.get("options") if run.kind == NAME else payload
    return {
        "text": payload.get("text", ""),
        "system": payload.get("system", ""),
        "strategy": method,
        "models": list(payload.get("models", ())),
        **{f"{PREFIX}{name}": value for name, value in (own or {}).items()},
        **{name: (payload.get("constraints") or {}).get(name) for name in LIMITS},
    }
