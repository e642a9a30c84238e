"""Answers of the OpenAI-compatible provider, over real sockets."""

import json
from dataclasses import replace
from urllib.parse import quote

import pytest

from orchestra_site.web.logs import spellings
from orchestration.llm.engine.errors import BadAnswer, ContentRefused, ModelError, ProviderUnavailable
from orchestration.llm.engine.types import (
    Capability,
    Completion,
    Delta,
    FinishReason,
    Message,
    ModelSpec,
    Prompt,
    Usage,
)
from tests.support.openai_server import Behaviour, OpenAIServer, sse_answer
from tests.support.transport import PROMPT, chat_model, loopback_client

TEXT = "The fox 🦊 jumps — naïvely — over 日本."


async def ask(server: OpenAIServer, prompt: Prompt = PROMPT, spec: ModelSpec | None = None) -> Completion:
    async with loopback_client() as client:
        return await chat_model(client, server.base_url, spec=spec).complete(prompt)


def events(*chunks: object) -> bytes:
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks).encode() + b"data: [DONE]\n\n"


def content(text: object, finish: str | None = None) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]}


async def test_text_comes_in_pieces_whose_offsets_add_up_to_the_whole() -> None:
    async with OpenAIServer() as server, loopback_client() as client:
        server.default = Behaviour(text=TEXT, piece=5, delay_s=0.05)
        *deltas, whole = [piece async for piece in chat_model(client, server.base_url).stream(PROMPT)]
    assert len(deltas) > 5
    so_far = ""
    for delta in deltas:
        assert isinstance(delta, Delta)
        assert delta.offset == len(so_far)
        assert delta.text.startswith(so_far)
        so_far = delta.text
    assert isinstance(whole, Completion)
    assert whole.text == so_far == TEXT
    assert whole.usage == Usage(input_tokens=11, output_tokens=7)
    assert (whole.finish, whole.reported_model, whole.cost_usd) == (FinishReason.STOP, "alpha", None)
    assert 0 < (whole.first_token_s or 0) <= whole.latency_s


@pytest.mark.parametrize("chunk", [1, 2, 3, 7])
async def test_the_cut_into_chunks_changes_nothing(chunk: int) -> None:
    async with OpenAIServer() as server:
        server.default = Behaviour(text=TEXT, chunk=chunk)
        assert (await ask(server)).text == TEXT


async def test_an_answer_in_one_piece_is_accepted() -> None:
    async with OpenAIServer() as server:
        server.default = Behaviour(text=TEXT, stream=False)
        answer = await ask(server)
    assert (answer.text, answer.usage) == (TEXT, Usage(input_tokens=11, output_tokens=7))


@pytest.mark.parametrize(
    ("reported", "cached"),
    [
        ({"prompt_tokens_details": {"cached_tokens": 8, "audio_tokens": 0}}, 8),
        ({"prompt_cache_hit_tokens": 5, "prompt_cache_miss_tokens": 6}, 5),
        ({"cache_creation_input_tokens": 3, "cache_read_input_tokens": 4}, 4),
        ({"prompt_tokens_details": {"cached_tokens": 0}}, 0),
        ({"prompt_tokens_details": {"cached_tokens": 500}}, 11),
        ({"prompt_tokens_details": {"cached_tokens": -1}}, 0),
        ({"prompt_tokens_details": {"cached_tokens": "8"}}, 0),
        ({"prompt_tokens_details": [8], "prompt_cache_hit_tokens": None}, 0),
    ],
)
async def test_tokens_read_from_the_providers_cache_are_part_of_the_prompt(
    reported: dict[str, object], cached: int
) -> None:
    async with OpenAIServer() as server:
        server.default = Behaviour(text=TEXT, more_usage=reported)
        answer = await ask(server)
    assert answer.usage == Usage(input_tokens=11, output_tokens=7, cached_input_tokens=cached)


async def test_usage_that_is_not_reported_is_estimated_and_flagged() -> None:
    async with OpenAIServer() as server:
        server.default = Behaviour(text="x" * 40, usage=False)
        answer = await ask(server)
    assert answer.usage == Usage(input_tokens=6, output_tokens=10, estimated=True)


