"""Listing a provider's models and trying the connection."""

import json
from decimal import Decimal

import pytest

from orchestration.engine.errors import AuthenticationRejected, BadAnswer, InvalidRequest, ModelNotFound
from orchestration.engine.types import Capability, Prices
from orchestration.providers.guard import AddressGuard
from orchestration.providers.openai_compatible import (
    ConnectionReport,
    RemoteModel,
    connection,
    list_models,
)
from orchestration.providers.openai_compatible.catalogue import MOST, read_listing
from orchestration.providers.openai_compatible.connection import Subject
from orchestration.providers.transport import build_client
from tests.support.openai_server import Behaviour, OpenAIServer
from tests.support.transport import loopback_client

OPENROUTER = {
    "id": "meta/llama",
    "context_length": 131072,
    "top_provider": {"max_completion_tokens": 16384},
    "pricing": {"prompt": "0.00000012", "completion": "0.0000003"},
    "supported_parameters": ["tools", "structured_outputs", "top_k"],
    "architecture": {"input_modalities": ["text", "image"]},
}


def read(*rows: object) -> tuple[RemoteModel, ...]:
    return read_listing(json.dumps({"data": rows}).encode(), "here")


def test_everything_that_openrouter_tells_is_read() -> None:
    assert read(OPENROUTER) == (
        RemoteModel(
            id="meta/llama",
            context_window=131072,
            max_output_tokens=16384,
            prices=Prices(input_per_million=Decimal("0.12"), output_per_million=Decimal("0.3")),
            capabilities=frozenset({Capability.TOOLS, Capability.JSON_SCHEMA, Capability.VISION}),
        ),
    )


@pytest.mark.parametrize(
    ("row", "window"),
    [
        ({"id": "m", "max_model_len": 4096}, 4096),
        ({"id": "m", "context_window": 8192}, 8192),
        ({"id": "m", "context_length": 0, "max_model_len": 512}, 512),
        ({"id": "m", "meta": {"n_ctx": 4096, "n_ctx_train": 32768}}, 4096),
        ({"id": "m", "meta": {"n_ctx_train": 32768}}, 32768),
        ({"id": "m", "meta": "llama"}, None),
        ({"id": "m", "context_length": "many"}, None),
        ({"id": "m", "context_length": -5}, None),
        ({"id": "m"}, None),
    ],
)
def test_the_context_window_goes_by_many_names(row: object, window: int | None) -> None:
    assert [model.context_window for model in read(row)] == [window]


@pytest.mark.parametrize(
    "pricing",
    [
        {"prompt": "-1", "completion": "-1"},
        {"prompt": "x", "completion": "0"},
        {"prompt": "0"},
        "free",
        None,
        {"prompt": "NaN", "completion": "0"},
        {"prompt": "2", "completion": "3"},
        {"prompt": True, "completion": 0},
    ],
)
def test_prices_that_cannot_be_are_left_out(pricing: object) -> None:
    assert read({"id": "m", "pricing": pricing})[0].prices is None


def test_rows_without_a_usable_id_are_skipped_doubles_dropped_and_the_rest_sorted() -> None:
    rows = [
        {"id": "b"},
        {"id": "a"},
        {"id": "b"},
        {},
        "x",
        {"id": 7},
        {"id": "x" * 201},
        {"id": "a\nb"},
        None,
    ]
    assert [model.id for model in read(*rows)] == ["a", "b"]


def test_a_list_without_a_frame_is_read_and_a_long_one_is_cut() -> None:
    assert [model.id for model in read_listing(b'[{"id": "a"}]', "here")] == ["a"]
    assert len(read(*({"id": str(number)} for number in range(MOST + 10)))) == MOST


@pytest.mark.parametrize("raw", [b"<html>", b"{}", b'{"data": {}}', b"null", b"\xff", b"[" * 100_000])
def test_what_is_no_list_is_a_bad_answer(raw: bytes) -> None:
    with pytest.raises(BadAnswer, match=r"list of models\. Check the address's path"):
        read_listing(raw, "here")


async def test_models_are_listed_over_the_wire() -> None:
    async with (
        OpenAIServer(models=["b", {"id": "a", "max_model_len": 2048}]) as server,
        loopback_client() as client,
    ):
        found = await list_models(server.base_url, None, client)
    assert found == (RemoteModel(id="a", context_window=2048), RemoteModel(id="b"))


