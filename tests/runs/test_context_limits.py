"""A run stays inside its limits: calls, steps, money."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from orchestration.llm.engine.types import Usage, estimate_tokens
from orchestration.runs.engine.budget import Ledger, Limits, Spent, most_it_can_cost, price
from orchestration.runs.engine.errors import LimitReached
from orchestration.runs.engine.metering import Metered
from tests.support.clock import SkippingLoop
from tests.support.logs import MemoryLog, context_on
from tests.support.models import ScriptedModel, prompt_of, spec_named

LOOP_FACTORY = SkippingLoop
PROMPT = prompt_of("How many?")


async def test_calls_are_limited() -> None:
    context = context_on(MemoryLog(), limits=Limits(calls=1))
    await context.ask(Metered(ScriptedModel("a")), PROMPT, "ask/a")
    with pytest.raises(LimitReached, match="1 calls"):
        await context.ask(Metered(ScriptedModel("b")), PROMPT, "ask/b")


async def test_steps_are_limited() -> None:
    context = context_on(MemoryLog(), limits=Limits(steps=1))
    await context.decide("one", 1)
    with pytest.raises(LimitReached, match="1 steps"):
        await context.decide("two", 2)


async def test_draws_are_the_same_on_replay() -> None:
    first, second = context_on(MemoryLog()), context_on(MemoryLog())
    assert [first.random.random() for _ in range(3)] == [second.random.random() for _ in range(3)]


async def test_a_hundred_calls_against_a_budget_of_ten_never_reserve_more() -> None:
    spec = spec_named("a")
    most = most_it_can_cost(spec, PROMPT)
    context = context_on(MemoryLog(), limits=Limits(money=most * 10))
    models = [ScriptedModel(spec, ["four"], first_s=1) for _ in range(100)]
    asked = [context.ask(Metered(m), PROMPT, f"ask/{n}") for n, m in enumerate(models)]
    results = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(model.count.started for model in models) == 10
    assert sum(isinstance(result, LimitReached) for result in results) == 90


def test_what_is_not_used_goes_back_into_the_budget() -> None:
    spec = spec_named("a")
    ledger = Ledger(Limits(money=Decimal(1), calls=9), Spent(money=Decimal("0.25"), calls=4))
    reserved = ledger.reserve(spec, PROMPT)
    assert ledger.money_left == Decimal("0.75") - reserved
    ledger.settle(reserved, Decimal("0.1"))
    assert (ledger.money_left, ledger.calls_left) == (Decimal("0.65"), 4)


def test_a_model_without_a_price_costs_nothing_known() -> None:
    spec = spec_named("a", prices=None)
    assert price(spec, Usage(input_tokens=9)) is None
    assert most_it_can_cost(spec, PROMPT) == 0
    assert (Ledger(Limits(), Spent()).money_left, Ledger(Limits(), Spent()).calls_left) == (None, None)


@pytest.mark.parametrize(("text", "tokens"), [("", 0), ("a", 1), ("abcd", 1), ("abcde", 2)])
def test_tokens_are_estimated_at_four_characters_each(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens
