"""Self-consistency: several answers of each model, of which the most frequent wins."""

from __future__ import annotations

from collections.abc import Sequence
from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.llm.engine.errors import ProviderUnavailable
from orchestration.llm.engine.types import Prompt
from orchestration.runs.engine.budget import Limits
from orchestration.strategies.engine.self_consistency import Draw, draws, stays_ahead
from orchestration.strategies.engine.strategy import get_strategy, validate_options
from orchestration.strategies.engine.types import StrategyEvent
from tests.support.clock import SkippingLoop
from tests.support.context import Stage
from tests.support.crashes import crash, crash_points
from tests.support.models import Reply, ScriptedModel, prompt_of

LOOP_FACTORY = SkippingLoop
DOWN = ProviderUnavailable("503")
STORY = "A long story of the rain that fell on the town for days, and of the {} people who lived in it."


def sampled(name: str, *said: Reply | int) -> ScriptedModel:
    """Return a model whose samples say this, in the order of their numbers."""

    def reply(prompt: Prompt) -> Reply:
        one = said[prompt.sample]
        return f"Answer: {one}" if isinstance(one, int) else one

    return ScriptedModel(name, reply)


def stage(*members: ScriptedModel, helpers: Sequence[ScriptedModel] = (), **more: object) -> Stage:
    return Stage(strategy="self_consistency", members=members, helpers=helpers, **more)  # type: ignore[arg-type]


def divided() -> Stage:
    return stage(sampled("a", 5, 4, 4, 5, 4))


async def test_the_most_frequent_of_one_models_answers_wins() -> None:
    run = divided()
    outcome = await run.run()
    assert (outcome.answer, outcome.chosen, run.calls["a"]) == ("Answer: 4", "answer-2/ask/a", 5)
    assert outcome.consensus is not None
    assert outcome.consensus.agreement == 0.6
    assert outcome.consensus.dissenters == ("a", "a #4")
    assert {each.model for each in outcome.candidates} == {"a"}


async def test_each_sample_is_a_prompt_of_its_own_at_the_temperature() -> None:
    run = divided()
    await run.run(temperature=0.9)
    prompts = run.members[0].count.prompts
    assert sorted(each.sample for each in prompts) == list(range(5))
    assert {each.temperature for each in prompts} == {0.9}
    assert {len(each.messages) for each in prompts} == {1}


async def test_no_more_are_drawn_once_nothing_can_change_the_winner() -> None:
    run = stage(sampled("a", 4, 4, 4))
    outcome = await run.run()
    assert run.calls["a"] == 3
    assert outcome.notes[0].startswith("Settled: “4” wins whatever other samples say. 2 calls not started")
    assert [each.state for each in outcome.candidates] == ["answered"] * 3 + ["cancelled"] * 2
    assert [each.step for each in outcome.candidates[3:]] == ["answer-4/ask/a", "answer-5/ask/a"]


async def test_no_more_are_drawn_once_the_leader_is_sure_enough() -> None:
    run = stage(sampled("a", *[4] * 40))
    outcome = await run.run(samples=40, wave=2)
    assert run.calls["a"] == 4
    assert outcome.notes[0].startswith("“4” stays ahead with a probability of 0.969. 36 calls not started")
    exact = stage(sampled("a", *[4] * 40))
    await exact.run(samples=40, wave=3, sure=1)
    assert exact.calls["a"] == 21


async def test_several_models_take_turns_and_each_sample_has_a_ballot() -> None:
    run = stage(sampled("a", 4, 4), sampled("b", 5, 4), sampled("c", 5, 5))
    await run.run(samples=5, wave=0)
    assert run.calls == {"a": 2, "b": 2, "c": 1}
    voters = [each.data["voter"] for each in run.emitted(StrategyEvent.BALLOT_CAST)]
    assert voters == ["a", "b", "c", "a #2", "b #2"]


async def test_samples_of_one_model_are_one_witness() -> None:
    alone = (await stage(sampled("a", 4, 4, 4, 4, 4)).run(wave=0)).quality
    both = (await stage(sampled("a", 4, 4, 4), sampled("b", 4, 4)).run(wave=0)).quality
    assert alone is not None
    assert both is not None
    assert (alone.judged, alone.compared) == (False, 0)
    assert (both.agreeing, both.compared) == (2, 2)


