"""One stage of a run: its condition, its input, the attempts at it, its output, what follows an error.

| error | what may deal with it |
|---|---|
| of a mapping, a condition, a processor, a model, a tool, a child | retries, then `on_error` of the stage |
| a limit of the whole run, a lost lease, a journal that does not fit | nothing: the run ends |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from typing import Protocol, TypeVar

from orchestration.expressions.mapping import MappingError, mapped_input
from orchestration.expressions.sources import Otherwise
from orchestration.expressions.values import LIGHT, off_loop, size
from orchestration.graphs.scheduling import EndStatus
from orchestration.llm.engine.errors import EngineError
from orchestration.llm.engine.resilience.attempts import RetryPolicy
from orchestration.llm.engine.types import Json, digest
from orchestration.runs.engine.context import RunContext, within
from orchestration.runs.engine.errors import LeaseLost, LimitReached, ReplayMismatch
from orchestration.runs.engine.types import RunEvent
from pipelines.engine.definition import Stage
from pipelines.engine.endings import LARGEST_SHOWN, STAGE_FAULTS, StageEnd, StageFault
from pipelines.engine.mapping import mapped_output, with_output
from pipelines.engine.plans import StagePlan, stage_plan
from pipelines.engine.processor import (
    ActiveProcessor,
    Processor,
    ProcessorFailed,
    PureProcessor,
    RunInfo,
    StageResult,
    Work,
)
from pipelines.engine.rules import Backoff, ErrorClass, FallbackPipeline, Retry
from pipelines.engine.scope import Scope

STAGE_STARTED = "stage_started"
FATAL = (LimitReached, LeaseLost, ReplayMismatch)
CLASSES: Mapping[str, ErrorClass] = {
    "timeout": ErrorClass.TIMEOUT,
    "model_timeout": ErrorClass.TIMEOUT,
    "tool_timeout": ErrorClass.TIMEOUT,
    "rate_limited": ErrorClass.RATE_LIMIT,
    "provider_unavailable": ErrorClass.SERVER,
    "all_models_failed": ErrorClass.SERVER,
    "stream_broken": ErrorClass.STREAM,
    "circuit_open": ErrorClass.CIRCUIT,
    "bad_answer": ErrorClass.BAD_ANSWER,
    "no_usable_answer": ErrorClass.BAD_ANSWER,
    "schema": ErrorClass.SCHEMA,
    "tool_failed": ErrorClass.TOOL,
}
"""The class of each error that may be tried again, by its code: it is the same when read from the journal."""

Value = TypeVar("Value")


class ResultCache(Protocol):
    """Results of stages that may be used again by the runs of a team."""

    async def get(self, key: str) -> Mapping[str, Json] | None:
        """Return `{"output", "score"}` as it was stored, None where there is none or it has expired."""

    async def put(self, key: str, value: Mapping[str, Json], ttl_s: float) -> None:
        """Store a result for some seconds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Edit:
    """What a person put in place of a stage's input, or of its output: then it does not run."""

    name: str
    value: Json


