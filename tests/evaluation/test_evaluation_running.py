"""Strategies run on recorded items, and their scores."""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar

import pytest

from orchestration.evaluation.engine.running import (
    EvaluationRun,
    ItemResult,
    item_seed,
    run_all,
    training_examples,
    without_scored,
)
from orchestration.evaluation.engine.scoring import Baseline, Measured, is_right, score, summarise
from orchestration.evaluation.services.evaluating import panel_factory
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.providers.recorded.loading import Labelled
from orchestration.llm.providers.recorded.model import Pace
from orchestration.llm.providers.recorded.recording import Item, ItemKey, Label
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.errors import LeaseLost, ReplayMismatch
from orchestration.runs.engine.types import Decision, Question
from orchestration.strategies.engine.belief.shipped import shipped_belief
from orchestration.strategies.engine.errors import AllModelsFailed
from orchestration.strategies.engine.options import StrategyOptions
from orchestration.strategies.engine.strategy import (
    Panel,
    Strategy,
    all_strategies,
    get_strategy,
    validate_options,
)
from orchestration.strategies.engine.types import Candidate, Quality, Request, StrategyOutcome
from tests.support.recordings import MODELS, answer, line, lines, recorded

Deed = Callable[[RunContext], Awaitable[None]]
COLUMNS = ("7 7 3", "7 3 3", "3 3 7", "1 2 3", "7 7 7")


def evaluation(
    data: Labelled, name: str = "parallel", panel: Sequence[str] = MODELS, **options: object
) -> EvaluationRun:
    specs = [data.recording.spec(model) for model in panel]
    return EvaluationRun(
        strategy=get_strategy(name),
        options=validate_options(name, options),
        panel_for=panel_factory(specs, [], Pace(), shipped_belief()),
        seed=1,
    )


async def results(
    data: Labelled, name: str = "parallel", panel: Sequence[str] = MODELS, **options: object
) -> tuple[ItemResult, ...]:
    return await run_all(evaluation(data, name, panel, **options), data.recording.items, lambda *_: None)


