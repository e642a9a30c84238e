"""Mixture of agents: layers of answers, each made with those of the layer before, and one that combines."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestration.llm.engine.errors import ProviderUnavailable
from orchestration.llm.engine.types import Prompt, Purpose
from orchestration.runs.engine.budget import Limits
from orchestration.strategies.engine.belief.model import AnswerRecord, Tried
from orchestration.strategies.engine.belief.shipped import shipped_belief
from orchestration.strategies.engine.strategy import get_strategy, validate_options
from tests.support.clock import SkippingLoop
from tests.support.context import Stage
from tests.support.crashes import crash, crash_points
from tests.support.judges import answers_in, by_text
from tests.support.models import FailingModel, Reply, ScriptedModel

LOOP_FACTORY = SkippingLoop
DOWN = ProviderUnavailable("503")
REFUSAL = "I cannot help with that."
COMBINED = "All in all.\nAnswer: 4"


def agent(name: str, first: Reply, again: Reply = "") -> ScriptedModel:
    """Return a model that says one thing at first and another once it is shown answers."""
    return ScriptedModel(
        name, lambda prompt: again or first if prompt.purpose is Purpose.AGGREGATE else first
    )


def stage(*members: ScriptedModel, writer: ScriptedModel | None = None, **more: object) -> Stage:
    writer = writer or ScriptedModel("writer", [COMBINED])
    run = Stage(strategy="mixture", members=members, helpers=[writer], **more)  # type: ignore[arg-type]
    run.usual = {"aggregator": "writer"}
    return run


def mixed() -> Stage:
    return stage(agent("a", "one", "better one"), agent("b", "two", "better two"))


def prompts(run: Stage, member: int) -> list[Prompt]:
    return run.members[member].count.prompts


async def test_each_layer_is_shown_all_answers_of_the_one_before_and_the_last_is_combined() -> None:
    run = mixed()
    outcome = await run.run(layers=3)
    assert (outcome.answer, outcome.chosen) == (COMBINED, "")
    assert [sorted(answers_in(each)) for each in prompts(run, 0)[1:]] == [
        ["one", "two"],
        ["better one", "better two"],
    ]
    [last] = run.helpers[0].count.prompts
    assert sorted(answers_in(last)) == ["better one", "better two"]
    assert outcome.decisions[-1].reason.startswith("writer combined 2 answers of layer 3;")


async def test_one_layer_is_a_synthesis_of_independent_answers() -> None:
    run = mixed()
    outcome = await run.run(layers=1)
    assert run.calls == {"a": 1, "b": 1, "writer": 1}
    assert outcome.decisions[-1].reason.startswith("writer combined 2 answers;")


async def test_the_model_with_the_best_record_combines_and_of_equals_the_first() -> None:
    run = mixed()
    run.usual = {}
    assert (await run.run()).answer == "better one"
    assert run.calls == {"a": 3, "b": 2, "writer": 0}
    records = {"b": AnswerRecord(by_task={"general": Tried(right=40, seen=40)})}
    other = mixed()
    other.usual, other.belief = {}, replace(shipped_belief(), records=records)
    assert (await other.run()).answer == "better two"


async def test_agreement_of_the_first_layer_alone_speaks_for_the_answer() -> None:
    run = stage(agent("a", "Answer: 4"), agent("b", "Answer: 4"), agent("c", "Answer: 5", "Answer: 4"))
    quality = (await run.run()).quality
    assert quality is not None
    assert (quality.agreeing, quality.compared) == (2, 3)


async def test_whoever_fails_later_is_represented_by_its_earlier_answer() -> None:
    run = stage(agent("a", "one", "better one"), agent("b", "two", DOWN))
    outcome = await run.run()
    assert sorted(answers_in(run.helpers[0].count.prompts[0])) == ["better one", "two"]
    assert outcome.notes == ("In layer 2 the earlier answer stands of b.",)


async def test_with_one_usable_answer_there_is_nothing_to_combine() -> None:
    run = stage(agent("a", "one"), agent("b", REFUSAL))
    outcome = await run.run()
    assert (outcome.chosen, sum(run.calls.values())) == ("ask/a", 2)
    assert outcome.notes == ("There was nothing to combine: 1 usable answer.",)


@pytest.mark.parametrize(
    ("writer", "note"),
    [
        (FailingModel("writer", DOWN), "writer could not combine the answers: 503"),
        (ScriptedModel("writer", [REFUSAL]), "What writer wrote from the answers cannot be used"),
    ],
)
async def test_where_nothing_usable_is_combined_the_best_answer_is_given(
    writer: ScriptedModel, note: str
) -> None:
    run = stage(agent("a", "one", "better one"), agent("b", "two", "better two"), writer=writer)
    run.helpers = [*run.helpers, ScriptedModel("judge", by_text(**{"better one": 3, "better two": 9}))]
    outcome = await run.run(judge="judge")
    assert (outcome.answer, outcome.chosen) == ("better two", "answer-2/ask/b")
    assert outcome.notes[-1].startswith(note)


async def test_the_combined_answer_is_judged() -> None:
    run = mixed()
    run.helpers = [*run.helpers, ScriptedModel("judge", by_text(**{COMBINED: 9}))]
    quality = (await run.run(judge="judge")).quality
    assert quality is not None
    assert quality.accuracy == 0.9


async def test_a_limit_in_a_later_layer_ends_with_the_answers_that_there_are() -> None:
    run = mixed()
    run.limits = Limits(calls=3)
    outcome = await run.run()
    assert outcome.answer in {"better one", "better two", "one", "two"}
    assert outcome.chosen
    assert any(note.startswith("Not all was asked. The limit of 3 calls") for note in outcome.notes)


async def test_a_single_model_just_answers() -> None:
    run = stage(agent("a", "one"))
    assert (await run.run()).answer == "one"
    strategy = get_strategy("mixture")
    assert strategy.effort(validate_options("mixture", {}), 1).calls == (1, 1)


@pytest.mark.parametrize("at", crash_points(mixed))
async def test_a_crash_at_any_write_of_a_mixture_changes_nothing(at: int) -> None:
    undisturbed = await mixed().run()
    run = mixed()
    await crash(run, at)
    ended, started = set(run.log.steps), len(run.log.started)
    outcome = await run.run()
    assert (outcome.answer, outcome.decisions) == (undisturbed.answer, undisturbed.decisions)
    assert [call.step for call in run.log.started[started:] if call.step in ended] == []
