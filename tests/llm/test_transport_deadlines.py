"""The one way out, over real sockets: how long, and how it ends."""

import asyncio
import json
from contextlib import aclosing

import pytest

from orchestration.llm.engine.errors import ModelTimeout, ProviderUnavailable
from orchestration.llm.providers.exchange import Deadlines
from orchestration.llm.providers.transport import build_client
from tests.support.openai_server import Behaviour, OpenAIServer
from tests.support.raw_server import LOOPBACK, NAME, raw_server
from tests.support.transport import PROMPT, chat_model, loopback_client

TO_START = Deadlines(total_s=0.15)
TO_GO_ON = Deadlines(idle_s=0.15, total_s=20)
TO_FINISH = Deadlines(total_s=0.4)
DRIP = Behaviour(text="abc" * 900, delay_s=0.03)


@pytest.mark.parametrize(
    ("behaviour", "deadlines", "words"),
    [
        (Behaviour(hang=True), TO_START, "did not start to answer within 0.15 seconds"),
        (Behaviour(first_delay_s=30), TO_START, "did not start to answer"),
        (
            Behaviour(body=b": processing\n\n" * 900, chunk=14, delay_s=0.02),
            TO_FINISH,
            "did not start to answer within 0.4 seconds",
        ),
        (
            Behaviour(text="abc" * 90, chunk=200, delay_s=30),
            TO_GO_ON,
            "sent nothing for 0.15 seconds in the middle of its answer",
        ),
        (DRIP, TO_FINISH, "did not finish its answer within 0.4 seconds"),
        (Behaviour(status=500, body=b"x" * 900, chunk=1, delay_s=0.03), TO_FINISH, "did not start to answer"),
    ],
)
async def test_each_deadline_is_kept_and_named(
    behaviour: Behaviour, deadlines: Deadlines, words: str
) -> None:
    async with OpenAIServer() as server, loopback_client() as client:
        server.default = behaviour
        with pytest.raises(ModelTimeout, match=words):
            await chat_model(client, server.base_url, deadlines=deadlines).complete(PROMPT)
        assert await server.until_open(0)


THINKING = [{"reasoning_content": "Hm. "}] * 50
ROLES = [{"role": "assistant", "content": ""}] * 50


def streamed(deltas: list[dict[str, str]], answer: str) -> bytes:
    """Return a stream of `deltas` without a word of the answer, and then the answer."""
    said = [*deltas, {"content": answer}]
    events = [json.dumps({"choices": [{"index": 0, "delta": delta}]}) for delta in said]
    return "".join(f"data: {event}\n\n" for event in [*events, "[DONE]"]).encode()


@pytest.mark.parametrize(
    "body",
    [streamed(THINKING, "42"), streamed(ROLES, "42"), b": processing\n\n" * 50 + streamed([], "42")],
    ids=["reasoning", "empty deltas", "comments"],
)
async def test_a_model_that_sends_anything_before_its_first_word_is_waited_for(body: bytes) -> None:
    short = Deadlines(idle_s=0.3, total_s=20)
    async with OpenAIServer() as server, loopback_client() as client:
        server.default = Behaviour(body=body, delay_s=0.02)
        answered = await chat_model(client, server.base_url, deadlines=short).complete(PROMPT)
    assert answered.text == "42"
    assert answered.latency_s > 3 * short.idle_s


async def test_a_connection_that_never_comes_about_is_unavailable() -> None:
    async def never(host: str, port: int) -> list[str]:
        await asyncio.sleep(60)
        return []

    limits = Deadlines(connect_s=0.1, total_s=5)
    async with build_client(guard=LOOPBACK, lookup=never) as client:
        with pytest.raises(ProviderUnavailable, match="no connection was made in time"):
            await chat_model(client, f"http://{NAME}/v1", deadlines=limits).complete(PROMPT)


async def test_a_request_is_sent_again_without_what_was_refused_within_the_same_time() -> None:
    limits = Deadlines(idle_s=0.05, total_s=5)
    async with OpenAIServer() as server, loopback_client() as client:
        server.default = Behaviour(refuses=("stream_options",), first_delay_s=0.2)
        answered = await chat_model(client, server.base_url, deadlines=limits).complete(PROMPT)
    assert answered.text == "Hello from alpha."


@pytest.mark.parametrize("behaviour", [Behaviour(hang=True), Behaviour(text="abc" * 500, delay_s=0.05)])
async def test_cancelling_ends_the_request_wherever_it_is(behaviour: Behaviour) -> None:
    async with OpenAIServer() as server, loopback_client() as client:
        server.default = behaviour
        task = asyncio.ensure_future(chat_model(client, server.base_url).complete(PROMPT))
        assert await server.until_open(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await server.until_open(0)


async def test_closing_the_stream_ends_the_request() -> None:
    async with OpenAIServer() as server, loopback_client() as client:
        server.default = Behaviour(text="abc" * 500, delay_s=0.02)
        async with aclosing(chat_model(client, server.base_url).stream(PROMPT)) as pieces:
            await anext(pieces)
            assert server.open == 1
        assert await server.until_open(0)


async def test_a_connection_is_used_again_after_an_answer() -> None:
    async with OpenAIServer() as server, loopback_client() as client:
        for _ in range(5):
            await chat_model(client, server.base_url).complete(PROMPT)
    assert len(server.connections) == 1


async def test_a_connection_kept_open_after_the_end_mark_does_not_delay_the_answer() -> None:
    async def linger(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(
            b'HTTP/1.1 200 OK\r\n\r\ndata: {"choices":[{"delta":{"content":"Yes"}}]}\n\ndata: [DONE]\n\n'
        )
        await writer.drain()
        await asyncio.sleep(30)

    async with raw_server(linger) as port, loopback_client() as client:
        answered = await chat_model(client, f"http://127.0.0.1:{port}/v1").complete(PROMPT)
    assert answered.text == "Yes"
