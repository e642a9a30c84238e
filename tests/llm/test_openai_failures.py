"""How the OpenAI-compatible provider fails: typed, in words, without the key."""

import json
import socket

import pytest

from orchestration.llm.engine import errors
from orchestration.llm.engine.errors import ModelError, ProviderUnavailable, RateLimited, RequestRejected
from orchestration.llm.providers.addresses import AddressGuard, Endpoint
from orchestration.llm.providers.openai_compatible.refusals import Refusal, model_error
from orchestration.llm.providers.transport import build_client
from tests.support.openai_server import Behaviour, OpenAIServer
from tests.support.transport import PROMPT, chat_model, loopback_client

KEY = "sk-canary-1234567890"
HERE = Endpoint("https://api.example.com/v1", KEY)


def failure(status: int, body: object = "", key: str | None = KEY) -> ModelError:
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return model_error(Refusal.from_body(status, raw), Endpoint(HERE.base_url, key), "alpha", {})


@pytest.mark.parametrize(
    ("status", "body", "code", "words"),
    [
        (
            401,
            "",
            "authentication_rejected",
            "example.com refused the key (401). Check the key under Models.",
        ),
        (403, {"error": "no"}, "authentication_rejected", "does not let this key do that (403): no"),
        (403, {"error": {"message": "flagged by moderation"}}, "content_refused", "content filter"),
        (402, "", "request_rejected", "has no credit left (402)"),
        (429, {"error": {"code": "insufficient_quota"}}, "request_rejected", "has no credit left (429)"),
        (404, "", "model_not_found", "has no model 'alpha'"),
        (408, "", "model_timeout", "(408)"),
        (429, {"error": {"message": "slow"}}, "rate_limited", "slow down (429): slow"),
        (
            400,
            {"error": {"message": "This model's maximum context length is 9"}},
            "context_window_exceeded",
            "longer than",
        ),
        (400, {"error": {"code": "context_length_exceeded"}}, "context_window_exceeded", "longer than"),
        (422, {"detail": "Prompt is too long"}, "context_window_exceeded", "longer than"),
        (400, {"error": {"code": "content_filter", "message": "x"}}, "content_refused", "content filter"),
        (400, {"error": {"message": "bad"}}, "request_rejected", "refused the request (400): bad"),
        (400, {"object": "error", "message": "vllm says no"}, "request_rejected", "vllm says no"),
        (422, {"detail": [{"loc": ["body", "seed"]}]}, "request_rejected", "seed"),
        (418, "", "request_rejected", "refused the request (418)."),
        (500, "<html>oops</html>", "provider_unavailable", "error on its side (500)."),
        (503, {"message": "loading"}, "provider_unavailable", "(503): loading"),
        (529, "", "provider_unavailable", "(529)"),
        (204, "", "bad_answer", "status 204"),
        (301, "", "request_rejected", "redirects are not followed"),
    ],
)
def test_every_status_has_its_error_and_its_words(status: int, body: object, code: str, words: str) -> None:
    error = failure(status, body)
    assert error.code == code
    assert words in str(error)


def test_a_server_that_requires_a_key_is_distinguished_from_one_that_refused_it() -> None:
    assert "asks for a key (401). Enter one under Models." in str(failure(401, key=None))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"code": 429, "message": "x"}, "rate_limited"),
        ({"code": 502, "message": "x"}, "provider_unavailable"),
        ({"type": "overloaded_error"}, "provider_unavailable"),
        ({"code": "context_length_exceeded"}, "context_window_exceeded"),
        ({"code": "invalid_api_key"}, "authentication_rejected"),
        ("just words", "provider_unavailable"),
    ],
)
async def test_an_error_inside_the_stream_is_that_error(error: object, code: str) -> None:
    async with OpenAIServer() as server, loopback_client() as client:
        server.default = Behaviour(body=f"data: {json.dumps({'error': error})}\n\ndata: [DONE]\n\n".encode())
        with pytest.raises(ModelError) as raised:
            await chat_model(client, server.base_url).complete(PROMPT)
    assert raised.value.code == code


def test_what_the_provider_says_is_shown_short_on_one_line_and_without_the_key() -> None:
    said = f"bad key {KEY}\n\x1b[31m\u202e{'x' * 900}"
    message = str(failure(400, {"error": {"message": said}}))
    assert KEY not in message
    assert "bad key [key] [31m" in message
    assert len(message) < 400
    assert message.isprintable()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("0.25", 0.25),
        ("-3", 0.0),
        ("1e99", 86_400.0),
        ("inf", None),
        ("nan", None),
        ("soon", None),
        ("", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Wed, 21 Oct 9015 07:28:00 GMT", 86_400.0),
        ("Wed, 99 Foo 2015", None),
        ("12s", 12.0),
        ("Wed, 21 Oct 2015 07:28:00", 0.0),
    ],
)
async def test_retry_after_is_read_however_odd(value: str, seconds: float | None) -> None:
    async with OpenAIServer() as server, loopback_client() as client:
        server.default = Behaviour(status=429, body=b"{}", headers={"Retry-After": value})
        with pytest.raises(RateLimited) as raised:
            await chat_model(client, server.base_url).complete(PROMPT)
    assert raised.value.retry_after_s == seconds