@pytest.mark.parametrize("out", [DOWN, "I cannot help with that."])
async def test_a_sample_that_cannot_be_used_abstains(out: Reply) -> None:
    run = stage(sampled("a", out, 4, 5, 4, 4))
    outcome = await run.run(wave=0)
    assert outcome.answer == "Answer: 4"
    cast = run.emitted(StrategyEvent.BALLOT_CAST)
    assert [each.data["voter"] for each in cast if each.data["abstained"]] == ["a"]


async def test_texts_that_cannot_be_counted_are_not_voted_on() -> None:
    run = stage(sampled("a", *(STORY.format(number) for number in ("ten", "old", "sad", "odd", "few"))))
    outcome = await run.run()
    assert (outcome.consensus, run.calls["a"]) == (None, 5)
    assert outcome.answer == STORY.format("ten")
    assert not run.emitted(StrategyEvent.BALLOT_CAST)


async def test_a_limit_ends_the_drawing_with_the_samples_that_there_are() -> None:
    run = stage(sampled("a", 5, 4, 4, 5, 4), limits=Limits(calls=3))
    outcome = await run.run()
    assert outcome.answer == "Answer: 4"
    assert [each.state for each in outcome.candidates] == ["answered"] * 3 + ["missing"] * 2
    assert "The limit of 3 calls" in outcome.notes[0]


async def test_where_one_sample_is_all_there_is_it_is_given_without_a_vote() -> None:
    run = stage(sampled("a", 5, DOWN, DOWN, DOWN, DOWN))
    outcome = await run.run()
    assert (outcome.answer, outcome.consensus) == ("Answer: 5", None)


@pytest.mark.parametrize("at", crash_points(divided))
async def test_a_crash_at_any_write_while_sampling_changes_nothing(at: int) -> None:
    undisturbed = await divided().run()
    run = divided()
    await crash(run, at)
    ended, started = set(run.log.steps), len(run.log.started)
    outcome = await run.run()
    assert (outcome.chosen, outcome.decisions) == (undisturbed.chosen, undisturbed.decisions)
    assert [call.step for call in run.log.started[started:] if call.step in ended] == []


@pytest.mark.parametrize(
    ("leader", "second", "sure"),
    [(0, 0, 0.5), (1, 0, 0.75), (3, 0, 0.9375), (4, 0, 0.96875), (3, 2, 0.65625)],
)
def test_how_sure_a_lead_is_is_the_tail_of_a_beta_distribution(leader: int, second: int, sure: float) -> None:
    assert isclose(stays_ahead(leader, second), sure)


@given(st.integers(0, 40), st.integers(0, 40))
def test_a_greater_lead_is_surer(second: int, more: int) -> None:
    assert 0.5 <= stays_ahead(second + more, second) <= stays_ahead(second + more + 1, second) <= 1


def test_a_draw_has_a_name_that_no_model_on_the_panel_has() -> None:
    members = [ScriptedModel(name) for name in ("a", "a #2", "a #2 (1)")]
    names = [draw.spec.name for draw in draws(members, 5)]
    assert names == ["a", "a #2", "a #2 (1)", "a #2 (2)", "a #2 #2"]


async def test_a_draw_answers_as_its_model_with_its_number() -> None:
    model = sampled("a", 4, 5)
    assert (await Draw(model, 2, "a #2").complete(prompt_of("?"))).text == "Answer: 5"


@pytest.mark.parametrize(
    ("options", "panel", "calls"),
    [
        ({}, 1, (3, 5)),
        ({"wave": 0}, 3, (5, 5)),
        ({"samples": 40, "wave": 2}, 3, (4, 40)),
        ({"samples": 2}, 3, (2, 2)),
        ({}, 0, (0, 0)),
    ],
)
def test_its_effort_goes_from_an_early_stop_to_all_samples(
    options: dict[str, int], panel: int, calls: tuple[int, int]
) -> None:
    name = "self_consistency"
    assert get_strategy(name).effort(validate_options(name, options), panel).calls == calls