@pytest.mark.parametrize(
    ("said", "finish"),
    [
        ("stop", FinishReason.STOP),
        ("eos", FinishReason.STOP),
        ("length", FinishReason.LENGTH),
        ("MAX_TOKENS", FinishReason.LENGTH),
        ("model_length", FinishReason.LENGTH),
        ("content_filter", FinishReason.CONTENT_FILTER),
        ("tool_calls", FinishReason.OTHER),
        ("whatever", FinishReason.OTHER),
        (None, FinishReason.OTHER),
    ],
)
async def test_the_reason_for_stopping_is_understood(said: str | None, finish: FinishReason) -> None:
    async with OpenAIServer() as server:
        server.default = Behaviour(finish=said)
        assert (await ask(server)).finish is finish


@pytest.mark.parametrize("reason", ["error", "insufficient_system_resource"])
async def test_a_provider_that_gives_up_in_mid_answer_is_no_success(reason: str) -> None:
    async with OpenAIServer() as server:
        server.default = Behaviour(finish=reason)
        with pytest.raises(ProviderUnavailable, match=reason):
            await ask(server)


async def test_the_end_mark_may_be_missing_when_the_finish_reason_is_there() -> None:
    async with OpenAIServer() as server:
        server.default = Behaviour(text=TEXT, done=False)
        assert (await ask(server)).text == TEXT


@pytest.mark.parametrize("clean_cut", [True, False])
async def test_an_answer_cut_at_any_byte_is_whole_or_an_error(clean_cut: bool) -> None:  # noqa: FBT001
    whole = sse_answer(Behaviour(), text="Yes, é🦊.", usage={"prompt_tokens": 1, "completion_tokens": 2})
    successes = 0
    async with OpenAIServer() as server, loopback_client() as client:
        model = chat_model(client, server.base_url)
        for cut in range(len(whole)):
            server.next.append(Behaviour(body=whole, cut_at=cut, clean_cut=clean_cut))
            try:
                answer = await model.complete(PROMPT)
            except ModelError:
                continue
            successes += 1
            assert answer.text == "Yes, é🦊."
    assert 0 < successes < len(whole) / 2


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<!DOCTYPE html><html>Welcome</html>", "web page"),
        (b"\n\n  <html>", "web page"),
        (b"data: {not json}\n\n", "not JSON"),
        (b"data: [1, 2]\n\n", "no part of an answer"),
        (b'{"choices": [', "not JSON"),
        (b"[]", "no part of an answer"),
        (b'data: {"choices": "x"}\n\ndata: [DONE]\n\n', "no text at all"),
        (b'{"choices": [{"message": {"content": null}}]}', "no text at all"),
        (events(content("\xa0 \n", "stop")), "no text at all"),
        (events(content("", "length")), "before its first word"),
        (b'data: {"choices": [{"delta": {"content": "\xff"}}]}\n\n', "not UTF-8"),
        (b'{"choices": [{"message": {"content": "\xff"}}]}', "not JSON"),
        (b"data: " + b"[" * 100_000 + b"\n\n", "not JSON"),
        (b"{" + b'"a":{' * 100_000, "not JSON"),
    ],
)
async def test_what_is_no_answer_is_a_bad_answer(body: bytes, words: str) -> None:
    async with OpenAIServer() as server:
        server.default = Behaviour(body=body)
        with pytest.raises(BadAnswer, match=words):
            await ask(server)


async def test_a_stream_that_ends_before_any_answer_is_broken() -> None:
    async with OpenAIServer() as server:
        server.default = Behaviour(body=b": nothing but comments\n\n")
        with pytest.raises(ModelError, match="before its first word") as raised:
            await ask(server)
    assert raised.value.code == "stream_broken"


async def test_a_filter_that_leaves_nothing_is_a_refusal_and_one_that_leaves_text_is_a_finish() -> None:
    async with OpenAIServer() as server:
        server.default = Behaviour(body=events(content("", "content_filter")))
        with pytest.raises(ContentRefused):
            await ask(server)
        server.default = Behaviour(body=events(content("Half", "content_filter")))
        assert (await ask(server)).finish is FinishReason.CONTENT_FILTER