async def test_a_wait_in_milliseconds_goes_before_one_in_seconds() -> None:
    async with OpenAIServer() as server, loopback_client() as client:
        server.default = Behaviour(
            status=429, body=b"{}", headers={"Retry-After-Ms": "250", "Retry-After": "1"}
        )
        with pytest.raises(RateLimited) as raised:
            await chat_model(client, server.base_url).complete(PROMPT)
    assert raised.value.retry_after_s == 0.25


async def test_a_refused_key_is_reported_and_not_tried_again() -> None:
    async with OpenAIServer(api_key="right") as server, loopback_client() as client:
        with pytest.raises(errors.AuthenticationRejected, match=r"refused the key \(401\)"):
            await chat_model(client, server.base_url, api_key=KEY).complete(PROMPT)
    assert len(server.chats) == 1


@pytest.mark.parametrize("parameter", ["stream_options", "temperature", "seed", "stop", "stream"])
async def test_a_parameter_that_the_server_refuses_is_left_out_from_then_on(parameter: str) -> None:
    prompt = type(PROMPT)(messages=PROMPT.messages, temperature=0.5, seed=1, stop=("X",))
    async with OpenAIServer() as server, loopback_client() as client:
        server.default = Behaviour(refuses=(parameter,))
        await chat_model(client, server.base_url).complete(prompt)
        await chat_model(client, server.base_url).complete(prompt)
    assert [parameter in chat.body for chat in server.chats] == [True, False, False]


async def test_the_length_limit_has_its_other_name_where_the_server_requires_it() -> None:
    refusal = {
        "error": {"message": "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."}
    }
    async with OpenAIServer() as server, loopback_client() as client:
        server.next.append(Behaviour(status=400, body=json.dumps(refusal).encode()))
        await chat_model(client, server.base_url).complete(PROMPT)
    assert server.chats[0].body["max_tokens"] == server.chats[1].body["max_completion_tokens"] == 64
    assert "max_tokens" not in server.chats[1].body


async def test_a_server_that_knows_neither_name_of_the_length_limit_is_not_asked_for_ever() -> None:
    refusal = json.dumps({"error": {"message": "Use 'max_completion_tokens', not that."}}).encode()
    async with OpenAIServer() as server, loopback_client() as client:
        server.default = Behaviour(status=400, body=refusal)
        with pytest.raises(RequestRejected):
            await chat_model(client, server.base_url).complete(PROMPT)
    assert len(server.chats) == 2


async def test_a_refusal_without_a_word_is_tried_once_without_stream_options() -> None:
    async with OpenAIServer() as server, loopback_client() as client:
        server.default = Behaviour(status=400, body=b"{}")
        with pytest.raises(RequestRejected):
            await chat_model(client, server.base_url).complete(PROMPT)
        server.default = Behaviour()
        await chat_model(client, server.base_url).complete(PROMPT)
    assert ["stream_options" in chat.body for chat in server.chats] == [True, False, True]


async def test_a_prompt_that_is_too_long_is_not_tried_again() -> None:
    async with OpenAIServer() as server, loopback_client() as client:
        server.default = Behaviour(status=400, body=b'{"error": {"code": "context_length_exceeded"}}')
        with pytest.raises(errors.ContextWindowExceeded):
            await chat_model(client, server.base_url).complete(PROMPT)
    assert len(server.chats) == 1


async def test_a_server_that_is_not_there_is_unavailable_in_words() -> None:
    async with loopback_client() as client:
        with pytest.raises(
            ProviderUnavailable, match=r"127\.0\.0\.1:1 could not be reached: nothing listens"
        ):
            await chat_model(client, "http://127.0.0.1:1/v1").complete(PROMPT)


async def test_a_name_that_nobody_knows_is_unavailable_in_words() -> None:
    async def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async with build_client(guard=AddressGuard(), lookup=unknown) as client:
        with pytest.raises(ProviderUnavailable, match="its name is not known"):
            await chat_model(client, "https://api.exmaple.com/v1").complete(PROMPT)


async def test_a_redirect_is_not_followed_and_named() -> None:
    async with OpenAIServer() as server, loopback_client() as client:
        server.default = Behaviour(status=307, body=b"", headers={"Location": "http://127.0.0.1:9/elsewhere"})
        with pytest.raises(RequestRejected, match=r"redirects to http://127\.0\.0\.1:9/elsewhere \(307\)"):
            await chat_model(client, server.base_url).complete(PROMPT)
