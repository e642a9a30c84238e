"""Answers kept for a while, and the questions that are just being answered."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict, dataclass

from orchestration.engine.errors import ModelError
from orchestration.engine.types import Completion, Delta, ModelSpec, Prompt

ENTRY_OVERHEAD = 512
"""Bytes an entry takes beside its text, roughly."""


def cache_key(scope: str, spec: ModelSpec, prompt: Prompt) -> str:
    """Return what two requests must share to share an answer.

    `scope` is the team's id and whatever else tells two deployments apart.
    """
    parts = [scope, spec.name, spec.provider, spec.remote_name, asdict(prompt)]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


class Flight:
    """A question that one asker, the leader, is asking while others listen.

    `text` is the answer so far; `starts` grows whenever it does not simply go on. It ends with an answer,
    with an error, or with neither when its leader left.
    """

    def __init__(self) -> None:
        self.text = ""
        self.starts = 0
        self.answer: Completion | None = None
        self.error: ModelError | None = None
        self.over = False
        self._news = asyncio.Event()

    @property
    def news(self) -> asyncio.Event:
        """Set at the next change; take it before looking, wait for it after."""
        return self._news

    def heard(self, piece: Delta) -> None:
        """Keep a piece of the answer."""
        if piece.offset < len(self.text):
            self.starts += 1
        self.text = self.text[: piece.offset] + piece.text
        self._tell()

    def end(self, answer: Completion | None, error: ModelError | None) -> None:
        """Say how it ended."""
        self.over, self.answer, self.error = True, answer, error
        self._tell()

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()


@dataclass(frozen=True, slots=True)
class _Entry:
    answer: Completion
    size: int
    until: float


class AnswerCache:
    """Answers for `ttl_s` seconds, at most `max_bytes` of them, least recently used out first.

    One event loop's. `clock` gives monotonic seconds.
    """

    def __init__(self, *, max_bytes: int, ttl_s: float, clock: Callable[[], float]) -> None:
        self.clock = clock
        self._flights: dict[str, Flight] = {}
        self._max_bytes = max_bytes
        self._ttl_s = ttl_s
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._bytes = 0

    @property
    def size(self) -> int:
        """Bytes held, roughly."""
        return self._bytes

    def get(self, key: str) -> Completion | None:
        """Return the answer kept under `key`, if it is still fresh."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry.until <= self.clock():
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return entry.answer

    def put(self, key: str, answer: Completion) -> None:
        """Keep an answer; one larger than the whole cache is not kept."""
        self._drop(key)
        size = len(answer.text.encode(errors="surrogatepass")) + ENTRY_OVERHEAD
        if size > self._max_bytes:
            return
        self._entries[key] = _Entry(answer, size, self.clock() + self._ttl_s)
        self._bytes += size
        while self._bytes > self._max_bytes:
            self._drop(next(iter(self._entries)))

    def flight(self, key: str) -> Flight | None:
        """Return the question under `key` that is just being asked, if it is."""
        return self._flights.get(key)

    def begin(self, key: str) -> Flight:
        """Let others know that the question under `key` is being asked."""
        flight = self._flights[key] = Flight()
        return flight

    def end(
        self, key: str, flight: Flight, *, answer: Completion | None = None, error: ModelError | None = None
    ) -> None:
        """Let those who listen to `flight` know how it ended; only the first end counts."""
        if not flight.over:
            del self._flights[key]
            flight.end(answer, error)

    def clear(self) -> None:
        """Forget every answer."""
        self._entries.clear()
        self._bytes = 0

    def _drop(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= entry.size
