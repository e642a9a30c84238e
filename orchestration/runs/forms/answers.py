"""The form for a question that a run asks a person: one field, made from the question's schema."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict

from orchestration.llm.engine.types import Json
from orchestration.runs.models import HumanQuestion

LONGEST_ANSWER = 20_000


class AnswerForm(forms.Form):
    """Checks an answer against `enum`, `type` and the bounds of the question's schema."""

    def __init__(self, question: HumanQuestion, data: QueryDict) -> None:
        super().__init__(data)
        self._question = question
        self.fields["answer"] = _field(question)

    @property
    def answer(self) -> Json:
        """The answer as the run gets it."""
        given = self.cleaned_data["answer"]
        return given == "true" if self._question.schema.get("type") == "boolean" else given

    @property
    def first_error(self) -> str:
        """What is wrong with the answer, empty when nothing is."""
        return next((str(words) for errors in self.errors.values() for words in errors), "")


def _field(question: HumanQuestion) -> forms.Field:
    """Return the field that the question's schema describes."""
    schema: dict[str, Any] = question.schema
    settings: dict[str, Any] = {"error_messages": {"required": "Answer the question."}}
    bounds: dict[str, Any] = {"min_value": schema.get("minimum"), "max_value": schema.get("maximum")}
    if question.choices:
        return forms.ChoiceField(choices=question.choices, **settings)
    match schema.get("type"):
        case "integer":
            return forms.IntegerField(**bounds, **settings)
        case "number":
            return forms.FloatField(**bounds, **settings)
        case _:
            return forms.CharField(max_length=schema.get("maxLength", LONGEST_ANSWER), **settings)
