"""Counting, pricing, limiting and recording every attempt at a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import aclosing
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from decimal import Decimal

from orchestration.llm.engine.errors import ModelError
from orchestration.llm.engine.model import AnswerStream, WrappedModel
from orchestration.llm.engine.types import Completion, Delta, ModelSpec, Prompt, Usage
from orchestration.runs.engine.budget import LARGEST_COST, Ledger, price
from orchestration.runs.engine.records import CallEnded, CallEnding, CallStarted, Record, RunLog
from orchestration.runs.engine.types import EventKind, RunEvent


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
            "reserved_usd": format(self._reserved, "f"),
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
            cost_usd=self._cost(piece.usage),
            latency_s=seconds,
            first_token_s=seconds if self._first_token is None else self._first_token,
        )
        beyond = whole.cost_usd is None and self._spec.prices is not None
        ended = replace(
            self._ended(CallEnding.DONE, maybe_billed=beyond),
            text=whole.text,
            usage=whole.usage,
            cost_usd=whole.cost_usd,
            finish=whole.finish.value,
            first_token_s=whole.first_token_s,
        )
        marks = {"overran": whole.overran, "estimated": whole.usage.estimated}
        data = {mark: True for mark, holds in marks.items() if holds} | {
            "seconds": round(seconds, 3),
            "input_tokens": whole.usage.input_tokens,
            "output_tokens": whole.usage.output_tokens,
            **({"cached_input_tokens": cached} if (cached := whole.usage.cached_input_tokens) else {}),
            "cost_usd": None if whole.cost_usd is None else format(whole.cost_usd, "f"),
            "finish": whole.finish.value,
            **self._remarks(whole.cost_usd, beyond=beyond),
        }
        self._end(ended, EventKind.CALL_FINISHED, data)
        return whole

    def failed(self, error: ModelError) -> None:
        """Record that the attempt failed, with the reason; usage that was reported with it is priced."""
        usage = error.usage or Usage()
        cost = None if error.usage is None else self._cost(error.usage)
        maybe_billed = cost is None and (error.billed or bool(self._text) or error.usage is not None)
        ended = replace(
            self._ended(CallEnding.FAILED, maybe_billed=maybe_billed),
            usage=usage,
            cost_usd=cost,
            error=str(error),
            error_code=error.code,
        )
        told = {} if cost is None else {"cost_usd": format(cost, "f"), **self._remarks(cost, beyond=False)}
        self._end(ended, EventKind.CALL_FAILED, {"code": error.code, "message": str(error), **told})

    def close(self) -> None:
        """Record an attempt that was cut off: by the run's own choice, or by the process's end."""
        if self._over:
            return
        lost = self._scope.stopping()
        kind = EventKind.CALL_LOST if lost else EventKind.CALL_CANCELLED
        ended = self._ended(CallEnding.LOST if lost else CallEnding.CANCELLED, maybe_billed=True)
        self._end(ended, kind, {})

    def _cost(self, usage: Usage) -> Decimal | None:
        """Return what `usage` costs, None when that is unknown or too much to be believed or stored."""
        cost = price(self._spec, usage)
        return None if cost is not None and cost > LARGEST_COST else cost

    def _remarks(self, cost: Decimal | None, *, beyond: bool) -> dict[str, object]:
        """Return what an event says of a cost that cannot be stored, or is more than was reserved."""
        if beyond:
            return {"beyond_usd": format(LARGEST_COST, "f")}
        if cost is not None and cost > self._reserved:
            return {"over_usd": format(cost - self._reserved, "f")}
        return {}

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
        self._scope.ledger.settle(self._reserved, ended.cost_usd, maybe_billed=ended.maybe_billed)
        about = {"call": self.id, "model": self._spec.name}
        event = RunEvent(kind=kind, step=self._scope.step, data={**about, **data})
        if ended.status is CallEnding.DONE:
            self._scope.answered(ended, event)
        else:
            self._scope.log.write(ended, event)
