"""Models that send much, or fast, or for ever: read in linear time, cut off, priced."""

from __future__ import annotations

import asyncio
import json
from time import thread_time

import pytest

from orchestration.llm.engine.types import Completion, Delta, FinishReason, ModelSpec
from orchestration.llm.providers.addresses import Endpoint
from orchestration.llm.providers.openai_compatible.model import Transcript
from tests.support.openai_server import Behaviour, OpenAIServer, sse_answer
from tests.support.transport import PROMPT, chat_model, loopback_client

LARGE = ModelSpec(name="alpha", provider="p", remote_name="alpha", max_output_tokens=500_000)
LIMITED = ModelSpec(name="alpha", provider="p", remote_name="alpha", max_output_tokens=10)


async def streamed(behaviour: Behaviour, spec: ModelSpec) -> tuple[list[Delta], Completion]:
    async with OpenAIServer() as server, loopback_client() as client:
        server.default = behaviour
        *deltas, whole = [
            piece async for piece in chat_model(client, server.base_url, spec=spec).stream(PROMPT)
        ]
    assert isinstance(whole, Completion)
    return [each for each in deltas if isinstance(each, Delta)], whole


async def test_many_small_events_come_as_few_pieces() -> None:
    text = "chrysanthemum " * 5000
    deltas, whole = await streamed(Behaviour(text=text, piece=4), LARGE)
    assert whole.text == "".join(each.text[each.offset :] for each in deltas) == text
    assert len(deltas) < 300


async def test_other_tasks_run_while_a_fast_stream_is_read() -> None:
    turns = 0

    async def beside() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    task = asyncio.create_task(beside())
    await streamed(Behaviour(text="x" * 100_000, piece=4), LARGE)
    task.cancel()
    assert turns > 500


def seconds(events: int) -> float:
    """Return the least of three CPU times for collecting and showing an answer of so many events."""
    event = json.dumps({"choices": [{"index": 0, "delta": {"content": "sixteen letters."}}]})
    times = []
    for _ in range(3):
        transcript = Transcript(Endpoint("http://a/v1", None), "a", output_limit=10_000_000)
        began = thread_time()
        for _ in range(events):
            transcript.add_event(event)
        assert transcript.growth() == Delta(text=transcript.text, offset=0)
        times.append(thread_time() - began)
    return min(times)


def test_an_answer_of_65_000_events_is_collected_in_linear_time() -> None:
    assert seconds(64_000) < 16 * seconds(8_000)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("usage", [True, False])
async def test_a_model_that_ignores_its_limit_is_cut_off_at_twice_that(stream: bool, usage: bool) -> None:  # noqa: FBT001
    _, whole = await streamed(Behaviour(text="abcd" * 500, stream=stream, usage=usage), LIMITED)
    assert whole.text == "abcd" * 20
    assert (whole.finish, whole.overran) == (FinishReason.LENGTH, True)
    assert whole.usage.output_tokens in {7, 20}


async def test_an_endless_model_is_left_when_it_is_cut_off() -> None:
    async with OpenAIServer() as server, loopback_client() as client:
        server.default = Behaviour(body=sse_answer(Behaviour(), text="x" * 900), chunk=300, delay_s=0.02)
        model = chat_model(client, server.base_url, spec=LIMITED)
        assert (await model.complete(PROMPT)).overran
        assert await server.until_open(0)


async def test_an_answer_of_just_its_limit_is_no_overrun() -> None:
    _, whole = await streamed(Behaviour(text="abcd" * 20), LIMITED)
    assert (whole.text, whole.finish, whole.overran) == ("abcd" * 20, FinishReason.STOP, False)
