"""Money limits cover what may have been billed: unknown bills, reported usage, costs beyond all bounds."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from orchestration.llm.engine.errors import BadAnswer, ModelError, StreamBroken
from orchestration.llm.engine.types import Completion, Prices, Usage
from orchestration.runs.engine.budget import LARGEST_COST, Ledger, Limits, Spent, cost_to_reserve, price
from orchestration.runs.engine.errors import LimitReached
from orchestration.runs.engine.metering import Metered
from orchestration.runs.engine.records import CallEnded, StepRecord, completion_from_json
from tests.support.clock import SkippingLoop
from tests.support.logs import MemoryLog, context_on
from tests.support.models import Reply, ScriptedModel, prompt_of, spec_named

LOOP_FACTORY = SkippingLoop
PROMPT = prompt_of("How many?")
SPEC = spec_named("a")
MOST = cost_to_reserve(SPEC, PROMPT)


async def _ended(reply: Reply, prices: Prices | None = SPEC.prices) -> tuple[CallEnded, MemoryLog]:
    log = MemoryLog()
    model = Metered(ScriptedModel(replace(SPEC, prices=prices), [reply]))
    await asyncio.gather(context_on(log).ask(model, PROMPT, "ask/a"), return_exceptions=True)
    return log.ended[0], log


async def test_a_failed_call_that_may_have_been_billed_keeps_its_reservation() -> None:
    context = context_on(MemoryLog(), limits=Limits(money=MOST * 2))
    for number in range(2):
        with pytest.raises(StreamBroken):
            await context.ask(Metered(ScriptedModel("a", [StreamBroken("cut")])), PROMPT, f"ask/{number}")
    with pytest.raises(LimitReached, match="is kept for calls that may have been billed"):
        await context.ask(Metered(ScriptedModel("a")), PROMPT, "ask/2")


async def test_a_failed_call_that_was_not_billed_gives_its_reservation_back() -> None:
    context = context_on(MemoryLog(), limits=Limits(money=MOST))
    with pytest.raises(BadAnswer):
        await context.ask(Metered(ScriptedModel("a", [BadAnswer("HTML")])), PROMPT, "ask/0")
    assert (await context.ask(Metered(ScriptedModel("a")), PROMPT, "ask/1")).text == "ok"


def test_what_earlier_claims_left_unknown_counts_against_the_limit() -> None:
    ledger = Ledger(Limits(money=Decimal(1)), Spent(money=Decimal("0.25"), unknown=Decimal("0.5")))
    assert ledger.money_left == Decimal("0.25")


async def test_usage_reported_with_a_failure_is_recorded_and_priced() -> None:
    empty: ModelError = BadAnswer("no text at all")
    empty.billed, empty.usage = True, Usage(input_tokens=1000, output_tokens=500)
    prices = Prices(input_per_million=Decimal(2), output_per_million=Decimal(4))
    ended, log = await _ended(empty, prices)
    assert (ended.usage.output_tokens, ended.cost_usd, ended.maybe_billed) == (500, Decimal("0.004"), False)
    assert [e.data["cost_usd"] for e in log.events if e.kind == "call_failed"] == ["0.004"]


@pytest.mark.parametrize(
    ("given", "cached", "price_of_cached", "dollars"),
    [
        (1_000_000, 0, "0.25", "2.5"),
        (1_000_000, 600_000, "0.25", "1.15"),
        (1_000_000, 1_000_000, "0.25", "0.25"),
        (1_000_000, 600_000, "0", "1"),
        (1_000_000, 600_000, None, "2.5"),
        (3, 1, "0.25", "0.00000525"),
        (3, 9, "0.25", "0.00000075"),
    ],
)
def test_input_from_the_providers_cache_has_a_price_of_its_own(
    given: int, cached: int, price_of_cached: str | None, dollars: str
) -> None:
    prices = Prices(
        input_per_million=Decimal("2.5"),
        output_per_million=Decimal(10),
        cached_input_per_million=None if price_of_cached is None else Decimal(price_of_cached),
    )
    read = Usage(input_tokens=given, cached_input_tokens=cached)
    written = Usage(input_tokens=given, cached_input_tokens=cached, output_tokens=7)
    assert price(replace(SPEC, prices=prices), read) == Decimal(dollars)
    assert price(replace(SPEC, prices=prices), written) == Decimal(dollars) + Decimal("0.00007")


async def test_a_call_keeps_what_was_read_from_a_cache_and_what_that_cost() -> None:
    prices = Prices(
        input_per_million=Decimal(5),
        output_per_million=Decimal(10),
        cached_input_per_million=Decimal(1),
    )
    usage = Usage(input_tokens=100, cached_input_tokens=80, output_tokens=10)
    ended, log = await _ended(Completion(text="ok", usage=usage), prices)
    assert (ended.usage.cached_input_tokens, ended.cost_usd) == (80, Decimal("0.00028"))
    finished = next(e.data for e in log.events if e.kind == "call_finished")
    assert (finished["cached_input_tokens"], finished["cost_usd"]) == (80, "0.00028")
    [answer] = [record.result for record in log.records if isinstance(record, StepRecord)]
    assert completion_from_json(answer).usage == usage


async def test_usage_reported_for_a_model_without_a_price_may_have_been_billed() -> None:
    empty: ModelError = BadAnswer("no text at all")
    empty.usage = Usage(input_tokens=1000)
    ended, _ = await _ended(empty, prices=None)
    assert (ended.usage.input_tokens, ended.cost_usd, ended.maybe_billed) == (1000, None, True)


async def test_a_cost_beyond_all_bounds_is_marked_and_not_stored() -> None:
    prices = Prices(input_per_million=Decimal(10_000), output_per_million=Decimal(10_000))
    usage = Usage(input_tokens=2_000_000_000, output_tokens=2_000_000_000)
    ended, log = await _ended(Completion(text="ok", usage=usage), prices)
    assert (ended.cost_usd, ended.maybe_billed) == (None, True)
    finished = next(e.data for e in log.events if e.kind == "call_finished")
    assert finished["beyond_usd"] == format(LARGEST_COST, "f")


async def test_a_call_that_cost_more_than_its_reservation_says_by_how_much() -> None:
    usage = Usage(input_tokens=10, output_tokens=SPEC.max_output_tokens * 3)
    ended, log = await _ended(Completion(text="ok", usage=usage))
    assert ended.cost_usd is not None
    finished = next(e.data for e in log.events if e.kind == "call_finished")
    assert Decimal(str(finished["over_usd"])) == ended.cost_usd - MOST


def test_a_limit_that_was_exceeded_is_said_to_be_exceeded() -> None:
    ledger = Ledger(Limits(money=Decimal(1)), Spent(money=Decimal("1.5")))
    with pytest.raises(LimitReached, match=r"the limit of \$1 is exceeded by \$0.500000"):
        ledger.reserve(SPEC, PROMPT)
