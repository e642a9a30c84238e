"""The functions of the product that lie on the way from one place to another.

`CausalLoop` gives everything that is scheduled on it the chain of its causes: our functions on the stack when
it was scheduled, and before them those that led there. So a chain crosses tasks, timers and threads.
`HopTrace` finds the chains of a run that is executed on it.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from contextvars import Context, ContextVar, copy_context
from dataclasses import fields, is_dataclass
from itertools import dropwhile, takewhile
from types import CodeType, FrameType
from typing import Any, TypeVarTuple, Unpack

from tests.support.tree import NOT_PRODUCT, ROOT

Ts = TypeVarTuple("Ts")
Chain = tuple[CodeType, ...]
NOT_HOPS = {"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>", "<module>"}
OF_THE_LOOP = "/watchdog.py"
"""It stands around every step of every task, as the event loop itself does."""
CAUSES: ContextVar[Chain] = ContextVar("causes", default=())
DEEPEST_LOOK = 3
WEBSOCKET = "channels/generic/websocket.py"

_PRODUCT = tuple(
    f"{folder}/"
    for folder in ROOT.iterdir()
    if (folder / "__init__.py").is_file() and folder.name not in NOT_PRODUCT
)


def is_ours(code: CodeType) -> bool:
    """Return whether `code` is a function of the product that a reader passes."""
    path = code.co_filename
    return path.startswith(_PRODUCT) and not path.endswith(OF_THE_LOOP) and code.co_name not in NOT_HOPS


def frames(frame: FrameType | None) -> Iterator[FrameType]:
    """Yield our frames on the stack that ends at `frame`, the innermost first."""
    while frame is not None:
        if is_ours(frame.f_code):
            yield frame
        frame = frame.f_back


def chain(frame: FrameType | None) -> Chain:
    """Return our functions that led to `frame`, the first cause first."""
    return CAUSES.get() + tuple(reversed([each.f_code for each in frames(frame)]))


def listed(functions: Chain) -> str:
    """Return a chain for people: one function a line, with its module."""
    lines = []
    for number, code in enumerate(functions, 1):
        path = code.co_filename.removeprefix(f"{ROOT}/").removesuffix(".py").replace("/", ".")
        lines.append(f"{number:3} {path}: {code.co_qualname}")
    return "\n".join(lines)


class CausalLoop(asyncio.SelectorEventLoop):
    """An event loop that passes the chain of causes on. Name it as a test module's `LOOP_FACTORY`."""

    def __init__(self) -> None:
        super().__init__()
        self.set_task_factory(_task)  # type: ignore[arg-type]  # its stub knows no context

    def call_soon(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        return super().call_soon(callback, *args, context=_with_causes(context))

    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        return super().call_at(when, callback, *args, context=_with_causes(context))

    def call_soon_threadsafe(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        return super().call_soon_threadsafe(callback, *args, context=_with_causes(context))


def _task(
    loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], context: Context | None = None
) -> asyncio.Task[Any]:
    return asyncio.Task(work, loop=loop, context=_with_causes(context))


def _with_causes(context: Context | None) -> Context:
    """Return `context`, or a copy of the current one in which the caller's chain is the cause."""
    if context is None:
        context = copy_context()
        context.run(CAUSES.set, chain(sys._getframe(2)))
    return context


class HopTrace:
    """Watches one run in one thread: how its first request goes out, and how the first `word` comes back.

    The way of the word starts where the provider's `stream` yields it and ends where the consumer of a socket
    sends it. On it are the functions through which it leaves the stream, those on the stack up to the channel
    layer, the handler, those on the stack when it is sent, and those that they hand it to.
    """

    def __init__(self, word: str) -> None:
        self.to_request: Chain = ()
        self._word = word
        self._yielded: Chain = ()
        self._layered: Chain = ()
        self._handler: Chain = ()
        self._sent: Chain = ()
        self._holding: dict[CodeType, Chain] = {}

    def look(self, frame: FrameType, event: str, value: object) -> None:
        """Take note of a call or return, for `sys.setprofile`."""
        if is_ours(frame.f_code):
            self._look_at_ours(frame, value)
        elif event == "call":
            self._look_at_libraries(frame)

    @property
    def to_browser(self) -> Chain:
        """Our functions that the word passed. Raises `AssertionError` if a part of the way was not seen."""
        seen = (self._yielded, self._layered, self._handler, self._sent)
        assert all(seen), f"yielded, sent to the layer, received, sent to the browser: {seen}"
        both = zip(self._yielded, self._layered, strict=False)
        shared = len(list(takewhile(lambda pair: pair[0] is pair[1], both)))
        out = (*reversed(self._yielded[shared - 1 :]), *self._layered[shared:])
        inwards = dropwhile(lambda code: code not in self._handler, self._sent)
        path = (*out, *(tuple(inwards) or self._handler + self._sent))
        helping = (code for code, callers in self._holding.items() if not set(path).isdisjoint(callers))
        return tuple(dict.fromkeys((*path, *helping)))

    def _look_at_ours(self, frame: FrameType, value: object) -> None:
        code = frame.f_code
        held = (each for name, each in frame.f_locals.items() if name != "self")
        if self._sent or not any(contains(each, self._word) for each in (value, *held)):
            return
        if "/providers/" in code.co_filename:
            if code.co_name == "stream" and not self._yielded:
                self._yielded = chain(frame)
            return
        self._holding.setdefault(code, chain(frame.f_back))
        if frame.f_back is not None and frame.f_back.f_code.co_name == "dispatch":
            self._handler = (code,)

    def _look_at_libraries(self, frame: FrameType) -> None:
        code = frame.f_code
        if code.co_name == "handle_async_request" and not self.to_request:
            self.to_request = chain(frame)
        elif code.co_name == "group_send" and not self._layered:
            self._layered = chain(frame) if contains(frame.f_locals["message"], self._word) else ()
        elif code.co_name == "send" and code.co_filename.endswith(WEBSOCKET) and not self._sent:
            on_stack = tuple(reversed([each.f_code for each in frames(frame)]))
            self._sent = on_stack if contains(frame.f_locals["text_data"], self._word) else ()


def contains(value: object, text: str, depth: int = DEEPEST_LOOK) -> bool:
    """Return whether a string, or one in a container or data class, contains `text`."""
    if isinstance(value, str):
        return text in value
    inner: Iterator[object] = iter(())
    if depth and isinstance(value, Mapping):
        inner = iter(value.values())
    elif depth and isinstance(value, list | tuple | set | frozenset):
        inner = iter(value)
    elif depth and is_dataclass(value) and not isinstance(value, type):
        inner = (getattr(value, field.name, None) for field in fields(value))
    return any(contains(each, text, depth - 1) for each in inner)


@contextmanager
def profiled(look: Callable[[FrameType, str, object], None]) -> Iterator[None]:
    """Call `look` with frame, event and value at every call and return in this thread."""
    sys.setprofile(look)
    try:
        yield
    finally:
        sys.setprofile(None)
