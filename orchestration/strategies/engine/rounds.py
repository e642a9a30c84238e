"""Asking several models, at once or in waves: early stops, limits, and the same result on replay."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Generic, TypeVar

from orchestration.llm.engine.model import ChatModel
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.errors import LimitReached
from orchestration.strategies.engine.asking import ask_step
from orchestration.strategies.engine.stopping import Stop, StopRequest
from orchestration.strategies.engine.types import Candidate

CUT_OFF = "Cancelled before the run went on."

Reply = TypeVar("Reply")


@dataclass(kw_only=True, slots=True)
class Round(Generic[Reply]):
    """The state of a round; everything by the models' names.

    `replies` include those of models that have not `ended` (been scored, where answers are scored);
    `limits` are the limits that kept models from being asked. `begun` models have been sent their prompt,
    `waiting` ones belong to later waves. `stop` is set once the round has ended early.
    """

    models: Sequence[ChatModel]
    replies: dict[str, Reply] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    limits: dict[str, LimitReached] = field(default_factory=dict)
    begun: set[str] = field(default_factory=set)
    waiting: Sequence[ChatModel] = ()
    stop: Stop | None = None

    @property
    def names(self) -> list[str]:
        """The models' names, in order."""
        return [model.spec.name for model in self.models]

    @property
    def answers(self) -> list[Reply]:
        """The replies, in the order of the models."""
        return [self.replies[name] for name in self.names if name in self.replies]


@dataclass(frozen=True, kw_only=True, slots=True)
class RoundPlan(Generic[Reply]):
    """How a round is asked and what may end it early.

    At most `at_once` models are asked at the same time. With a `wave` (0: all in one) as many are asked
    together, and `until` is called between waves; without one it is called after each answer, and again when
    `wait_s` seconds have passed without any. `step` is the key under which an early stop is journaled.
    """

    until: Callable[[Round[Reply]], StopRequest | None] = lambda _: None
    wait_s: Callable[[Round[Reply]], float | None] = lambda _: None
    at_once: int | None = None
    wave: int | None = None
    step: str = "stop"


async def ask_round(
    models: Sequence[ChatModel],
    ask: Callable[[ChatModel], Awaitable[Reply]],
    plan: RoundPlan[Reply],
    *,
    context: RunContext,
    score: Callable[[Reply], Awaitable[Reply]] | None = None,
) -> Round[Reply]:
    """Ask models until all have ended or there is a reason to stop; `score` finishes each answer.

    A stop is committed before any call is cancelled and before anything follows from it: after a crash the
    models that it left out are not asked, and the answers that came too late are not scored. A `LimitReached`
    that `ask` raises ends the round once its wave is over. Whatever else is raised ends it at once, as an
    `ExceptionGroup`.
    """
    asking = _Asking(
        round=Round(models=models),
        ask=ask,
        score=score,
        plan=plan,
        context=context,
        turns=asyncio.Semaphore(plan.at_once or max(1, len(models))),
    )
    left_out, found = await asking.recall(), asking.round
    found.waiting = [model for model in models if model.spec.name not in left_out]
    size = plan.wave or len(found.waiting)
    while found.waiting:
        wave, found.waiting = found.waiting[:size], found.waiting[size:]
        async with asyncio.TaskGroup() as group:
            await asking.watch({group.create_task(asking.ask_one(m), name=m.spec.name) for m in wave})
    return found


def candidates(ended: Round[Candidate], step: Callable[[str], str] = ask_step) -> tuple[Candidate, ...]:
    """Return the candidate of each model, in order: its answer, or why there is none.

    `step` returns the key of the step that asks a model of this name.
    """
    return tuple(_candidate(ended, name, step(name)) for name in ended.names)


def _candidate(ended: Round[Candidate], name: str, step: str) -> Candidate:
    if ended.stop is not None and name in ended.stop.left_out:
        return replace(ended.stop.candidate(name), step=step)
    cut_off = Candidate(model=name, step=step, state="cancelled", error=CUT_OFF)
    return ended.replies.get(name, cut_off)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asking(Generic[Reply]):
    """One call of `ask_round`."""

    round: Round[Reply]
    ask: Callable[[ChatModel], Awaitable[Reply]]
    score: Callable[[Reply], Awaitable[Reply]] | None
    plan: RoundPlan[Reply]
    context: RunContext
    turns: asyncio.Semaphore

    async def recall(self) -> AbstractSet[str]:
        """Adopt the stop that ended this round in an earlier attempt; return the models that it left out."""
        earlier = self.context.recall(self.plan.step)
        if earlier is None:
            return set()
        stop = Stop.from_json(earlier)
        if not set(self.round.names) & {*stop.left_out, *stop.unscored}:
            return set()
        self.round.stop = Stop.from_json(await self.context.decide(self.plan.step, earlier))
        return stop.left_out.keys()

    async def ask_one(self, model: ChatModel) -> Reply | LimitReached:
        """Ask a model once it is its turn, and score its answer unless a stop came first."""
        name = model.spec.name
        async with self.turns:
            self.round.begun.add(name)
            try:
                reply = await self.ask(model)
            except LimitReached as limit:
                return limit
        self.round.replies[name] = reply
        too_late = self.round.stop is not None and name in self.round.stop.unscored
        return reply if self.score is None or too_late else await self.score(reply)

    async def watch(self, pending: set[asyncio.Task[Reply | LimitReached]]) -> None:
        """Collect answers until all are there or there is a reason to stop; journal it, cancel the rest."""
        while pending:
            wait = self.plan.wait_s(self.round) if self.round.stop is None else None
            timeout = None if wait is None else max(0.0, wait)
            done, pending = await asyncio.wait(pending, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                self._collect(task)
            if self.round.stop is None and (stop := self._reason_to_stop(over=not pending)) is not None:
                self.round.stop = Stop.from_json(await self.context.decide(self.plan.step, asdict(stop)))
                self.round.waiting = ()
                for task in pending:
                    task.cancel()
                return

    def _collect(self, task: asyncio.Task[Reply | LimitReached]) -> None:
        """Keep what a task returned. Raises what it raised.

        Without a stop a task is cancelled only where an earlier attempt of the run cancelled its step.
        """
        name = task.get_name()
        self.round.ended.add(name)
        if task.cancelled():
            return
        reply = task.result()
        if isinstance(reply, LimitReached):
            self.round.limits[name] = reply
        else:
            self.round.replies[name] = reply

    def _reason_to_stop(self, *, over: bool) -> Stop | None:
        """Return the stop that is due, if one is; `over` is True when the wave has ended."""
        this = self.round
        limits = {name: this.limits[name] for name in this.names if name in this.limits}
        is_asked = self.plan.wave is None or (over and this.waiting and not limits)
        enough = self.plan.until(this) if is_asked else None
        if enough is not None:
            pending = {m.spec.name: m for m in this.models if m.spec.name not in this.ended}
            return enough.stop(
                {name: model for name, model in pending.items() if name not in this.replies},
                unscored=[name for name in pending if name in this.replies],
                limits=limits,
                begun=this.begun,
            )
        if over and limits:
            return Stop.at_limit(limits, [model.spec.name for model in this.waiting])
        return None


@contextmanager
def single_error() -> Iterator[None]:
    """Raise the first error of a task group instead of the group: callers handle single errors."""
    try:
        yield
    except BaseExceptionGroup as group:
        first: BaseException = group
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None
