"""A pipeline at work: stages start as others end, until nothing can start any more.

A join that does not wait for all is journaled, so that a replay takes the same inputs. That the pipeline is
to end because a stage failed is journaled before anything is cancelled.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from orchestration.expressions.mapping import MappingError, mapped_input, misfit
from orchestration.expressions.values import HOLDERS, LIGHT
from orchestration.graphs.graph import Join
from orchestration.graphs.scheduling import NO_MOVES, EndStatus, Moves, Schedule
from orchestration.llm.engine.errors import EngineError, InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.runs.engine.context import RunContext, within
from orchestration.runs.engine.errors import LimitReached
from orchestration.runs.engine.types import Outcome, PathStep
from pipelines.engine.endings import StageEnd
from pipelines.engine.plans import PipelinePlan
from pipelines.engine.processor import ProcessorFailed
from pipelines.engine.rules import ErrorStrategy
from pipelines.engine.scopes import StageScopes
from pipelines.engine.stages import Edit, StageRunner, partial_state, recorded

AT_ONCE = 50
"""Stages of one pipeline that run at the same time."""
BETWEEN_PAUSES = 25
"""Pure stages that run in a row before others get their turn on the event loop."""
STARTED, FAILED, FALLBACK = "pipeline.started", "pipeline.failed", "pipeline.fallback"
SOME_FAILED = "stages_failed"


class StageFailed(EngineError):
    """A stage failed, and with it the pipeline."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PipelineInput:
    """What a run of a pipeline is given: its input, what a person edited by stage, what expressions read.

    `context` is what `context.…` reads. `timeout` are the seconds that it may take; None where the run's own
    limit is that.
    """

    value: Json = None
    edits: Mapping[str, Edit] = field(default_factory=dict)
    context: Mapping[str, Json] = field(default_factory=dict)
    timeout: float | None = None


async def run_pipeline(
    plan: PipelinePlan, given: PipelineInput, runner: StageRunner, context: RunContext
) -> Outcome:
    """Run a pipeline to its end. Raises `EngineError` where it fails.

    An input that does not fit the declared schema raises `InvalidRequest`.
    """
    if plan.schema is not None and (message := misfit(plan.schema, given.value)):
        raise InvalidRequest(f"The input does not fit: {message}.", field="input")
    if plan.reads_context:
        constants = await context.decide(STARTED, dict(given.context))
        given = replace(given, context=constants)
    return await within(given.timeout, _PipelineRun(plan, given, runner, context).run, context)


