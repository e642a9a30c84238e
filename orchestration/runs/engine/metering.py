"""Counting, pricing, limiting and recording every attempt at a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import aclosing
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from decimal import Decimal

from orchestration.llm.engine.errors import ModelError
from orchestration.llm.engine.model import AnswerStream, WrappedModel
from orchestration.llm.engine.types import (
    MILLION,
    TOKENS_PER_MESSAGE,
    Completion,
    Delta,
    ModelSpec,
    Prompt,
    Usage,
    estimate_tokens,
)
from orchestration.runs.engine.errors import LimitReached
from orchestration.runs.engine.records import CallEnded, CallEnding, CallStarted, Record, RunLog
from orchestration.runs.engine.types import EventKind, RunEvent


def price(spec: ModelSpec, usage: Usage) -> Decimal | None:
    """Return what `usage` costs in US dollars, None when the model has no price."""
    if spec.prices is None:
        return None
    return (
        usage.input_tokens * spec.prices.input_per_million
        + usage.output_tokens * spec.prices.output_per_million
    ) / MILLION


def most_it_can_cost(spec: ModelSpec, prompt: Prompt) -> Decimal:
    """Return the most that answering `prompt` can cost: its tokens and the longest answer allowed.

    A model without a price counts as free here: a run with a money limit is refused such a model beforehand.
    """
    given = sum(estimate_tokens(message.content) + TOKENS_PER_MESSAGE for message in prompt.messages)
    longest = min(prompt.max_tokens or spec.max_output_tokens, spec.max_output_tokens)
    return price(spec, Usage(input_tokens=given, output_tokens=longest)) or Decimal(0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What a run may use. None means no limit; `seconds` is run time, waiting not counted.

    `steps` are those of a run or of a child by itself, `steps_in_all` those of a run with its children.
    """

    money: Decimal | None = None
    calls: int | None = None
    seconds: float | None = None
    depth: int = 8
    steps: int = 500
    steps_in_all: int = 5000


@dataclass(frozen=True, kw_only=True, slots=True)
class Spent:
    """What earlier claims of the same run have used."""

    money: Decimal = Decimal(0)
    calls: int = 0


NOTHING_SPENT = Spent()


class Ledger:
    """Money and calls of one run: reserved before a call, settled after it."""

    def __init__(self, limits: Limits, spent: Spent) -> None:
        self._limits = limits
        self._money = spent.money
        self._calls = spent.calls
        self._reserved = Decimal(0)

    @property
    def money_left(self) -> Decimal | None:
        """US dollars neither spent nor reserved."""
        return None if self._limits.money is None else self._limits.money - self._money - self._reserved

    @property
    def calls_left(self) -> int | None:
        """Calls not yet started."""
        return None if self._limits.calls is None else self._limits.calls - self._calls

    def reserve(self, spec: ModelSpec, prompt: Prompt) -> Decimal:
        """Set aside the most that a call can cost, and return it. Raises `LimitReached`."""
        if self.calls_left is not None and self.calls_left < 1:
            message = f"The limit of {self._limits.calls} calls is used up. Raise it or use fewer models."
            raise LimitReached(message, limit="calls")
        most = most_it_can_cost(spec, prompt)
        if self.money_left is not None and most > self.money_left:
            left = max(self.money_left, Decimal(0))
            message = (
                f"Asking {spec.name} could cost up to ${most:.6f}, and ${left:.6f} of the limit of"
                f" ${self._limits.money} is left. Raise the limit or use a cheaper model."
            )
            raise LimitReached(message, limit="money")
        self._reserved += most
        self._calls += 1
        return most

    def settle(self, reserved: Decimal, cost: Decimal) -> None:
        """Give back what was reserved and book what the call cost."""
        self._reserved -= reserved
        self._money += cost


@dataclass(kw_only=True, slots=True)
class StepScope:
    """The step on whose behalf models are being asked, and where its attempts are recorded."""

    step: str
    log: RunLog
    ledger: Ledger
    now: Callable[[], float]
    new_id: Callable[[], str]
    stopping: Callable[[], bool]
    attempts: int = 0
    over: bool = False
    kept: list[Record] = field(default_factory=list)

    def answered(self, ended: CallEnded, event: RunEvent) -> None:
        """Keep the end of a call that was answered for the end of its step: both are durable, or neither.

        Otherwise a process that died between the two would pay for the same answer again.
        """
        if self.over:
            self.log.write(ended, event)
        else:
            self.kept += [ended, event]

    def close(self) -> list[Record]:
        """Return what was kept, once; what comes later is written by itself."""
        self.over = True
        kept, self.kept = self.kept, []
        return kept


SCOPE: ContextVar[StepScope | None] = ContextVar("step_scope", default=None)


