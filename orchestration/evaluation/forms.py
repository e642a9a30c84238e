"""The forms of datasets, and of a new evaluation with its configurations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from django import forms
from django.http import QueryDict

from orchestration.evaluation.engine.reading import LARGEST_FILE
from orchestration.evaluation.engine.scorers import TITLES, ItemScorer
from orchestration.evaluation.models import Dataset
from orchestration.evaluation.services.configurations import AUTO_OPTIONS
from orchestration.evaluation.services.evaluation_runs import MOST_OUTCOMES
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.llm.models import LanguageModel
from orchestration.routing.selectors import KIND as AUTO
from orchestration.routing.selectors import USUAL_RULES
from orchestration.runs.kinds import Startable
from orchestration.strategies.engine.strategy import all_strategies
from orchestration.strategies.forms.fields import (
    PREFIX,
    initial_text,
    option_fields,
    option_values,
    typed_value,
)
from orchestration.strategies.forms.panel import default_panel
from orchestration.tools.forms.schemas import schema_fields

FIRST_STRATEGIES = ("voting", "cascade", "parallel", "sequential")
"""What a new evaluation compares."""
MAIN_AUTO_OPTIONS = ("dial", "priority")
MOST_CONFIGURATIONS, MOST_DIGITS = 12, 6
LONGEST_KEPT = 500_000
"""Characters of a refused file that the form keeps as pasted rows."""
SCORER_SETTINGS = tuple(name for name in ItemScorer.model_fields if name != "kind")
LIMITS = ("max_cost_usd", "max_latency_s", "max_calls")


class DatasetForm(forms.Form):
    """A file or pasted rows."""

    name = forms.CharField(label="Name", max_length=120, help_text="What evaluations call it.")
    file = forms.FileField(
        label="File",
        required=False,
        max_length=200,
        help_text="CSV with a line of names, or JSON lines. Columns: prompt, reference, and if you like"
        " task type, id, scorer, priority. Up to 5,000 rows and 5 MB, in UTF-8.",
        widget=forms.FileInput(attrs={"accept": ".csv,.jsonl,.json,.txt,text/csv,application/json"}),
    )
    rows = forms.CharField(
        label="Or paste rows",
        required=False,
        strip=False,
        max_length=LARGEST_FILE,
        widget=forms.Textarea(
            attrs={"rows": 6, "dir": "auto", "placeholder": "prompt,reference\nWhat is 17% of 2300?,391"}
        ),
    )
    partial = forms.BooleanField(
        label="Import the good rows and leave out the bad ones", required=False, initial=False
    )

    @property
    def raw(self) -> bytes:
        """The bytes of the file, or of what was pasted."""
        file = self.cleaned_data.get("file")
        raw: bytes = file.read() if file is not None else self.cleaned_data["rows"].encode("utf-8", "replace")
        return raw

    def clean(self) -> dict[str, Any]:
        """Require one of the two, and refuse a file that is too large unread."""
        data = super().clean() or self.cleaned_data
        file = data.get("file")
        if file is None and not data.get("rows", "").strip() and "file" not in self.errors:
            self.add_error("file", "Choose a file, or paste some rows.")
        if file is not None and file.size > LARGEST_FILE:
            self.add_error("file", f"A file has at most {LARGEST_FILE:,} bytes. Split it.")
        return data


class RatedForm(forms.Form):
    """A dataset of runs that people liked."""

    name = forms.CharField(label="Name", max_length=120, initial="Answers that people liked")
    most = forms.IntegerField(label="Most questions", min_value=1, max_value=5_000, initial=200)


class ConfigurationForm(forms.Form):
    """A strategy with options, and a panel where it is not that of all."""

    def __init__(
        self,
        data: QueryDict | None,
        *,
        place: int,
        models: Sequence[str],
        autos: Sequence[Startable],
        initial: Mapping[str, Any],
    ) -> None:
        super().__init__(None, prefix=f"c{place}", initial=dict(initial))
        self.place = place
        named = {auto_name(each.ref): each for each in autos}
        titles = [(name, each.title) for name, each in named.items()]
        titles += [(name, strategy.title) for name, strategy in all_strategies().items()]
        self.fields["strategy"] = forms.ChoiceField(label="Strategy", choices=titles)
        self.fields["label"] = forms.CharField(
            label="Name",
            max_length=120,
            required=False,
            help_text="In tables and charts; empty: the strategy.",
        )
        self.fields["models"] = forms.MultipleChoiceField(
            label="Panel of its own",
            required=False,
            choices=[(name, name) for name in models],
            widget=forms.CheckboxSelectMultiple,
            help_text="None ticked: the panel above.",
        )
        given = data.get(f"c{place}-strategy") if data is not None else ""
        asked = str(given or initial.get("strategy", ""))
        self.chosen = asked if asked in dict(titles) else FIRST_STRATEGIES[0]
        if self.chosen in named:
            self._main: Sequence[str] = MAIN_AUTO_OPTIONS
            self.fields |= auto_fields(named[self.chosen], models)
        else:
            options = all_strategies()[self.chosen].Options
            self._main = options.main
            self.fields |= option_fields(options, models)
        if data is not None:
            self.data = self._filled(data)
            self.is_bound = True

    def _filled(self, data: QueryDict) -> QueryDict:
        """Return the data, with the usual options where the page showed those of another strategy."""
        if data.get(f"{self.prefix}-options_of") == self.chosen:
            return data
        filled = data.copy()
        for name, field in self.fields.items():
            key = f"{self.prefix}-{name}"
            if name.startswith(PREFIX):
                filled.pop(key, None)
                if field.initial:
                    filled[key] = initial_text(field)
        return filled

    @property
    def strategy_box(self) -> forms.BoundField:
        """The choice of the strategy."""
        return self["strategy"]

    @property
    def label_box(self) -> forms.BoundField:
        """The name in tables and charts."""
        return self["label"]

    @property
    def models_box(self) -> forms.BoundField:
        """The panel of its own."""
        return self["models"]

    @property
    def main_boxes(self) -> list[forms.BoundField]:
        """The options that matter most."""
        return [self[f"{PREFIX}{name}"] for name in self._main]

    @property
    def other_boxes(self) -> list[forms.BoundField]:
        """The other options."""
        main = {box.name for box in self.main_boxes}
        return [self[name] for name in self.fields if name.startswith(PREFIX) and name not in main]

    def draft(self, panel: Sequence[str]) -> dict[str, Json]:
        """Return the configuration as filled in so far, valid or not."""
        boxes = [*self.main_boxes, *self.other_boxes]
        options = option_values({box.name: typed_value(box) for box in boxes})
        models = list(self["models"].value() or panel)
        return {"strategy": self.chosen, "options": options, "models": models}

    def payload(self, panel: Sequence[str]) -> dict[str, Json]:
        """Return the configuration as an evaluation takes it."""
        clean = self.cleaned_data
        return {
            "label": clean["label"],
            "strategy": clean["strategy"],
            "options": option_values(clean),
            "models": clean["models"] or list(panel),
        }


def auto_name(rules: str) -> str:
    """Return what a configuration that chooses its methods by a rule set has as its strategy."""
    return AUTO if rules == USUAL_RULES else f"{AUTO}/{rules}"


def auto_fields(method: Startable, models: Sequence[str]) -> dict[str, forms.Field]:
    """Return the fields of a request to Auto that a configuration may set."""
    shapes = method.schema["properties"]
    schema = {**method.schema, "properties": {name: shapes[name] for name in AUTO_OPTIONS}, "required": []}
    return {f"{PREFIX}{name}": field for name, field in schema_fields(schema, models).items()}


class EvaluationForm(forms.Form):
    """A dataset, a scorer, a panel, limits; its `configurations` are forms of their own."""

    dataset = forms.ChoiceField(label="Dataset")
    models = forms.MultipleChoiceField(
        label="Panel", required=False, widget=forms.CheckboxSelectMultiple, help_text="The models to ask."
    )
    first = forms.IntegerField(
        label="Only the first items",
        required=False,
        min_value=1,
        max_value=MOST_OUTCOMES,
        help_text="Empty: all. A few make a quick test.",
    )

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        datasets: Sequence[Dataset],
        models: Sequence[LanguageModel],
        limits: Mapping[str, Json],
        autos: Sequence[Startable] = (),
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        names = [model.name for model in models]
        known = {"models": default_panel(models), "kind": "answer"} | dict(initial or {})
        super().__init__(data, initial=known)
        self.fields["dataset"].choices = [  # type: ignore[attr-defined]
            (str(each.pk), f"{each.name} ({each.size:,} items)") for each in datasets
        ]
        self.fields["models"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]
        self.fields["kind"] = forms.ChoiceField(
            label="What counts as right", choices=[(kind.value, words) for kind, words in TITLES.items()]
        )
        settings = schema_fields(ItemScorer.model_json_schema(), names)
        self.fields |= {name: settings[name] for name in SCORER_SETTINGS}
        shown = schema_fields(limits)
        self.fields |= {name: shown[name] for name in LIMITS}
        self._names = names
        self._autos = autos

    @cached_property
    def configurations(self) -> list[ConfigurationForm]:
        """The forms of the configurations, after one was added or removed."""
        if not isinstance(self.data, QueryDict) or not self.is_bound:
            given = self.initial.get("configurations") or [{"strategy": name} for name in FIRST_STRATEGIES]
            return [self._configuration(None, place, each) for place, each in enumerate(given)]
        places = [int(each) for each in self.data.getlist("place") if each.isdecimal() and len(each) < 4]  # noqa: PLR2004  # digits
        removed = self.data.get("drop", "")
        kept = [place for place in dict.fromkeys(places) if str(place) != removed or len(places) == 1]
        forms_ = [self._configuration(self.data, place, {}) for place in kept[:MOST_CONFIGURATIONS]]
        if "add" in self.data and len(forms_) < MOST_CONFIGURATIONS:
            new = {"strategy": FIRST_STRATEGIES[0]}
            forms_.append(self._configuration(None, max(kept, default=-1) + 1, new))
        return forms_

    def _configuration(
        self, data: QueryDict | None, place: int, initial: Mapping[str, Any]
    ) -> ConfigurationForm:
        names = self._names
        return ConfigurationForm(data, place=place, models=names, autos=self._autos, initial=initial)

    @property
    def scorer_boxes(self) -> list[forms.BoundField]:
        """The settings of the scorer."""
        return [self[name] for name in SCORER_SETTINGS]

    @property
    def limit_boxes(self) -> list[forms.BoundField]:
        """The limits of the whole evaluation."""
        return [self[name] for name in LIMITS]

    def draft(self) -> dict[str, Json] | None:
        """Return dataset, configurations and scorer as filled in so far, None without a dataset."""
        known = dict(self.fields["dataset"].choices)  # type: ignore[attr-defined]
        chosen = str(self["dataset"].value() or next(iter(known), ""))
        if chosen not in known:
            return None
        panel, first = list(self["models"].value() or ()), str(self["first"].value() or "")
        return {
            "dataset": chosen,
            "first": int(first) if first.isdecimal() and 0 < len(first) <= MOST_DIGITS else None,
            "configurations": [each.draft(panel) for each in self.configurations],
            "scorer": {name: str(self[name].value() or "") for name in ("kind", "judge", "rubric")},
        }

    def is_whole(self) -> bool:
        """Return whether the form and all its configurations are valid."""
        own = self.is_valid()
        others = [each.is_valid() for each in self.configurations]
        if own and not self.configurations:
            self.add_error(None, "Add at least one configuration.")
        return own and bool(others) and all(others)

    def payload(self) -> dict[str, Json]:
        """Return what the valid form asks for."""
        clean = self.cleaned_data
        scorer = {name: clean[name] for name in SCORER_SETTINGS if clean[name] not in {None, ""}}
        return {
            "dataset": clean["dataset"],
            "scorer": {"kind": clean["kind"], **scorer},
            "first": clean["first"],
            "configurations": [each.payload(clean["models"]) for each in self.configurations],
            "constraints": {name: clean[name] for name in LIMITS if clean[name] is not None},
        }

    def refuse(self, refusal: InvalidRequest) -> None:
        """Show a refusal at its field, or above the form."""
        for fault in refusal.errors or (refusal,):
            name = fault.field.removeprefix("scorer.")
            self.add_error(name if name in self.fields else None, str(fault))
