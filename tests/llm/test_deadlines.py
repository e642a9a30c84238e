"""Deadlines of models that answer inside this process (those over a network: `test_transport_deadlines`)."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from orchestration.llm.engine.errors import ModelTimeout
from orchestration.llm.engine.types import Delta
from orchestration.llm.providers.exchange import Deadlines, Timed
from tests.support.clock import SkippingLoop
from tests.support.models import RawModel, ScriptedModel, SlowModel, prompt_of

LIMITS = Deadlines(idle_s=2, total_s=20)
LOOP_FACTORY = SkippingLoop
HELLO = prompt_of("Hello?")


async def failure(model: Timed) -> ModelTimeout:
    with pytest.raises(ModelTimeout) as caught:
        await model.complete(HELLO)
    return caught.value


async def test_an_answer_in_time_passes_unchanged() -> None:
    inner = ScriptedModel("m", ["one two three"], first_s=13.9, word_s=1.9)
    assert (await Timed(inner, LIMITS).complete(HELLO)).text == "one two three"


async def test_a_model_that_does_not_start_is_timed_out_and_closed() -> None:
    inner = SlowModel("m", 20.1)
    error = await failure(Timed(inner, LIMITS))
    assert str(error) == "m did not start to answer within 20 seconds."
    assert not error.billed
    assert inner.count.closed_early == 1
    assert asyncio.get_running_loop().time() == pytest.approx(1020)


async def test_a_model_that_falls_silent_is_timed_out_and_may_have_been_billed() -> None:
    error = await failure(Timed(ScriptedModel("m", ["one two"], word_s=2.1), LIMITS))
    assert str(error) == "m sent nothing for 2 seconds in the middle of its answer."
    assert error.billed


async def test_a_model_that_never_ends_is_timed_out_in_the_end() -> None:
    error = await failure(Timed(ScriptedModel("m", ["drip " * 100], word_s=1.9), LIMITS))
    assert str(error) == "m did not finish its answer within 20 seconds."
    assert asyncio.get_running_loop().time() == pytest.approx(1020)


async def test_time_that_the_reader_takes_between_pieces_counts_towards_the_total_only() -> None:
    model = Timed(ScriptedModel("m", ["one two three"]), LIMITS)
    async with aclosing(model.stream(HELLO)) as pieces:
        await anext(pieces)
        await asyncio.sleep(10)
        await anext(pieces)
        await asyncio.sleep(10)
        with pytest.raises(ModelTimeout, match="did not finish its answer within 20 seconds"):
            await anext(pieces)


async def test_a_stream_that_ends_without_an_answer_ends() -> None:
    pieces = [
        piece async for piece in Timed(RawModel("m", [Delta(text="so", offset=0)]), LIMITS).stream(HELLO)
    ]
    assert pieces == [Delta(text="so", offset=0)]


async def test_a_timeout_of_the_inner_models_own_is_not_reported_as_a_deadline() -> None:
    with pytest.raises(TimeoutError):
        await Timed(RawModel("m", [TimeoutError()]), LIMITS).complete(HELLO)