class Metered(WrappedModel):
    """Innermost wrapper: each pass through it is one call: reserved, recorded before it goes out, settled.

    Outside a run (testing a connection) it only passes through.
    """

    async def stream(self, prompt: Prompt) -> AnswerStream:
        """Pass the inner stream on, recording it as a call of the current step."""
        scope = SCOPE.get()
        if scope is None:
            async with aclosing(self.inner.stream(prompt)) as pieces:
                async for piece in pieces:
                    yield piece
            return
        attempt = _Attempt(scope, self.spec, prompt)
        await attempt.begin()
        try:
            async with aclosing(self.inner.stream(prompt)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Delta):
                        attempt.received(piece)
                        scope.log.show(attempt.id, piece)
                        yield piece
                    else:
                        yield attempt.answered(piece)
        except ModelError as error:
            attempt.failed(error)
            raise
        finally:
            attempt.close()


class _Attempt:
    """One call from its reservation to its settlement; it ends exactly once."""

    def __init__(self, scope: StepScope, spec: ModelSpec, prompt: Prompt) -> None:
        self._scope = scope
        self._spec = spec
        self._prompt = prompt
        self._reserved = scope.ledger.reserve(spec, prompt)
        scope.attempts += 1
        self._number = scope.attempts
        self.id = scope.new_id()
        self._started = scope.now()
        self._first_token: float | None = None
        self._text = ""
        self._over = False

    async def begin(self) -> None:
        """Make the start durable: a call that is on its way is known even if the process dies now."""
        started = CallStarted(
            id=self.id,
            step=self._scope.step,
            attempt=self._number,
            spec=self._spec,
            purpose=self._prompt.purpose,
            started_s=self._started,
        )
        data = {
            "call": self.id,
            "model": self._spec.name,
            "provider": self._spec.provider,
            "attempt": self._number,
            "purpose": self._prompt.purpose.value,
        }
        event = RunEvent(kind=EventKind.CALL_STARTED, step=self._scope.step, data=data)
        try:
            await self._scope.log.write(started, event)
        except BaseException:
            self._over = True
            self._scope.ledger.settle(self._reserved, Decimal(0))
            raise

    def received(self, piece: Delta) -> None:
        """Note the text so far and when its first piece came."""
        if self._first_token is None:
            self._first_token = self._scope.now() - self._started
        self._text = piece.text

    def answered(self, piece: Completion) -> Completion:
        """Price and record the completion."""
        seconds = self._scope.now() - self._started
        whole = replace(
            piece,
            cost_usd=price(self._spec, piece.usage),
            latency_s=seconds,
            first_token_s=seconds if self._first_token is None else self._first_token,
        )
        ended = replace(
            self._ended(CallEnding.DONE),
            text=whole.text,
            usage=whole.usage,
            cost_usd=whole.cost_usd,
            finish=whole.finish.value,
            first_token_s=whole.first_token_s,
        )
        data = {
            "seconds": round(seconds, 3),
            "input_tokens": whole.usage.input_tokens,
            "output_tokens": whole.usage.output_tokens,
            "cost_usd": None if whole.cost_usd is None else format(whole.cost_usd, "f"),
            "finish": whole.finish.value,
        }
        self._end(ended, EventKind.CALL_FINISHED, data)
        return whole

    def failed(self, error: ModelError) -> None:
        """Record that the attempt failed, with the reason."""
        ended = self._ended(CallEnding.FAILED, maybe_billed=error.billed or bool(self._text))
        ended = replace(ended, error=str(error), error_code=error.code)
        self._end(ended, EventKind.CALL_FAILED, {"code": error.code, "message": str(error)})

    def close(self) -> None:
        """Record an attempt that was cut off: by the run's own choice, or by the process's end."""
        if self._over:
            return
        lost = self._scope.stopping()
        kind = EventKind.CALL_LOST if lost else EventKind.CALL_CANCELLED
        ended = self._ended(CallEnding.LOST if lost else CallEnding.CANCELLED, maybe_billed=True)
        self._end(ended, kind, {})

    def _ended(self, status: CallEnding, *, maybe_billed: bool = False) -> CallEnded:
        return CallEnded(
            id=self.id,
            step=self._scope.step,
            model=self._spec.name,
            status=status,
            text=self._text,
            latency_s=self._scope.now() - self._started,
            first_token_s=self._first_token,
            maybe_billed=maybe_billed,
        )

    def _end(self, ended: CallEnded, kind: EventKind, data: Mapping[str, object]) -> None:
        self._over = True
        self._scope.ledger.settle(self._reserved, ended.cost_usd or Decimal(0))
        about = {"call": self.id, "model": self._spec.name}
        event = RunEvent(kind=kind, step=self._scope.step, data={**about, **data})
        if ended.status is CallEnding.DONE:
            self._scope.answered(ended, event)
        else:
            self._scope.log.write(ended, event)
