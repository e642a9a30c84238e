"""Base addresses of providers: checked once, written one way, with the origin that a key is bound to."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import SplitResult, urlsplit

from orchestration.engine.errors import InvalidRequest
from orchestration.providers.guard import plain_host

LONGEST = 400
DEFAULT_PORTS = {"http": 80, "https": 443}
ENDPOINTS = ("/chat/completions", "/completions", "/models")  # pasted whole from a manual, often
HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")
NUMERIC = re.compile(r"\d+|0x[0-9a-f]*")
NO_HOST = "The address has no host that could exist. Check its spelling."
PATH = re.compile(r"(/([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+)*")


def normalise_base_url(text: str) -> str:
    """Return the address as it is stored: lower-case host, no default port, no slash at the end.

    Raises `InvalidRequest` at `base_url` for anything but a plain http or https address.
    """
    given = text.strip()
    if not given:
        raise _wrong("Enter the address of the provider's API, for example https://api.openai.com/v1.")
    if len(given) > LONGEST:
        raise _wrong(f"The address is longer than {LONGEST} characters.")
    if not given.isprintable() or any(character in given for character in " \\<>\"'`"):
        raise _wrong("The address holds characters that no address has. Copy it again.")
    parts = _split(given)
    path = _path(parts.path)
    return f"{parts.scheme}://{_host(parts)}{_port(parts)}{path}"


def origin_of(base_url: str) -> str:
    """Return `scheme://host:port` of a normalised address: what a key is bound to."""
    parts = urlsplit(base_url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}:{parts.port or DEFAULT_PORTS[parts.scheme]}"


def host_and_port(base_url: str) -> tuple[str, int]:
    """Return where a normalised address leads."""
    parts = urlsplit(base_url)
    return parts.hostname or "", parts.port or DEFAULT_PORTS[parts.scheme]


def path_hint(base_url: str) -> str:
    """Return a sentence for an address without a path, where most servers answer under /v1; else nothing."""
    return "" if urlsplit(base_url).path else f" Most servers answer under /v1: try {base_url}/v1."


def _split(given: str) -> SplitResult:
    try:
        parts = urlsplit(given)
        _ = parts.port
    except ValueError as error:
        raise _wrong("The address cannot be read: its host or port is malformed.") from error
    if parts.scheme not in DEFAULT_PORTS or not parts.netloc:
        raise _wrong("The address must start with https:// or http://.")
    if "@" in parts.netloc:
        raise _wrong("The address must not hold a user name or password. Enter the key in its own field.")
    if "?" in given or "#" in given:
        raise _wrong("The address must end before any ? or #.")
    return parts


def _host(parts: SplitResult) -> str:
    """Return the host in ASCII, a v6 address in brackets."""
    try:
        plain = plain_host((parts.hostname or "").encode("idna").decode("ascii"))
        if ":" in plain:
            return f"[{IPv6Address(plain)}]"
        if NUMERIC.fullmatch(plain.rpartition(".")[2]):
            return str(IPv4Address(plain))  # not 127.1, 0x7f000001 or 017700000001, which some systems take
        plain.encode("ascii").decode("idna")
    except (UnicodeError, ValueError) as error:
        raise _wrong(NO_HOST) from error
    if not HOST.fullmatch(plain) or ".." in plain:
        raise _wrong(NO_HOST)
    return plain


def _port(parts: SplitResult) -> str:
    if parts.port == 0:
        raise _wrong("The address has port 0, which nothing can listen on.")
    return "" if parts.port in {None, DEFAULT_PORTS[parts.scheme]} else f":{parts.port}"


def _path(path: str) -> str:
    plain = path.rstrip("/")
    for endpoint in ENDPOINTS:
        plain = plain.removesuffix(endpoint)
    if not PATH.fullmatch(plain) or {".", ".."} & set(plain.split("/")):
        raise _wrong("The address's path holds characters or dots that do not belong there.")
    return plain


def _wrong(message: str) -> InvalidRequest:
    return InvalidRequest(message, field="base_url")
