"""No test reaches the outside world."""

from __future__ import annotations

import socket

import pytest

from tests.support.network import OutsideWorld, stays_here


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "169.254.169.254"])
def test_connecting_to_another_machine_is_refused(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as outgoing, pytest.raises(OutsideWorld, match=host):
        outgoing.connect((host, 80))


def test_looking_up_a_name_is_refused() -> None:
    with pytest.raises(OutsideWorld, match=r"api\.example\.com"):
        socket.getaddrinfo("api.example.com", 443)


def test_loopback_connects() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as client:
        client.connect(server.getsockname())


@pytest.mark.parametrize(
    ("address", "here"),
    [
        (("127.0.0.1", 1), True),
        (("::1", 1, 0, 0), True),
        ("localhost", True),
        (None, True),
        (b"localhost", True),
        ("/run/socket", True),
        (b"\0abstract", True),
        (("10.0.0.1", 1), False),
        ("example.com", False),
        (("fe80::1%eth0", 1, 0, 2), False),
    ],
)
def test_only_this_machine_counts_as_here(address: object, here: bool) -> None:  # noqa: FBT001
    assert stays_here(address) is here
