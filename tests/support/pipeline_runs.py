"""Pipelines at work in memory: the real runner and journal, a processor that does what a test says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from orchestration.llm.engine.types import Json
from orchestration.runs.engine.budget import Limits
from orchestration.runs.engine.claim import ChildRun
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.control import StopReason
from orchestration.runs.engine.records import StepKind
from orchestration.runs.engine.types import Outcome
from orchestration.runs.kinds import child_result
from pipelines.engine.definition import Pipeline, pipeline_from
from pipelines.engine.plans import pipeline_plan
from pipelines.engine.processor import (
    ActiveProcessor,
    Processor,
    ProcessorFailed,
    ProcessorOptions,
    RunInfo,
    StageResult,
    Work,
)
from pipelines.engine.processors import PROCESSORS
from pipelines.engine.running import PipelineInput, run_pipeline
from pipelines.engine.stages import Edit, ResultCache, StageRunner
from tests.support.context import MortalLog
from tests.support.logs import context_on


class WorkOptions(ProcessorOptions):
    """What the stage gives (its input where nothing is said), how its attempts fail, how long they take."""

    gives: Json = None
    fails: tuple[str, ...] = ()
    seconds: float = 0.0
    score: float | None = None


@dataclass
class WorkProcessor(ActiveProcessor):
    """Does what its options say, journaled; `done` lists the attempts that were really made."""

    name: ClassVar[str] = "work"
    title: ClassVar[str] = "Work"
    summary: ClassVar[str] = "For tests."
    Options: ClassVar[type[ProcessorOptions]] = WorkOptions
    done: list[str] = field(default_factory=list)
    running: set[str] = field(default_factory=set)
    most: int = 0

    async def execute(self, work: Work, context: RunContext) -> StageResult:
        options, attempt = work.options, work.scope.context["attempt"]
        if context.recall("done") is None:
            self.done.append(work.stage)
            self.running.add(work.stage)
            self.most = max(self.most, len(self.running))
            try:
                await asyncio.sleep(options.seconds)
            finally:
                self.running.discard(work.stage)
        await context.decide("done", value=True)
        if attempt <= len(options.fails) and options.fails[attempt - 1]:
            raise ProcessorFailed(f"attempt {attempt} fails", code=options.fails[attempt - 1])
        return StageResult(value=work.input if options.gives is None else options.gives, score=options.score)


@dataclass
class MemoryCache:
    """Results in memory."""

    results: dict[str, Mapping[str, Json]] = field(default_factory=dict)

    async def get(self, key: str) -> Mapping[str, Json] | None:
        return self.results.get(key)

    async def put(self, key: str, value: Mapping[str, Json], ttl_s: float) -> None:  # noqa: ARG002
        self.results[key] = value


@dataclass
class Execution:
    """One run of a pipeline; each `run` is one more claim of it. `others` may run as children, by name."""

    document: Mapping[str, Json]
    value: Json = None
    edits: Mapping[str, Edit] = field(default_factory=dict)
    others: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    cache: ResultCache | None = None
    limits: Limits = field(default_factory=Limits)
    log: MortalLog = field(default_factory=MortalLog)
    work: WorkProcessor = field(default_factory=WorkProcessor)
    context: RunContext | None = None
    clock: Callable[[], float] | None = None

    @property
    def pipeline(self) -> Pipeline:
        """The definition, read."""
        return read(self.document)

    @property
    def processors(self) -> Mapping[str, Processor]:
        """All that there are, and the one for tests."""
        return {**PROCESSORS, "work": self.work}

    async def run(self) -> Outcome:
        """Execute the run to its end, from its journal where it has one."""
        replay = self.log.replay()
        self.context = context_on(
            self.log, replay=replay, limits=self.limits, clock=self.clock, child=self._child
        )
        task = asyncio.ensure_future(self._run(self.document, self.value, self.context))
        self.context.control.attach(task)
        return await task

    async def _run(self, document: Mapping[str, Json], value: Json, context: RunContext) -> Outcome:
        runner = StageRunner(processors=self.processors, info=RunInfo(), cache=self.cache)
        given = PipelineInput(value=value, edits=self.edits, context={"now": "2026-01-01T00:00:00Z"})
        return await run_pipeline(pipeline_plan(read(document), self.processors), given, runner, context)

    def _child(self, kind: str, ref: str, panel: Sequence[str]) -> ChildRun:
        assert (kind, panel) == ("pipeline", ())

        async def child(payload: Mapping[str, Json], context: RunContext) -> Json:
            return child_result(await self._run(self.others[ref], payload["input"], context))

        return child

    async def run_until_death(self, dies_at: int) -> bool:
        """Execute the run until the log loses a write; return False if it ends before that."""
        self.log.dies_at = dies_at
        attempt = asyncio.create_task(self.run())
        death = asyncio.create_task(self.log.dead.wait())
        await asyncio.wait({attempt, death}, return_when=asyncio.FIRST_COMPLETED)
        died = self.log.dead.is_set()
        if died and self.context is not None:
            self.context.control.stop(StopReason.STOPPING)
        death.cancel()
        await asyncio.gather(attempt, death, return_exceptions=True)
        self.log.live_again()
        return died

    @property
    def rows(self) -> dict[str, dict[str, Json]]:
        """The rows of the stages that have ended, by key."""
        return {key: step.result for key, step in self.log.steps.items() if step.kind is StepKind.RECORD}

    @property
    def statuses(self) -> dict[str, str]:
        """How each stage ended."""
        return {key: row["status"] for key, row in self.rows.items()}


def read(document: Mapping[str, Json]) -> Pipeline:
    """Return a definition that can be read."""
    found, problems = pipeline_from(dict(document))
    assert found is not None, problems
    return found


async def failure(running: Awaitable[object]) -> Exception:
    """Return the error that something ends with."""
    try:
        await running
    except Exception as error:  # noqa: BLE001  # whatever it is
        return error
    raise AssertionError("It succeeded.")
