"""Deadlines of one attempt."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from orchestration.engine.errors import ModelTimeout
from orchestration.engine.resilience import TimeLimited, TimeLimits
from orchestration.engine.types import Delta
from tests.support.clock import SkippingLoop
from tests.support.models import RawModel, ScriptedModel, SlowModel, prompt_of

LIMITS = TimeLimits(first_token_s=5, idle_s=2, total_s=20)
LOOP_FACTORY = SkippingLoop
HELLO = prompt_of("Hello?")


async def failure(model: TimeLimited) -> ModelTimeout:
    with pytest.raises(ModelTimeout) as caught:
        await model.complete(HELLO)
    return caught.value


async def test_an_answer_in_time_passes_unchanged() -> None:
    inner = ScriptedModel("m", ["one two three"], first_s=4.9, word_s=1.9)
    assert (await TimeLimited(inner, LIMITS).complete(HELLO)).text == "one two three"


async def test_a_model_that_does_not_begin_is_given_up_on_and_closed() -> None:
    inner = SlowModel("m", 5.1)
    error = await failure(TimeLimited(inner, LIMITS))
    assert str(error) == "m did not begin to answer within 5 s."
    assert not error.billed
    assert inner.count.closed_early == 1
    assert asyncio.get_running_loop().time() == pytest.approx(1005)


async def test_a_model_that_falls_silent_is_given_up_on_and_may_have_been_billed() -> None:
    error = await failure(TimeLimited(ScriptedModel("m", ["one two"], word_s=2.1), LIMITS))
    assert str(error) == "m fell silent in mid-answer for 2 s."
    assert error.billed


async def test_a_model_that_drips_for_ever_is_given_up_on_in_the_end() -> None:
    error = await failure(TimeLimited(ScriptedModel("m", ["drip " * 100], word_s=1.9), LIMITS))
    assert str(error) == "m did not finish within 20 s."
    assert asyncio.get_running_loop().time() == pytest.approx(1020)


async def test_time_that_the_asker_takes_between_pieces_counts_towards_the_total_only() -> None:
    model = TimeLimited(ScriptedModel("m", ["one two three"]), LIMITS)
    async with aclosing(model.stream(HELLO)) as pieces:
        await anext(pieces)
        await asyncio.sleep(10)
        await anext(pieces)
        await asyncio.sleep(10)
        with pytest.raises(ModelTimeout, match="did not finish within 20 s"):
            await anext(pieces)


async def test_a_stream_that_ends_without_an_answer_ends() -> None:
    pieces = [
        piece
        async for piece in TimeLimited(RawModel("m", [Delta(text="so", offset=0)]), LIMITS).stream(HELLO)
    ]
    assert pieces == [Delta(text="so", offset=0)]


async def test_a_timeout_of_the_inner_models_own_is_not_taken_for_a_deadline() -> None:
    with pytest.raises(TimeoutError):
        await TimeLimited(RawModel("m", [TimeoutError()]), LIMITS).complete(HELLO)
