"""The first five minutes: what Ask offers, asked as it opens, with the models that are there at first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestration.llm.providers.simulated import CATALOG, SimulatedModel, model_spec
from orchestration.runs.engine.budget import Limits
from orchestration.runs.engine.metering import Metered
from orchestration.strategies.engine.strategy import Panel, get_strategy
from orchestration.strategies.engine.types import Request, StrategyOutcome
from orchestration.strategies.forms.ask import FIRST_STRATEGY
from orchestration.strategies.forms.fields import EXAMPLES, Example
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


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.title)
async def test_every_example_is_counted_and_comes_out_right(example: Example) -> None:
    outcome = await asked(example.prompt)
    assert (outcome.decisions[0].chosen, outcome.decisions[-2].chosen) == ("answers", RIGHT[example.title])
    assert outcome.consensus is not None
    assert outcome.consensus.agreement > 0.5


async def test_what_simulated_models_cannot_do_is_reviewed_and_says_what_helps() -> None:
    outcome = await asked("Write a haiku about rain")
    assert outcome.decisions[0].chosen == "review"
    assert "is a simulated model" in outcome.answer
    assert "connect a real model" in outcome.answer
