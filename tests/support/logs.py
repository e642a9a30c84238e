"""A run's log in memory: what a crash leaves is what was committed, and a new context replays it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from orchestration.llm.engine.types import Delta, Json
from orchestration.runs.engine.budget import Limits, Spent
from orchestration.runs.engine.claim import (
    ChildRun,
    ClaimState,
    Dependencies,
    ReplayState,
    StartChild,
    StartTool,
    no_tools,
)
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.control import LINGER_S
from orchestration.runs.engine.records import (
    CallEnded,
    CallStarted,
    QuestionAsked,
    Record,
    StepKind,
    StepRecord,
    TimerSet,
    event_digest,
)
from orchestration.runs.engine.types import Received, RunEvent

MIDNIGHT = datetime(2026, 1, 1, tzinfo=UTC)
RECEIVE = StepKind.RECEIVE


@dataclass
class MemoryLog:
    """Keeps records in order; `dies_at` loses everything from that many records on, like a killed process."""

    records: list[Record] = field(default_factory=list)
    shown: list[tuple[str, Delta]] = field(default_factory=list)
    refuses: BaseException | None = None
    before_commit: Callable[[Record], None] = lambda _: None

    def write(self, *records: Record) -> Awaitable[None]:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.refuses is not None:
            done.set_exception(self.refuses)
            done.exception()
            return done
        for record in records:
            self.before_commit(record)
            self.records.append(record)
        done.set_result(None)
        return done

    def show(self, call: str, delta: Delta) -> None:
        self.shown.append((call, delta))

    @property
    def events(self) -> list[RunEvent]:
        ends = (each.event if isinstance(each, StepRecord) else each for each in self.records)
        return [each for each in ends if isinstance(each, RunEvent)]

    @property
    def event_kinds(self) -> list[str]:
        return [str(event.kind) for event in self.events]

    @property
    def steps(self) -> dict[str, StepRecord]:
        return {record.key: record for record in self.records if isinstance(record, StepRecord)}

    @property
    def started(self) -> list[CallStarted]:
        return [record for record in self.records if isinstance(record, CallStarted)]

    @property
    def ended(self) -> list[CallEnded]:
        return [record for record in self.records if isinstance(record, CallEnded)]

    @property
    def questions(self) -> list[QuestionAsked]:
        return [record for record in self.records if isinstance(record, QuestionAsked)]

    @property
    def timers(self) -> dict[str, datetime | None]:
        """Until when steps and questions wait."""
        kinds = (TimerSet, QuestionAsked)
        return {record.step: record.due_at for record in self.records if isinstance(record, kinds)}

    def replay(
        self, answers: Mapping[str, Json] | None = None, messages: Sequence[Received] = ()
    ) -> ReplayState:
        """Return what a new claim would read."""
        received = {
            step.result["number"] for step in self.steps.values() if step.kind is RECEIVE and step.result
        }
        return ReplayState(
            timers=self.timers,
            messages=[message for message in messages if message.number not in received],
            steps=self.steps,
            emitted=frozenset(map(event_digest, self.events)),
            answers=answers or {},
            spent=Spent(
                calls=len(self.started),
                money=sum((each.cost_usd or Decimal(0) for each in self.ended), Decimal(0)),
            ),
            seconds=max((step.started_s + step.seconds for step in self.steps.values()), default=0.0),
        )


def _ids() -> Iterator[str]:
    number = 0
    while True:
        number += 1
        yield f"call-{number}"


def no_child(kind: str, ref: str, panel: Sequence[str]) -> ChildRun:
    raise AssertionError(f"nobody should start a child {kind}/{ref}")


def context_on(  # noqa: PLR0913  # what a claim is made of
    log: MemoryLog,
    *,
    replay: ReplayState | None = None,
    limits: Limits | None = None,
    clock: Callable[[], float] | None = None,
    linger_s: float = LINGER_S,
    child: StartChild = no_child,
    tool: StartTool = no_tools,
) -> RunContext:
    """Return a claim's context that writes to `log`."""
    ids = _ids()
    now = clock or asyncio.get_running_loop().time
    dependencies = Dependencies(
        log=log,
        clock=now,
        wall_clock=lambda: MIDNIGHT + timedelta(seconds=now()),
        linger_s=linger_s,
        new_id=lambda: next(ids),
        child=child,
        tool=tool,
    )
    return RunContext(
        ClaimState(
            dependencies=dependencies, limits=limits or Limits(), replay=replay or ReplayState(), seed=7
        )
    )
