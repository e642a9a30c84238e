"""The address guard, case by case."""

import pytest

from orchestration.engine.errors import AddressRefused
from orchestration.providers.guard import AddressGuard, read_entry

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
    guard = AddressGuard.of([entry], allow_loopback=False)
    guard.check(host, 11434, address)
    with pytest.raises(AddressRefused):
        guard.check(host, 11435, address)


def test_an_allowed_host_allows_no_other_one_on_the_same_address() -> None:
    guard = AddressGuard.of(["ollama.internal:80"], allow_loopback=False)
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
