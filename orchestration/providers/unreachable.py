"""What went wrong on the network, in words."""

from __future__ import annotations

import socket
import ssl

import aiohttp
import httpx

from orchestration.engine.errors import ModelError, ProviderUnavailable, StreamBroken

REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (socket.gaierror, "its name is not known. Check the spelling of the address"),
    (aiohttp.ClientConnectorDNSError, "its name is not known. Check the spelling of the address"),
    (ssl.SSLCertVerificationError, "its certificate is not valid for this address"),
    (ssl.SSLError, "no secure connection came about. Check whether the address should start with http://"),
    (ConnectionRefusedError, "nothing listens there. Check the address, and that the server runs"),
    (aiohttp.ServerDisconnectedError, "it closed the connection without an answer"),
    (ConnectionResetError, "it broke the connection off"),
    (aiohttp.ClientResponseError, "what came back is not HTTP"),
    (TimeoutError, "no connection came about in time"),
)


def unreachable(error: httpx.TransportError, host: str) -> ModelError:
    """Return the error for a request that got no response."""
    return ProviderUnavailable(f"{host} could not be reached: {_reason(error)}.")


def broken_off(host: str, characters: int) -> StreamBroken:
    """Return the error for an answer that stopped before its end mark."""
    so_far = f"after {characters:,} characters" if characters else "before its first word"
    return StreamBroken(f"{host} broke the answer off {so_far}. It may have been billed.")


def _reason(error: BaseException) -> str:
    """Return the words for the most telling error in the chain of causes."""
    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in chain:
        chain.append(cause)
        cause = getattr(cause, "os_error", None) or cause.__cause__ or cause.__context__
    for kind, words in REASONS:
        if any(isinstance(each, kind) for each in chain):
            return words
    return "the connection failed"
