"""Runs in memory: the real journaled context over a journal that a test can kill and open again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count

from orchestration.engine.context.budget import Limits, Spent
from orchestration.engine.context.journaled import (
    ChildRun,
    JournaledContext,
    Past,
    Surroundings,
    event_digest,
)
from orchestration.engine.context.metering import Metered
from orchestration.engine.context.records import CallEnded, CallStarted, Record, StepRecord
from orchestration.engine.errors import InvalidRequest
from orchestration.engine.events import Event, EventKind
from orchestration.engine.strategies import Panel, Strategy
from orchestration.engine.types import Delta, Outcome, Request
from tests.support.models import ScriptedModel

COMMIT_S = 0.001


@dataclass
class Journal:
    """What a run leaves behind, life after life."""

    records: list[Record] = field(default_factory=list)

    @property
    def steps(self) -> Mapping[str, StepRecord]:
        return {record.key: record for record in self.records if isinstance(record, StepRecord)}

    @property
    def events(self) -> list[Event]:
        return [record for record in self.records if isinstance(record, Event)]

    def told(self, kind: EventKind) -> list[Event]:
        return [event for event in self.events if event.kind is kind]

    def decided(self, key: str) -> object:
        return self.steps[key].result

    def past(self) -> Past:
        ended = [record for record in self.records if isinstance(record, CallEnded)]
        started = sum(isinstance(record, CallStarted) for record in self.records)
        money = sum((record.cost_usd or Decimal(0) for record in ended), Decimal(0))
        return Past(
            steps=self.steps,
            told=frozenset(event_digest(event) for event in self.events),
            spent=Spent(money=money, calls=started),
        )


class MemoryLog:
    """Commits to a journal; from write number `dies_at` (from 0) on nothing is kept any more."""

    def __init__(self, journal: Journal, dies_at: int | None = None) -> None:
        self._journal = journal
        self._dies_at = dies_at
        self.writes = 0
        self.dead = asyncio.Event()

    def write(self, *records: Record) -> Awaitable[None]:
        if self._dies_at is not None and self.writes >= self._dies_at:
            self.dead.set()
            return asyncio.get_running_loop().create_future()
        self.writes += 1
        self._journal.records.extend(records)
        return asyncio.ensure_future(asyncio.sleep(COMMIT_S))

    def show(self, call: str, delta: Delta) -> None:
        """Nobody watches."""


def no_child(kind: str, ref: str) -> ChildRun:
    raise InvalidRequest(f"There is no {kind} {ref} here.")


@dataclass
class Bench:
    """Runs a strategy over metered members and helpers; every `run` is one more life of the same run."""

    members: list[ScriptedModel]
    helpers: list[ScriptedModel] = field(default_factory=list)
    limits: Limits = field(default_factory=Limits)
    seed: int = 1
    journal: Journal = field(default_factory=Journal)

    @property
    def panel(self) -> Panel:
        return Panel(
            members=tuple(Metered(model) for model in self.members),
            helpers={model.spec.name: Metered(model) for model in self.helpers},
        )

    async def run(self, strategy: Strategy, request: Request) -> Outcome:
        return await strategy.run(request, self.panel, self.context(MemoryLog(self.journal)))

    async def run_until_killed(self, strategy: Strategy, request: Request, dies_at: int) -> Outcome | None:
        """Run a life that ends with write number `dies_at`; None when it did end there."""
        log = MemoryLog(self.journal, dies_at)
        context = self.context(log)
        run = asyncio.create_task(strategy.run(request, self.panel, context))
        death = asyncio.create_task(log.dead.wait())
        await asyncio.wait({run, death}, return_when=asyncio.FIRST_COMPLETED)
        died = not run.done()
        for task in (run, death):
            task.cancel()
        await asyncio.gather(run, death, return_exceptions=True)
        return None if died else run.result()

    def context(self, log: MemoryLog) -> JournaledContext:
        ids = count(len(self.journal.records))
        around = Surroundings(
            log=log,
            clock=asyncio.get_running_loop().time,
            new_id=lambda: f"call-{next(ids)}",
            child=no_child,
        )
        return JournaledContext(around=around, limits=self.limits, past=self.journal.past(), seed=self.seed)