@dataclass(frozen=True, kw_only=True, slots=True)
class StageRunner:
    """Executes stages. Without a `cache` none uses an earlier result."""

    processors: Mapping[str, Processor]
    info: RunInfo
    team: str = ""
    cache: ResultCache | None = None

    async def execute(
        self, plan: StagePlan, scope: Scope, edit: Edit | None, context: RunContext, step: str
    ) -> StageEnd:
        """Execute a stage and record its row under `step`. Raises what ends the whole run."""
        began = context.now()
        try:
            end = await self._executed(plan, scope, edit, context, step)
        except LimitReached as error:
            failed = StageEnd(status=EndStatus.FAILED, fault=StageFault(error.code, str(error)))
            recorded(plan.stage, failed, began, context, step)
            raise
        return recorded(plan.stage, end, began, context, step)

    def compute(
        self, plan: StagePlan, scope: Scope, edit: Edit | None, context: RunContext, step: str
    ) -> StageEnd:
        """Execute a light stage of which nothing can reach outside, at once, and record its row."""
        assert plan.pure is not None  # noqa: S101  # it is called for no others
        began = context.now()
        end = self._computed(plan, plan.pure, scope, edit)
        return recorded(plan.stage, end, began, context, step)

    async def _executed(
        self, plan: StagePlan, scope: Scope, edit: Edit | None, context: RunContext, step: str
    ) -> StageEnd:
        if isinstance(plan.processor, PureProcessor):
            end = await off_loop(scope.size, self._computed, plan, plan.processor, scope, edit)
        else:
            end = await off_loop(scope.size, _prepared, plan, scope, edit)
            if not end.attempts:
                data = {"stage": context.key(step), "name": plan.stage.id}
                await context.emit(RunEvent(kind=STAGE_STARTED, step=step, data=data))
                end = await self._cached(plan, scope, end, context.part(step))
        rule = plan.stage.on_error
        if end.status is EndStatus.FAILED and isinstance(rule, FallbackPipeline):
            await _replace(rule.pipeline, scope, plan.stage, end, context.part(step))
        return end

    def _computed(
        self, plan: StagePlan, processor: PureProcessor, scope: Scope, edit: Edit | None
    ) -> StageEnd:
        end = _prepared(plan, scope, edit)
        if end.attempts:
            return end
        end.attempts = 1
        try:
            result = processor.compute(self._work(plan, scope, end.input))
        except STAGE_FAULTS as error:
            return end.fail(plan.stage, error)
        _finish(plan, scope, end, result)
        return end

    async def _cached(self, plan: StagePlan, scope: Scope, end: StageEnd, context: RunContext) -> StageEnd:
        """Return an earlier result for the same definition and input; otherwise try the stage."""
        rule = plan.stage.cache
        if rule is None or self.cache is None:
            return await self._tried(plan, scope, end, context)
        reads = [[str(each), Otherwise(source=each, default=None).read(scope)] for each in plan.reads]
        key = digest(self.team, plan.identity, end.input, list(self.info.models), reads)
        found = context.recall("cache") or {"hit": await self.cache.get(key)}
        found = await context.decide("cache", found)
        if hit := found["hit"]:
            end.output, end.score, end.cached, end.attempts = hit["output"], hit["score"], True, 1
            return end
        end = await self._tried(plan, scope, end, context)
        if end.status is EndStatus.SUCCEEDED and end.fault is None:
            await self.cache.put(key, {"output": end.output, "score": end.score}, rule.ttl)
        return end

    async def _tried(self, plan: StagePlan, scope: Scope, start: StageEnd, context: RunContext) -> StageEnd:
        """Try a stage until it succeeds or may not be tried again."""
        assert isinstance(plan.processor, ActiveProcessor)  # noqa: S101  # of the two sorts of processors
        number = 1
        while True:
            part = context.scoped(str(number))
            tried = replace(scope, context={**scope.context, "attempt": number})
            end = StageEnd(input=start.input, edited=start.edited, attempts=number)
            attempt = partial(plan.processor.execute, self._work(plan, tried, end.input), part)
            try:
                result = await within(plan.stage.timeout, attempt, part)
            except FATAL:
                raise
            except STAGE_FAULTS as error:
                end.fail(plan.stage, error)
            else:
                await off_loop(scope.size + size(result.value, LIGHT), _finish, plan, tried, end, result)
            may_pass = end.fault is not None and CLASSES.get(end.fault.code) in plan.retry.on
            if not may_pass or number >= plan.retry.attempts:
                return end
            await part.wait("retry", wait_s(plan.retry, number, context.random))
            number += 1

    async def _inline(
        self, name: str, written: Json, scope: Scope, context: RunContext, step: str
    ) -> StageResult:
        """Execute a stage that is written inside another's options, on an item. Raises `ProcessorFailed`."""
        given = {"from": "context.item"} | (written.get("input") or {})
        stage = Stage.model_validate({"id": "item", **written, "input": given})
        plan = stage_plan(stage.model_copy(update={"id": name}), self.processors)
        end = await self.execute(plan, scope, None, context, step)
        if end.breaks and end.fault is not None:
            raise ProcessorFailed(end.fault.message, code=end.fault.code)
        return StageResult(value=end.output, score=end.score, details=end.details)

    def _work(self, plan: StagePlan, scope: Scope, value: Json) -> Work:
        return Work(
            stage=plan.stage.id,
            options=plan.options,
            input=value,
            scope=scope,
            info=self.info,
            run_stage=self._inline,
        )


