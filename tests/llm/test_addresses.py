"""Base addresses and the guard: one way to write each address, and which of them may be connected to."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.llm.engine.errors import AddressRefused, InvalidRequest
from orchestration.llm.providers.addresses import (
    AddressGuard,
    Endpoint,
    host_and_port,
    normalise_base_url,
    origin,
    path_hint,
    read_entry,
)


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
        ("https://ho st/v1", "characters that no address can have"),
        ("https://host\\@evil/v1", "characters that no address can have"),
        ("https://host\n/v1", "characters that no address can have"),
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
    assert origin(stored).endswith(f":{port}")


def test_a_key_is_bound_to_scheme_host_and_port() -> None:
    assert origin("https://a.example/v1") == "https://a.example:443" == origin("https://a.example/v2")
    assert origin("http://[::1]:8080/v1") == "http://[::1]:8080"
    assert len({origin(f"{scheme}://a.example:8443") for scheme in ("http", "https")}) == 2


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


STRICT = AddressGuard()
EMBEDDED = AddressGuard(allow_loopback=True)

PUBLIC = [
    "93.184.216.34",
    "1.1.1.1",
    "2606:4700:4700::1111",
    "::ffff:93.184.216.34",
    "64:ff9b::5db8:d822",
    "2002:5db8:d822::1",
    "172.15.255.255",
    "172.32.0.1",
    "100.63.255.255",
    "100.128.0.0",
]
PRIVATE = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "100.127.255.255",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.9",
    "192.0.0.10",
    "192.88.99.1",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::7f00:1",
    "::ffff:0:7f00:1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "64:ff9b:1::5db8:d822",
    "2002:7f00:1::1",
    "2002:a00:1::",
    "2002:c0a8:101::1",
    "2001:0:7f00:1::",
    "2001:0:a00:1:0:0:5db8:d822",
    "2001:db8::1",
    "100::1",
    "3fff::1",
    "3fff:fff:ffff::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "2606:4700:4700::1111%eth0",
]
LOOPBACK = ["127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "::ffff:7f00:1"]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_pass(address: str) -> None:
    STRICT.check("api.example.com", 443, address)


@pytest.mark.parametrize("address", PRIVATE)
def test_everything_else_is_refused_even_where_loopback_is_allowed(address: str) -> None:
    for guard in (STRICT, EMBEDDED):
        with pytest.raises(AddressRefused, match="not a public address"):
            guard.check("api.example.com", 443, address)


@pytest.mark.parametrize("address", LOOPBACK)
def test_loopback_is_for_the_embedded_profile_only(address: str) -> None:
    EMBEDDED.check("localhost", 11434, address)
    with pytest.raises(AddressRefused):
        STRICT.check("localhost", 11434, address)


@pytest.mark.parametrize("address", ["64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::", "::7f00:1"])
def test_a_tunnel_to_loopback_is_no_loopback(address: str) -> None:
    with pytest.raises(AddressRefused):
        EMBEDDED.check("localhost", 80, address)


@pytest.mark.parametrize(
    ("entry", "host", "address"),
    [
        ("ollama.internal:11434", "ollama.internal", "10.0.0.5"),
        ("Ollama.Internal:11434", "ollama.internal.", "10.0.0.5"),
        ("10.0.0.5:11434", "ollama.internal", "10.0.0.5"),
        ("10.0.0.5:11434", "10.0.0.5", "10.0.0.5"),
        ("10.0.0.5:11434", "ollama.internal", "::ffff:10.0.0.5"),
        ("[fd00::5]:11434", "box", "fd00:0:0::5"),
    ],
)
def test_the_operator_can_allow_a_host_or_an_address_with_its_port(
    entry: str, host: str, address: str
) -> None:
    guard = AddressGuard.from_entries([entry], allow_loopback=False)
    guard.check(host, 11434, address)
    with pytest.raises(AddressRefused):
        guard.check(host, 11435, address)


def test_an_allowed_host_allows_no_other_one_on_the_same_address() -> None:
    guard = AddressGuard.from_entries(["ollama.internal:80"], allow_loopback=False)
    with pytest.raises(AddressRefused):
        guard.check("evil.example", 80, "10.0.0.5")


@pytest.mark.parametrize(
    "entry", ["", "host", "host:", ":80", "host:http", "host:0", "host:65536", "::1:80", "host:-1", "host:٣"]
)
def test_an_entry_that_cannot_be_read_is_named(entry: str) -> None:
    with pytest.raises(ValueError, match=r"is not an address|no such port"):
        read_entry(entry)


@pytest.mark.parametrize(
    ("entry", "read"),
    [("Host.:80", ("host", 80)), ("[::1]:8080", ("::1", 8080)), (" 10.0.0.1:1 ", ("10.0.0.1", 1))],
)
def test_entries_are_read_as_they_are_compared(entry: str, read: tuple[str, int]) -> None:
    assert read_entry(entry) == read


def test_a_literal_is_checked_before_anything_connects_and_a_name_is_left_for_later() -> None:
    STRICT.check_literal("api.example.com", 443)
    with pytest.raises(AddressRefused, match=r"10\.0\.0\.1:443: it is not a public address"):
        STRICT.check_literal("10.0.0.1", 443)


def test_the_refusal_says_what_the_operator_can_do() -> None:
    with pytest.raises(AddressRefused, match=r"add box:80 to ORCHESTRA_ALLOWED_ADDRESSES"):
        STRICT.check("box", 80, "192.168.0.9")


@pytest.mark.parametrize(
    "echoed",
    [
        "sk-canary/47+11==",
        "sk-canary%2f47%2b11%3d%3d",
        b"sk-canary/47+11==".hex(),
        "c2stY2FuYXJ5LzQ3KzExPT0=",
    ],
)
def test_a_key_that_a_provider_echoes_is_not_shown_in_any_encoding(echoed: str) -> None:
    shown = Endpoint("https://api.example.com/v1", "sk-canary/47+11==").quote(f"Wrong key {echoed} given")
    assert shown.startswith("Wrong key [key]")
    assert echoed[4:-4] not in shown
