"""Which network addresses a provider may live at. Pure: what a name resolves to is passed in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Self

from orchestration.engine.errors import AddressRefused

Address = IPv4Address | IPv6Address

NAT64 = IPv6Network("64:ff9b::/96")
GLOBAL_UNICAST = IPv6Network("2000::/3")
CLOUD_INTERNAL = (
    IPv4Network("168.63.129.16/32"),
)  # global by number, but Azure answers it inside every host


@dataclass(frozen=True, slots=True)
class AddressGuard:
    """Refuses addresses that are not global, unless the operator allowed the host and port.

    `allowed` holds (host or address, port) pairs; `allow_loopback` is for the embedded profile only.
    """

    allowed: frozenset[tuple[str, int]] = frozenset()
    allow_loopback: bool = False

    @classmethod
    def of(cls, entries: Iterable[str], *, allow_loopback: bool) -> Self:
        """Build one from `host:port` entries. Raises `ValueError` naming an entry that is none."""
        return cls(frozenset(map(read_entry, entries)), allow_loopback)

    def check(self, host: str, port: int, address: str) -> None:
        """Raise `AddressRefused` unless `address`, which `host` resolved to, may be connected to."""
        reached = _unwrapped(ip_address(address))
        if self._is_allowed(host, port, address, reached) or all(map(_is_global, reached)):
            return
        shown = f"{host}:{port}" if host == address else f"{host}:{port} ({address})"
        message = (
            f"Orchestra does not connect to {shown}: it is not a public address. If it is meant, the operator"
            f" can add {host}:{port} to ORCHESTRA_ALLOWED_ADDRESSES."
        )
        raise AddressRefused(message)

    def check_literal(self, host: str, port: int) -> None:
        """Refuse a host that is itself an address out of bounds; a name passes until it is resolved."""
        try:
            ip_address(host)
        except ValueError:
            return
        self.check(host, port, host)

    def _is_allowed(self, host: str, port: int, address: str, reached: tuple[Address, ...]) -> bool:
        names = {plain_host(host), plain_host(address), *(str(each) for each in reached)}
        if any((name, port) in self.allowed for name in names):
            return True
        return self.allow_loopback and len(reached) == 1 and reached[0].is_loopback


def read_entry(entry: str) -> tuple[str, int]:
    """Return host and port of `host:port` or `[v6]:port`. Raises `ValueError` with a sentence."""
    host, _, port = entry.strip().rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    if not bare or (":" in bare and bare == host) or not port.isascii() or not port.isdigit():
        message = (
            f"{entry!r} is not an address: write host:port, for example 10.0.0.5:11434 or [fd00::5]:8080."
        )
        raise ValueError(message)
    if not 0 < int(port) < 65536:  # noqa: PLR2004  # the largest port
        message = f"{entry!r} has no such port: ports run from 1 to 65535."
        raise ValueError(message)
    return plain_host(bare), int(port)


def plain_host(host: str) -> str:
    """Return `host` as it is compared: lower case, no trailing dot, addresses in their shortest form."""
    bare = host.strip().rstrip(".").lower()
    try:
        return str(ip_address(bare))
    except ValueError:
        return bare


def _unwrapped(address: Address) -> tuple[Address, ...]:
    """Return every address that packets to `address` can end up at."""
    if isinstance(address, IPv4Address):
        return (address,)
    if address.ipv4_mapped:
        return (address.ipv4_mapped,)
    if address in NAT64:
        return (address, IPv4Address(int(address) & 0xFFFFFFFF))
    if address.sixtofour:
        return (address, address.sixtofour)
    if address.teredo:
        return (address, *address.teredo)
    return (address,)


def _is_global(address: Address) -> bool:
    """Return whether `address` is out in the internet.

    Tunnel prefixes count as global here: `_unwrapped` puts the address inside beside them.
    """
    if isinstance(address, IPv4Address):
        internal = any(address in network for network in CLOUD_INTERNAL)
        return address.is_global and not address.is_multicast and not address.is_reserved and not internal
    if address in NAT64 or address.sixtofour or address.teredo:
        return True
    return address in GLOBAL_UNICAST and address.is_global and address.scope_id is None
