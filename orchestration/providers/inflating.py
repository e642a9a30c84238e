"""Decompression in small bites, so that a few kilobytes can never unfold into gigabytes at once."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator

from orchestration.engine.errors import BadAnswer

BITE = 64 * 1024
GZIP_OR_ZLIB = zlib.MAX_WBITS | 32

Inflate = Callable[[bytes], Iterable[bytes]]


def inflater_for(encoding: str) -> Inflate:
    """Return what makes plain chunks of those of a body with this Content-Encoding. Raises `BadAnswer`."""
    if encoding in {"", "identity"}:
        return _as_is
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        message = f"The answer is compressed with {encoding[:40]!r}, which nobody asked for."
        raise BadAnswer(message)
    return Inflater().feed


class Inflater:
    """Undoes gzip or zlib compression, piece by piece."""

    def __init__(self) -> None:
        self._state = zlib.decompressobj(GZIP_OR_ZLIB)

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield what `chunk` adds, at most `BITE` bytes at a time. Raises `BadAnswer` when it is garbled."""
        rest = chunk
        while rest and not self._state.eof:
            try:
                bite = self._state.decompress(rest, BITE)
            except zlib.error as error:
                message = "The answer is compressed wrongly and cannot be read."
                raise BadAnswer(message) from error
            rest = self._state.unconsumed_tail
            if bite:
                yield bite


def _as_is(chunk: bytes) -> tuple[bytes, ...]:
    return (chunk,)