def _prepared(plan: StagePlan, scope: Scope, edit: Edit | None) -> StageEnd:
    """Return a stage with its input and no attempt yet; or how it ended, where it came to that."""
    if edit is not None and edit.name == "output":
        return StageEnd(output=edit.value, edited=True, attempts=1)
    try:
        if plan.condition is not None and not plan.condition.evaluate(scope.values(plan.condition.names)):
            reason = "Its condition is not met."
            return StageEnd(status=EndStatus.SKIPPED, passes=True, reason=reason, attempts=1)
        value = mapped_input(scope, plan.input) if edit is None else edit.value
    except STAGE_FAULTS as error:
        at = "input" if isinstance(error, MappingError) else "when"
        return StageEnd(attempts=1).fail(plan.stage, error, at)
    return StageEnd(input=value, edited=edit is not None)


def _finish(plan: StagePlan, scope: Scope, end: StageEnd, result: StageResult) -> None:
    """Note what the processor of a stage gave, by its output mapping."""
    end.chosen, end.score, end.details = result.chosen, result.score, result.details
    end.result = result.value if plan.output.conversion.transforms else None
    try:
        output = mapped_output(result.value, plan.output)
        with_output(scope.variables, plan.output, output)
    except MappingError as error:
        end.fail(plan.stage, error, "output")
    else:
        end.output = output


def recorded(stage: Stage, end: StageEnd, began: float, context: RunContext, step: str) -> StageEnd:
    """Record the row of a stage that has ended, and return its end with its time."""
    ended = context.now()
    end.started_s, end.seconds = began, ended - began
    end.size = size(end.output, LARGEST_SHOWN)
    data = {"stage": stage.id, "ended": str(end.status), "cached": end.cached, "seconds": end.seconds}
    context.record(step, end.row(stage), data, ended)
    return end


async def _replace(name: str, scope: Scope, stage: Stage, end: StageEnd, context: RunContext) -> None:
    """Run a pipeline in place of a failed stage; it is given the state so far."""
    state = partial_state(scope) | {"failed": {"stage": stage.id, "input": end.input, **end.known}}
    try:
        found = await context.run_child("pipeline", name, {"input": state}, step="fallback")
    except FATAL:
        raise
    except EngineError as error:
        message = f"The pipeline {name} in its place failed, too: {error}"
        end.fault = StageFault(error.code, message, "on_error")
        return
    end.status, end.output, end.handled = EndStatus.SUCCEEDED, found["output"], f"fallback:{name}"


def partial_state(scope: Scope) -> dict[str, Json]:
    """Return what a pipeline is given that takes over from another one."""
    outputs = {name: known["output"] for name, known in scope.stages.items() if "output" in known}
    return {"input": scope.input, "variables": dict(scope.variables), "stages": outputs}


def wait_s(retry: Retry, attempt: int, random: Random) -> float:
    """Return the seconds to wait after the `attempt`th attempt, from 1: with full jitter where it has any."""
    grows = retry.backoff is Backoff.EXPONENTIAL
    longest = RetryPolicy(base_s=retry.base, cap_s=retry.cap).longest_s(attempt if grows else 1)
    return random.uniform(0.0, longest) if retry.jitter else longest
