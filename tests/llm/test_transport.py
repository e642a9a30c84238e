"""The one way out, over real sockets: which addresses, how much."""

import asyncio
import gzip
import zlib
from pathlib import Path

import httpx
import pytest

from orchestration.llm.engine.errors import AddressRefused, BadAnswer, ModelError, ProviderUnavailable
from orchestration.llm.providers.addresses import AddressGuard
from orchestration.llm.providers.transport import Inflater, build_client
from tests.support.openai_server import Behaviour, OpenAIServer
from tests.support.raw_server import LOOPBACK, NAME, Names, answer, certificate_for, raw_server, saying
from tests.support.transport import PROMPT, chat_model, loopback_client


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "[::1]", "0.0.0.0", "[::]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "169.254.169.254"],
)
async def test_an_address_that_is_not_public_is_refused_before_anything_is_sent(host: str) -> None:
    async with OpenAIServer() as server, build_client(guard=AddressGuard()) as client:
        with pytest.raises(AddressRefused):
            await client.get(f"http://{host}:{server.port}/v1/models")
    assert server.listings == 0


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "127.1", "0"])
async def test_other_spellings_of_loopback_lead_nowhere(host: str) -> None:
    names = Names(["127.0.0.1"])
    async with OpenAIServer() as server, build_client(guard=AddressGuard(), lookup=names) as client:
        with pytest.raises((AddressRefused, httpx.TransportError)):
            await client.get(f"http://{host}:{server.port}/v1/models")
    assert server.listings == 0


async def test_a_name_is_resolved_once_for_a_connection_and_the_checked_address_is_used() -> None:
    names = Names(["127.0.0.1"], ["10.0.0.1"])
    async with OpenAIServer() as server, build_client(guard=LOOPBACK, lookup=names) as client:
        for _ in range(3):
            assert (await client.get(f"http://{NAME}:{server.port}/v1/models")).status_code == 200
    assert names.asked == [NAME]


async def test_a_name_that_leads_to_a_private_address_is_refused_and_both_are_named() -> None:
    async with build_client(guard=LOOPBACK, lookup=Names(["10.1.2.3"])) as client:
        with pytest.raises(AddressRefused, match=rf"{NAME}:443 \(10\.1\.2\.3\)"):
            await client.get(f"https://{NAME}/v1/models")


async def test_of_several_addresses_only_those_that_pass_are_tried() -> None:
    names = Names(["10.1.2.3", "127.0.0.1", "127.0.0.1"])
    async with OpenAIServer() as server, build_client(guard=LOOPBACK, lookup=names) as client:
        assert (await client.get(f"http://{NAME}:{server.port}/v1/models")).status_code == 200


async def test_an_address_allowed_by_name_only_can_be_connected_to() -> None:
    async with OpenAIServer() as server:
        guard = AddressGuard.from_entries([f"{NAME}:{server.port}"], allow_loopback=False)
        async with build_client(guard=guard, lookup=Names(["127.0.0.1"])) as client:
            assert (await client.get(f"http://{NAME}:{server.port}/v1/models")).status_code == 200


async def test_a_name_without_addresses_is_a_connection_error() -> None:
    async with build_client(guard=LOOPBACK, lookup=Names([])) as client:
        with pytest.raises(httpx.TransportError):
            await client.get(f"http://{NAME}/")


async def test_the_systems_resolver_knows_localhost() -> None:
    async with OpenAIServer() as server, loopback_client() as client:
        assert (await client.get(f"http://localhost:{server.port}/v1/models")).status_code == 200


async def test_only_http_is_spoken() -> None:
    async with build_client(guard=LOOPBACK) as client:
        with pytest.raises(httpx.UnsupportedProtocol):
            await client.get("ftp://127.0.0.1/")


async def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with OpenAIServer() as server, loopback_client() as client:
        assert (await client.get(f"{server.base_url}/models")).status_code == 200


