"""Makes the outside world unreachable for a test process: only loopback and Unix sockets connect."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from functools import wraps

LOOPBACK_NAMES = {"", "localhost", "localhost.localdomain"}


class OutsideWorld(RuntimeError):
    """A test tried to reach something other than this machine."""


def forbid_outside() -> None:
    """Refuse, for the rest of this process, to look up or connect to anything but this machine.

    An audit hook would see more, but a hook written in Python lets threads switch inside `sys.settrace`,
    which then fails under coverage.
    """
    for name in ("connect", "connect_ex"):
        setattr(socket.socket, name, _refusing(getattr(socket.socket, name), 1))
    socket.socket.sendto = _refusing(socket.socket.sendto, -1)  # type: ignore[assignment, method-assign]
    socket.getaddrinfo = _refusing(socket.getaddrinfo, 0)  # type: ignore[assignment]


def _refusing(call: Callable[..., object], position: int) -> Callable[..., object]:
    """Return `call`, refusing an address outside that stands at `position` of its arguments."""

    @wraps(call)
    def guarded(*arguments: object, **named: object) -> object:
        if len(arguments) > position and not stays_here(arguments[position]):
            raise OutsideWorld(f"A test tried to reach {arguments[position]!r}. Use a server on loopback.")
        return call(*arguments, **named)

    return guarded


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
