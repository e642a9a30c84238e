"""Where a provider may be reached: the guard of network addresses, base addresses, and keys.

Pure: what a name resolves to is passed in.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Self
from urllib.parse import SplitResult, urlsplit

from orchestra_site.web.logs import is_secret, spellings
from orchestra_site.web.patterns import Pattern
from orchestration.llm.engine.errors import AddressRefused, InvalidRequest
from orchestration.llm.providers.reading import KeyFilter

Address = IPv4Address | IPv6Address

NAT64 = IPv6Network("64:ff9b::/96")
GLOBAL_UNICAST = IPv6Network("2000::/3")
CLOUD_INTERNAL = (IPv4Network("168.63.129.16/32"),)
"""Global by number, but answered inside every host of Azure."""

SPECIAL = (
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.88.99.0/24"),
    IPv6Network("3fff::/20"),
)
"""Protocol assignments, the old 6to4 relays, documentation: Python's tables differ between its versions."""

DEFAULT_PORTS = {"http": 80, "https": 443}
ENDPOINTS = ("/chat/completions", "/completions", "/models")  # often pasted whole from a manual
HOST = Pattern(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")
NUMERIC = Pattern(r"\d+|0x[0-9a-f]*")
PATH = Pattern(r"(/([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+)*")
NO_HOST = "The address has no host that could exist. Check its spelling."
LONGEST_ADDRESS = 400
LONGEST_KEY = 1000
LONGEST_QUOTE = 300
LONGEST_READ = 4000


@dataclass(frozen=True, slots=True)
class AddressGuard:
    """Refuses addresses that are not global, unless the operator allowed the host and port.

    `allowed` are (host or address, port) pairs; `allow_loopback` is for the embedded profile only.
    """

    allowed: frozenset[tuple[str, int]] = frozenset()
    allow_loopback: bool = False

    @classmethod
    def from_entries(cls, entries: Iterable[str], *, allow_loopback: bool) -> Self:
        """Build a guard from `host:port` entries. Raises `ValueError` naming an invalid one."""
        return cls(frozenset(map(read_entry, entries)), allow_loopback)

    def check(self, host: str, port: int, address: str) -> None:
        """Raise `AddressRefused` unless `address`, which `host` resolved to, may be connected to."""
        reached = _unwrapped(ip_address(address))
        if self._is_allowed(host, port, address, reached) or all(map(_is_global, reached)):
            return
        shown = f"{host}:{port}" if host == address else f"{host}:{port} ({address})"
        raise AddressRefused(
            f"Orchestra does not connect to {shown}: it is not a public address. If this is intended, the"
            f" operator can add {host}:{port} to ORCHESTRA_ALLOWED_ADDRESSES."
        )

    def check_literal(self, host: str, port: int) -> None:
        """Raise `AddressRefused` for a host that is itself refused; a name is checked once it is resolved."""
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
        raise ValueError(
            f"{entry!r} is not an address: write host:port, for example 10.0.0.5:11434 or [fd00::5]:8080."
        )
    if not 0 < int(port) < 65536:  # noqa: PLR2004  # the largest port
        raise ValueError(f"{entry!r} has no such port: ports run from 1 to 65535.")
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
    """Return whether `address` is in the public internet.

    Tunnel prefixes count as global here: `_unwrapped` adds the address that is embedded in them.
    """
    if any(address in network for network in SPECIAL):
        return False
    if isinstance(address, IPv4Address):
        internal = any(address in network for network in CLOUD_INTERNAL)
        return address.is_global and not address.is_multicast and not address.is_reserved and not internal
    if address in NAT64 or address.sixtofour or address.teredo:
        return True
    return address in GLOBAL_UNICAST and address.is_global and address.scope_id is None


def normalise_base_url(text: str) -> str:
    """Return the address as it is stored: lower-case host, no default port, no slash at the end.

    Raises `InvalidRequest` at `base_url` for anything but a plain http or https address.
    """
    given = text.strip()
    if not given:
        raise _wrong("Enter the address of the provider's API, for example https://api.openai.com/v1.")
    if len(given) > LONGEST_ADDRESS:
        raise _wrong(f"The address is longer than {LONGEST_ADDRESS} characters.")
    if not given.isprintable() or any(character in given for character in " \\<>\"'`"):
        raise _wrong("The address contains characters that no address can have. Copy it again.")
    parts = _split(given)
    path = _path(parts.path)
    return f"{parts.scheme}://{_host(parts)}{_port(parts)}{path}"


def origin(base_url: str) -> str:
    """Return `scheme://host:port` of a normalised address: what a key is bound to."""
    parts = urlsplit(base_url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}:{parts.port or DEFAULT_PORTS[parts.scheme]}"


def host_and_port(base_url: str) -> tuple[str, int]:
    """Return host and port of a normalised address."""
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
        raise _wrong("The address must not contain a user name or password. Enter the key in its own field.")
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
            return str(IPv4Address(plain))  # not 127.1, 0x7f000001 or 017700000001, which some systems accept
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
        raise _wrong("The address's path contains characters or dots that are not allowed there.")
    return plain


def _wrong(message: str) -> InvalidRequest:
    return InvalidRequest(message, field="base_url")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A checked base address and its key, which no repr shows.

    Raises `InvalidRequest` at `base_url` or `api_key`.
    """

    base_url: str
    api_key: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "base_url", normalise_base_url(self.base_url))
        object.__setattr__(self, "api_key", clean_key(self.api_key or "") or None)

    @property
    def host(self) -> str:
        """The name used in sentences: the host, with its port where that is not the default."""
        return urlsplit(self.base_url).netloc

    @property
    def headers(self) -> dict[str, str]:
        """The headers of every request."""
        return {"authorization": f"Bearer {self.api_key}"} if self.api_key else {}

    def url(self, path: str) -> str:
        """Return the address of one of its paths."""
        return f"{self.base_url}/{path}"

    def hidden_forms(self) -> tuple[str, ...]:
        """Return what an answer must not show: the key in all encodings, unless it may be a word."""
        return tuple(spellings(self.api_key)) if self.api_key and is_secret(self.api_key) else ()

    def quote(self, text: str) -> str:
        """Return a provider's text as it may be shown: one line, at most 300 characters, never a key."""
        filtered = KeyFilter((self.api_key or "", *self.hidden_forms()))
        safe = filtered.feed(text[: LONGEST_READ * 4]) + filtered.rest()
        visible = (
            " " if unicodedata.category(each).startswith("C") else each for each in safe[:LONGEST_READ]
        )
        line = " ".join("".join(visible).split())
        return line if len(line) <= LONGEST_QUOTE else f"{line[: LONGEST_QUOTE - 1]}…"


def clean_key(text: str) -> str:
    """Return the key without blanks around it. Raises `InvalidRequest` at `api_key` if it cannot be one."""
    key = text.strip()
    if len(key) > LONGEST_KEY:
        raise InvalidRequest(f"The key is longer than {LONGEST_KEY} characters.", field="api_key")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise InvalidRequest(
            "The key contains blanks or characters that no key can have. Copy it again.", field="api_key"
        )
    return key
