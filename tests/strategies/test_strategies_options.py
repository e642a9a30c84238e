"""Panels, options and the registry of strategies."""

from __future__ import annotations

import pytest

from orchestration.llm.engine.errors import InvalidRequest
from orchestration.strategies.engine.belief.shipped import shipped_belief
from orchestration.strategies.engine.errors import InvalidOptions
from orchestration.strategies.engine.options import StrategyOptions, helper_models, parse_options
from orchestration.strategies.engine.strategy import (
    Panel,
    all_strategies,
    decided_at,
    decision_labels,
    escalations,
    get_strategy,
    validate_options,
)
from tests.support.models import ScriptedModel


def faults(name: str, given: dict[str, object]) -> tuple[InvalidRequest, ...]:
    with pytest.raises(InvalidOptions) as caught:
        validate_options(name, given)
    return caught.value.errors


def test_every_strategy_is_found_under_its_own_name() -> None:
    assert {"cascade", "parallel", "sequential"} <= set(all_strategies())
    assert all(get_strategy(name).name == name for name in all_strategies())


def test_an_unknown_strategy_is_refused_by_naming_those_there_are() -> None:
    with pytest.raises(
        InvalidRequest, match=r"no strategy “oracle”\. There are: cascade, .*parallel, .*sequential"
    ) as caught:
        get_strategy("oracle")
    assert caught.value.field == "strategy"


@pytest.mark.parametrize("name", ["cascade", "parallel", "sequential"])
def test_every_option_explains_itself_and_has_a_default(name: str) -> None:
    fields = get_strategy(name).Options.model_fields
    assert all(field.title and field.description and not field.is_required() for field in fields.values())
    assert get_strategy(name).summary.endswith(".")


def test_forms_begin_with_what_is_the_strategys_own() -> None:
    assert next(iter(get_strategy("parallel").Options.model_fields)) == "select"
    assert next(iter(get_strategy("sequential").Options.model_fields)) == "threshold"


def test_text_from_forms_and_commands_becomes_values_and_empty_text_is_not_given() -> None:
    options = validate_options(
        "parallel", {"threshold": "0.5", "max_parallel": "3", "judge": "", "deadline_s": ""}
    )
    assert options.model_dump(include={"threshold", "max_parallel", "judge", "deadline_s"}) == {
        "threshold": 0.5,
        "max_parallel": 3,
        "judge": None,
        "deadline_s": None,
    }


def test_each_fault_has_a_sentence_at_its_field() -> None:
    threshold, temperature, unknown = faults(
        "sequential", {"threshold": 2, "temperature": "hot", "colour": "red"}
    )
    assert threshold.field == "options.threshold"
    assert str(threshold) == "Good enough: input should be less than or equal to 0.99."
    assert str(temperature).startswith("Temperature: input should be a valid number")
    assert unknown.field == "options.colour"
    assert str(unknown).startswith("There is no option “colour”. There are: threshold, judge,")


@pytest.mark.parametrize(
    "given", [{"threshold": "nan"}, {"deadline_s": "inf"}, {"deadline_s": 0}, {"at_least": 0}]
)
def test_numbers_that_mean_nothing_are_refused(given: dict[str, object]) -> None:
    assert len(faults("parallel", given)) == 1


def test_a_field_without_a_title_is_called_by_its_name() -> None:
    class Plain(StrategyOptions):
        number: int = 0

    with pytest.raises(InvalidOptions, match=r"^number: input should be a valid integer"):
        parse_options(Plain, {"number": "x"})


def test_helper_models_are_those_that_options_name_each_once() -> None:
    options = validate_options("parallel", {"judge": "sage", "second_judge": "oracle", "aggregator": "sage"})
    assert helper_models(options) == ("sage", "oracle")
    assert helper_models(validate_options("sequential", {})) == ()


def test_a_panel_is_neither_empty_nor_has_a_model_twice() -> None:
    with pytest.raises(InvalidRequest, match="Choose at least one model"):
        Panel(members=())
    with pytest.raises(InvalidRequest, match="a is on the panel 2 times"):
        Panel(members=(ScriptedModel("a"), ScriptedModel("b"), ScriptedModel("a")))


def test_helpers_are_looked_up_before_members() -> None:
    member, helper = ScriptedModel("a"), ScriptedModel("a")
    other = ScriptedModel("b")
    panel = Panel(members=(member, other), helpers={"a": helper})
    assert panel.named("a") is helper
    assert panel.each_named("b", None, "b") == (other,)
    with pytest.raises(InvalidRequest, match="There is no model called c"):
        panel.named("c")


@pytest.mark.parametrize(
    ("kind", "label"),
    [
        ("ballot", "Ballot"),
        ("classify", "Kind of task"),
        ("escalate", "Escalated"),
        ("fallback", "Fell back"),
        ("move_on", "Went on"),
        ("rank", "Ranking of models"),
        ("select", "Chosen answer"),
        ("stop", "Stopped early"),
        ("vote", "Vote"),
    ],
)
def test_strategies_name_their_decisions_in_words(kind: str, label: str) -> None:
    assert decision_labels()[kind] == label


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("accept/2", "Level 2 decided"),
        ("ballot", "Ballot chosen"),
        ("fallback", "Fell back"),
        ("judge/order", "Order drawn"),
        ("review/orders", "Orders drawn"),
        ("route", "Models ranked"),
        ("select", "Answer chosen"),
        ("stop", "Stopped early"),
        ("stop/answers", "Stopped early"),
        ("ask/a", ""),
    ],
)
def test_strategies_name_their_moments_in_words(key: str, words: str) -> None:
    assert decided_at(key) == words


def test_strategies_say_which_decisions_go_on_to_a_further_model() -> None:
    assert escalations() == {"escalate", "move_on"}


@pytest.mark.parametrize(("name", "answers"), [("sequential", (1, 4)), ("parallel", (4, 4))])
def test_without_saying_more_a_strategy_asks_one_or_all_of_its_panel(
    name: str, answers: tuple[int, int]
) -> None:
    effort = get_strategy(name).effort(validate_options(name, {}), 4)
    assert (effort.answers, effort.at_once, effort.may_review) == (
        answers,
        1 if answers[0] == 1 else 4,
        False,
    )


def test_what_is_known_of_all_strategies_is_computed_alike_each_time() -> None:
    known = [all_strategies(), decision_labels(), escalations(), shipped_belief()]
    for computed in (all_strategies, decision_labels, escalations, shipped_belief):
        computed.cache_clear()
    assert [all_strategies(), decision_labels(), escalations(), shipped_belief()] == known