async def test_listing_with_a_wrong_key_or_path_says_so() -> None:
    async with OpenAIServer(api_key="right") as server, loopback_client() as client:
        with pytest.raises(AuthenticationRejected):
            await list_models(server.base_url, "wrong", client)
        with pytest.raises(ModelNotFound, match=r"try http://127\.0\.0\.1:\d+/v1\."):
            await list_models(server.base_url.removesuffix("/v1"), "right", client)


async def attempt(
    server: OpenAIServer, key: str | None = None, model: str = "", path: str = ""
) -> ConnectionReport:
    async with loopback_client() as client:
        return await connection.test_connection(server.base_url + path, key, client, model)


def told(report: ConnectionReport) -> list[tuple[Subject, bool]]:
    return [(check.subject, check.ok) for check in report.checks]


async def test_a_connection_that_works_is_reported_check_by_check() -> None:
    async with OpenAIServer(api_key="right") as server:
        report = await attempt(server, "right", "alpha")
    assert told(report) == [(subject, True) for subject in Subject]
    assert report.ok
    assert [model.id for model in report.models] == ["alpha", "beta"]
    assert "2 models are listed." in [check.sentence for check in report.checks]
    assert server.chats[0].body["max_tokens"] == 16


async def test_without_a_model_nothing_is_asked() -> None:
    async with OpenAIServer() as server:
        assert told(await attempt(server)) == [
            (s, True) for s in (Subject.ADDRESS, Subject.KEY, Subject.MODELS)
        ]
        assert server.chats == []


async def test_a_wrong_key_is_the_keys_fault_and_no_chat_is_tried() -> None:
    async with OpenAIServer(api_key="right") as server:
        report = await attempt(server, "wrong", "alpha")
    assert told(report) == [(Subject.ADDRESS, True), (Subject.KEY, False)]
    assert "refused the key (401)" in report.failed(Subject.KEY)
    assert (report.ok, server.chats) == (False, [])


async def test_an_address_where_nothing_listens_is_the_addresss_fault() -> None:
    async with loopback_client() as client:
        report = await connection.test_connection("http://127.0.0.1:1/v1", None, client, "alpha")
    assert told(report) == [(Subject.ADDRESS, False)]
    assert "nothing listens there" in report.failed(Subject.ADDRESS)


async def test_a_private_address_is_the_addresss_fault() -> None:
    async with build_client(guard=AddressGuard()) as client:
        report = await connection.test_connection("http://10.0.0.1/v1", None, client, "")
    assert "ORCHESTRA_ALLOWED_ADDRESSES" in report.failed(Subject.ADDRESS)


async def test_a_server_without_a_model_list_can_still_chat() -> None:
    async with OpenAIServer() as server:
        server.listing = Behaviour(status=404, body=b"")
        report = await attempt(server, None, "alpha")
    assert told(report) == [(Subject.ADDRESS, True), (Subject.MODELS, False), (Subject.CHAT, True)]


async def test_a_key_that_lists_but_may_not_chat_is_found_out() -> None:
    async with OpenAIServer() as server:
        server.default = Behaviour(status=401, body=b"{}")
        report = await attempt(server, "public", "alpha")
    assert told(report) == [(Subject.ADDRESS, True), (Subject.MODELS, True), (Subject.KEY, False)]


async def test_a_model_that_thinks_before_it_speaks_counts_as_answering() -> None:
    async with OpenAIServer() as server:
        server.default = Behaviour(text=" ", finish="length")
        assert (await attempt(server, None, "alpha")).ok


async def test_a_model_that_is_not_there_is_the_chats_fault() -> None:
    async with OpenAIServer() as server:
        server.default = Behaviour(status=404, body=b"{}")
        report = await attempt(server, None, "gamma")
    assert "has no model 'gamma'" in report.failed(Subject.CHAT)


async def test_an_address_that_cannot_be_one_is_refused_at_its_field() -> None:
    async with loopback_client() as client:
        with pytest.raises(InvalidRequest) as raised:
            await connection.test_connection("not an address", None, client, "")
    assert raised.value.field == "base_url"