@pytest.mark.parametrize(
    "said",
    [
        {"content": ""},
        {"content": None, "tool_calls": [{"id": "1", "function": {"name": "look", "arguments": "{}"}}]},
        {"reasoning_content": "Let me think"},
    ],
)
@pytest.mark.parametrize("made", [7, 0])
async def test_usage_reported_with_an_answer_without_text_goes_with_the_error(
    said: dict[str, object], made: int
) -> None:
    usage = {"choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": made}}
    ended = {"choices": [{"index": 0, "delta": said, "finish_reason": "tool_calls"}]}
    async with OpenAIServer() as server:
        server.default = Behaviour(body=events(ended, usage))
        with pytest.raises(BadAnswer) as raised:
            await ask(server)
    assert raised.value.usage == Usage(input_tokens=11, output_tokens=made)


@pytest.mark.parametrize(
    ("chunk", "text"),
    [
        (content([{"type": "thinking", "text": "hm"}, {"type": "text", "text": "Yes"}]), "Yes"),
        ({"choices": [{"index": 0, "delta": {"refusal": "I cannot."}}]}, "I cannot."),
        ({"choices": [{"index": 1, "delta": {"content": "no"}}, {"delta": {"content": "yes"}}]}, "yes"),
        (content("a\0b"), "a\ufffdb"),
        (content("lone \ud83d half"), "lone \ufffd half"),
    ],
)
async def test_odd_content_is_read_for_its_text(chunk: dict[str, object], text: str) -> None:
    async with OpenAIServer() as server:
        server.default = Behaviour(body=events(chunk))
        assert (await ask(server)).text == text


async def test_a_character_cut_in_half_between_two_events_is_joined() -> None:
    async with OpenAIServer() as server:
        server.default = Behaviour(body=events(content("a\ud83e"), content("\udd8ab")))
        assert (await ask(server)).text == "a🦊b"


@pytest.mark.parametrize(
    "usage", [{"prompt_tokens": -1, "completion_tokens": 5}, {"prompt_tokens": 1e30}, "lots", None, []]
)
async def test_usage_that_cannot_be_is_replaced_by_an_estimate(usage: object) -> None:
    async with OpenAIServer() as server:
        server.default = Behaviour(body=events(content("Yes", "stop"), {"choices": [], "usage": usage}))
        assert (await ask(server)).usage.estimated


async def test_everything_that_the_prompt_says_is_sent() -> None:
    spec = ModelSpec(
        name="a",
        provider="p",
        remote_name="remote/a",
        max_output_tokens=50,
        capabilities=frozenset({Capability.JSON_SCHEMA}),
    )
    prompt = Prompt(
        messages=(Message(role="system", content="Be brief."), Message(role="user", content="Hi")),
        temperature=0.5,
        max_tokens=500,
        seed=7,
        stop=("END",),
        response_schema={"type": "object"},
    )
    async with OpenAIServer() as server:
        await ask(server, prompt, spec)
        await ask(server, prompt, replace(spec, capabilities=frozenset()))
    assert server.chats[0].body == {
        "model": "remote/a",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
        "max_tokens": 50,
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.5,
        "seed": 7,
        "stop": ["END"],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": {"type": "object"}},
        },
    }
    assert "response_format" not in server.chats[1].body


async def test_the_key_is_sent_as_a_bearer_and_without_one_nothing_is() -> None:
    async with OpenAIServer() as server, loopback_client() as client:
        await chat_model(client, server.base_url, api_key="sk-test").complete(PROMPT)
        await chat_model(client, server.base_url).complete(PROMPT)
    assert server.chats[0].headers["Authorization"] == "Bearer sk-test"
    assert "Authorization" not in server.chats[1].headers


@pytest.mark.parametrize("stream", [True, False])
async def test_a_key_that_a_model_repeats_is_in_no_part_of_its_answer(*, stream: bool) -> None:
    key = "sk-canary/47+11=="
    text = f"Your key is {key}, in hex {key.encode().hex()}, or {quote(key, safe='')}."
    async with OpenAIServer(api_key=key) as server, loopback_client() as client:
        server.default = Behaviour(text=text, piece=5, delay_s=0.045, stream=stream)
        model = chat_model(client, server.base_url, api_key=key)
        *pieces, answered = [piece async for piece in model.stream(PROMPT)]
    assert answered.text == "Your key is [key], in hex [key], or [key]."
    shown = "".join(piece.text for piece in pieces)
    assert not any(form[:9] in shown for form in spellings(key))
