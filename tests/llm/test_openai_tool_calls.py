"""Tool calls of OpenAI-compatible servers, over real sockets: as they arrive, and as they are sent back."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from orchestration.llm.engine.errors import (
    BadAnswer,
    ContentRefused,
    ModelError,
    RequestRejected,
    StreamBroken,
)
from orchestration.llm.engine.resilience.caching import AnswerCache, Cached, cache_key
from orchestration.llm.engine.types import (
    Completion,
    FinishReason,
    Message,
    ModelSpec,
    Prompt,
    ToolCall,
    ToolDefinition,
    Usage,
    digest,
    plain,
)
from orchestration.runs.engine.budget import cost_to_reserve
from orchestration.runs.engine.records import completion_from_json
from tests.support.misbehaviour import events, said
from tests.support.models import RawModel, prompt_of, spec_named
from tests.support.openai_server import Behaviour, OpenAIServer
from tests.support.transport import PROMPT, chat_model, loopback_client

ADD = ToolDefinition(name="add", description="Adds.", schema={"type": "object"})
WITH_TOOLS = replace(PROMPT, tools=(ADD,))
LARGE = ModelSpec(name="alpha", provider="p", remote_name="alpha", max_output_tokens=500_000)
ONE = ToolCall(id="call_a", name="add", arguments='{"a": 1}')
TWO = ToolCall(id="call_b", name="add", arguments='{"b": 2}')
LAST = {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}


def part(arguments: object = None, name: object = None, **fields: object) -> dict[str, object]:
    return {**fields, "function": {"name": name, "arguments": arguments}}


def calls(*parts: dict[str, object], finish: str | None = None) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": {"tool_calls": list(parts)}, "finish_reason": finish}]}


async def answer(
    body: bytes, *, prompt: Prompt = WITH_TOOLS, spec: ModelSpec | None = None, key: str | None = None
) -> Completion:
    async with OpenAIServer() as server, loopback_client() as client:
        server.default = Behaviour(body=body, chunk=1000)
        return await chat_model(client, server.base_url, spec=spec, api_key=key).complete(prompt)


WHOLE = {"message": {"content": None, "tool_calls": [part('{"a": 1}', "add"), part({"b": 2}, "add")]}}
STREAMS: dict[str, tuple[bytes, tuple[ToolCall, ...]]] = {
    "a call in pieces": (
        events(
            calls(part("", "add", index=0, id="call_a")), *(calls(part(c, index=0)) for c in '{"a": 1}'), LAST
        ),
        (ONE,),
    ),
    "two calls, their pieces mixed": (
        events(
            calls(part("", "add", index=0, id="call_a"), part("", "add", index=1, id="call_b")),
            *(calls(part(b, index=1), part(a, index=0)) for a, b in zip('{"a": 1}', '{"b": 2}', strict=True)),
            LAST,
        ),
        (ONE, TWO),
    ),
    "whole calls at once, all numbered 0": (
        events(
            calls(part('{"a": 1}', "add", index=0, id="call_a")),
            calls(part('{"b": 2}', "add", index=0, id="call_b"), finish="stop"),
        ),
        (ONE, TWO),
    ),
    "no numbers": (
        events(
            calls(part('{"a":', "add", id="call_a")),
            calls(part(" 1}")),
            calls(part('{"b": 2}', "add", id="call_b")),
            LAST,
        ),
        (ONE, TWO),
    ),
    "neither numbers nor ids": (
        events(calls(part('{"a": 1}', "add"), part('{"b": 2}', "add")), LAST),
        (replace(ONE, id="call_1"), replace(TWO, id="call_2")),
    ),
    "the name in each piece": (
        events(
            calls(part('{"a":', "add", index=0, id="call_a")),
            calls(part(" 1}", "add", index=0, id="call_a")),
            LAST,
        ),
        (ONE,),
    ),
    "the name in pieces": (
        events(calls(part("", "a", index=0, id="call_a")), calls(part('{"a": 1}', "dd", index=0)), LAST),
        (ONE,),
    ),
    "another name at the same number": (
        events(calls(part("{}", "add", index=0)), calls(part("{}", "sub", index=0)), LAST),
        (
            ToolCall(id="call_1", name="add", arguments="{}"),
            ToolCall(id="call_2", name="sub", arguments="{}"),
        ),
    ),
    "ids used twice": (
        events(
            calls(part('{"a": 1}', "add", index=0, id="x"), part('{"b": 2}', "add", index=1, id="x")), LAST
        ),
        (replace(ONE, id="x"), replace(TWO, id="x_2")),
    ),
    "no reason for the end, only its mark": (
        events(calls(part('{"a": 1}', "add", index=0, id="call_a"))),
        (ONE,),
    ),
    "an answer in one piece": (
        json.dumps({"choices": [{**WHOLE, "finish_reason": "tool_calls"}]}).encode(),
        (replace(ONE, id="call_1"), replace(TWO, id="call_2")),
    ),
    "no JSON": (
        events(calls(part("a is 1 \ud800\0", "add", index=0, id="call_a")), LAST),
        (replace(ONE, arguments="a is 1 \ufffd\ufffd"),),
    ),
    "what is no call": (
        events(
            calls({"index": "0"}, {"function": "add"}), {"choices": [{"delta": {"tool_calls": "add"}}]}, LAST
        ),
        (ToolCall(id="call_1", name="", arguments=""),),
    ),
}


@pytest.mark.parametrize(("body", "expected"), STREAMS.values(), ids=STREAMS)
async def test_calls_are_read_however_a_server_writes_them(
    body: bytes, expected: tuple[ToolCall, ...]
) -> None:
    found = await answer(body)
    assert (found.tool_calls, found.finish, found.text) == (expected, FinishReason.TOOL_CALLS, "")
    assert completion_from_json(plain(found)) == found


CUT = calls(part('{"a": 1}', "add", index=0, id="call_a"))
BROKEN: dict[str, tuple[bytes, type[ModelError], str, ModelSpec | None]] = {
    "the connection": (events(CUT, end=""), StreamBroken, "too early, after 11 characters", None),
    "the limit on its length": (events(CUT, said("", "length")), BadAnswer, "in the middle of a", None),
    "the filter": (events(CUT, said("", "content_filter")), ContentRefused, "refused to answer", None),
    "a reason nobody knows": (events(CUT, said("", "odd")), BadAnswer, "in the middle of a", None),
    "a flood of calls": (
        events(*(calls(part("{}", "add", index=n)) for n in range(10_000)), LAST),
        BadAnswer,
        "more than 128 tool calls",
        LARGE,
    ),
    "a flood of arguments": (
        events(*(calls(part("x" * 1000, "add", index=0)) for _ in range(1000)), LAST),
        BadAnswer,
        "in the middle of a tool call",
        None,
    ),
}


@pytest.mark.parametrize(("body", "error", "words", "spec"), BROKEN.values(), ids=BROKEN)
async def test_a_call_that_was_cut_off_is_never_made(
    body: bytes, error: type[ModelError], words: str, spec: ModelSpec | None
) -> None:
    with pytest.raises(error, match=words):
        await answer(body, spec=spec)


async def test_text_beside_a_call_that_was_cut_off_is_kept_without_the_call() -> None:
    found = await answer(events(said("Let me see."), CUT, said("", "length")))
    assert (found.text, found.tool_calls, found.finish) == ("Let me see.", (), FinishReason.LENGTH)


async def test_a_megabyte_of_arguments_within_the_limit_is_read() -> None:
    pieces = (calls(part("x" * 1000, "add", index=0)) for _ in range(1000))
    found = await answer(events(*pieces, LAST), spec=LARGE)
    assert len(found.tool_calls[0].arguments) == 1_000_000
    assert found.usage == Usage(input_tokens=WITH_TOOLS.input_tokens, output_tokens=250_001, estimated=True)


async def test_calls_that_no_prompt_offered_are_ignored() -> None:
    body = events(said("Four."), CUT, LAST)
    found = await answer(body, prompt=PROMPT)
    assert (found.text, found.tool_calls, found.finish) == ("Four.", (), FinishReason.OTHER)


async def test_the_key_is_hidden_in_calls() -> None:
    body = events(calls(part('{"a": "sk-geheim"}', "add", index=0)), LAST)
    assert (await answer(body, key="sk-geheim")).tool_calls[0].arguments == '{"a": "[key]"}'


async def test_tools_calls_and_results_are_sent_as_the_format_has_them() -> None:
    asked = Message(role="assistant", content="", tool_calls=(ONE,))
    result = Message(role="tool", content="3", tool_call_id="call_a")
    async with OpenAIServer() as server, loopback_client() as client:
        prompt = replace(WITH_TOOLS, messages=(*PROMPT.messages, asked, result))
        await chat_model(client, server.base_url).complete(prompt)
    body: dict[str, Any] = server.chats[0].body
    call = {"id": "call_a", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
    assert body["messages"][1:] == [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": "3", "tool_call_id": "call_a"},
    ]
    function = {"name": "add", "description": "Adds.", "parameters": {"type": "object"}}
    assert body["tools"] == [{"type": "function", "function": function}]


async def test_a_server_that_does_not_know_tools_says_so_in_words() -> None:
    refusal = json.dumps({"error": {"message": "registry/gemma:2b does not support tools"}}).encode()
    async with OpenAIServer() as server, loopback_client() as client:
        server.default = Behaviour(status=400, body=refusal)
        with pytest.raises(RequestRejected, match=r"does not let 'alpha' call tools \(400\)"):
            await chat_model(client, server.base_url).complete(WITH_TOOLS)


def test_tools_and_calls_are_part_of_what_a_prompt_is_known_by() -> None:
    told = replace(WITH_TOOLS, messages=(Message(role="assistant", content="", tool_calls=(ONE,)),))
    keys = {cache_key("team", LARGE, each) for each in (PROMPT, WITH_TOOLS, told)}
    assert len(keys) == 3
    assert 0 < PROMPT.input_tokens < WITH_TOOLS.input_tokens
    spec = spec_named("a")
    assert cost_to_reserve(spec, PROMPT) < cost_to_reserve(spec, WITH_TOOLS)


def test_a_prompt_without_tools_has_the_hash_that_earlier_versions_journaled() -> None:
    message = {"role": "user", "content": "Why?"}
    known: dict[str, object] = {"messages": [message], "purpose": "answer", "temperature": None}
    known |= {"max_tokens": None, "seed": None, "stop": [], "response_schema": None, "sample": 0}
    assert digest("a", prompt_of("Why?")) == digest("a", known)
    assert "tool_calls" not in plain(Completion(text="Because."))


async def test_a_round_of_calls_is_reused_like_an_answer() -> None:
    wants = Completion(text="", tool_calls=(ONE,), finish=FinishReason.TOOL_CALLS)
    store = AnswerCache(max_bytes=10_000, ttl_s=60, clock=lambda: 0.0)
    model = Cached(RawModel("a", [wants]), store, scope="team")
    assert [(await model.complete(WITH_TOOLS)).tool_calls for _ in range(2)] == [(ONE,), (ONE,)]
