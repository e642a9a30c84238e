"""The first five minutes: what Ask offers, asked as it opens, with the models that are there at first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestration.llm.providers.simulated import CATALOG, SimulatedModel, model_spec
from orchestration.llm.providers.simulated.open_questions import known_answers
from orchestration.runs.engine.budget import Limits
from orchestration.runs.engine.metering import Metered
from orchestration.strategies.engine.errors import NoUsableAnswer
from orchestration.strategies.engine.strategy import Panel, get_strategy
from orchestration.strategies.engine.types import Request, StrategyOutcome
from orchestration.strategies.forms.ask import FIRST_STRATEGY
from orchestration.strategies.forms.fields import EXAMPLES
from tests.support.logs import MemoryLog, context_on

PANEL = ("sim-scout", "sim-sage", "sim-oracle")
RIGHT = {
    "Percentage": "391",
    "Units": "42.1648128 km",
    "Date": "Sunday",
    "Sorting": "3, 7, 19, 42, 61, 88",
    "Counting": "4",
    "Classifying": "negative",
}


async def asked(question: str) -> StrategyOutcome:
    """Return what the panel of three comes to; attempts that fail are tried again elsewhere."""
    profiles = [replace(profile, failure_rate=0.0) for profile in CATALOG if profile.name in PANEL]
    models = [SimulatedModel(model_spec(profile), profile, seed=0, pace=0) for profile in profiles]
    panel = Panel(members=tuple(Metered(model) for model in models))
    context = context_on(MemoryLog(), limits=Limits())
    return await get_strategy(FIRST_STRATEGY).run(Request(text=question), panel, context)


def test_the_first_example_is_an_open_question() -> None:
    assert next(iter(EXAMPLES)) == "Open question"
    assert known_answers(EXAMPLES["Open question"])


async def test_an_open_question_is_reviewed_and_its_answers_differ() -> None:
    outcome = await asked(EXAMPLES["Open question"])
    assert (outcome.decisions[0].chosen, outcome.decisions[-2].kind) == ("review", "vote")
    assert len({candidate.text for candidate in outcome.candidates}) > 1
    assert outcome.consensus is not None


@pytest.mark.parametrize("title", list(EXAMPLES)[1:])
async def test_every_other_example_is_counted_and_comes_out_right(title: str) -> None:
    outcome = await asked(EXAMPLES[title])
    assert (outcome.decisions[0].chosen, outcome.decisions[-2].chosen) == ("answers", RIGHT[title])
    assert outcome.consensus is not None
    assert outcome.consensus.agreement > 0.5


async def test_what_simulated_models_cannot_do_ends_without_an_answer_and_without_a_vote() -> None:
    with pytest.raises(
        NoUsableAnswer, match=r"^All 3 models declined\. sim-scout: The model declines to answer"
    ):
        await asked("Write a haiku about rain")
