"""Strategies at work in memory: the real journaled context over a log that a test can kill and open again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field

from orchestration.llm.engine.types import Json
from orchestration.runs.engine.budget import Limits
from orchestration.runs.engine.claim import StartTool, no_tools
from orchestration.runs.engine.metering import Metered
from orchestration.runs.engine.records import Record
from orchestration.runs.engine.types import RunEvent
from orchestration.strategies.engine.belief.model import Belief
from orchestration.strategies.engine.belief.shipped import shipped_belief
from orchestration.strategies.engine.fallback import answer
from orchestration.strategies.engine.strategy import Panel, get_strategy
from orchestration.strategies.engine.types import USUAL_ROUNDS, Constraints, Request, StrategyOutcome
from tests.support.logs import MemoryLog, context_on
from tests.support.models import ScriptedModel

COMMIT_S = 0.001


@dataclass
class MortalLog(MemoryLog):
    """Takes a moment to commit; write number `dies_at` (from 0) is not kept and never returns."""

    dies_at: int | None = None
    writes: int = 0
    dead: asyncio.Event = field(default_factory=asyncio.Event)

    def write(self, *records: Record) -> Awaitable[None]:
        loop = asyncio.get_running_loop()
        committed: asyncio.Future[None] = loop.create_future()
        if self.writes == self.dies_at or self.dead.is_set():
            self.dead.set()
            return committed
        self.writes += 1
        super().write(*records)
        loop.call_later(COMMIT_S, _commit, committed)
        return committed

    def live_again(self) -> None:
        """Open the log in a new process: what was committed is there."""
        self.dies_at, self.dead = None, asyncio.Event()


def _commit(committed: asyncio.Future[None]) -> None:
    if not committed.done():
        committed.set_result(None)


@dataclass
class Stage:
    """Runs one strategy over members and helpers; each `run` is one more attempt of the same run.

    `usual` are options that every attempt has, unless it is given others.
    """

    strategy: str
    members: Sequence[ScriptedModel]
    helpers: Sequence[ScriptedModel] = ()
    question: str = "Which answer?"
    constraints: Constraints = field(default_factory=Constraints)
    limits: Limits = field(default_factory=Limits)
    usual: Mapping[str, Json] = field(default_factory=dict)
    response_schema: Json = None
    rubric: Json = None
    tools: tuple[str, ...] = ()
    tool_rounds: int = USUAL_ROUNDS
    tool: StartTool = no_tools
    answers: Mapping[str, Json] = field(default_factory=dict)
    log: MortalLog = field(default_factory=MortalLog)
    belief: Belief = field(default_factory=shipped_belief)

    async def run(self, **options: Json) -> StrategyOutcome:
        """Execute the run to its end."""
        request = Request(
            text=self.question,
            constraints=self.constraints,
            options={**self.usual, **options},
            response_schema=self.response_schema,
            rubric=self.rubric,
            tools=self.tools,
            tool_rounds=self.tool_rounds,
        )
        panel = Panel(
            members=tuple(Metered(model) for model in self.members),
            helpers={model.spec.name: Metered(model) for model in self.helpers},
            profiles={model.spec.name: model.profiles for model in self.members},
            belief=self.belief,
        )
        context = context_on(
            self.log, replay=self.log.replay(self.answers), limits=self.limits, tool=self.tool
        )
        return await answer(get_strategy(self.strategy), request, panel, context)

    async def run_until_death(self, dies_at: int, **options: Json) -> bool:
        """Execute the run until the log loses a write; return False if it ends before that."""
        self.log.dies_at = dies_at
        attempt = asyncio.create_task(self.run(**options))
        death = asyncio.create_task(self.log.dead.wait())
        await asyncio.wait({attempt, death}, return_when=asyncio.FIRST_COMPLETED)
        died = self.log.dead.is_set()
        attempt.cancel()
        death.cancel()
        await asyncio.gather(attempt, death, return_exceptions=True)
        self.log.live_again()
        return died

    @property
    def calls(self) -> dict[str, int]:
        """How often each model was asked."""
        return {model.spec.name: model.count.started for model in (*self.members, *self.helpers)}

    def emitted(self, kind: str) -> list[RunEvent]:
        """Return the events of a kind, in order."""
        return [event for event in self.log.events if event.kind == kind]
