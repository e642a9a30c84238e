"""A run stays inside its limits: calls, steps, money."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.llm.engine.types import Allowance, Completion, Prices, Purpose, Usage, estimate_tokens
from orchestration.runs.engine.budget import Ledger, Limits, Spent, cost_to_reserve, price
from orchestration.runs.engine.errors import LimitReached
from orchestration.runs.engine.metering import Metered
from tests.support.clock import SkippingLoop
from tests.support.logs import MemoryLog, context_on
from tests.support.models import ScriptedModel, prompt_of, spec_named

LOOP_FACTORY = SkippingLoop
PROMPT = prompt_of("How many?")
FREE = Prices(input_per_million=Decimal(0), output_per_million=Decimal(0))


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
    most = cost_to_reserve(spec, PROMPT)
    context = context_on(MemoryLog(), limits=Limits(money=most * 10))
    models = [ScriptedModel(spec, ["four"], first_s=1) for _ in range(100)]
    asked = [context.ask(Metered(m), PROMPT, f"ask/{n}") for n, m in enumerate(models)]
    results = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(model.count.started for model in models) == 10
    assert sum(isinstance(result, LimitReached) for result in results) == 90


ALLOWED = replace(
    spec_named("a"),
    prices=Prices(input_per_million=Decimal(0), output_per_million=Decimal(10_000)),
    max_output_tokens=1000,
    allowances={Purpose.ANSWER: Allowance(expected=10, most=40)},
)
"""Its answers are expected to cost ten cents and may cost forty; the longest one would cost ten dollars."""


def writing(tokens: int) -> Metered:
    return Metered(ScriptedModel(ALLOWED, [Completion(text="four", usage=Usage(output_tokens=tokens))]))


@pytest.mark.parametrize(
    ("purpose", "own", "sent"),
    [("answer", None, 40), ("answer", 5, 5), ("answer", 900, 40), ("judge", None, None)],
)
async def test_a_call_is_sent_with_the_limit_on_its_answer_that_the_run_allows(
    purpose: str, own: int | None, sent: int | None
) -> None:
    model = ScriptedModel(ALLOWED)
    prompt = replace(PROMPT, purpose=Purpose(purpose), max_tokens=own)
    await context_on(MemoryLog()).ask(model, prompt, "ask/a")
    assert model.count.prompts[0].max_tokens == sent


async def test_a_model_whose_longest_answer_is_beyond_the_limit_is_asked_for_the_usual_one() -> None:
    context = context_on(MemoryLog(), limits=Limits(money=Decimal("0.15")))
    assert (await context.ask(writing(8), PROMPT, "ask/a")).cost_usd == Decimal("0.08")
    assert context.budget.money_left == Decimal("0.07")


async def test_a_hundred_calls_against_ten_expected_ones_never_reserve_more() -> None:
    context = context_on(MemoryLog(), limits=Limits(money=Decimal(1)))
    models = [ScriptedModel(ALLOWED, ["four"], first_s=1) for _ in range(100)]
    asked = [context.ask(Metered(m), PROMPT, f"ask/{n}") for n, m in enumerate(models)]
    await asyncio.gather(*asked, return_exceptions=True)
    assert sum(model.count.started for model in models) == 10


async def test_once_what_was_spent_has_reached_the_limit_nothing_more_starts() -> None:
    context = context_on(MemoryLog(), limits=Limits(money=Decimal("0.30")))
    await context.ask(writing(35), PROMPT, "ask/a")
    for number, spec in enumerate([ALLOWED, replace(ALLOWED, prices=FREE)]):
        with pytest.raises(LimitReached, match=r"the limit of \$0.30 is exceeded by \$0.050000"):
            await context.ask(Metered(ScriptedModel(spec)), PROMPT, f"ask/{number}")


async def test_a_limit_that_is_spent_to_the_cent_lets_not_even_a_free_model_start() -> None:
    context = context_on(MemoryLog(), limits=Limits(money=Decimal("0.10")))
    await context.ask(writing(10), PROMPT, "ask/a")
    with pytest.raises(LimitReached, match=r"\$0.000000 of the limit of \$0.10 is left"):
        await context.ask(Metered(ScriptedModel(replace(ALLOWED, prices=FREE))), PROMPT, "ask/b")


@given(st.lists(st.integers(1, 400), min_size=1, max_size=20), st.integers(1, 200))
def test_the_limit_is_exceeded_by_no_more_than_the_open_calls_may_write_beyond_what_is_expected(
    lengths: list[int], cents: int
) -> None:
    ledger, spent = Ledger(Limits(money=Decimal(cents) / 100), Spent()), Decimal(0)
    reserved = []
    for _ in lengths:
        with suppress(LimitReached):
            reserved.append(ledger.reserve(ALLOWED, PROMPT))
    for held, tokens in zip(reserved, lengths, strict=False):
        cost = price(ALLOWED, Usage(output_tokens=min(tokens, 40)))
        assert cost is not None
        ledger.settle(held, cost)
        spent += cost
    beyond = (Decimal("0.40") - Decimal("0.10")) * len(reserved)
    assert spent <= Decimal(cents) / 100 + beyond <= 4 * Decimal(cents) / 100


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
    assert cost_to_reserve(spec, PROMPT) == 0
    assert (Ledger(Limits(), Spent()).money_left, Ledger(Limits(), Spent()).calls_left) == (None, None)


@pytest.mark.parametrize(("text", "tokens"), [("", 0), ("a", 1), ("abcd", 1), ("abcde", 2)])
def test_tokens_are_estimated_at_four_characters_each(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens
