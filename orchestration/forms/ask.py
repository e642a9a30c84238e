"""The Ask form: what is asked, by which strategy and models, within which limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.forms.utils import ErrorDict
from django.http import QueryDict

from orchestration.dispatch import RunRequest
from orchestration.engine.errors import InvalidRequest
from orchestration.engine.strategies.options import InvalidOptions, OptionError
from orchestration.engine.strategies.protocol import Strategy
from orchestration.engine.strategies.registry import all_strategies, get_strategy
from orchestration.engine.types import Json
from orchestration.forms.options import PREFIX, names_model, option_fields, option_values
from orchestration.forms.panel import PanelRow, default_panel, moved, panel_rows
from orchestration.models import LanguageModel, Run
from orchestration.services.estimates import Draft
from orchestration.wiring.panel import PanelRole

OPTIONS_OF = "options_of"
FIRST_STRATEGY = "voting"
LIMITS = ("max_cost_usd", "max_latency_s", "max_calls", "min_quality")


class AskForm(forms.Form):
    """Checks what each field can check alone; what concerns several is `start_run`'s to refuse."""

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
    max_cost_usd = forms.DecimalField(
        label="Cost limit ($)", required=False, min_value=0, max_digits=12, decimal_places=6
    )
    max_latency_s = forms.FloatField(label="Time limit (s)", required=False, min_value=0)
    max_calls = forms.IntegerField(label="Most calls", required=False, min_value=1)
    min_quality = forms.FloatField(label="Least quality (0 to 1)", required=False, min_value=0, max_value=1)

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        models: Sequence[LanguageModel],
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        known = {"strategy": FIRST_STRATEGY, "models": default_panel(models)} | dict(initial or {})
        super().__init__(data, initial=known)
        self._models = models
        names = [model.name for model in models]
        picker = self.fields["models"]
        picker.choices = [(name, name) for name in names]  # type: ignore[attr-defined]
        self.chosen_strategy = self._chosen_strategy()
        self.fields |= option_fields(get_strategy(self.chosen_strategy).Options, names)
        if self.is_bound and self.data.get(OPTIONS_OF) != self.chosen_strategy:
            self.data = self._with_usual_options()

    def _chosen_strategy(self) -> str:
        """Return the strategy whose options are shown: the one asked for if there is such a one."""
        asked = str(self.data.get("strategy") or self.initial["strategy"])
        return asked if asked in all_strategies() else FIRST_STRATEGY

    def _with_usual_options(self) -> QueryDict:
        """Return the data with the strategy's usual options where the page showed another's, or none."""
        data = QueryDict(mutable=True)
        data.update(self.data)
        untouched = _untouched_options(str(self.data.get(OPTIONS_OF, "")))
        for name, field in self.fields.items():
            if not name.startswith(PREFIX):
                continue
            if name in untouched and data.get(name) == untouched[name]:
                del data[name]  # the other strategy's own habit, not this person's wish
            if name not in data and field.initial not in {None, False}:
                data[name] = str(field.initial)
        return data

    def clean_strategy(self) -> str:
        """Refuse a strategy that there is not."""
        name = str(self.cleaned_data["strategy"])
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
        """The picker's rows, moved as a button asked."""
        if not isinstance(self.data, QueryDict) or not self.is_bound:
            chosen = self.initial["models"]
            return panel_rows(self._models, chosen, chosen)
        order = self.data.getlist("order")
        direction, _, name = self.data.get("move", "").partition(":")
        order = moved(order, name, up=direction == "up") if name else order
        return panel_rows(self._models, order, self.data.getlist("models"))

    @property
    def strategy_choices(self) -> list[Strategy]:
        """The strategies that there are, the one to begin with first."""
        return sorted(all_strategies().values(), key=lambda strategy: strategy.name != FIRST_STRATEGY)

    @property
    def option_boxes(self) -> list[forms.BoundField]:
        """The fields of the strategy's own options."""
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
        """True when an option differs from what it is without anybody's doing, or is wrong."""
        return any(box.errors or not _is_default(box) for box in self.option_boxes)

    def draft(self) -> Draft:
        """Return what an estimate needs of the form as it stands, valid or not."""
        helpers = [self[name].value() for name in self.fields if names_model(self.fields[name])]
        return Draft(
            text=str(self["text"].value() or ""),
            system=str(self["system"].value() or ""),
            strategy=self.chosen_strategy,
            models=tuple(row.name for row in self.panel if row.checked),
            helpers=tuple(dict.fromkeys(name for name in helpers if name)),
            options=option_values({box.name: box.value() for box in self.option_boxes}),
        )

    def set_aside_errors(self) -> None:
        """Show what was filled in without judging it."""
        self._errors = ErrorDict()

    def run_request(self) -> RunRequest:
        """Return what the valid form asks for."""
        clean = self.cleaned_data
        return RunRequest(
            text=clean["text"],
            system=clean["system"],
            strategy=clean["strategy"],
            options=option_values(clean),
            models=tuple(clean["models"]),
            **{name: clean[name] for name in LIMITS},
        )

    def refuse(self, refusal: InvalidRequest) -> None:
        """Show a refusal at its field; one about no field of this form stands above it."""
        faults = refusal.errors if isinstance(refusal, InvalidOptions) else (refusal,)
        for fault in faults:
            words = fault.message if isinstance(fault, OptionError) else str(fault)
            self.add_error(fault.field if fault.field in self.fields else None, words)


def _untouched_options(strategy: str) -> dict[str, str]:
    """Return what a page sends for the options of `strategy` that nobody changed, by the fields' names."""
    if strategy not in all_strategies():
        return {}
    fields = option_fields(get_strategy(strategy).Options, [])
    return {name: "" if field.initial is None else str(field.initial) for name, field in fields.items()}


def _is_default(box: forms.BoundField) -> bool:
    usual = box.field.initial
    return str(box.value() or "") == str(usual or "")


def request_of(run: Run) -> RunRequest:
    """Return what a run was asked, to ask it again."""
    stored: Mapping[str, Json] = run.request
    limits = dict(stored.get("constraints") or {})
    money = limits.get("max_cost_usd")
    return RunRequest(
        text=stored["text"],
        system=stored.get("system", ""),
        strategy=run.ref,
        options=stored.get("options", {}),
        models=tuple(entry["spec"]["name"] for entry in run.panel if entry["role"] == PanelRole.MEMBER),
        **(limits | {"max_cost_usd": None if money is None else Decimal(money)}),
    )


def initial_of(run: Run) -> dict[str, Any]:
    """Return what the form starts with when a run is to be changed and asked again."""
    request = request_of(run)
    options = {f"{PREFIX}{name}": value for name, value in request.options.items()}
    return {
        "text": request.text,
        "system": request.system,
        "strategy": request.strategy,
        "models": list(request.models),
        **options,
        **{name: getattr(request, name) for name in LIMITS},
    }
