"""Asking several models, at once or in waves: early stops and what they save, limits, replay."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Generic, TypeVar

from orchestration.llm.engine.model import ChatModel
from orchestration.llm.engine.types import Json, Prompt, Usage, estimate_tokens
from orchestration.runs.engine.budget import price
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.errors import LimitReached
from orchestration.runs.engine.types import Decision
from orchestration.strategies.engine.asking import ask_step
from orchestration.strategies.engine.types import Candidate, counted, dollars


class EarlyStopReason(StrEnum):
    """Why a round ended before every model had answered."""

    GOOD_ENOUGH = "good_enough"
    DEADLINE = "deadline"
    LIMIT = "limit"
    SETTLED = "settled"
    LIKELY = "likely"


MISSING = frozenset({EarlyStopReason.DEADLINE, EarlyStopReason.LIMIT})
"""Reasons for which a model without an answer counts as missing; for the others it was not needed."""
BETWEEN_WAVES = frozenset({EarlyStopReason.SETTLED, EarlyStopReason.LIKELY})
"""Reasons that are found between waves: the calls that are saved have not been started."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stop:
    """The early end of a round as it is journaled.

    `left_out` maps each model that is not asked (any more) to why; `unscored` answers came too late to be
    scored. `chosen` is the model whose answer was enough. `saved_usd` estimates what the `saved_calls` would
    have cost, empty without prices. `limit` names the limit that ended the round.
    """

    reason: EarlyStopReason
    because: str
    left_out: Mapping[str, str]
    unscored: Sequence[str] = ()
    chosen: str = ""
    saved_calls: int = 0
    saved_usd: str = ""
    limit: str = ""

    @classmethod
    def from_json(cls, stored: Mapping[str, Json]) -> Stop:
        """Return the stop that was journaled."""
        return cls(**{**stored, "reason": EarlyStopReason(stored["reason"])})

    @classmethod
    def at_limit(cls, limits: Mapping[str, LimitReached], others: Sequence[str]) -> Stop:
        """Return the stop because of limits that models ran into; `others` have not been asked yet."""
        first = next(iter(limits.values()))
        return cls(
            reason=EarlyStopReason.LIMIT,
            because=str(first),
            left_out=_texts(limits) | dict.fromkeys(others, str(first)),
            limit=first.limit,
        )

    @property
    def error(self) -> LimitReached | None:
        """The limit that was reached, if it was one."""
        return LimitReached(self.because, limit=self.limit) if self.limit else None

    @property
    def decision(self) -> Decision:
        """The stop as a decision."""
        return Decision(kind="stop", chosen=self.chosen, reason=self.sentence, options=tuple(self.left_out))

    @property
    def sentence(self) -> str:
        """Why the round ended, and what that saved."""
        if not self.saved_calls:
            return self.because
        ended = "started" if self.reason in BETWEEN_WAVES else "finished"
        saved = f"{counted(self.saved_calls, 'call')} not {ended}"
        if self.saved_usd:
            saved = f"{saved}, an estimated {dollars(Decimal(self.saved_usd))} saved"
        return f"{self.because} {saved}."

    def candidate(self, name: str) -> Candidate:
        """Return the candidate of a model that was left out."""
        return Candidate(
            model=name,
            step=ask_step(name),
            state="missing" if self.reason in MISSING else "cancelled",
            error=self.left_out[name],
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class StopRequest:
    """Why no other model need be asked, as a strategy finds it during a round.

    `why` is the error of each model that is left out, `chosen` the model whose answer was enough. From
    `prompt` and the `answers` that are there it is estimated what the calls not made or not finished would
    have cost. `limit` names the limit of the run, if it was one.
    """

    reason: EarlyStopReason
    because: str
    why: str
    prompt: Prompt
    answers: Sequence[Candidate]
    chosen: str = ""
    limit: str = ""

    def stop(
        self,
        unfinished: Mapping[str, ChatModel],
        *,
        unscored: Sequence[str],
        limits: Mapping[str, LimitReached],
        begun: AbstractSet[str],
    ) -> Stop | None:
        """Return the stop that leaves out `unfinished` models and those at `limits`; None for none at all."""
        left_out = dict.fromkeys(unfinished, self.why) | _texts(limits)
        if not (left_out or unscored):
            return None
        return Stop(
            reason=self.reason,
            because=self.because,
            left_out=left_out,
            unscored=unscored,
            chosen=self.chosen,
            saved_calls=len(unfinished),
            saved_usd=self._saved_usd(unfinished, begun),
            limit=self.limit,
        )

    def _saved_usd(self, models: Mapping[str, ChatModel], begun: AbstractSet[str]) -> str:
        """Return about what the models' calls would have cost; empty when one of them has no price.

        A call that had begun saves the answer that it did not write, another one its prompt, too.
        """
        lengths = [answer.usage.output_tokens for answer in self.answers]
        typical = round(sum(lengths) / len(lengths)) if lengths else None
        given = sum(estimate_tokens(message.content) for message in self.prompt.messages)
        costs = []
        for name, model in models.items():
            written = model.spec.max_output_tokens if typical is None else typical
            usage = Usage(input_tokens=0 if name in begun else given, output_tokens=written)
            costs.append(price(model.spec, usage))
        known = [cost for cost in costs if cost is not None]
        return format(sum(known, Decimal(0)), "f") if known and len(known) == len(costs) else ""


def _texts(limits: Mapping[str, LimitReached]) -> dict[str, str]:
    return {name: str(limit) for name, limit in limits.items()}


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
