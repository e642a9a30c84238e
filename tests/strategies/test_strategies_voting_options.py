"""Options of a vote: what does not fit the panel is refused at its field."""

from __future__ import annotations

import pytest

from orchestration.llm.engine.types import Json
from orchestration.strategies.engine.errors import InvalidOptions
from orchestration.strategies.engine.strategy import (
    get_strategy,
    validate_options,
)
from orchestration.strategies.engine.voting.options import parse_weights
from tests.support.clock import SkippingLoop
from tests.support.votes import answering, poll

LOOP_FACTORY = SkippingLoop
PANEL = ("a", "b", "c")


@pytest.mark.parametrize(
    ("given", "field", "words"),
    [
        ({"quorum": 4}, "quorum", "4 ballots cannot count: the panel has 3 models."),
        ({"rule": "judge"}, "judge", "name one that is not on the panel"),
        ({"tie": "judge"}, "judge", "name one that is not on the panel"),
        ({"rule": "judge", "judge": "b"}, "judge", "b is on the panel and would judge its own answer."),
        ({"judge": "j"}, "judge", "No judge would be asked"),
        (
            {"ballot": "answers", "rule": "borda"},
            "rule",
            "The borda rule needs ballots that say more than one answer",
        ),
        ({"ballot": "answers", "rule": "approval"}, "rule", "choose ballot review"),
        ({"weights": "a=2"}, "weights", "The belief rule uses no weights"),
        ({"rule": "weighted", "weights": "d=2"}, "weights", "There is no d on the panel: it has a, b and c."),
        ({"rule": "weighted", "weights": "a=2,a=3"}, "weights", "a has two weights. Keep one."),
        ({"rule": "weighted", "weights": "a"}, "weights", "“a” is not a weight. Write model=number"),
        ({"rule": "weighted", "weights": "a=-1"}, "weights", "The weight of a is “-1”"),
        ({"rule": "weighted", "weights": "a=two"}, "weights", "The weight of a is “two”"),
        ({"rule": "weighted", "weights": "a=inf"}, "weights", "it must be a number from 0 up"),
        ({"rule": "weighted", "weights": "a=0,b=0,c=0"}, "weights", "no option could win"),
    ],
)
def test_what_does_not_fit_the_panel_is_refused_at_its_field(
    given: dict[str, Json], field: str, words: str
) -> None:
    with pytest.raises(InvalidOptions) as caught:
        get_strategy("voting").check(validate_options("voting", given), PANEL)
    [fault] = caught.value.errors
    assert fault.field == f"options.{field}"
    assert words in str(fault)


def test_a_review_needs_two() -> None:
    with pytest.raises(InvalidOptions, match="A review needs at least two models"):
        get_strategy("voting").check(validate_options("voting", {"ballot": "review"}), ("a",))


@pytest.mark.parametrize("rule", ["borda", "approval"])
def test_a_rule_that_counts_reviews_needs_two(rule: str) -> None:
    options = validate_options("voting", {"rule": rule})
    get_strategy("voting").check(options, ("a", "b"))
    with pytest.raises(InvalidOptions, match=f"The {rule} rule needs at least two models"):
        get_strategy("voting").check(options, ("a",))


async def test_a_run_refuses_what_nobody_checked_before() -> None:
    run = poll(*answering(a="1"))
    with pytest.raises(InvalidOptions, match="2 ballots cannot count"):
        await run.run(quorum=2)
    assert run.calls == {"a": 0}


@pytest.mark.parametrize("given", [{"posterior": 0.2}, {"posterior": "nan"}, {"quorum": 0}, {"tie": "dice"}])
def test_values_out_of_bounds_are_refused(given: dict[str, Json]) -> None:
    with pytest.raises(InvalidOptions):
        validate_options("voting", given)


def test_a_strategy_that_asks_for_nothing_is_not_held_against_the_panel() -> None:
    get_strategy("parallel").check(validate_options("parallel", {}), PANEL)


def test_weights_are_read_as_they_are_written() -> None:
    weights = parse_weights(" a=2,\nx=y=0.5 ", ("a", "x=y", "b"))
    assert weights == {"a": 2.0, "x=y": 0.5, "b": 1.0}


@pytest.mark.parametrize(
    ("given", "answers", "reviews"),
    [
        ({}, (5, 5), (0, 5)),
        ({"waves": 1}, (3, 5), (0, 5)),
        ({"ballot": "answers", "waves": 1, "stop": "off"}, (5, 5), (0, 0)),
        ({"ballot": "answers", "waves": 1, "stop": "posterior"}, (1, 5), (0, 0)),
        ({"ballot": "review", "waves": 2}, (5, 5), (4, 5)),
        ({"rule": "borda"}, (5, 5), (5, 5)),
    ],
)
def test_a_vote_says_how_many_answer_and_review(
    given: dict[str, Json], answers: tuple[int, int], reviews: tuple[int, int]
) -> None:
    effort = get_strategy("voting").effort(validate_options("voting", given), 5)
    assert (effort.answers, effort.reviews) == (answers, reviews)
    assert effort.may_review == (reviews == (0, 5))
