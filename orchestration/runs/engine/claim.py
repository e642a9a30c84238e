"""What all parts of one claim of one run share: dependencies, limits, journal, what earlier claims left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from random import Random
from typing import TYPE_CHECKING

from orchestration.llm.engine.errors import ModelError
from orchestration.llm.engine.types import Json
from orchestration.runs.engine.budget import NOTHING_SPENT, Ledger, Limits, Spent
from orchestration.runs.engine.control import LINGER_S, RunControl
from orchestration.runs.engine.errors import ChildFailed
from orchestration.runs.engine.records import Record, RunLog, StepKind, StepRecord
from orchestration.runs.engine.types import Received, StepStatus
from orchestration.tools.engine.tool import Tool, ToolFailed, unknown_tool

if TYPE_CHECKING:
    from orchestration.runs.engine.context import RunContext

ChildRun = Callable[[Mapping[str, Json], "RunContext"], Awaitable[Json]]
StartChild = Callable[[str, str, Sequence[str]], ChildRun]
"""Returns what runs a child of a kind, a ref and the names of its panel's models."""
StartTool = Callable[[str], Awaitable[Tool]]
"""Returns a tool by its name. Raises `ToolFailed` for one that the run may not use."""


async def no_tools(name: str) -> Tool:
    """Refuse a tool: the run may use none."""
    raise unknown_tool(name)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplayState:
    """What earlier claims left: ended steps, emitted events, people's answers, what was spent, run time used.

    `timers` are the moments until which pending steps and questions wait, None for one without such a moment;
    `messages` are those that no step received.
    """

    steps: Mapping[str, StepRecord] = field(default_factory=dict)
    emitted: frozenset[str] = frozenset()
    answers: Mapping[str, Json] = field(default_factory=dict)
    timers: Mapping[str, datetime | None] = field(default_factory=dict)
    messages: Sequence[Received] = ()
    spent: Spent = NOTHING_SPENT
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Dependencies:
    """What a run's context reaches the world through."""

    log: RunLog
    clock: Callable[[], float]
    wall_clock: Callable[[], datetime]
    new_id: Callable[[], str]
    child: StartChild
    tool: StartTool = no_tools
    linger_s: float = LINGER_S


class ClaimState:
    """What all parts of one claim of one run share."""

    def __init__(self, *, dependencies: Dependencies, limits: Limits, replay: ReplayState, seed: int) -> None:
        received = [step.result for step in replay.steps.values() if step.kind is StepKind.RECEIVE]
        self.control = RunControl(
            dependencies.clock,
            linger_s=dependencies.linger_s,
            answers=replay.answers,
            messages=replay.messages,
            newest=max((result["number"] for result in received if result), default=0),
        )
        self.dependencies = dependencies
        self.limits = limits
        self.replay = replay
        self.ledger = Ledger(limits, replay.spent)
        self.zero = dependencies.clock() - replay.seconds
        self.seen: set[str] = set()
        self.is_exhausted = False  # all steps are used up: only records of what has come of it are written
        self.emitted = set(replay.emitted)
        self.timings: dict[str, tuple[float, float]] = {}  # when steps started, how long they took
        self._seed = seed

    @cached_property
    def random(self) -> Random:
        """Draws that are the same on replay: it is made when it is first needed, which takes a moment."""
        return Random(self._seed)  # noqa: S311  # repeatable on purpose

    def now(self) -> float:
        """Return the seconds of run time, without the time in which the run only waited."""
        return self.dependencies.clock() - self.zero - self.control.idle_s

    @asynccontextmanager
    async def ending(
        self, record: StepRecord, before: Callable[[], Sequence[Record]] = tuple
    ) -> AsyncIterator[dict[str, Json]]:
        """Journal how a block ends, durable before it is left: its result, its error, or its cancellation.

        The records that `before` returns are written together with a result or an error.
        """
        entry: dict[str, Json] = {}
        started = self.now()
        try:
            try:
                yield entry
            finally:
                record = replace(record, started_s=started, seconds=self.now() - started)
        except (ModelError, ChildFailed, ToolFailed) as error:
            billed = isinstance(error, ModelError) and error.billed
            stored = {"code": error.code, "message": str(error), "billed": billed}
            await self.ended(replace(record, status=StepStatus.FAILED, error=stored), *before())
            raise
        except asyncio.CancelledError:
            if self.control.keeps_journal:
                self.end(replace(record, status=StepStatus.CANCELLED))
            raise
        else:
            await self.ended(replace(record, result=entry["result"]), *before())

    async def ended(self, record: StepRecord, *before: Record) -> None:
        """Journal a step that has ended, durable before this returns: until then the run is not parked."""
        self.control.hold()
        try:
            await self.end(record, *before)
        finally:
            self.control.release()

    def end(self, record: StepRecord, *before: Record) -> Awaitable[None]:
        """Journal a step that has ended; the awaitable is done once that is durable."""
        self.timings[record.key] = record.started_s, record.seconds
        return self.dependencies.log.write(*before, record)
