"""Base addresses: one way to write each, and words for what is none."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.engine.errors import InvalidRequest
from orchestration.providers.address import host_and_port, normalise_base_url, origin_of, path_hint
from orchestration.providers.endpoint import Endpoint


@pytest.mark.parametrize(
    ("given_address", "stored"),
    [
        ("https://api.openai.com/v1", "https://api.openai.com/v1"),
        ("  https://API.OpenAI.com:443/v1/  ", "https://api.openai.com/v1"),
        ("HTTP://localhost:11434/v1//", "http://localhost:11434/v1"),
        ("http://localhost:80", "http://localhost"),
        ("https://api.openai.com/v1/chat/completions", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/models/", "https://api.openai.com/v1"),
        ("https://bücher.example/v1", "https://xn--bcher-kva.example/v1"),
        ("http://[0:0::1]:8080/v1", "http://[::1]:8080/v1"),
        ("https://host.example./v1", "https://host.example/v1"),
        ("https://x.openai.azure.com/openai/v1", "https://x.openai.azure.com/openai/v1"),
    ],
)
def test_an_address_is_stored_in_one_way(given_address: str, stored: str) -> None:
    assert normalise_base_url(given_address) == stored
    assert normalise_base_url(stored) == stored


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("", "Enter the address"),
        ("api.openai.com/v1", "must start with https"),
        ("ftp://api.openai.com", "must start with https"),
        ("file:///etc/passwd", "must start with https"),
        ("https:///v1", "must start with https"),
        ("https://user:pw@api.openai.com/v1", "user name or password"),
        ("https://api.openai.com@evil.example/v1", "user name or password"),
        ("https://api.openai.com/v1?key=1", r"before any \? or #"),
        ("https://api.openai.com/v1?", r"before any \? or #"),
        ("https://api.openai.com/v1#x", r"before any \? or #"),
        ("https://api.openai.com:99999/v1", "malformed"),
        ("https://api.openai.com:http/v1", "malformed"),
        ("https://api.openai.com:0/v1", "port 0"),
        ("https://[::1/v1", "malformed"),
        ("https://[::zz]/v1", "malformed|no host"),
        ("https://ho st/v1", "characters that no address has"),
        ("https://host\\@evil/v1", "characters that no address has"),
        ("https://host\n/v1", "characters that no address has"),
        ("https://host/../v1", "path"),
        ("https://host//v1", "path"),
        ("https://-host-.example/v1", "no host"),
        ("https://a..b/v1", "no host"),
        ("https://" + "a" * 64 + ".example", "no host"),
        ("https://127.1/v1", "no host"),
        ("https://2130706433/v1", "no host"),
        ("https://0x7f000001/v1", "no host"),
        ("https://0177.0.0.1/v1", "no host"),
        ("https://" + "a/" * 400, "longer than 400"),
    ],
)
def test_what_is_no_address_is_refused_at_its_field(address: str, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words) as raised:
        normalise_base_url(address)
    assert raised.value.field == "base_url"


PIECES = st.sampled_from(
    [
        "http://",
        "https://",
        "a",
        "xn--",
        "xn--a",
        ".",
        ":",
        "80",
        "/",
        "v1",
        "[",
        "]",
        "::1",
        "@",
        "%",
        "%2e",
        "é",
        "Ⅷ",
        "。",
        "0x7f",
        "127",
    ]
)


@given(st.lists(PIECES | st.text(max_size=2), max_size=8))
def test_whatever_is_accepted_means_the_same_to_every_reader(pieces: list[str]) -> None:
    try:
        stored = normalise_base_url("http://" + "".join(pieces))
    except InvalidRequest:
        return
    assert normalise_base_url(stored) == stored
    url = httpx.URL(stored)
    assert str(url).rstrip("/") == stored
    host, port = host_and_port(stored)
    assert (url.raw_host.decode(), url.port or 80) == (host, port)
    assert origin_of(stored).endswith(f":{port}")


def test_a_key_is_bound_to_scheme_host_and_port() -> None:
    assert origin_of("https://a.example/v1") == "https://a.example:443" == origin_of("https://a.example/v2")
    assert origin_of("http://[::1]:8080/v1") == "http://[::1]:8080"
    assert len({origin_of(f"{scheme}://a.example:8443") for scheme in ("http", "https")}) == 2


def test_an_address_without_a_path_gets_a_hint() -> None:
    assert (
        path_hint("http://localhost:11434")
        == " Most servers answer under /v1: try http://localhost:11434/v1."
    )
    assert path_hint("http://localhost:11434/v1") == ""


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "clé", "x" * 1001])
def test_a_key_that_no_header_carries_is_refused_at_its_field(key: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        Endpoint("https://a.example/v1", key)
    assert raised.value.field == "api_key"


def test_a_key_is_trimmed_and_never_shown() -> None:
    endpoint = Endpoint("https://a.example:8443/v1", " sk-secret \n")
    assert endpoint.headers == {"authorization": "Bearer sk-secret"}
    assert "sk-secret" not in repr(endpoint)
    assert endpoint.host == "a.example:8443"