def poisoned(given: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return lines whose every label lies."""
    lying = copy.deepcopy([dict(each) for each in given])
    for each in lying:
        each["reference"] = "poison"
        for label in each["answers"]:
            label |= {"correct": not label["correct"], "extracted": "poison", "score": 99.0}
    return lying


@pytest.mark.parametrize("name", all_strategies())
async def test_no_strategy_reads_labels(name: str) -> None:
    honest = await results(recorded(lines(*COLUMNS)), name)
    assert await results(recorded(poisoned(lines(*COLUMNS))), name) == honest
    assert any(each.outcome is not None for each in honest)


async def test_a_panel_of_one_is_as_good_as_its_label() -> None:
    data = recorded(lines(*COLUMNS))
    for model, right in zip(MODELS, (3, 2, 2), strict=True):
        items = await results(data, "sequential", panel=[model])
        scores = [
            score(each, item, data.labels[item.key])
            for each, item in zip(items, data.recording.items, strict=True)
        ]
        assert sum(each.correct for each in scores) == right


async def test_calls_and_costs_are_those_that_were_started() -> None:
    [each] = await results(recorded(lines("7 7 3")))
    assert (each.calls, each.cost_usd) == (3, Decimal("0.003"))
    [one] = await results(recorded(lines("7 7 3")), "sequential", threshold=0.1)
    assert (one.calls, one.cost_usd) == (1, Decimal("0.001"))


async def test_calls_that_are_cut_off_cost_what_they_would_have() -> None:
    [each] = await results(recorded(lines("7 7 3")), select="first_good_enough", threshold=0.1)
    assert (each.calls, each.cost_usd) == (3, Decimal("0.003"))


async def test_a_price_that_nobody_recorded_makes_the_cost_unknown() -> None:
    free = recorded([line(0, {}, answers=[answer("ada", "7", cost_usd=None)])])
    [each] = await results(free, "sequential", panel=["ada"])
    assert each.cost_usd is None


async def test_outages_are_retried_counted_and_cost_nothing() -> None:
    data = recorded(lines(*["7 7 7"] * 20))
    spec = data.recording.spec("ada")
    flaky = EvaluationRun(
        strategy=get_strategy("sequential"),
        options=validate_options("sequential", {}),
        panel_for=panel_factory([spec], [], Pace(failure_rate=0.5), shipped_belief()),
    )
    items = await run_all(flaky, data.recording.items, lambda *_: None)
    assert sum(each.calls for each in items) > 24
    assert {each.cost_usd for each in items if each.outcome} == {Decimal("0.001")}
    assert {type(each.error) for each in items if each.error} <= {AllModelsFailed}


async def test_the_same_evaluation_gives_the_same_whatever_else_is_run() -> None:
    data = recorded(lines(*COLUMNS))
    alone = await evaluation(data).result(data.recording.items[3])
    assert (await results(data))[3] == alone
    assert item_seed(1, ItemKey("a", "b")) != item_seed(2, ItemKey("a", "b"))


async def test_progress_is_reported_item_by_item() -> None:
    data, reported = recorded(lines(*COLUMNS)), []
    await run_all(evaluation(data), data.recording.items, lambda done, of: reported.append((done, of)))
    assert reported == [(number, 5) for number in range(1, 6)]


class Odd(Strategy):
    """A strategy for tests that calls a function with its context."""

    name: ClassVar[str] = "odd"
    title: ClassVar[str] = "Odd"
    summary: ClassVar[str] = "Calls a function."
    in_turn: ClassVar[bool] = False
    Options: ClassVar[type[StrategyOptions]] = StrategyOptions

    def __init__(self, does: Deed) -> None:
        self._does = does

    async def run(self, request: Request, panel: Panel, context: RunContext) -> StrategyOutcome:  # noqa: ARG002  # a seam
        await self._does(context)
        return StrategyOutcome(answer="")


def odd(does: Deed) -> EvaluationRun:
    data = recorded(lines("7 7 3"))
    specs = [data.recording.spec("ada")]
    return EvaluationRun(
        strategy=Odd(does),
        options=StrategyOptions(),
        panel_for=panel_factory(specs, [], Pace(), shipped_belief()),
    )


async def asks_a_person(context: RunContext) -> None:
    await context.ask_human(Question(text="Who wins?"), "tie")


async def test_a_question_for_a_person_fails_the_run_instead_of_waiting_for_ever() -> None:
    each = await odd(asks_a_person).result(recorded(lines("7 7 3")).recording.items[0])
    assert "A person would be asked: Who wins?" in str(each.error)


async def starts_a_child(context: RunContext) -> None:
    await context.run_child("pipeline", "p", {}, step="child")


async def names_a_step_twice(context: RunContext) -> None:
    await context.decide("same", 1)
    await context.decide("same", 1)


async def loses_its_lease(context: RunContext) -> None:
    raise LeaseLost


@pytest.mark.parametrize(
    ("does", "error"),
    [(starts_a_child, InvalidRequest), (names_a_step_twice, ReplayMismatch), (loses_its_lease, LeaseLost)],
)
async def test_what_is_no_result_is_raised(does: Deed, error: type[Exception]) -> None:
    with pytest.raises(error):
        await odd(does).result(recorded(lines("7 7 3")).recording.items[0])


def outcome(text: str, chosen: str = "") -> StrategyOutcome:
    candidate = Candidate(model="ada", step="ask/ada", text="The answer is 7.")
    return StrategyOutcome(answer=text, candidates=(candidate,), chosen=chosen)


@pytest.mark.parametrize(
    ("text", "chosen", "right"),
    [
        ("The answer is 7.", "ask/ada", False),
        ("All in all, the answer is 7.", "", True),
        ("All in all, the answer is 7.", "ask/ada", True),
        ("The answer is 8.", "", False),
        ("Who knows?", "", False),
    ],
)
def test_a_recorded_answer_takes_its_label_and_any_other_the_reference(
    text: str,
    chosen: str,
    right: bool,  # noqa: FBT001
) -> None:
    data = recorded([line(0, {}, answers=[answer("ada", "7", correct=False)])])
    item = data.recording.items[0]
    assert is_right(outcome(text, chosen), item, data.labels[item.key]) is right


def test_prose_is_right_when_it_is_the_reference_word_for_word() -> None:
    item = Item(key=ItemKey("d", "i"), prompt="Tell me a tale.")
    wanted = Label(reference="once upon a time " * 30)
    assert is_right(outcome("once  upon a time " * 30), item, wanted)
    assert not is_right(outcome("twice upon a time"), item, wanted)
    assert not is_right(outcome("anything"), item, Label())


def test_figures_add_up() -> None:
    data = recorded(lines("7 7 3", "7 7 3"))
    moved = Decision(kind="move_on", chosen="bob", reason="ada was cut off")
    good = replace(outcome("The answer is 7."), decisions=(moved,), quality=Quality(overall=0.9))
    one = ItemResult(
        key=data.recording.items[0].key, outcome=good, error=None, calls=2, cost_usd=Decimal("0.1")
    )
    failed = AllModelsFailed({"ada": "down"})
    two = ItemResult(
        key=data.recording.items[1].key, outcome=None, error=failed, calls=1, cost_usd=Decimal(0)
    )
    both = (one, two)
    scores = [
        score(each, item, data.labels[item.key])
        for each, item in zip(both, data.recording.items, strict=True)
    ]
    shown = summarise(
        Measured(label="odd", strategy="odd", options={}, results=both, scores=scores),
        Baseline(best_single=0, random=0, plurality=None, oracle=0),
    ).as_json()
    assert (shown["accuracy"], shown["escalation_rate"], shown["failed_rate"]) == (0.5, 0.5, 0.5)
    assert (shown["calls_per_item"], shown["cost_per_1k_usd"]) == (1.5, 50.0)
    assert (shown["quality_auroc"], shown["quality_ece"]) == (None, pytest.approx(0.1))
    assert shown["failures"] == ["all_models_failed: No model could answer. ada: down"]
    assert shown["routing"] is None


def test_what_is_learned_from_must_not_be_scored() -> None:
    scored = recorded(lines("7 7 3", "7 7 3")).recording.items
    with pytest.raises(
        InvalidRequest, match=r"2 of the items to learn from are scored as well \(small/q0, small/q1\)"
    ):
        without_scored(scored, scored)
    same_words = recorded([line(0, {"ada": "7"}, item_id="other"), line(5, {"ada": "7"})]).recording.items
    assert [str(item.key) for item in without_scored(same_words, scored)] == ["small/q5"]


def test_training_examples_hold_what_is_graded() -> None:
    given = [answer("ada", "7", "7"), answer("bob", "1", text=None), answer("cyd", "1", correct=None)]
    data = recorded([line(0, {}, answers=given)])
    [example] = training_examples(data.recording.items, data.labels)
    assert {model: graded.correct for model, graded in example.answers.items()} == {"ada": True}
    assert example.prompt == data.recording.items[0].prompt
