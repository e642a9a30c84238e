"""Going on to another strategy or model where an answer will not do."""

from __future__ import annotations

import pytest

from orchestration.llm.engine.errors import ProviderUnavailable
from orchestration.llm.engine.types import Json
from orchestration.runs.engine.types import EventKind
from orchestration.strategies.engine.errors import AllModelsFailed, InvalidOptions
from orchestration.strategies.engine.fallback import FallbackOptions, fallback_names
from orchestration.strategies.engine.options import parse_options
from orchestration.strategies.engine.strategy import all_strategies
from orchestration.strategies.engine.types import Constraints
from tests.support.clock import SkippingLoop
from tests.support.context import Stage
from tests.support.crashes import crash_points
from tests.support.judges import by_text
from tests.support.models import FailingModel, ScriptedModel, saying

LOOP_FACTORY = SkippingLoop
DOWN = ProviderUnavailable("503")
REFUSAL = "I cannot help with that."


def answering(**said: str) -> list[ScriptedModel]:
    return [ScriptedModel(name, [text]) for name, text in said.items()]


def differing() -> Stage:
    """Return a panel of two who contradict each other, and a third in reserve."""
    return Stage(
        strategy="parallel", members=answering(a="Answer: 4", b="Answer: 3"), helpers=answering(c="Answer: 5")
    )


def test_every_strategy_that_may_be_a_fallback_can_be_named_and_no_other_word() -> None:
    schema = FallbackOptions.model_json_schema()["properties"]["fallback"]
    assert schema["anyOf"][0]["enum"] == fallback_names() == list(all_strategies())
    assert parse_options(FallbackOptions, {"fallback": "cascade"}).fallback == "cascade"
    with pytest.raises(InvalidOptions, match=r"Fallback strategy: input should be 'cascade', .* or 'voting'"):
        parse_options(FallbackOptions, {"fallback": "oracle"})


async def test_without_a_fallback_a_weak_answer_stays() -> None:
    outcome = await differing().run()
    assert outcome.chosen == "ask/a"
    assert [decision.kind for decision in outcome.decisions] == ["select"]


async def test_a_good_answer_needs_no_fallback() -> None:
    run = differing()
    await run.run(fallback_model="c", fallback_below=0.3)
    assert run.calls["c"] == 0


async def test_below_the_threshold_the_fallback_model_is_asked_and_it_says_so() -> None:
    run = differing()
    outcome = await run.run(fallback_model="c")
    assert (outcome.answer, outcome.chosen) == ("Answer: 5", "fallback/ask/c")
    assert [candidate.model for candidate in outcome.candidates] == ["a", "b", "c"]
    assert outcome.notes[0] == ("It fell back on c; its answer is used. Estimated quality 39% is below 50%.")
    assert [decision.kind for decision in outcome.decisions] == ["select", "fallback", "select"]
    assert [event.data["kind"] for event in run.emitted(EventKind.DECISION_MADE)] == [
        "select",
        "fallback",
        "select",
    ]


async def test_where_nobody_answers_the_fallback_goes_on() -> None:
    run = Stage(strategy="sequential", members=[FailingModel("a", DOWN)], helpers=answering(c="Answer: 5"))
    outcome = await run.run(fallback_model="c")
    assert outcome.answer == "Answer: 5"
    assert outcome.notes[0].startswith("It fell back on c. ")


async def test_a_vote_without_a_quorum_goes_on() -> None:
    rambling = "On the one hand much speaks for it, on the other hand nobody has asked them. " * 5
    unreadable = answering(a=rambling, b=rambling + rambling)
    run = Stage(strategy="voting", members=unreadable, helpers=answering(c="Answer: 5"))
    outcome = await run.run(ballot="answers", quorum=2, fallback_model="c")
    assert outcome.answer == "Answer: 5"
    assert outcome.notes[0].startswith("It fell back on c. ")


async def test_a_fallback_strategy_works_with_the_panel_and_the_model_beside_it() -> None:
    run = differing()
    outcome = await run.run(fallback="cascade", fallback_model="c")
    assert outcome.decisions[1].chosen == "Cascade with c"
    assert run.calls == {"a": 2, "b": 2, "c": 1}
    assert outcome.path[-1].step.startswith("fallback/")


async def test_the_answer_from_before_stays_where_it_is_the_better_one() -> None:
    run = Stage(
        strategy="parallel", members=answering(a="Answer: 4", b="Answer: 3"), helpers=answering(c=REFUSAL)
    )
    outcome = await run.run(fallback_model="c")
    assert outcome.chosen == "ask/a"
    assert "without success: The model declined." in outcome.notes[0]


async def test_a_fallback_that_fails_leaves_the_answer_from_before() -> None:
    run = Stage(
        strategy="parallel",
        members=answering(a="Answer: 4", b="Answer: 3"),
        helpers=[FailingModel("c", DOWN)],
    )
    outcome = await run.run(fallback_model="c")
    assert outcome.chosen == "ask/a"
    assert outcome.notes[-1].startswith("It fell back on c, without success:")


async def test_when_both_fail_the_run_fails() -> None:
    run = Stage(strategy="parallel", members=[FailingModel("a", DOWN)], helpers=[FailingModel("c", DOWN)])
    with pytest.raises(AllModelsFailed, match="c"):
        await run.run(fallback_model="c")


async def test_least_quality_that_is_missed_goes_on_to_the_fallback() -> None:
    run = differing()
    run.constraints = Constraints(min_quality=0.6)
    assert (await run.run(fallback_model="c")).answer == "Answer: 5"


async def test_where_the_fallback_misses_the_least_quality_too_the_better_answer_is_marked() -> None:
    run = differing()
    run.constraints = Constraints(min_quality=0.9)
    outcome = await run.run(fallback_model="c")
    assert (outcome.answer, outcome.caveat) == ("Answer: 5", "quality_unknown")
    assert outcome.notes[1].startswith("It fell back on c; its answer is used.")


async def test_the_judge_judges_the_fallback_too() -> None:
    judge = ScriptedModel("judge", by_text(poor=1, better=9))
    run = Stage(strategy="parallel", members=saying("poor"), helpers=(*saying("better"), judge))
    outcome = await run.run(fallback_model="better", judge="judge")
    assert (outcome.chosen, run.calls["judge"]) == ("fallback/ask/better", 2)


BOTH: dict[str, Json] = {"fallback": "sequential", "fallback_model": "c"}


@pytest.mark.parametrize("dies_at", crash_points(differing, **BOTH))
async def test_wherever_it_is_killed_nobody_who_answered_is_asked_again(dies_at: int) -> None:
    run = differing()
    assert await run.run_until_death(dies_at, **BOTH)
    ended, before = set(run.log.steps), run.calls
    outcome = await run.run(**BOTH)
    assert outcome.chosen == "fallback/ask/a"
    assert run.calls["c"] == 0
    assert {"fallback/ask/a", "ask/b"} - ended or run.calls == before
