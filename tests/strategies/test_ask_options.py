"""Form fields made from a strategy's schema, and the panel picker's order."""

from __future__ import annotations

from enum import StrEnum

import pytest
from django import forms
from pydantic import BaseModel, Field

from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import FieldFormat
from orchestration.llm.models import LanguageModel, Provider
from orchestration.strategies.engine.options import ModelName
from orchestration.strategies.engine.types import Constraints, percent
from orchestration.strategies.forms.fields import option_fields, option_values
from orchestration.strategies.forms.panel import default_panel
from orchestration.strategies.services.strategy_runs import parse_request
from orchestration.tools.forms.schemas import ModelField, schema_fields
from tests.support.tree import ROOT


class Colour(StrEnum):
    RED = "red"
    DARK_BLUE = "dark_blue"


class Options(BaseModel):
    colour: Colour = Field(default=Colour.RED, title="Colour", description="Which one.")
    accent: Colour | None = None
    count: int = Field(default=3, ge=1, le=9)
    share: float | None = Field(default=None, gt=0, lt=1)
    loud: bool = True
    helper: ModelName | None = None
    writer: ModelName = Field()
    words: str = Field(default="", max_length=20)


FIELDS = {
    name.removeprefix("options."): field for name, field in option_fields(Options, ["m1", "m2"]).items()
}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("colour", forms.TypedChoiceField),
        ("count", forms.IntegerField),
        ("share", forms.FloatField),
        ("loud", forms.BooleanField),
        ("helper", ModelField),
        ("writer", ModelField),
        ("words", forms.CharField),
    ],
)
def test_each_type_has_its_field(name: str, kind: type[forms.Field]) -> None:
    assert type(FIELDS[name]) is kind


def test_a_choice_that_need_not_be_made_starts_with_none() -> None:
    assert FIELDS["accent"].choices[0] == ("", "Not set")  # type: ignore[attr-defined]
    assert (FIELDS["accent"].initial, FIELDS["accent"].required) == (None, False)


def test_words_and_bounds_come_from_the_schema() -> None:
    assert (FIELDS["colour"].label, FIELDS["colour"].help_text) == ("Colour", "Which one.")
    assert FIELDS["colour"].choices == [("red", "Red"), ("dark_blue", "Dark blue")]  # type: ignore[attr-defined]
    with pytest.raises(forms.ValidationError, match="Enter at most 9"):
        FIELDS["count"].clean("10")
    with pytest.raises(forms.ValidationError, match="at most 20 characters"):
        FIELDS["words"].clean("x" * 21)


def test_only_what_has_no_usual_value_must_be_given() -> None:
    assert [name for name, field in FIELDS.items() if field.required] == ["writer"]
    assert [name for name, field in FIELDS.items() if isinstance(field, ModelField)] == ["helper", "writer"]


def test_an_empty_option_is_left_to_the_strategy() -> None:
    cleaned = {
        "text": "?",
        "options.count": 4,
        "options.share": None,
        "options.words": "",
        "options.loud": False,
    }
    assert option_values(cleaned) == {"count": 4, "loud": False}


def test_a_first_panel_prefers_real_models_and_takes_each_tier_once() -> None:
    simulated, real = Provider(kind="simulated"), Provider(kind="openai_compatible")
    models = [
        LanguageModel(name=name, tier=tier, provider=provider)
        for name, tier, provider in [
            ("s-small", "small", simulated),
            ("s-small-2", "small", simulated),
            ("s-large", "large", simulated),
            ("r-large", "large", real),
        ]
    ]
    assert default_panel(models) == ["r-large", "s-small", "s-large"]
    assert default_panel([]) == []


LIMITS = Constraints.model_json_schema()["properties"]


@pytest.mark.parametrize("name", LIMITS)
def test_each_limit_has_a_label_an_option_of_the_command_and_a_line_on_the_run_page(name: str) -> None:
    limit, field = LIMITS[name], schema_fields(Constraints.model_json_schema())[name]
    assert limit["flag"].startswith("--")
    assert limit["metavar"].isupper()
    label = limit["title"] + (", %" if limit.get("format") == FieldFormat.SHARE else "")
    assert field.label == label != name.replace("_", " ").capitalize()
    assert field.help_text == limit["description"]
    page = (ROOT / "templates/runs/_facts.html").read_text(encoding="utf-8")
    assert f"{{% if view.limits.{name} is not None %}}<div><dt>" in page


@pytest.mark.parametrize("name", LIMITS)
def test_the_refusal_of_a_limit_names_the_values_that_it_may_have(name: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_request({"text": "?", "constraints": {name: -1}})
    bounds = next((part for part in LIMITS[name]["anyOf"] if "maximum" in part), None)
    assert refused.value.field == name
    allowed = f"from {bounds['minimum']} to {bounds['maximum']}" if bounds else "above zero"
    assert allowed in str(refused.value)


PERCENT = schema_fields(
    {
        "properties": {
            "share": {"type": "number", "format": FieldFormat.SHARE, "minimum": 0.1, "maximum": 0.99}
        }
    }
)["share"]


@pytest.mark.parametrize(("typed", "share"), [("60", 0.6), ("12.5 %", 0.125), (" 99 ", 0.99), ("", None)])
def test_a_share_is_entered_in_percent(typed: str, share: float | None) -> None:
    assert PERCENT.clean(typed) == share


@pytest.mark.parametrize(
    ("typed", "words"), [("0.6", "at least 10"), ("100", "at most 99"), ("x", "Enter a number")]
)
def test_what_is_no_percentage_in_its_bounds_is_refused_in_percent(typed: str, words: str) -> None:
    with pytest.raises(forms.ValidationError, match=words):
        PERCENT.clean(typed)


def test_a_share_is_shown_in_percent_and_what_was_typed_as_it_was() -> None:
    shown = [PERCENT.prepare_value(value) for value in (0.6, 0.125, 0.29, "0.6", "x", None)]
    assert shown == ["60", "12.5", "29", "0.6", "x", None]


@pytest.mark.parametrize(
    ("value", "beside", "shown"),
    [
        (0.6, None, "60%"),
        (0.796, 0.8, "79.6%"),
        (0.8, 0.8, "80%"),
        (0.99996, 1.0, "100.00%"),
        (0.7, 0.8, "70%"),
    ],
)
def test_a_percentage_does_not_look_like_the_limit_that_it_misses(
    value: float, beside: float | None, shown: str
) -> None:
    assert percent(value, beside=beside) == shown
