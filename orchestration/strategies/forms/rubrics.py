"""The form of a rubric: its own fields, a line for each criterion and one for each example."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict
from pydantic import ValidationError

from orchestration.llm.engine.errors import InvalidRequest
from orchestration.strategies.engine.quality.rubrics import (
    MOST_CRITERIA,
    MOST_EXAMPLES,
    Dimension,
    Rubric,
)

BLANK_LINES = 1
LONGEST_COUNT = 4
MORE_LINES = 3
AREA = {"rows": 2, "dir": "auto"}
DIMENSIONS = [("", "No dimension"), *((each.value, each.value.capitalize()) for each in Dimension)]


def _area(label: str, longest: int, help_text: str = "") -> forms.CharField:
    area = forms.Textarea(attrs=AREA)
    return forms.CharField(label=label, max_length=longest, required=False, help_text=help_text, widget=area)


class RubricForm(forms.Form):
    """The fields of a rubric beside its criteria and examples. `based_on` is the version that is changed."""

    name = forms.CharField(label="Name", max_length=60, help_text="What a strategy's option Rubric calls it.")
    description = forms.CharField(label="What it is for", max_length=300, required=False)
    guidance = _area(
        "Said to the judge first",
        2_000,
        help_text="How to go about it, such as: Work out the right answer yourself first.",
    )
    points = forms.TypedChoiceField(
        label="Scale", coerce=int, choices=[(5, "0 to 5"), (10, "0 to 10"), (100, "0 to 100")], initial=10
    )
    based_on = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=0, max_value=10**9)


class CriterionForm(forms.Form):
    """One criterion; a line that is left empty is none."""

    name = forms.CharField(label="Criterion", max_length=60, required=False)
    description = _area("What is good", 500)
    weight = forms.FloatField(label="Weight", min_value=0.01, max_value=100, required=False)
    dimension = forms.ChoiceField(label="Stands for", choices=DIMENSIONS, required=False)

    def clean(self) -> dict[str, Any]:
        """Refuse a criterion without a name."""
        data = super().clean() or self.cleaned_data
        if data.get("description") and not data.get("name") and "name" not in self.errors:
            self.add_error("name", "Name the criterion, or empty the line.")
        return data


class ExampleForm(forms.Form):
    """An example; all of its fields, or none."""

    question = _area("Question", 2_000)
    answer = _area("Answer", 4_000)
    verdict = _area("What a good judge says", 1_000)

    def clean(self) -> dict[str, Any]:
        """Refuse half an example."""
        data = super().clean() or self.cleaned_data
        if any(data.values()):
            for name in self.fields:
                if not data.get(name) and name not in self.errors:
                    self.add_error(name, "Fill in all three, or empty the example.")
        return data


CriterionLines = forms.formset_factory(CriterionForm, max_num=MOST_CRITERIA, absolute_max=MOST_CRITERIA)
ExampleLines = forms.formset_factory(ExampleForm, max_num=MOST_EXAMPLES, absolute_max=MOST_EXAMPLES)


class RubricForms:
    """The form of a rubric with its lines, from a rubric or from what was posted."""

    def __init__(self, shown: QueryDict | Rubric) -> None:
        if isinstance(shown, QueryDict):
            posted = _with_counted_lines(shown)
            self.own = RubricForm(posted)
            self.criteria = CriterionLines(posted, prefix="criteria")
            self.examples = ExampleLines(posted, prefix="examples")
            return
        said = shown.model_dump(mode="json")
        self.own = RubricForm(initial={**said, "based_on": said["version"]})
        criteria = [{**each, "weight": f"{each['weight']:g}"} for each in said["criteria"]]
        self.criteria = CriterionLines(initial=criteria, prefix="criteria")
        self.examples = ExampleLines(initial=said["examples"], prefix="examples")

    def is_valid(self) -> bool:
        """Return whether all can be read; a fault is shown at its field."""
        return all([self.own.is_valid(), self.criteria.is_valid(), self.examples.is_valid()])

    def rubric(self) -> Rubric:
        """Return what valid forms say. Raises `InvalidRequest`."""
        data = {name: value for name, value in self.own.cleaned_data.items() if name != "based_on"}
        lines = [line.cleaned_data for line in self.criteria.forms if line.cleaned_data.get("name")]
        if not lines:
            raise InvalidRequest("Enter at least one criterion.")
        criteria = [{name: line[name] for name in line if line[name] not in {None, ""}} for line in lines]
        examples = [line.cleaned_data for line in self.examples.forms if any(line.cleaned_data.values())]
        try:
            return Rubric.model_validate({**data, "criteria": criteria, "examples": examples})
        except ValidationError as error:
            words = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
            raise InvalidRequest(words) from None

    def clear_errors(self) -> None:
        """Show what was filled in without what is wrong with it."""
        for each in (self.own, *self.criteria.forms, *self.examples.forms):
            each.errors.clear()


def _with_counted_lines(data: QueryDict) -> QueryDict:
    """Return the data with the number of lines where it is missing, and more of those that are asked for."""
    found = data.copy()
    for lines, more in (("criteria", MORE_LINES), ("examples", 1)):
        now = data.get(f"{lines}-TOTAL_FORMS", "")
        count = int(now) if now.isdecimal() and len(now) <= LONGEST_COUNT else BLANK_LINES
        found[f"{lines}-TOTAL_FORMS"] = str(count + more * (data.get("more") == lines))
        found[f"{lines}-INITIAL_FORMS"] = "0"
    return found


class TrialForm(forms.Form):
    """A judge and a past run that a rubric is tried out on."""

    judge = forms.ChoiceField(label="Judge")
    run = forms.ChoiceField(label="Answers of the run")

    def __init__(self, data: QueryDict | None, **choices: list[tuple[str, str]]) -> None:
        super().__init__(data)
        for name, offered in choices.items():
            self.fields[name].choices = offered  # type: ignore[attr-defined]
