"""The parallel strategy."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from orchestration.llm.engine.errors import ModelNotFound, ProviderUnavailable
from orchestration.llm.engine.types import Json
from orchestration.runs.engine.budget import Limits
from orchestration.runs.engine.errors import LimitReached
from orchestration.runs.engine.types import EventKind
from orchestration.strategies.engine.errors import AllModelsFailed
from orchestration.strategies.engine.types import Constraints, StrategyEvent
from tests.support.clock import SkippingLoop
from tests.support.context import Stage
from tests.support.judges import by_text
from tests.support.models import FailingModel, ScriptedModel, SlowModel, saying, spec_named, truncated

LOOP_FACTORY = SkippingLoop
DOWN = ProviderUnavailable("503")
REFUSAL = "I cannot help with that."
FIRST: dict[str, Json] = {"select": "first_good_enough"}


def stage(*members: ScriptedModel, helpers: tuple[ScriptedModel, ...] = (), **more: object) -> Stage:
    return Stage(strategy="parallel", members=members, helpers=helpers, **more)  # type: ignore[arg-type]


async def test_all_are_asked_at_once() -> None:
    run = stage(SlowModel("a", 3), SlowModel("b", 5), SlowModel("c", 4))
    await run.run()
    assert asyncio.get_running_loop().time() == pytest.approx(1005, abs=0.1)


async def test_no_more_are_asked_at_once_than_the_option_allows() -> None:
    run = stage(SlowModel("a", 3), SlowModel("b", 3), SlowModel("c", 3))
    await run.run(max_parallel=1)
    assert asyncio.get_running_loop().time() == pytest.approx(1009, abs=0.1)


async def test_the_best_is_the_one_that_the_judge_finds_best() -> None:
    judge = ScriptedModel("judge", by_text(fair=5, good=9, poor=1))
    run = stage(*saying("fair", "good", "poor"), helpers=(judge,))
    outcome = await run.run(judge="judge")
    assert (outcome.answer, outcome.chosen) == ("good", "ask/good")
    assert outcome.decisions[-1].reason.startswith("good has the highest estimated quality")
    assert [candidate.model for candidate in outcome.candidates] == ["fair", "good", "poor"]
    assert {step.step for step in outcome.path} == {"ask/fair", "ask/good", "ask/poor", "judge", "select"}


async def test_a_tie_goes_to_the_first_on_the_panel_whoever_was_faster() -> None:
    outcome = await stage(SlowModel("slow", 5), *saying("quick")).run()
    assert outcome.chosen == "ask/slow"
    assert outcome.decisions[0].reason == ("slow and quick were not judged; slow comes first on the panel.")


async def test_an_answer_that_was_not_judged_wins_over_one_that_is_cut_off_and_claims_no_score() -> None:
    outcome = await stage(ScriptedModel("cut", [truncated("So far ")]), *saying("whole")).run()
    assert outcome.chosen == "ask/whole"
    assert outcome.decisions[0].reason == "whole was not judged; more speaks against the other answers."
    assert outcome.decisions[0].scores.keys() == {"cut"}


async def test_failures_are_candidates_with_their_reason() -> None:
    outcome = await stage(FailingModel("down", DOWN), *saying("fine")).run()
    assert [(c.state, c.error) for c in outcome.candidates] == [("failed", "503"), ("answered", "")]
    assert outcome.decisions[0].reason.startswith("fine gave the only answer")


async def test_when_all_fail_each_reason_is_given() -> None:
    with pytest.raises(AllModelsFailed) as caught:
        await stage(FailingModel("a", DOWN), FailingModel("b", ModelNotFound("no such model"))).run()
    assert caught.value.reasons == {"a": "503", "b": "no such model"}


async def test_the_first_good_answer_cancels_the_rest_and_says_what_was_saved() -> None:
    slow, slower = SlowModel("slow", 50), SlowModel("slower", 60)
    run = stage(slow, *saying("quick"), slower)
    outcome = await run.run(**FIRST)
    assert outcome.chosen == "ask/quick"
    assert [candidate.state for candidate in outcome.candidates] == ["cancelled", "answered", "cancelled"]
    assert outcome.decisions[0].reason == outcome.notes[0]
    assert outcome.notes[0] == (
        "quick is good enough: not judged, 76% assumed, 60% needed."
        " 2 calls not finished, an estimated $0.0000080 saved."
    )
    assert (slow.count.closed_early, slower.count.closed_early) == (1, 1)
    assert asyncio.get_running_loop().time() < 1001


async def test_a_model_still_waiting_for_its_turn_saves_its_prompt_too() -> None:
    run = stage(*saying("quick"), SlowModel("slow", 50), SlowModel("third", 50))
    outcome = await run.run(max_parallel=1, **FIRST)
    assert run.calls["third"] == 0
    assert outcome.notes[0].endswith("2 calls not finished, an estimated $0.000012 saved.")


async def test_without_prices_only_the_calls_are_counted() -> None:
    run = stage(*saying("quick"), SlowModel(spec_named("slow", prices=None), 50))
    outcome = await run.run(**FIRST)
    assert outcome.notes[0].endswith("needed. 1 call not finished.")


async def test_an_answer_below_the_threshold_does_not_end_the_wait() -> None:
    run = stage(ScriptedModel("prim", [REFUSAL]), SlowModel("slow", 5, "fine"), SlowModel("slower", 50))
    outcome = await run.run(**FIRST)
    assert outcome.chosen == "ask/slow"
    assert [candidate.state for candidate in outcome.candidates] == ["answered", "answered", "cancelled"]


async def test_when_none_is_good_enough_the_best_is_given_and_it_says_so() -> None:
    judge = ScriptedModel("judge", by_text(bad=1, poor=3))
    outcome = await stage(*saying("bad", "poor"), helpers=(judge,)).run(judge="judge", **FIRST)
    assert outcome.chosen == "ask/poor"
    assert outcome.notes == ("No answer reached the quality of 60%: this is the best one.",)


async def test_an_answer_whose_scoring_came_too_late_stays_an_answer() -> None:
    judge = ScriptedModel("judge", by_text(quick=9, late=9), first_s=2)
    late, slow = SlowModel("late", 1, "late"), SlowModel("slow", 50)
    run = stage(*saying("quick"), late, slow, helpers=(judge,))
    outcome = await run.run(judge="judge", **FIRST)
    assert [candidate.state for candidate in outcome.candidates] == ["answered", "answered", "cancelled"]
    assert outcome.candidates[1].quality is None
    again = await run.run(judge="judge", **FIRST)
    assert [candidate.state for candidate in again.candidates] == ["answered", "answered", "cancelled"]
    assert run.calls == {"quick": 1, "late": 1, "slow": 1, "judge": 2}


async def test_several_good_answers_at_once_need_no_stop() -> None:
    judge = ScriptedModel("judge", by_text(good=8, better=9))
    outcome = await stage(*saying("good", "better"), helpers=(judge,)).run(judge="judge", **FIRST)
    assert outcome.chosen in {"ask/good", "ask/better"}
    assert [candidate.state for candidate in outcome.candidates] == ["answered", "answered"]


async def test_at_the_deadline_it_returns_what_it_has_and_names_who_is_missing() -> None:
    run = stage(*saying("quick"), SlowModel("slow", 50), SlowModel("slower", 60))
    outcome = await run.run(deadline_s=10)
    assert [candidate.state for candidate in outcome.candidates] == ["answered", "missing", "missing"]
    assert outcome.notes[0].startswith("The deadline of 10 s passed. 2 calls not finished")
    assert outcome.notes[1] == "Missing: slow and slower."
    assert asyncio.get_running_loop().time() == pytest.approx(1010, abs=0.1)


async def test_past_the_deadline_it_waits_for_as_many_answers_as_asked_for() -> None:
    run = stage(*saying("quick"), SlowModel("slow", 50), SlowModel("slower", 60))
    outcome = await run.run(deadline_s=10, at_least=2)
    assert [candidate.state for candidate in outcome.candidates] == ["answered", "answered", "missing"]


async def test_the_runs_own_time_limit_is_a_deadline_too() -> None:
    run = stage(*saying("quick"), SlowModel("slow", 50), limits=Limits(seconds=10))
    outcome = await run.run()
    assert outcome.candidates[1].state == "missing"
    assert outcome.notes[0].startswith("The time limit of the run passed.")


async def test_a_time_limit_without_any_answer_fails_the_run() -> None:
    run = stage(SlowModel("a", 50), SlowModel("b", 50), limits=Limits(seconds=10))
    with pytest.raises(LimitReached, match="time limit"):
        await run.run()


async def test_a_money_limit_leaves_out_whom_it_does_not_reach() -> None:
    run = stage(*saying("a", "b"), limits=Limits(money=Decimal("0.005")))
    outcome = await run.run()
    assert [candidate.state for candidate in outcome.candidates] == ["answered", "missing"]
    assert "Raise the limit" in outcome.candidates[1].error
    assert outcome.notes[1] == "Missing: b."


async def test_a_limit_that_nobody_gets_past_fails_the_run() -> None:
    with pytest.raises(LimitReached) as caught:
        await stage(*saying("a", "b"), limits=Limits(money=Decimal("0.000001"))).run()
    assert caught.value.limit == "money"


async def test_an_answer_that_a_judge_finds_too_poor_is_marked() -> None:
    judge = ScriptedModel("judge", by_text(bad=2))
    run = stage(*saying("bad"), helpers=(judge,), constraints=Constraints(min_quality=0.5))
    outcome = await run.run(judge="judge")
    assert (outcome.answer, outcome.caveat) == ("bad", "below_quality")
    assert outcome.notes[0].endswith(
        "below the 50% that was asked for. Add stronger models, or ask for less."
    )


async def test_the_first_answer_that_is_good_enough_is_looked_for_at_the_quality_asked_for() -> None:
    run = stage(*saying("a", "b"), constraints=Constraints(min_quality=0.9))
    outcome = await run.run(select="first_good_enough")
    assert (outcome.answer, outcome.caveat, run.calls) == ("a", "quality_unknown", {"a": 1, "b": 1})


async def test_phases_scores_and_decisions_are_told() -> None:
    judge = ScriptedModel("judge", by_text(a=9, b=5))
    run = stage(*saying("a", "b"), helpers=(judge,))
    await run.run(judge="judge")
    assert [event.data["name"] for event in run.emitted(EventKind.PHASE_STARTED)] == ["asking", "judging"]
    scored = run.emitted(StrategyEvent.CANDIDATE_SCORED)
    assert [(event.step, event.data["model"]) for event in scored] == [("ask/a", "a"), ("ask/b", "b")]
    [decision] = run.emitted(EventKind.DECISION_MADE)
    assert decision.data["options"] == ["a", "b"]
    assert set(decision.data["scores"]) == {"a", "b"}
