"""Answers for many viewers at once: who asks while others are answered is answered with the next lot."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from orchestra_site.web.threads import in_thread

Q = TypeVar("Q")
A = TypeVar("A")


class Lookout(Generic[Q, A]):
    """Gathers questions while a lot is being answered in a thread, then answers all that have gathered."""

    def __init__(self, answer: Callable[[Sequence[Q]], list[A]]) -> None:
        self._answer = answer
        self._desks: WeakKeyDictionary[asyncio.AbstractEventLoop, _Desk[Q, A]] = WeakKeyDictionary()

    async def ask(self, question: Q) -> A:
        """Return the answer to a question, read after it was asked."""
        loop = asyncio.get_running_loop()
        if loop not in self._desks:
            self._desks[loop] = _Desk(self._answer)
        return await self._desks[loop].ask(question)


class _Desk(Generic[Q, A]):
    """The questions of one event loop."""

    def __init__(self, answer: Callable[[Sequence[Q]], list[A]]) -> None:
        self._answer = answer
        self._waiting: list[tuple[Q, asyncio.Future[A]]] = []
        self._working: asyncio.Task[None] | None = None

    async def ask(self, question: Q) -> A:
        """Queue a question and wait for its answer."""
        future: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, future))
        if self._working is None:
            self._working = asyncio.create_task(self._work())
        return await future

    async def _work(self) -> None:
        while self._waiting:
            lot, self._waiting = self._waiting, []
            try:
                answers = await in_thread(self._answer, [question for question, _ in lot])
            except Exception as error:  # noqa: BLE001  # goes to everybody who asked
                for _, future in lot:
                    if not future.done():
                        future.set_exception(error)
            else:
                for (_, future), answer in zip(lot, answers, strict=True):
                    if not future.done():
                        future.set_result(answer)
        self._working = None
