"""Runs inside a run: whole limits shared, steps and failures of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import pytest

from orchestration.llm.engine.errors import EngineError, ProviderUnavailable
from orchestration.llm.engine.types import Json
from orchestration.runs.engine.budget import Limits
from orchestration.runs.engine.claim import ChildRun
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.control import StopReason
from orchestration.runs.engine.errors import ChildFailed, LeaseLost, LimitReached, ReplayMismatch
from orchestration.runs.engine.metering import Metered
from orchestration.runs.engine.types import EventKind, RunEvent, StepStatus
from orchestration.strategies.engine.errors import QuorumMissed
from tests.support.clock import SkippingLoop
from tests.support.logs import MemoryLog, context_on
from tests.support.models import ScriptedModel, prompt_of

LOOP_FACTORY = SkippingLoop
Story = Callable[[RunContext], Awaitable[Json]]


def child_of(story: Story) -> Callable[[str, str, Sequence[str]], ChildRun]:
    async def child(_payload: Mapping[str, Json], context: RunContext) -> Json:
        return await story(context)

    return lambda *_: child


def failing(error: EngineError) -> Story:
    async def story(_context: RunContext) -> Json:
        raise error

    return story


def deciding(*names: str) -> Story:
    async def story(context: RunContext) -> Json:
        return [await context.decide(name, name) for name in names]

    return story


async def test_a_child_shares_budget_and_journal_below_its_parents_key() -> None:
    log, model = MemoryLog(), ScriptedModel("a", ["four"])

    async def child(payload: Mapping[str, Json], context: RunContext) -> Json:
        await context.emit(RunEvent(kind=EventKind.PHASE_STARTED, step="x", data={"step": "x"}))
        answer = await context.ask(Metered(model), prompt_of(payload["text"]), "ask/a")
        return {"said": answer.text, "left": context.budget.calls_left}

    said = {"said": "four", "left": 2}
    context = context_on(log, limits=Limits(calls=3), child=lambda *_: child)
    assert await context.run_child("strategy", "parallel", {"text": "?"}, step="child/1") == said
    assert list(log.steps) == ["child/1/ask/a", "child/1"]
    assert (log.events[0].step, log.events[0].data["step"]) == ("child/1/x", "child/1/x")
    again = context_on(log, replay=log.replay())
    assert await again.run_child("strategy", "parallel", {"text": "?"}, step="child/1") == said


async def test_a_child_is_given_the_models_that_its_parent_names() -> None:
    given: list[object] = []

    def child(kind: str, ref: str, panel: Sequence[str]) -> ChildRun:
        given.append((kind, ref, panel))
        return child_of(deciding("a"))(kind, ref, panel)

    log = MemoryLog()
    await context_on(log, child=child).run_child("k", "r", {}, panel=("m1", "m2"), step="child")
    assert given == [("k", "r", ("m1", "m2"))]
    with pytest.raises(ReplayMismatch):
        await context_on(log, replay=log.replay()).run_child("k", "r", {}, panel=("m1",), step="child")


async def test_children_of_children_stop_at_the_depth_limit() -> None:
    async def deeper(payload: Mapping[str, Json], context: RunContext) -> Json:
        return await context.run_child("k", "r", payload, step="child")

    context = context_on(MemoryLog(), limits=Limits(depth=3), child=lambda *_: deeper)
    with pytest.raises(LimitReached, match="3 deep") as refused:
        await context.run_child("k", "r", {}, step="child")
    assert refused.value.limit == "depth"


async def test_a_child_has_steps_of_its_own_and_a_part_has_not() -> None:
    limits = Limits(steps=3)
    context = context_on(MemoryLog(), limits=limits, child=child_of(deciding("a", "b", "c")))
    assert await context.run_child("k", "r", {}, step="one") == ["a", "b", "c"]
    assert await context.run_child("k", "r", {}, step="two") == ["a", "b", "c"]
    await context.scoped("part").decide("a", 1)
    with pytest.raises(LimitReached, match="may have 3 steps"):
        await context.decide("b", 2)


async def test_all_steps_of_a_run_and_its_children_are_limited() -> None:
    context = context_on(MemoryLog(), limits=Limits(steps_in_all=4), child=child_of(deciding("a", "b")))
    await context.run_child("k", "r", {}, step="one")
    with pytest.raises(LimitReached, match="may have 4 steps") as refused:
        await context.run_child("k", "r", {}, step="two")
    assert refused.value.limit == "steps"


@pytest.mark.parametrize("error", [QuorumMissed("Two ballots are missing."), ProviderUnavailable("Down.")])
async def test_a_child_that_fails_ends_its_step_and_replays_without_running_again(error: EngineError) -> None:
    log = MemoryLog()
    with pytest.raises(ChildFailed) as first:
        await context_on(log, child=child_of(failing(error))).run_child("k", "r", {}, step="child")
    step = log.steps["child"]
    assert (step.status, step.error) == (
        StepStatus.FAILED,
        {"code": error.code, "message": str(error), "billed": False},
    )
    again = context_on(log, replay=log.replay(), child=child_of(deciding("never")))
    with pytest.raises(ChildFailed) as second:
        await again.run_child("k", "r", {}, step="child")
    assert (str(second.value), second.value.code) == (str(first.value), first.value.code)
    assert (str(first.value), first.value.code) == (str(error), error.code)


@pytest.mark.parametrize(
    "error", [LimitReached("No money.", limit="money"), LeaseLost("Gone."), ReplayMismatch("Twice.")]
)
async def test_what_ends_the_whole_run_passes_through_a_child_unrecorded(error: EngineError) -> None:
    log = MemoryLog()
    with pytest.raises(type(error)):
        await context_on(log, child=child_of(failing(error))).run_child("k", "r", {}, step="child")
    assert log.steps == {}


async def test_an_error_that_a_stop_caused_is_not_recorded_as_the_childs() -> None:
    log = MemoryLog()
    context = context_on(log, child=child_of(failing(QuorumMissed("Nobody is left."))))
    context.control.stop(StopReason.STOPPING)
    with pytest.raises(QuorumMissed):
        await context.run_child("k", "r", {}, step="child")
    assert log.steps == {}


async def test_a_child_that_the_run_cancelled_replays_as_cancelled() -> None:
    async def forever(_context: RunContext) -> Json:
        await asyncio.sleep(600)

    log = MemoryLog()
    context = context_on(log, child=child_of(forever))
    work = asyncio.ensure_future(context.run_child("k", "r", {}, step="child"))
    await asyncio.sleep(1)
    work.cancel()
    await asyncio.wait([work])
    assert log.steps["child"].status is StepStatus.CANCELLED
    with pytest.raises(asyncio.CancelledError):
        await context_on(log, replay=log.replay()).run_child("k", "r", {}, step="child")
