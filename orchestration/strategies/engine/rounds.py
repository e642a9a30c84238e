"""Asking several models, at once or in waves: early stops and what they save, limits, replay."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import KW_ONLY, asdict, dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Generic, Self, TypeVar

from orchestration.llm.engine.model import ChatModel
from orchestration.llm.engine.types import Json, Prompt, Usage, estimate_tokens
from orchestration.runs.engine.budget import price
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.errors import LimitReached
from orchestration.runs.engine.types import Decision
from orchestration.strategies.engine.asking import ask_step
from orchestration.strategies.engine.types import Candidate, counted, dollars, total

CUT_OFF = "Cancelled before the run went on."

Reply = TypeVar("Reply")
Result = TypeVar("Result")


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


@dataclass(slots=True)
class Round(Generic[Reply]):
    """A round of questions to `models`: how it is asked, what may end it early, and its state so far.

    `score` finishes each answer that `ask` gives. At most `at_once` models are asked at the same time. With a
    `wave` (0: all in one) as many are asked together, and `until` is called between waves; without one it is
    called after each answer, and again when `wait_s` seconds have passed without any. `step` is the key under
    which an early stop is journaled.

    The state is by the models' names. `replies` include those of models that have not `ended` (been scored,
    where answers are scored); `limits` are the limits that kept models from being asked. `begun` models were
    sent their prompt, `waiting` ones belong to later waves. `stop` is set once the round has ended early.
    """

    models: Sequence[ChatModel]
    ask: Callable[[ChatModel], Awaitable[Reply]]
    context: RunContext
    _: KW_ONLY
    score: Callable[[Reply], Awaitable[Reply]] | None = None
    until: Callable[[Round[Reply]], Stop | None] = lambda _: None
    wait_s: Callable[[Round[Reply]], float | None] = lambda _: None
    at_once: int | None = None
    wave: int | None = None
    step: str = "stop"
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

    @property
    def at_limits(self) -> dict[str, str]:
        """The models that limits kept from being asked, in order, and what limits."""
        return {name: str(self.limits[name]) for name in self.names if name in self.limits}

    async def run(self) -> Self:
        """Ask until all have ended or there is a reason to stop, and return the round as it is then.

        A stop is committed before any call is cancelled and before anything follows from it: after a crash
        the models that it left out are not asked, and the answers that came too late are not scored. A
        `LimitReached` that `ask` raises ends the round once its wave is over. Whatever else is raised ends it
        at once, as an `ExceptionGroup`.
        """
        left_out, turns = await self._recall(), asyncio.Semaphore(self.at_once or max(1, len(self.models)))
        self.waiting = [model for model in self.models if model.spec.name not in left_out]
        size = self.wave or len(self.waiting)
        while self.waiting:
            wave, self.waiting = self.waiting[:size], self.waiting[size:]
            async with asyncio.TaskGroup() as group:
                await self._watch(
                    {group.create_task(self._ask_one(m, turns), name=m.spec.name) for m in wave}
                )
        return self

    async def _recall(self) -> AbstractSet[str]:
        """Adopt the stop that ended this round in an earlier attempt; return the models that it left out."""
        earlier = self.context.recall(self.step)
        stop = None if earlier is None else Stop.from_json(earlier)
        if stop is None or not set(self.names) & {*stop.left_out, *stop.unscored}:
            return set()
        self.stop = Stop.from_json(await self.context.decide(self.step, earlier))
        return stop.left_out.keys()

    async def _ask_one(self, model: ChatModel, turns: asyncio.Semaphore) -> None:
        """Ask a model once it is its turn, and score its answer unless a stop came first."""
        name = model.spec.name
        async with turns:
            self.begun.add(name)
            try:
                self.replies[name] = await self.ask(model)
            except LimitReached as limit:
                self.limits[name] = limit
                return
        too_late = self.stop is not None and name in self.stop.unscored
        if self.score is not None and not too_late:
            self.replies[name] = await self.score(self.replies[name])

    async def _watch(self, pending: set[asyncio.Task[None]]) -> None:
        """Wait until all have ended or there is a reason to stop; journal it, cancel the rest.

        Without a stop a task is cancelled only where an earlier attempt of the run cancelled its step.
        """
        while pending:
            wait = self.wait_s(self) if self.stop is None else None
            timeout = None if wait is None else max(0.0, wait)
            done, pending = await asyncio.wait(pending, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            self.ended.update(task.get_name() for task in done)
            for task in done:
                if not task.cancelled():
                    task.result()
            if self.stop is None and (stop := self._due_stop(over=not pending)) is not None:
                self.stop = Stop.from_json(await self.context.decide(self.step, asdict(stop)))
                self.waiting = ()
                for task in pending:
                    task.cancel()
                return

    def _due_stop(self, *, over: bool) -> Stop | None:
        """Return the stop that is due, if one is; `over` is True when the wave has ended."""
        limits = self.at_limits
        is_asked = self.wave is None or (over and self.waiting and not limits)
        enough = self.until(self) if is_asked else None
        if enough is not None or not (over and limits):
            return enough
        name, because = next(iter(limits.items()))
        return Stop(
            reason=EarlyStopReason.LIMIT,
            because=because,
            left_out=limits | dict.fromkeys((model.spec.name for model in self.waiting), because),
            limit=self.limits[name].limit,
        )

    def early_stop(
        self,
        reason: EarlyStopReason,
        because: str,
        *,
        prompt: Prompt,
        answers: Sequence[Candidate],
        chosen: str = "",
        limit: str = "",
    ) -> Stop | None:
        """Return the stop of the round where a strategy finds that no other model need be asked.

        It is None where no model would be left out and all answers are scored. `chosen` is the model whose
        answer was enough, `limit` the limit of the run, if it was one. From `prompt` and the `answers` that
        are there it is estimated what the calls not made or not finished would have cost.
        """
        why = f"{'Not asked' if reason in BETWEEN_WAVES else 'No answer in time'}. {because}"
        if reason is EarlyStopReason.GOOD_ENOUGH:
            why = f"Stopped: {chosen} was already good enough."
        pending = [model for model in self.models if model.spec.name not in self.ended]
        unfinished = [model for model in pending if model.spec.name not in self.replies]
        unscored = [model.spec.name for model in pending if model not in unfinished]
        left_out = {model.spec.name: why for model in unfinished} | self.at_limits
        if not (left_out or unscored):
            return None
        return Stop(
            reason=reason,
            because=because,
            left_out=left_out,
            unscored=unscored,
            chosen=chosen,
            saved_calls=len(unfinished),
            saved_usd=self._saved_usd(unfinished, prompt, answers),
            limit=limit,
        )

    def _saved_usd(self, models: Sequence[ChatModel], prompt: Prompt, answers: Sequence[Candidate]) -> str:
        """Return about what the models' calls would have cost; empty when one of them has no price.

        A call that had begun saves the answer that it did not write, another one its prompt, too.
        """
        lengths = [answer.usage.output_tokens for answer in answers]
        given = sum(estimate_tokens(message.content) for message in prompt.messages)
        costs = []
        for spec in (model.spec for model in models):
            written = round(sum(lengths) / len(lengths)) if lengths else spec.max_output_tokens
            usage = Usage(input_tokens=0 if spec.name in self.begun else given, output_tokens=written)
            costs.append(price(spec, usage))
        whole = total(costs)
        return "" if whole is None else format(whole, "f")


def candidates(ended: Round[Candidate], step: Callable[[str], str] = ask_step) -> tuple[Candidate, ...]:
    """Return the candidate of each model, or why there is none; `step` gives the key of what asked it."""
    stop, found = ended.stop, []
    for name in ended.names:
        none = Candidate(model=name, step=step(name), state="cancelled", error=CUT_OFF)
        if stop is not None and name in stop.left_out:
            state = "missing" if stop.reason in MISSING else none.state
            found.append(replace(none, state=state, error=stop.left_out[name]))
        else:
            found.append(ended.replies.get(name, none))
    return tuple(found)


async def run_together(work: Iterable[Coroutine[None, None, Result]]) -> list[Result]:
    """Run at the same time and return the results in order; the first error ends all and is raised.

    Raises `CancelledError`, too, where a part was cancelled by itself, as one of an earlier attempt was.
    """
    with single_error():
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each) for each in work]
    return [task.result() for task in tasks]


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
