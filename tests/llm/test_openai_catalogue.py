"""Listing a provider's models and trying the connection."""

import json
from dataclasses import replace
from decimal import Decimal

import httpx
import pytest

from orchestration.llm.engine.errors import AuthenticationRejected, BadAnswer, InvalidRequest, ModelNotFound
from orchestration.llm.engine.types import Capability, Prices
from orchestration.llm.providers.adapter import (
    CheckSubject,
    ConnectionReport,
    ProviderAccess,
    RemoteModel,
    connection_report,
)
from orchestration.llm.providers.addresses import AddressGuard
from orchestration.llm.providers.openai_compatible.catalogue import (
    MOST,
    OpenAICompatibleProvider,
    read_listing,
)
from orchestration.llm.providers.transport import build_client
from tests.support.openai_server import Behaviour, OpenAIServer
from tests.support.transport import loopback_client

PROVIDER = OpenAICompatibleProvider()
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
        found = await PROVIDER.list_models(ProviderAccess(client=client, base_url=server.base_url))
    assert found == (RemoteModel(id="a", context_window=2048), RemoteModel(id="b"))


async def test_listing_with_a_wrong_key_or_path_says_so() -> None:
    async with OpenAIServer(api_key="right") as server, loopback_client() as client:
        wrong = ProviderAccess(client=client, base_url=server.base_url, api_key="wrong")
        with pytest.raises(AuthenticationRejected):
            await PROVIDER.list_models(wrong)
        elsewhere = replace(wrong, base_url=server.base_url.removesuffix("/v1"), api_key="right")
        with pytest.raises(ModelNotFound, match=r"try http://127\.0\.0\.1:\d+/v1\."):
            await PROVIDER.list_models(elsewhere)


async def attempt(server: OpenAIServer, key: str | None = None) -> ConnectionReport:
    async with loopback_client() as client:
        return await connection(client, server.base_url, key)


async def connection(client: httpx.AsyncClient, base_url: str, key: str | None = None) -> ConnectionReport:
    return await connection_report(PROVIDER, ProviderAccess(client=client, base_url=base_url, api_key=key))


def checked(report: ConnectionReport) -> list[tuple[CheckSubject, bool]]:
    return [(check.subject, check.ok) for check in report.checks]


async def test_a_connection_that_works_is_reported_check_by_check_and_no_model_is_asked() -> None:
    async with OpenAIServer(api_key="right") as server:
        report = await attempt(server, "right")
    assert checked(report) == [(subject, True) for subject in CheckSubject]
    assert report.ok
    assert [model.id for model in report.models] == ["alpha", "beta"]
    assert "2 models are listed." in [check.sentence for check in report.checks]
    assert server.chats == []


async def test_a_wrong_key_is_the_keys_fault() -> None:
    async with OpenAIServer(api_key="right") as server:
        report = await attempt(server, "wrong")
    assert checked(report) == [(CheckSubject.ADDRESS, True), (CheckSubject.KEY, False)]
    assert "refused the key (401)" in report.failed(CheckSubject.KEY)
    assert not report.ok


async def test_an_address_where_nothing_listens_is_the_addresss_fault() -> None:
    async with loopback_client() as client:
        report = await connection(client, "http://127.0.0.1:1/v1")
    assert checked(report) == [(CheckSubject.ADDRESS, False)]
    assert "nothing listens there" in report.failed(CheckSubject.ADDRESS)


async def test_a_private_address_is_the_addresss_fault() -> None:
    async with build_client(guard=AddressGuard()) as client:
        report = await connection(client, "http://10.0.0.1/v1")
    assert "ORCHESTRA_ALLOWED_ADDRESSES" in report.failed(CheckSubject.ADDRESS)


async def test_a_server_without_a_model_list_answers_all_the_same() -> None:
    async with OpenAIServer() as server:
        server.listing = Behaviour(status=404, body=b"")
        assert checked(await attempt(server)) == [(CheckSubject.ADDRESS, True), (CheckSubject.MODELS, False)]


async def test_an_address_that_cannot_be_one_is_refused_at_its_field() -> None:
    async with loopback_client() as client:
        with pytest.raises(InvalidRequest) as raised:
            await connection(client, "not an address")
    assert raised.value.field == "base_url"
