"""The sequential strategy."""

from __future__ import annotations

import asyncio

import pytest

from orchestration.llm.engine.errors import AuthenticationRejected, ContextWindowExceeded, ProviderUnavailable
from orchestration.runs.engine.budget import Limits
from orchestration.runs.engine.errors import LimitReached
from orchestration.runs.engine.types import EventKind
from orchestration.strategies.engine.errors import AllModelsFailed, NoUsableAnswer
from orchestration.strategies.engine.types import Constraints
from tests.support.clock import SkippingLoop
from tests.support.context import Stage
from tests.support.crashes import crash_points
from tests.support.judges import by_text, scores
from tests.support.models import (
    FailingModel,
    ScriptedModel,
    SlowModel,
    spec_named,
    truncated,
)

LOOP_FACTORY = SkippingLoop
DOWN = ProviderUnavailable("503")
TOO_LONG = ContextWindowExceeded("The prompt does not fit.")
REFUSAL = "I cannot help with that."


def stage(*members: ScriptedModel, helpers: tuple[ScriptedModel, ...] = (), **more: object) -> Stage:
    return Stage(strategy="sequential", members=members, helpers=helpers, **more)  # type: ignore[arg-type]


async def test_the_first_acceptable_answer_is_taken_and_nobody_else_is_asked() -> None:
    run = stage(ScriptedModel("a", ["Answer: 4"]), ScriptedModel("b"), ScriptedModel("c"))
    outcome = await run.run()
    assert (outcome.answer, outcome.chosen) == ("Answer: 4", "ask/a")
    assert run.calls == {"a": 1, "b": 0, "c": 0}
    assert outcome.notes == ("Not needed: b and c.",)
    assert outcome.candidates[0].extracted == "4"
    assert [step.step for step in outcome.path] == ["ask/a", "select"]


async def test_it_moves_on_after_errors_refusals_truncation_and_says_why() -> None:
    run = stage(
        FailingModel("down", DOWN),
        ScriptedModel("prim", [REFUSAL]),
        ScriptedModel("short", [truncated("It is 4 bec")]),
        ScriptedModel("good", ["It is 4."]),
    )
    outcome = await run.run()
    assert outcome.answer == "It is 4."
    reasons = [decision.reason for decision in outcome.decisions if decision.kind == "move_on"]
    assert reasons[0] == "down: 503"
    assert "declines to answer" in reasons[1]
    assert "cut off at the length limit" in reasons[2]
    assert [event.data["chosen"] for event in run.emitted(EventKind.DECISION_MADE)] == [
        "prim",
        "short",
        "good",
        "good",
    ]


async def test_it_moves_on_when_the_judge_finds_the_quality_too_low() -> None:
    judge = ScriptedModel("judge", [scores(2), scores(9)])
    run = stage(ScriptedModel("a", ["wrong"]), ScriptedModel("b", ["right"]), helpers=(judge,))
    outcome = await run.run(judge="judge")
    assert outcome.answer == "right"
    assert "below 60%" in outcome.decisions[0].reason
    assert outcome.quality is not None
    assert outcome.quality.accuracy == 0.9


async def test_when_nothing_is_acceptable_the_best_answer_is_given_and_it_says_so() -> None:
    judge = ScriptedModel("judge", [scores(1), scores(4), scores(2)])
    run = stage(*(ScriptedModel(name, [name]) for name in "abc"), helpers=(judge,))
    outcome = await run.run(judge="judge", threshold=0.9)
    assert outcome.chosen == "ask/b"
    assert outcome.notes == ("No answer reached the quality of 90%: this is the best one.",)


async def test_a_prompt_too_long_for_one_window_goes_to_a_larger_one() -> None:
    small, same = spec_named("small", window=4096), spec_named("same", window=4096)
    large = spec_named("large", window=128_000)
    run = stage(FailingModel(small, TOO_LONG), ScriptedModel(same), ScriptedModel(large, ["fits"]))
    outcome = await run.run()
    assert (outcome.answer, run.calls["same"]) == ("fits", 0)
    assert "4,096 tokens is no larger" in outcome.candidates[1].error
    assert outcome.decisions[0].chosen == "large"


async def test_when_all_fail_each_reason_is_given() -> None:
    run = stage(
        FailingModel("a", DOWN), FailingModel("b", AuthenticationRejected("b refused the key (401)."))
    )
    with pytest.raises(AllModelsFailed) as caught:
        await run.run()
    assert caught.value.reasons == {"a": "503", "b": "b refused the key (401)."}


async def test_all_are_tried_before_the_quality_that_was_asked_for_is_given_up() -> None:
    run = stage(ScriptedModel("a"), ScriptedModel("b"), constraints=Constraints(min_quality=0.8))
    outcome = await run.run()
    assert (outcome.answer, outcome.caveat) == ("ok", "quality_unknown")
    assert run.calls == {"a": 1, "b": 1}


POOR = "x. " * 60


async def test_a_limit_reached_midway_leaves_the_best_answer_so_far() -> None:
    run = stage(ScriptedModel("a", [POOR]), ScriptedModel("b"), ScriptedModel("c"), limits=Limits(calls=1))
    outcome = await run.run()
    assert outcome.answer == POOR
    assert "limit of 1 calls is used up" in outcome.notes[1]
    assert run.calls == {"a": 1, "b": 0, "c": 0}


async def test_where_a_limit_leaves_only_a_refusal_there_is_no_answer_and_it_says_why() -> None:
    run = stage(ScriptedModel("a", [REFUSAL]), ScriptedModel("b"), limits=Limits(calls=1))
    with pytest.raises(NoUsableAnswer, match=r"^The model declined\. .* limit of 1 calls is used up"):
        await run.run()


async def test_a_limit_reached_before_any_answer_fails_the_run() -> None:
    run = stage(SlowModel("a", 60), limits=Limits(seconds=10))
    with pytest.raises(LimitReached, match="time limit"):
        await run.run()


async def test_cancelling_the_run_ends_the_call_under_way() -> None:
    slow = SlowModel("a", 60)
    task = asyncio.create_task(stage(slow).run())
    await asyncio.sleep(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert slow.count.closed_early == 1


def judged() -> Stage:
    judge = ScriptedModel("judge", by_text(a=1, b=9))
    return stage(
        FailingModel("down", DOWN), ScriptedModel("a", ["a"]), ScriptedModel("b", ["b"]), helpers=(judge,)
    )


@pytest.mark.parametrize("dies_at", crash_points(judged, judge="judge"))
async def test_wherever_it_is_killed_nothing_that_ended_is_asked_again(dies_at: int) -> None:
    run = judged()
    assert await run.run_until_death(dies_at, judge="judge")
    ended, before = set(run.log.steps), run.calls
    outcome = await run.run(judge="judge")
    assert outcome.chosen == "ask/b"
    again = {name for name, calls in run.calls.items() if calls > before[name] > 0}
    assert not [name for name in again if f"ask/{name}" in ended]
    assert sum(run.calls.values()) <= 6


async def test_a_limit_that_stopped_an_earlier_attempt_stops_the_next_one() -> None:
    run = stage(ScriptedModel("a", [POOR]), ScriptedModel("b"), limits=Limits(calls=1))
    first = await run.run()
    run.limits = Limits(calls=5)
    again = await run.run()
    assert (again.answer, again.chosen, again.notes) == (first.answer, first.chosen, first.notes)
    assert run.calls == {"a": 1, "b": 0}
