"""The cascade strategy."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

import pytest

from orchestration.llm.engine.errors import InvalidRequest, ModelError, ProviderUnavailable
from orchestration.llm.engine.types import Completion, Prices, Usage
from orchestration.runs.engine.budget import Limits
from orchestration.runs.engine.errors import LimitReached
from orchestration.runs.engine.types import EventKind
from orchestration.strategies.engine.belief.model import AnswerRecord
from orchestration.strategies.engine.belief.shipped import shipped_belief
from orchestration.strategies.engine.cascade import LEAST_PRICE, CascadeOptions, least_gains
from orchestration.strategies.engine.classification import TaskType
from orchestration.strategies.engine.errors import AllModelsFailed
from orchestration.strategies.engine.profiles import expectation
from orchestration.strategies.engine.strategy import validate_options
from orchestration.strategies.engine.types import Constraints, Request, StrategyEvent
from tests.support.clock import SkippingLoop
from tests.support.context import Stage
from tests.support.judges import scores
from tests.support.models import ScriptedModel, spec_named, truncated

LOOP_FACTORY = SkippingLoop
DOWN = ProviderUnavailable("503")
WORDS, OTHERS = (
    "It was a matter of luck and of good weather.",
    "Nobody could have foreseen any of what followed.",
)


def costing(name: str, dollars: int | None, reply: str | Completion | ModelError) -> ScriptedModel:
    """Return a model with a price in US dollars per million tokens, of either kind."""
    prices = dollars and Prices(input_per_million=Decimal(dollars), output_per_million=Decimal(dollars))
    return ScriptedModel(spec_named(name, prices=prices or None), [reply])


USUAL = 175
"""The tokens of an answer to so short a question before any was seen."""


def said(number: int, tokens: int = USUAL) -> Completion:
    return Completion(text=f"Answer: {number}", usage=Usage(input_tokens=10, output_tokens=tokens))


def stage(*members: ScriptedModel, helpers: tuple[ScriptedModel, ...] = (), **more: object) -> Stage:
    return Stage(strategy="cascade", members=members, helpers=helpers, **more)  # type: ignore[arg-type]


def ladder(first: int, second: int, big: int) -> Stage:
    return stage(costing("big", 9, said(big)), costing("a", 1, said(first)), costing("b", 2, said(second)))


async def test_where_the_two_cheapest_agree_the_dear_one_is_not_asked() -> None:
    run = ladder(4, 4, 5)
    outcome = await run.run()
    assert (outcome.answer, outcome.chosen) == ("Answer: 4", "ask/a")
    assert run.calls == {"big": 0, "a": 1, "b": 1}
    assert outcome.decisions[-1].reason == (
        "a is accepted: estimated quality 94%; asking big would add 0 points, no more than the 8 points"
        " that its price asks for."
    )
    assert "Not needed: big." in outcome.notes


async def test_where_they_differ_the_expensive_one_decides_and_it_says_so() -> None:
    run = ladder(4, 3, 5)
    outcome = await run.run()
    assert (outcome.answer, outcome.chosen) == ("Answer: 5", "ask/big")
    [move] = [decision for decision in outcome.decisions if decision.kind == "escalate"]
    assert (move.chosen, move.options) == ("big", ("a", "b"))
    assert re.fullmatch(
        r"a: estimated quality 39%; asking big would add 19 points,"
        r" more than the 8 points that its price asks for\.",
        move.reason,
    )
    assert set(move.scores) == {"a", "b"}
    assert outcome.decisions[-1].reason.endswith("the highest; nobody is left.")


async def test_escalations_are_emitted_as_they_happen() -> None:
    run = ladder(4, 3, 5)
    await run.run()
    kinds = [event.data["kind"] for event in run.emitted(EventKind.DECISION_MADE)]
    assert kinds == ["escalate", "select"]


GOOD, POOR, FAIR, BAD = (AnswerRecord(prior=right) for right in (0.95, 0.5, 0.42, 0.35))


@pytest.mark.parametrize(
    ("records", "asked"),
    [
        ({"a": POOR, "b": POOR, "big": GOOD}, {"quality": 3, "balanced": 3, "economy": 3}),
        ({"a": POOR, "b": POOR, "big": FAIR}, {"quality": 3, "balanced": 3, "economy": 2}),
        ({"a": POOR, "b": POOR, "big": BAD}, {"quality": 3, "balanced": 2, "economy": 2}),
    ],
)
async def test_presets_say_what_a_better_answer_may_cost(
    records: dict[str, AnswerRecord], asked: dict[str, int]
) -> None:
    found = {}
    for preset in asked:
        run = ladder(4, 3, 5)
        run.belief = replace(shipped_belief(), records=records)
        await run.run(preset=preset)
        found[preset] = sum(run.calls.values())
    assert found == asked


async def test_a_cheap_model_is_asked_for_a_gain_for_which_an_expensive_one_is_not() -> None:
    run = ladder(4, 4, 4)
    better = AnswerRecord(prior=0.8)
    run.belief = replace(shipped_belief(), records={"a": AnswerRecord(prior=0.5), "b": better, "big": better})
    outcome = await run.run(width=1)
    assert run.calls == {"big": 0, "a": 1, "b": 1}
    assert "asking b would add" in outcome.decisions[0].reason
    assert "more than the 1.8 points that its price asks for" in outcome.decisions[0].reason


async def test_whoever_adds_most_for_its_price_is_asked_next_or_the_next_by_price() -> None:
    for order, asked in (("worth", "big"), ("price", "b")):
        run = ladder(4, 4, 4)
        good, weak = AnswerRecord(prior=0.9), AnswerRecord(prior=0.5)
        run.belief = replace(shipped_belief(), records={"a": weak, "b": weak, "big": good})
        outcome = await run.run(width=1, order=order, preset="quality")
        assert outcome.decisions[0].chosen == asked
        assert "asking big would add" in outcome.decisions[0].reason


async def test_a_point_of_quality_has_a_price_of_its_own() -> None:
    """The expensive one costs $9 for a million tokens, an answer of 300 about $2.8 per 1,000."""
    found = {}
    for point in (0.01, 1.0):
        run = ladder(4, 5, 6)
        run.belief = replace(shipped_belief(), records={"big": AnswerRecord(prior=0.9)})
        outcome = await run.run(point_usd=point)
        found[point] = run.calls["big"]
        assert "that its price asks for" in outcome.decisions[0].reason
    assert found == {0.01: 0, 1.0: 1}


def test_models_that_cost_nothing_are_asked_for_any_gain() -> None:
    nothing = Prices(input_per_million=Decimal(0), output_per_million=Decimal(0))
    free = [spec_named(name, prices=nothing) for name in "abc"]
    asked = Request(text="What?", options={})
    beside = least_gains([costing("big", 1, said(4)).spec, *free], asked, CascadeOptions(), {})
    assert beside == {"big": pytest.approx(0.08), **dict.fromkeys("abc", LEAST_PRICE)}
    assert least_gains(free, asked, CascadeOptions(), {}) == dict.fromkeys("abc", 0.08)


async def test_longer_answers_than_usual_make_the_next_one_dearer() -> None:
    """Two answers eight times as long say that the next is three times, the most; reading costs the same."""
    found = {}
    for tokens in (1, USUAL, 8 * USUAL):
        run = stage(*(costing(name, at, said(4, tokens)) for name, at in {"big": 9, "a": 1, "b": 2}.items()))
        reason = (await run.run()).decisions[-1].reason
        [needed] = re.findall("no more than the ([0-9.]+) points", reason)
        found[tokens] = float(needed)
        assert reason.endswith("(8 points for an answer of usual length).") == (tokens != USUAL)
    assert found[1] < found[USUAL] == 8
    assert 8 / 3 < found[1] < 3
    assert 23 < found[8 * USUAL] < 24


async def test_what_models_usually_write_is_read_from_their_profiles() -> None:
    """The expensive one per token writes so little that it is the cheapest."""
    brief, wordy = (
        replace(expectation(spec_named("x"), task), asked=50, written=written)
        for task, written in ((TaskType.CONVERSATION, 4.0), (TaskType.CONVERSATION, 900.0))
    )
    run = ladder(4, 4, 4)
    for model, profile in zip(run.members, (brief, wordy, wordy), strict=True):
        model.profiles = (profile,)
    await run.run(width=1)
    assert run.calls == {"big": 1, "a": 0, "b": 0}


async def test_answers_that_cannot_be_compared_are_as_good_as_the_records_of_their_models() -> None:
    for right, asked in ((0.95, 3), (0.5, 2)):
        run = stage(costing("a", 1, WORDS), costing("b", 2, OTHERS), costing("big", 9, WORDS))
        run.belief = replace(shipped_belief(), records={"big": AnswerRecord(prior=right)})
        await run.run()
        assert sum(run.calls.values()) == asked


async def test_an_explicit_threshold_wins_over_the_preset() -> None:
    run = ladder(4, 3, 5)
    outcome = await run.run(preset="quality", threshold=0.3)
    assert outcome.chosen == "ask/a"
    assert outcome.decisions[-1].reason == "a is accepted: estimated quality 39%, 30% needed."
    run = ladder(4, 4, 4)
    outcome = await run.run(preset="economy", threshold=0.95)
    assert outcome.decisions[0].reason == "a: estimated quality 94%, below 95%."


@pytest.mark.parametrize("width", [3, 9])
async def test_the_most_expensive_is_never_in_the_first_level(width: int) -> None:
    run = ladder(4, 4, 5)
    await run.run(width=width)
    assert run.calls == {"big": 0, "a": 1, "b": 1}


async def test_of_two_models_one_is_asked_and_the_other_where_it_is_worth_it() -> None:
    run = stage(costing("dear", 9, said(5)), costing("cheap", 1, said(4)))
    assert (await run.run()).chosen == "ask/cheap"
    assert run.calls == {"dear": 0, "cheap": 1}
    run = stage(costing("dear", 9, said(5)), costing("cheap", 1, said(4)))
    run.belief = replace(shipped_belief(), records={"cheap": POOR, "dear": GOOD})
    outcome = await run.run()
    assert (outcome.chosen, outcome.decisions[0].chosen) == ("ask/dear", "dear")
    assert run.members[1].count.prompts[0] == run.members[0].count.prompts[0]


async def test_without_a_price_for_each_the_panel_gives_the_order() -> None:
    run = stage(costing("x", None, said(4)), costing("y", 1, said(4)), costing("z", 2, said(4)))
    outcome = await run.run()
    assert run.calls == {"x": 1, "y": 1, "z": 0}
    assert outcome.notes == ("Not needed: z.",)


async def test_the_order_of_the_panel_can_be_asked_for() -> None:
    run = ladder(4, 4, 4)
    await run.run(order="panel")
    assert run.calls == {"big": 1, "a": 1, "b": 0}


async def test_what_was_saved_is_estimated_from_what_the_last_is_expected_to_write() -> None:
    """Eight times as long as usual: that of the last is taken to be three times as long as usual."""
    for tokens, words in (
        (USUAL, "The answers cost $0.00056; big alone about $0.0016: about $0.0010 saved."),
        (
            8 * USUAL,
            "The answers cost $0.0042; big alone about $0.0048: about $0.00060 saved.",
        ),
    ):
        run = stage(*(costing(name, at, said(4, tokens)) for name, at in {"big": 9, "a": 1, "b": 2}.items()))
        assert (await run.run()).notes[-1] == words


async def test_where_the_dearest_has_no_price_nothing_is_said_of_savings() -> None:
    run = stage(costing("a", 1, said(4)), costing("b", 2, said(4)), costing("unpriced", None, said(4)))
    assert (await run.run()).notes == ("Not needed: unpriced.",)


async def test_spending_more_than_the_most_expensive_alone_is_reported() -> None:
    outcome = await ladder(4, 3, 5).run()
    spent = "The answers cost $0.0022; big alone $0.0017: $0.00050 more was spent, nothing saved."
    assert outcome.notes == (spent,)


async def test_a_more_expensive_model_is_shown_drafts_as_data_where_that_is_wanted() -> None:
    run = ladder(4, 3, 4)
    outcome = await run.run(draft=True)
    system, user = run.members[0].count.prompts[0].messages
    assert "data to work on" in system.content
    assert user.content.count("<answer id=") == 2
    assert "Answer: 3" in user.content
    quality = outcome.quality
    assert quality is not None
    assert (quality.judged, quality.compared) == (False, 0)


async def test_agreeing_with_a_draft_that_was_shown_does_not_count() -> None:
    run = ladder(4, 4, 4)
    outcome = await run.run(draft=True, width=1, threshold=0.9)
    assert run.calls == {"big": 1, "a": 1, "b": 1}
    assert outcome.quality is not None
    assert outcome.quality.compared == 0


async def test_outvoted_by_two_that_agree_the_most_expensive_is_not_believed() -> None:
    run = ladder(4, 4, 5)
    outcome = await run.run(threshold=0.95)
    assert (outcome.chosen, sum(run.calls.values())) == ("ask/a", 3)
    assert outcome.quality is not None
    assert (outcome.quality.agreeing, outcome.quality.compared) == (2, 3)
    assert [event.data["step"] for event in run.emitted(StrategyEvent.CANDIDATE_SCORED)] == [
        "ask/a",
        "ask/b",
        "ask/a",
        "ask/b",
        "ask/big",
    ]


async def test_without_drafts_every_model_is_asked_the_same() -> None:
    run = ladder(4, 3, 5)
    await run.run()
    first, *others = [model.count.prompts[0] for model in run.members]
    assert all(other == first for other in others)


async def test_a_level_that_fails_is_passed_over() -> None:
    run = stage(costing("a", 1, DOWN), costing("b", 2, DOWN), costing("big", 9, said(4)))
    outcome = await run.run()
    assert outcome.chosen == "ask/big"
    assert outcome.decisions[0].reason == "a and b gave no answer."


async def test_where_the_dearest_fails_the_best_cheaper_answer_is_given() -> None:
    run = stage(costing("a", 1, said(4)), costing("b", 2, said(5)), costing("big", 9, DOWN))
    outcome = await run.run()
    assert outcome.chosen == "ask/a"
    assert outcome.notes[0] == "big gave no answer: this is the best of the others."


async def test_when_all_fail_the_run_fails_with_each_reason() -> None:
    with pytest.raises(AllModelsFailed, match=r"a.*b"):
        await stage(costing("a", 1, DOWN), costing("b", 2, DOWN)).run()


async def test_a_limit_ends_the_cascade_with_what_there_is() -> None:
    run = ladder(4, 3, 5)
    run.limits = Limits(calls=2)
    outcome = await run.run()
    assert outcome.chosen == "ask/a"
    assert outcome.notes[0].startswith("The cascade ended early. The limit of 2 calls")
    assert outcome.candidates[-1].state == "missing"


async def test_a_limit_that_lets_nobody_answer_fails_the_run() -> None:
    run = ladder(4, 3, 5)
    run.limits = Limits(calls=1, money=Decimal("0.0000001"))
    with pytest.raises(LimitReached):
        await run.run()


async def test_least_quality_raises_the_bar_and_marks_the_answer_that_misses_it() -> None:
    run = ladder(4, 4, 5)
    run.constraints = Constraints(min_quality=0.97)
    outcome = await run.run()
    assert (outcome.answer, outcome.caveat) == ("Answer: 4", "below_quality")
    assert sum(run.calls.values()) == 3


async def test_a_judge_can_convince_at_the_first_level() -> None:
    judge = ScriptedModel("judge", [scores(9)])
    run = ladder(4, 3, 5)
    run.helpers = (judge,)
    outcome = await run.run(width=1, judge="judge")
    assert (outcome.chosen, run.calls["b"]) == ("ask/a", 0)


@pytest.mark.parametrize("threshold", [-0.1, 1.5])
def test_a_threshold_outside_0_to_1_is_refused(threshold: float) -> None:
    with pytest.raises(InvalidRequest, match="Threshold"):
        validate_options("cascade", {"threshold": threshold})


async def test_what_answers_break_off_in_is_not_believed() -> None:
    broken_off = truncated("That makes 170, and then 7")
    run = stage(costing("a", 1, broken_off), costing("b", 2, broken_off), costing("big", 9, said(5)))
    outcome = await run.run()
    assert outcome.chosen == "ask/big"
    assert outcome.decisions[0].reason.startswith("a: estimated quality 5%; asking big would add 65 points")
