"""The Ask form: the question, the method that answers it, the models, the limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from django import forms
from django.http import QueryDict

from orchestration.expressions.listed import moved
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Capability, Json
from orchestration.llm.models import LanguageModel, ProviderKind
from orchestration.runs.kinds import Startable, get_kind
from orchestration.runs.models import Run
from orchestration.strategies.engine.strategy import Strategy, all_strategies, get_strategy
from orchestration.strategies.engine.types import MOST_TOOLS, USUAL_ROUNDS, Constraints, Request
from orchestration.strategies.forms.fields import (
    PREFIX,
    Fault,
    FieldGroup,
    initial_text,
    option_fields,
    option_values,
    typed_value,
)
from orchestration.strategies.forms.panel import PanelRow, default_panel, panel_rows
from orchestration.strategies.kinds import first_method
from orchestration.strategies.services.strategy_runs import NAME
from orchestration.tools.engine.tool import ToolSpec
from orchestration.tools.forms.schemas import schema_fields

OPTIONS_OF = "options_of"
FIRST_STRATEGY = "voting"
LEADING = (FIRST_STRATEGY, "cascade", "expert", "parallel", "sequential")
MOST_IN_A_ROW = 7
"""Methods that the page shows side by side; of more, all but the first few are behind a menu."""
MAIN_OPTIONS = 3
"""Options shown at once of a kind of run that says nothing of which these are."""
LIMITS = tuple(Constraints.model_fields)
LIMIT_SCHEMA = Constraints.model_json_schema()
ROUNDS = {"properties": {"tool_rounds": Request.model_json_schema()["properties"]["tool_rounds"]}}
SHARED_PROPERTIES = {"text", "system", "models", "constraints", "strategy", "options", "tools", "tool_rounds"}
"""Properties of a payload for which the form has fields of its own."""


class AskForm(forms.Form):
    """Checks each field by itself; `start_run` refuses what several fields together make impossible."""

    text = forms.CharField(
        label="Question",
        strip=False,
        widget=forms.Textarea(attrs={"rows": 4, "placeholder": "Ask something", "dir": "auto"}),
        error_messages={"required": "Write what you want to ask."},
    )
    system = forms.CharField(
        label="Instructions",
        strip=False,
        required=False,
        help_text="Sent to every model before the question: a role, a tone, a format.",
        widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"}),
    )
    strategy = forms.CharField(label="Method")
    models = forms.MultipleChoiceField(
        label="Panel", error_messages={"required": "Choose at least one model."}
    )
    tools = forms.MultipleChoiceField(
        label="Tools",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Models may call these on the way to an answer. Each call is shown.",
    )

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        models: Sequence[LanguageModel],
        tools: Mapping[str, ToolSpec],
        rubrics: Callable[[], Sequence[str]],
        others: Mapping[str, Startable],
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        self.usable_models = models
        self._others, self._rubrics = others, rubrics
        leading = f"{first.kind}/{first.ref}" if (first := first_method()) else ""
        self._first = leading if leading in others else FIRST_STRATEGY
        known = {"strategy": self._first, "models": default_panel(models)} | dict(initial or {})
        super().__init__(data, initial=known)
        names = [model.name for model in models]
        self.fields["models"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]
        self.fields["tools"].choices = [(name, each.label) for name, each in tools.items()]  # type: ignore[attr-defined]
        self.fields |= schema_fields(LIMIT_SCHEMA) | schema_fields(ROUNDS)
        asked = str(self.data.get("strategy") or self.initial["strategy"])
        self.chosen_method = asked if asked in self.methods else self._first
        self.fields |= self._method_fields(names)
        if self.is_bound and self.data.get(OPTIONS_OF) != self.chosen_method:
            self.data = self._with_usual_options()

    def _method_fields(self, models: Sequence[str]) -> dict[str, forms.Field]:
        """Return the fields of the chosen method, and make those it has no use for optional."""
        other = self.other
        if other is None:
            return option_fields(get_strategy(self.chosen_method).Options, models, self._rubrics)
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

    def _with_usual_options(self) -> QueryDict:
        """Return the data with the strategy's usual options where the page showed another's, or none."""
        data = QueryDict(mutable=True)
        data.update(self.data)
        data.setdefault("tool_rounds", str(USUAL_ROUNDS))  # a page without tools has no field for it
        before = all_strategies().get(self.data.get(OPTIONS_OF, ""))
        shown = option_fields(before.Options, []) if before is not None else {}
        for name, field in self.fields.items():
            if not name.startswith(PREFIX):
                continue
            if name in shown and data.get(name) == initial_text(shown[name]):
                del data[name]  # the default of the strategy shown before, not a choice
            is_sent = field.initial is not None and not isinstance(field.initial, bool | list)
            if name not in data and (is_sent or field.initial is True):
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
        return self.chosen_models

    @cached_property
    def panel(self) -> list[PanelRow]:
        """The rows of the panel picker, after the move that a button requests."""
        order = chosen = self.initial["models"]
        if isinstance(self.data, QueryDict):
            sent, picked = self.data.getlist("order"), self.data.getlist("models")
            had_panel = bool(sent) or self.data.get(OPTIONS_OF) not in self._others
            order, chosen = (sent, picked) if had_panel else (order, picked or chosen)
        direction, _, name = self.data.get("move", "").partition(":")
        if name in order:
            order = moved(order, order.index(name), -1 if direction == "up" else 1)
        return panel_rows(self.usable_models, order, chosen)

    @property
    def chosen_models(self) -> list[str]:
        """The names of the chosen models, in the panel's order."""
        return [row.model.name for row in self.panel if row.checked]

    @property
    def chosen_tools(self) -> list[str]:
        """The names of the chosen tools; none where the method uses none that are chosen."""
        return list(self["tools"].value() or ()) if self.asks_for("tools") else []

    @property
    def more_calls(self) -> int:
        """How many more calls each answer may take with tools."""
        rounds = self["tool_rounds"]
        try:
            return (rounds.field.clean(rounds.value()) or USUAL_ROUNDS) - 1
        except forms.ValidationError:
            return USUAL_ROUNDS - 1

    @property
    def without_tools(self) -> list[str]:
        """The names of the chosen models that cannot call tools."""
        able = {model.name for model in self.usable_models if Capability.TOOLS in model.capabilities}
        return [name for name in self.chosen_models if name not in able]

    @property
    def only_simulated(self) -> bool:
        """True when the team has no model yet that is not simulated."""
        return all(model.provider.kind == ProviderKind.SIMULATED for model in self.usable_models)

    @cached_property
    def methods(self) -> Mapping[str, Strategy | Startable]:
        """All methods by name, those of other kinds as `kind/name`: the first choice, strategies, others."""
        known: dict[str, Strategy | Startable] = {**all_strategies(), **self._others}
        return {name: known[name] for name in dict.fromkeys((self._first, *LEADING, *known))}

    @property
    def method(self) -> Strategy | Startable:
        """The chosen method."""
        return self.methods[self.chosen_method]

    @property
    def shown_methods(self) -> Mapping[str, Strategy | Startable]:
        """The methods side by side: the first few; the chosen one leads where it is not one of them."""
        names = list(self.methods)
        if len(names) > MOST_IN_A_ROW:
            names = names[: MOST_IN_A_ROW - 1]
        if self.chosen_method not in names:
            names = [self.chosen_method, *names[:-1]]
        return {name: self.methods[name] for name in names}

    @property
    def other_methods(self) -> Mapping[str, Strategy | Startable]:
        """The methods behind the menu."""
        shown = self.shown_methods
        return {name: method for name, method in self.methods.items() if name not in shown}

    @property
    def option_boxes(self) -> list[forms.BoundField]:
        """The fields of the method's own options."""
        return [self[name] for name in self.fields if name.startswith(PREFIX)]

    @property
    def main_boxes(self) -> list[forms.BoundField]:
        """The fields of the options that matter most, in their order."""
        if self.other is None:
            return [self[f"{PREFIX}{name}"] for name in get_strategy(self.chosen_method).Options.main]
        needed = [box for box in self.option_boxes if box.field.required]
        return needed or self.option_boxes[:MAIN_OPTIONS]

    @property
    def groups(self) -> list[FieldGroup]:
        """What is folded away, each group with what is set in it."""
        main = {box.name for box in self.main_boxes}
        rest = [box for box in self.option_boxes if box.name not in main]
        if self.asks_for("tools") and self.fields["tools"].choices:  # type: ignore[attr-defined]
            rest = [self["tools"], self["tool_rounds"], *rest]
        limits = [self[name] for name in LIMITS] if self.asks_for("constraints") else []
        system = [self["system"]] if self.asks_for("system") else []
        known = [
            FieldGroup("advanced", "Advanced", rest, "as usual"),
            FieldGroup("limits", "Limits", limits, "none"),
            FieldGroup("instructions", "Instructions", system, "none"),
        ]
        return [group for group in known if group.boxes]

    @property
    def panel_is_open(self) -> bool:
        """True when the list of models is to be seen: it is wrong, or a model was moved in it."""
        return bool(self["models"].errors or self.data.get("move"))

    @property
    def faults(self) -> list[Fault]:
        """What is wrong, in the order of the page."""
        below = [*self.main_boxes, *(box for group in self.groups for box in group.boxes)]
        at = [
            (self["text"], "id_text"),
            (self["strategy"], "ask-method-list"),
            (self["models"], "pick-1"),
            *((box, box.id_for_label or f"{box.auto_id}_0") for box in below),
        ]
        shown = {box.name for box, _ in at}
        hidden = [words for name, all_ in self.errors.items() if name not in shown for words in all_]
        own = [
            Fault(str(box.label), " ".join(map(str, box.errors)), place) for box, place in at if box.errors
        ]
        return own + [Fault("", str(words), "") for words in hidden]

    def draft(self) -> Request | None:
        """Return the request as filled in so far, valid or not; None where no strategy is chosen."""
        return Request(**self._typed()) if self.other is None else None

    def typed_payload(self) -> dict[str, Json]:
        """Return the payload of a method of another kind as filled in so far, valid or not."""
        limits = {name: typed_value(self[name]) for name in LIMITS}
        given = {name: value for name, value in limits.items() if value not in {None, ""}}
        return self._typed(constraints=given)

    def _typed(self, **more: Json) -> dict[str, Json]:
        texts = {name: str(self[name].value() or "") for name in ("text", "system")}
        options = option_values({box.name: typed_value(box) for box in self.option_boxes})
        tools = {"tools": tuple(self.chosen_tools[:MOST_TOOLS]), "tool_rounds": self.more_calls + 1}
        shared = {**texts, **tools, "models": tuple(self.chosen_models), **more}
        return self._asked(self.chosen_method, shared, options)[1]

    def payload(self) -> tuple[str, dict[str, Json]]:
        """Return the kind of run that the valid form asks for, and its payload."""
        clean = self.cleaned_data
        shared = {
            "text": clean["text"],
            "system": clean["system"],
            "models": tuple(clean["models"]),
            "constraints": {name: clean[name] for name in LIMITS if clean[name] is not None},
            "tools": tuple(clean["tools"]),
            "tool_rounds": clean["tool_rounds"] or USUAL_ROUNDS,
        }
        return self._asked(clean["strategy"], shared, option_values(clean))

    def _asked(
        self, method: str, shared: Mapping[str, Json], options: Mapping[str, Json]
    ) -> tuple[str, dict[str, Json]]:
        """Return the kind of run of a method, and its payload: of what is shared what it asks for."""
        if method not in self._others:
            return NAME, {**shared, "strategy": method, "options": options}
        kind, _, ref = method.partition("/")
        return kind, {**{name: shared[name] for name in shared if self.asks_for(name)}, **options, "ref": ref}


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
        "tools": list(payload.get("tools", ())),
        "tool_rounds": payload.get("tool_rounds", USUAL_ROUNDS),
        **{f"{PREFIX}{name}": value for name, value in (own or {}).items()},
        **{name: (payload.get("constraints") or {}).get(name) for name in LIMITS},
    }
