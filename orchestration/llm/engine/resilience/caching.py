"""A cache of answers, in which identical requests in flight share one call."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from decimal import Decimal

from orchestration.llm.engine.errors import ModelError
from orchestration.llm.engine.model import AnswerStream, ChatModel, WrappedModel
from orchestration.llm.engine.types import Completion, Delta, FinishReason, ModelSpec, Prompt, digest

ENTRY_OVERHEAD = 512
"""Bytes that an entry needs beside its text, roughly."""


def cache_key(scope: str, spec: ModelSpec, prompt: Prompt) -> str:
    """Return the key that identical requests have in common.

    `scope` is the team's id and whatever else distinguishes two deployments.
    """
    return digest(scope, spec.name, spec.provider, spec.remote_name, prompt)


class PendingCall:
    """A call that one request, the leader, makes and identical ones, the followers, share.

    `text` is the answer so far; `starts` counts how often it began again. The call ends with an answer, with
    an error, or with neither when its leader was cancelled. `changed` is set at the next change: read it
    before the state and wait for it after.
    """

    def __init__(self) -> None:
        self.text = ""
        self.starts = 0
        self.answer: Completion | None = None
        self.error: ModelError | None = None
        self.over = False
        self.changed = asyncio.Event()

    def add(self, piece: Delta) -> None:
        """Add a piece of the answer."""
        if piece.offset < len(self.text):
            self.starts += 1
        self.text = piece.text
        self._notify()

    def end(self, answer: Completion | None, error: ModelError | None) -> None:
        """Set how the call ended."""
        self.over, self.answer, self.error = True, answer, error
        self._notify()

    def _notify(self) -> None:
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()


@dataclass(frozen=True, slots=True)
class _Entry:
    answer: Completion
    size: int
    until: float


class AnswerCache:
    """Answers of the last `ttl_s` seconds, at most `max_bytes`; the least recently used is dropped first.

    For one event loop. `clock` gives monotonic seconds; `pending` are the calls under way, to be shared;
    `size` is roughly how many bytes are used.
    """

    def __init__(self, *, max_bytes: int, ttl_s: float, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.pending: dict[str, PendingCall] = {}
        self._max_bytes = max_bytes
        self._ttl_s = ttl_s
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self.size = 0

    def get(self, key: str) -> Completion | None:
        """Return the answer stored under `key`, None when there is none or it is too old."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry.until <= self.clock():
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return entry.answer

    def put(self, key: str, answer: Completion) -> None:
        """Store an answer, unless it is larger than the whole cache."""
        self._drop(key)
        texts = (answer.text, *(call.name + call.arguments for call in answer.tool_calls))
        size = sum(len(text.encode(errors="surrogatepass")) for text in texts) + ENTRY_OVERHEAD
        if size > self._max_bytes:
            return
        self._entries[key] = _Entry(answer, size, self.clock() + self._ttl_s)
        self.size += size
        while self.size > self._max_bytes:
            self._drop(next(iter(self._entries)))

    def end(
        self,
        key: str,
        call: PendingCall,
        *,
        answer: Completion | None = None,
        error: ModelError | None = None,
    ) -> None:
        """Notify the followers of `call` how it ended; only the first end counts."""
        if not call.over:
            del self.pending[key]
            call.end(answer, error)

    def _drop(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.size -= entry.size


class Cached(WrappedModel):
    """Outermost wrapper: uses a stored answer or an identical call under way before it asks the model.

    Only complete answers are stored. When the leader of a shared call is cancelled, one of the followers
    asks instead; a failure of the model ends the call for all of them.
    """

    def __init__(self, inner: ChatModel, store: AnswerCache, *, scope: str) -> None:
        super().__init__(inner)
        self._store = store
        self._scope = scope

    async def stream(self, prompt: Prompt) -> AnswerStream:
        """Pass on a stored answer, the stream of a shared call, or the inner one."""
        key = cache_key(self._scope, self.spec, prompt)
        asked_at = self._store.clock()
        while True:
            stored = self._store.get(key)
            call = self._store.pending.get(key)
            if stored is not None:
                pieces = _pieces(self._reused(stored, asked_at))
            elif call is not None:
                pieces = self._follow(call, asked_at)
            else:
                pieces = self._lead(key, prompt)
            async with aclosing(pieces):
                async for piece in pieces:
                    yield piece
                    if isinstance(piece, Completion):
                        return
            if call is None:
                return

    async def _lead(self, key: str, prompt: Prompt) -> AnswerStream:
        call = self._store.pending[key] = PendingCall()
        try:
            async with aclosing(self.inner.stream(prompt)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Delta):
                        call.add(piece)
                    else:
                        if piece.finish in {FinishReason.STOP, FinishReason.TOOL_CALLS}:
                            self._store.put(key, piece)
                        self._store.end(key, call, answer=piece)
                    yield piece
        except ModelError as error:
            self._store.end(key, call, error=error)
            raise
        finally:
            self._store.end(key, call)

    async def _follow(self, call: PendingCall, asked_at: float) -> AnswerStream:
        """Yield what the leader received and receives; end without an answer when it is cancelled."""
        starts, known = call.starts, 0
        while True:
            changed = call.changed
            if call.starts != starts:
                starts, known = call.starts, len(call.text)
                yield Delta(text=call.text, offset=0)
            elif len(call.text) > known:
                offset, known = known, len(call.text)
                yield Delta(text=call.text, offset=offset)
            elif call.over:
                break
            else:
                await changed.wait()
        if call.error is not None:
            raise call.error
        if call.answer is not None:
            yield self._reused(call.answer, asked_at)

    def _reused(self, answer: Completion, asked_at: float) -> Completion:
        """Return an answer that cost nothing but the wait."""
        waited = self._store.clock() - asked_at
        return replace(answer, cached=True, cost_usd=Decimal(0), latency_s=waited, first_token_s=None)


async def _pieces(answer: Completion) -> AnswerStream:
    yield Delta(text=answer.text, offset=0)
    yield answer
