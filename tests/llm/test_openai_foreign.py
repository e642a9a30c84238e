"""What answers at an address that is no chat API, over real sockets: an error in words, asked once."""

from __future__ import annotations

import json

import pytest

from orchestration.llm.engine.errors import BadAnswer, Consequence, ModelError, ModelTimeout, StreamBroken
from orchestration.llm.engine.types import Capability, ModelSpec
from orchestration.llm.providers.exchange import Deadlines
from tests.support.openai_server import Behaviour, OpenAIServer, sse_answer
from tests.support.transport import PROMPT, chat_model, loopback_client

EVENT = json.dumps({"choices": [{"index": 0, "delta": {"content": "Yes"}}]})
OTHER_EVENT = 'event: message_start\ndata: {"type": "message_start"}\n\n'
STREAM = sse_answer(Behaviour(), text="Yes, it is.")
LONG = Deadlines(total_s=20)


async def failure(behaviour: Behaviour, deadlines: Deadlines = LONG) -> ModelError:
    async with OpenAIServer() as server, loopback_client() as client:
        server.default = behaviour
        with pytest.raises(ModelError) as raised:
            await chat_model(client, server.base_url, deadlines=deadlines).complete(PROMPT)
    return raised.value


@pytest.mark.parametrize("chunk", [0, 1, 7])
@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"It works! This server is fine.", "plain text"),
        (b"data science is fun\n\nreally", "plain text"),
        (b"\xef\xbb\xbfHello", "plain text"),
        (b"\xff\xfe\x00\x01" * 40, "plain text"),
        (b"", "nothing at all"),
        (b" \r\n\n ", "nothing at all"),
        (b'{"status": "ok"}', "no chat answer"),
        (b'\xef\xbb\xbf{"status": "ok"}', "no chat answer"),
        (b'"just a string"', "plain text"),
        (f"data: {EVENT}\ndata: {EVENT}\ndata: [DONE]\n".encode(), "blank line"),
        (OTHER_EVENT.encode() * 3, "no chat answer"),
        (OTHER_EVENT.encode() * 3 + b"data: [DONE]\n\n", "no chat answer"),
    ],
)
async def test_what_is_no_chat_api_is_a_bad_answer_that_is_not_billed(
    body: bytes, words: str, chunk: int
) -> None:
    error = await failure(Behaviour(body=body, chunk=chunk))
    assert isinstance(error, BadAnswer), error
    assert words in str(error)
    assert (error.consequence, error.billed) == (Consequence.FATAL_FOR_MODEL, False)


@pytest.mark.parametrize("chunk", [0, 1])
@pytest.mark.parametrize("start", [b"\xef\xbb\xbf", b"\n\n\xef\xbb\xbf", b" \n"])
async def test_an_answer_behind_a_byte_order_mark_is_read(start: bytes, chunk: int) -> None:
    whole = json.dumps({"choices": [{"message": {"content": "Yes"}, "finish_reason": "stop"}]}).encode()
    async with OpenAIServer() as server, loopback_client() as client:
        server.default = Behaviour(body=start + whole, chunk=chunk)
        assert (await chat_model(client, server.base_url).complete(PROMPT)).text == "Yes"


@pytest.mark.parametrize("cut", [3, 30, len(STREAM) // 2])
async def test_a_chat_stream_that_breaks_off_is_still_a_broken_stream(cut: int) -> None:
    error = await failure(Behaviour(body=STREAM, cut_at=cut, clean_cut=True))
    assert isinstance(error, StreamBroken)
    assert error.billed


async def test_a_call_that_ran_into_its_whole_time_limit_is_not_asked_again() -> None:
    for behaviour in (Behaviour(hang=True), Behaviour(text="abc" * 500, delay_s=0.05)):
        error = await failure(behaviour, Deadlines(total_s=0.3))
        assert isinstance(error, ModelTimeout)
        assert error.consequence is Consequence.FATAL_FOR_MODEL
    error = await failure(Behaviour(text="abc" * 90, chunk=200, delay_s=9), Deadlines(idle_s=0.2, total_s=9))
    assert error.consequence is Consequence.RETRYABLE


@pytest.mark.parametrize(
    "behaviour", [Behaviour(hang=True), Behaviour(status=408, body=b""), Behaviour(status=504, body=b"")]
)
async def test_what_timed_out_after_the_request_was_sent_may_have_been_billed(behaviour: Behaviour) -> None:
    assert (await failure(behaviour, Deadlines(total_s=0.2))).billed


@pytest.mark.parametrize("refuses", [(), ("stream",)])
async def test_only_the_whole_time_limit_ends_the_silence_before_an_answer(refuses: tuple[str, ...]) -> None:
    async with OpenAIServer() as server, loopback_client() as client:
        server.default = Behaviour(first_delay_s=0.5, refuses=refuses)
        model = chat_model(client, server.base_url, deadlines=Deadlines(idle_s=0.2, total_s=9))
        assert (await model.complete(PROMPT)).text == "Hello from alpha."


async def test_a_model_that_is_marked_as_reasoning_may_be_silent_in_the_middle_of_its_answer() -> None:
    thinker = ModelSpec(
        name="alpha", provider="p", remote_name="alpha", capabilities=frozenset({Capability.REASONING})
    )
    async with OpenAIServer() as server, loopback_client() as client:
        server.default = Behaviour(text="abcd", delay_s=0.4)
        model = chat_model(client, server.base_url, deadlines=Deadlines(idle_s=0.2, total_s=9), spec=thinker)
        assert (await model.complete(PROMPT)).text == "abcd"
