"""ASGI wrappers for requests that come through proxies: the client's address, and the site's own origin."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import validate_host

from orchestra_site.web.sockets import Application, AsgiEvent, Receive, Send

PORTS = {"http": 80, "https": 443}
Origin = tuple[str, str, int]


class ClientAddress:
    """Reads the client's address from X-Forwarded-For, `trusted` entries from the right.

    Each trusted proxy appends whom it was asked by; what stands further left is the client's own claim.
    """

    def __init__(self, app: Application, *, trusted: int) -> None:
        self._app, self._trusted = app, trusted

    async def __call__(self, scope: AsgiEvent, receive: Receive, send: Send) -> None:
        """Pass the request on with the address that the outermost trusted proxy saw."""
        if self._trusted and scope["type"] in {"http", "websocket"}:
            listed = [entry.strip() for entry in ",".join(_header(scope, b"x-forwarded-for")).split(",")]
            address = _address(listed[-self._trusted]) if len(listed) >= self._trusted else ""
            if address:
                scope = {**scope, "client": [address, 0]}
        await self._app(scope, receive, send)


def _address(entry: str) -> str:
    """Return an entry as an address, without port and brackets; "" if it is none."""
    bare = entry.rpartition(":")[0] if entry.count(":") == 1 or "]:" in entry else entry
    try:
        return str(ip_address(bare.removeprefix("[").removesuffix("]")))
    except ValueError:
        return ""


class SameOrigin:
    """Refuses sockets whose Origin is neither this site's (scheme, host and port) nor trusted."""

    def __init__(self, app: Application) -> None:
        self._app = app

    async def __call__(self, scope: AsgiEvent, receive: Receive, send: Send) -> None:
        """Serve the socket, or refuse its handshake."""
        given = [read_origin(text) for text in _header(scope, b"origin")]
        ours = [own_origin(scope), *map(read_origin, settings.CSRF_TRUSTED_ORIGINS)]
        allowed = len(given) == 1 and given[0] is not None and given[0] in ours
        if allowed:
            await self._app(scope, receive, send)
        else:
            await send({"type": "websocket.close"})


def own_origin(scope: AsgiEvent) -> Origin | None:
    """Return the origin that a browser reached this site by, None for a host that is not ours."""
    secure = scope.get("scheme") in {"wss", "https"}
    if settings.SECURE_PROXY_SSL_HEADER:
        name, value = settings.SECURE_PROXY_SSL_HEADER
        header = name.removeprefix("HTTP_").replace("_", "-").lower().encode()
        secure = secure or [given.strip() for given in _header(scope, header)] == [value]
    hosts = list(_header(scope, b"host"))
    found = read_origin(f"{'https' if secure else 'http'}://{hosts[0]}") if len(hosts) == 1 else None
    if found is None:
        return None
    host = f"[{found[1]}]" if ":" in found[1] else found[1]
    return found if validate_host(host, settings.ALLOWED_HOSTS) else None


def read_origin(text: str) -> Origin | None:
    """Return scheme, host and port of an origin, None for what is none ("null" is none)."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in PORTS or not parts.hostname or parts.path or parts.query or parts.username:
        return None
    return parts.scheme, parts.hostname, port or PORTS[parts.scheme]


def _header(scope: AsgiEvent, name: bytes) -> Iterable[str]:
    return [value.decode("latin-1") for given, value in scope["headers"] if given.lower() == name]