class _PipelineRun:
    """One run of one pipeline, from its start or from its journal."""

    def __init__(
        self,
        plan: PipelinePlan,
        given: PipelineInput,
        runner: StageRunner,
        context: RunContext,
    ) -> None:
        self._plan, self._given, self._runner, self._context = plan, given, runner, context
        self._graph, self._handling = plan.pipeline.graph, plan.pipeline.error_handling
        self._schedule = Schedule(self._graph, at_once=AT_ONCE)
        self._scopes = StageScopes(plan, given.value, given.context)
        self._ends = self._scopes.ends
        self._began: dict[str, float] = {}
        self._follows: dict[str, Sequence[str]] = {}
        self._tasks: dict[asyncio.Task[StageEnd], str] = {}
        self._broken = ""  # the first stage by which the pipeline fails

    async def run(self) -> Outcome:
        """Run all stages that can run, then give the output. Raises `EngineError`."""
        if (failed := self._context.recall(FAILED)) is not None:
            return await self._failing(failed)
        try:
            await self._work()
        except (LimitReached, asyncio.CancelledError):
            await self._cancel_tasks()
            if self._context.control.keeps_journal:
                self._cancel_rest()
            raise
        finally:
            await self._cancel_tasks()
        if not self._broken:
            return self._outcome()
        if self._handling.strategy is ErrorStrategy.CONTINUE:
            return self._outcome(caveat=SOME_FAILED)
        return await self._failing(await self._context.decide(FAILED, self._failure(self._broken)))

    async def _work(self) -> None:
        """Start stages and take their ends, until all have ended or one fails the pipeline."""
        goes_on = self._handling.strategy is ErrorStrategy.CONTINUE
        ended = await self._start(self._schedule.begin())
        taken = 0
        while ended or self._tasks:
            if not ended:
                ended = await self._next_ended()
            elif (taken := taken + 1) % BETWEEN_PAUSES == 0:
                await asyncio.sleep(0)
            name, end = ended.pop(0)
            self._scopes.note(name, end)
            if end.breaks:
                self._broken = self._broken or name
                if not goes_on:
                    return
            if (moves := self._schedule.ended(name, end)) != NO_MOVES:
                ended += await self._start(moves)

    async def _next_ended(self) -> list[tuple[str, StageEnd]]:
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        ends = [(self._tasks[task], task.result()) for task in sorted(done, key=self._tasks.__getitem__)]
        for task in done:
            del self._tasks[task]
        return ends

    async def _start(self, moves: Moves) -> list[tuple[str, StageEnd]]:
        """Start stages; return those that have ended at once because they reach nothing outside.

        A stage of a replay waits until all have ended that had when it first started.
        """
        ended: list[tuple[str, StageEnd]] = []
        queue = [moves]
        for each in queue:  # grows while it is read
            for skipped in each.skipped:
                left_out = StageEnd(status=EndStatus.SKIPPED, reason=skipped.reason)
                self._scopes.follows(skipped.name, self._graph.routers[skipped.name])  # these have ended
                self._scopes.note(skipped.name, self._recorded(skipped.name, left_out, self._context.now()))
            for name in each.start:
                late: Sequence[str] = ()
                if name in self._graph.plain:
                    self._follows[name] = self._graph.needs[name]
                elif name not in self._follows:
                    self._follows[name] = await self._joined(name)
                    late = [other for other in self._follows[name] if other not in self._ends]
                if late:
                    queue.append(self._schedule.hold(name, late))
                elif (end := self._begin(name, self._follows[name])) is not None:
                    ended.append((name, end))
        return ended

    async def _joined(self, name: str) -> Sequence[str]:
        """Return the stages that one follows: all that it waits for, or those that had ended in time."""
        waits_for, node = self._graph.waits_for[name], self._graph.node(name)
        if node.join is Join.ALL or len(waits_for) < 2:  # noqa: PLR2004
            return waits_for
        in_time = [each for each in self._ends if each in waits_for]
        return await self._context.part(name).decide("joined", in_time)

    def _begin(self, name: str, joined: Sequence[str]) -> StageEnd | None:
        """Start a stage; return its end where it has ended at once. Raises `LimitReached`."""
        plan, context, edit = self._plan.stages[name], self._context, self._given.edits.get(name)
        left = context.time_left()
        if left is not None and left <= 0:
            raise LimitReached("The time limit of the run has passed. Raise it.", limit="seconds")
        scope = self._scopes.of(name, joined)
        if plan.pure is not None and scope.size <= LIGHT:
            return self._runner.compute(plan, scope, edit, context, name)
        work = self._runner.execute(plan, scope, edit, context, name)
        self._began[name] = context.now()
        self._tasks[asyncio.ensure_future(work)] = name
        return None

    def _recorded(self, name: str, end: StageEnd, began: float) -> StageEnd:
        return recorded(self._plan.stages[name].stage, end, began, self._context, name)

    async def _cancel_tasks(self) -> None:
        """Cancel the stages that run, and wait until they have ended."""
        if not self._tasks:
            return
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    def _cancel_rest(self) -> None:
        """Record the stages that have not ended as cancelled; a row that is there already stays."""
        now = self._context.now()
        for name in self._graph.order:
            if self._context.timing(name) is None:
                end = StageEnd(status=EndStatus.CANCELLED)
                self._recorded(name, end, self._began.get(name, now))

    def _failure(self, name: str) -> dict[str, Json]:
        """Return what is journaled of the failure of the pipeline, and what its fallback is given."""
        fault = self._ends[name].fault
        assert fault is not None  # noqa: S101  # every failed stage has one
        failure: dict[str, Json] = {"stage": name, "code": fault.code, "message": fault.message}
        if self._handling.strategy is ErrorStrategy.FALLBACK:
            failure["state"] = partial_state(self._scopes.at_the_end())
        return failure

    async def _failing(self, failure: Mapping[str, Json]) -> Outcome:
        """End a pipeline of which a stage failed: by its fallback, if it has one. Raises `EngineError`."""
        await self._cancel_tasks()
        self._cancel_rest()
        name = self._handling.pipeline
        if self._handling.strategy is not ErrorStrategy.FALLBACK or name is None:
            raise StageFailed(f"Stage {failure['stage']} failed: {failure['message']}")
        payload = {**failure["state"], "failed": {key: failure[key] for key in ("stage", "code", "message")}}
        found = await self._context.run_child("pipeline", name, {"input": payload}, step=FALLBACK)
        data = {"stages": {}, "fallback": {"pipeline": name, "stage": failure["stage"]}}
        return Outcome(answer=found["answer"], output=found["output"], score=found["score"], data=data)

    def _outcome(self, caveat: str = "") -> Outcome:
        """Return what the pipeline gives. Raises `ProcessorFailed` where that cannot be made."""
        output, score = self._output()
        ran = [(name, self._ends[name]) for name in self._graph.order if self._ends[name].attempts]
        return Outcome(
            answer=as_text(output),
            output=output,
            score=score,
            path=tuple(_path_step(name, end) for name, end in ran),
            data={"stages": {name: str(end.status) for name, end in self._ends.items()}},
            caveat=caveat,
        )

    def _output(self) -> tuple[Json, float | None]:
        if self._plan.output is not None:
            try:
                return mapped_input(self._scopes.at_the_end(), self._plan.output), None
            except MappingError as error:
                message = f"The output cannot be made: {error}"
                raise ProcessorFailed(message, code="output") from None
        ended = [name for name in self._graph.order if self._ends[name].status is EndStatus.SUCCEEDED]
        final = [name for name in ended if self._plan.stages[name].output.is_final]
        if not ended:
            raise ProcessorFailed("No stage gave an output: all were skipped.", code="no_output")
        end = self._ends[(final or ended)[-1]]
        return end.output, end.score


def as_text(value: Json) -> str:
    """Return an output as people read it: a text as it is, anything else as JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, indent=2 if isinstance(value, HOLDERS) else None)


def _path_step(name: str, end: StageEnd) -> PathStep:
    ok = end.status is not EndStatus.FAILED
    detail = end.handled or ("cached" if end.cached else str(end.status))
    return PathStep(step=name, started_s=end.started_s, seconds=end.seconds, ok=ok, detail=detail)
