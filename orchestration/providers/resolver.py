"""Names become addresses here, and only addresses that the guard passed are ever connected to."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

from orchestration.engine.errors import AddressRefused
from orchestration.providers.guard import AddressGuard

Lookup = Callable[[str, int], Awaitable[list[str]]]


async def look_up(host: str, port: int) -> list[str]:
    """Return the addresses of `host` from the system's resolver. Raises `OSError` when there are none."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return [str(sockaddr[0]) for *_, sockaddr in found]


class GuardedResolver(AbstractResolver):
    """Resolves a name once for a connection and hands on the addresses that may be used.

    `open_socket` is the last gate, right before a socket connects: it sees the address itself, however the
    URL was written, and lets nothing through that was not checked.
    """

    def __init__(self, guard: AddressGuard, lookup: Lookup = look_up) -> None:
        self._guard = guard
        self._lookup = lookup
        self._allowed_by_name: set[tuple[str, int]] = set()

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002  # the base class asks for it
    ) -> list[ResolveResult]:
        """Return the checked addresses of `host`. Raises `AddressRefused` when none may be used."""
        refusal: AddressRefused | None = None
        passed: list[ResolveResult] = []
        for address in dict.fromkeys(await self._lookup(host, port)):
            try:
                self._guard.check(host, port, address)
            except AddressRefused as error:
                refusal = error
            else:
                self._remember(address, port)
                passed.append(_result(host, port, address))
        if passed:
            return passed
        raise refusal or OSError(f"{host} has no address")

    async def close(self) -> None:
        """Nothing to close."""

    def open_socket(self, info: tuple[Any, ...]) -> socket.socket:
        """Return a socket for the address in `info` (as `getaddrinfo` gives it). Raises `AddressRefused`."""
        family, kind, protocol, _, (address, port, *_) = info
        if (address, port) not in self._allowed_by_name:
            self._guard.check(address, port, address)
        return socket.socket(family=family, type=kind, proto=protocol)

    def _remember(self, address: str, port: int) -> None:
        """Keep what only its name makes right; the operator's list bounds how much that is."""
        try:
            self._guard.check(address, port, address)
        except AddressRefused:
            self._allowed_by_name.add((address, port))


def _result(host: str, port: int, address: str) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return ResolveResult(
        hostname=host,
        host=address,
        port=port,
        family=family,
        proto=socket.IPPROTO_TCP,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )
