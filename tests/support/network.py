"""Makes the outside world unreachable for a test process: only loopback and Unix sockets connect."""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Sequence

LOOPBACK_NAMES = {"", "localhost", "localhost.localdomain"}
WATCHED = {"socket.connect": 1, "socket.sendto": 1, "socket.sendmsg": 1, "socket.getaddrinfo": 0}


class OutsideWorld(RuntimeError):
    """A test tried to reach something other than this machine."""


def forbid_outside() -> None:
    """Refuse, for the rest of this process, to look up or connect to anything but this machine."""
    sys.addaudithook(_refuse)


def stays_here(address: object) -> bool:
    """Tell whether `address` (a host, a (host, port) pair or a Unix path) is on this machine."""
    if isinstance(address, bytes | str) and _is_path(address):
        return True
    host = address[0] if isinstance(address, tuple) else address
    name = host.decode() if isinstance(host, bytes) else str(host or "")
    try:
        parsed = ipaddress.ip_address(name.split("%")[0])
    except ValueError:
        return name.lower() in LOOPBACK_NAMES
    return parsed.is_loopback or parsed.is_unspecified


def _is_path(address: bytes | str) -> bool:
    return address[:1] in {"/", b"/", "\0", b"\0"}


def _refuse(event: str, arguments: Sequence[object]) -> None:
    position = WATCHED.get(event)
    if position is not None and not stays_here(arguments[position]):
        raise OutsideWorld(f"A test tried to reach {arguments[position]!r}. Use a server on loopback.")