async def test_redirects_are_not_followed_and_cookies_not_kept() -> None:
    async with OpenAIServer() as server, loopback_client() as client:
        server.listing = Behaviour(status=302, headers={"Location": "/_stats", "Set-Cookie": "a=b; Path=/"})
        response = await client.get(f"{server.base_url}/models")
        assert (response.status_code, list(client.cookies.jar)) == (302, [])
        await chat_model(client, server.base_url).complete(PROMPT)
    assert "Cookie" not in server.chats[0].headers


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "GZIP"])
async def test_compressed_answers_are_read_though_none_are_asked_for(encoding: str) -> None:
    packed = gzip.compress(b"hello" * 1000) if encoding.lower() == "gzip" else zlib.compress(b"hello" * 1000)
    async with raw_server(saying(answer(packed, encoding))) as port, loopback_client() as client:
        assert (await client.get(f"http://127.0.0.1:{port}/")).content == b"hello" * 1000


@pytest.mark.parametrize("end", [b"", b"\0\0\0", b"no gzip"])
@pytest.mark.parametrize("part", [1, 7, 10_000])
def test_gzip_of_several_members_is_read_whole(part: int, end: bytes) -> None:
    packed = b"".join(gzip.compress(text) for text in (b"one, ", b"", b"two, ", b"three" * 50_000)) + end
    inflater = Inflater("gzip")
    parts = [packed[at : at + part] for at in range(0, len(packed), part)]
    assert (
        b"".join(more for each in parts for more in inflater.feed(each)) == b"one, two, " + b"three" * 50_000
    )


@pytest.mark.parametrize(
    ("encoding", "body"), [("gzip", b"no gzip"), ("br", b"x"), ("gzip, gzip", b"x"), ("zstd", b"x")]
)
async def test_compression_that_cannot_be_read_is_a_bad_answer(encoding: str, body: bytes) -> None:
    async with raw_server(saying(answer(body, encoding))) as port, loopback_client() as client:
        with pytest.raises(BadAnswer, match="compressed"):
            await client.get(f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_a_body_is_cut_off_at_its_limit_decompressed_bytes_counted(encoding: str) -> None:
    plain = b"x" * 200_000
    body = plain if encoding == "identity" else gzip.compress(plain)
    async with (
        raw_server(saying(answer(body, encoding))) as port,
        loopback_client(body_limit=100_000) as client,
    ):
        with pytest.raises(BadAnswer, match="larger than 97 KiB"):
            await client.get(f"http://127.0.0.1:{port}/")


async def test_an_endless_answer_is_cut_off() -> None:
    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not writer.is_closing():
            writer.write(b": nothing to see here\n\n" * 2000)
            await writer.drain()

    async with raw_server(flood) as port, loopback_client(body_limit=500_000) as client:
        with pytest.raises(BadAnswer, match="larger than"):
            await chat_model(client, f"http://127.0.0.1:{port}/v1").complete(PROMPT)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\xff\xfe",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000,
        b"SSH-2.0-OpenSSH_9.6\r\n",
    ],
)
async def test_what_is_not_http_is_a_model_error_in_words(raw: bytes) -> None:
    async with raw_server(saying(raw)) as port, loopback_client() as client:
        with pytest.raises(ModelError, match=r"127\.0\.0\.1"):
            await chat_model(client, f"http://127.0.0.1:{port}/v1").complete(PROMPT)


async def test_tls_is_checked_against_the_name_though_the_address_is_connected_to(tmp_path: Path) -> None:
    server_tls, client_tls = certificate_for(NAME, tmp_path)
    names = Names(["127.0.0.1"])
    async with (
        raw_server(saying(answer(b"hello")), server_tls) as port,
        build_client(guard=LOOPBACK, lookup=names, verify=client_tls) as client,
    ):
        assert (await client.get(f"https://{NAME}:{port}/")).text == "hello"
        with pytest.raises(ProviderUnavailable, match="certificate is not valid for this address"):
            await chat_model(client, f"https://other.example.test:{port}/v1").complete(PROMPT)
