"""Executing one run: claim it, run its kind, record how it ended."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from uuid import UUID, uuid4

from django.utils import timezone

from orchestra_site.web.threads import in_database_thread
from orchestration.llm.engine.errors import EngineError
from orchestration.llm.engine.types import Json, plain
from orchestration.runs.engine.claim import ChildRun, ClaimState, Dependencies
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.control import RunControl, StopReason
from orchestration.runs.engine.errors import LeaseLost
from orchestration.runs.engine.types import Outcome
from orchestration.runs.kinds import FrozenRun, child_result, get_kind
from orchestration.runs.models import RunStatus
from orchestration.runs.services.claims import Claim, claim_run
from orchestration.runs.services.recording.batches import RunEnded, RunParked, RunReleased
from orchestration.runs.services.recording.recorder import DatabaseRunLog
from orchestration.runs.services.runtime import ActiveRun, Runtime
from orchestration.runs.services.sweeping import wake_if_ready
from orchestration.runs.services.watchdog import current_run
from orchestration.tools.services.registry import find_tool

logger = logging.getLogger(__name__)

Ending = RunEnded | RunParked | RunReleased


async def execute_run(runtime: Runtime, run_id: UUID) -> bool:
    """Execute a run if it is queued.

    True when it should be queued again: what it waits for came while it was parking, or this process stops.
    """
    if runtime.stopping:
        return True
    claim = await in_database_thread(claim_run, run_id, runtime.owner)
    if claim is None:
        return False
    frozen = claim.run
    current_run.set(run_id)
    log = DatabaseRunLog(
        recorder=runtime.recorder,
        run=frozen.run,
        team=frozen.team,
        fence=claim.fence,
        spent=claim.replay.spent,
    )
    context = _context(claim, log, runtime.linger_s)
    control = context.control
    log.lost = lambda: control.stop(StopReason.STOPPING)
    active = ActiveRun(run=run_id, control=control, log=log)
    runtime.add(active)
    try:
        task = asyncio.ensure_future(get_kind(frozen.kind).execute(frozen, context))
        control.attach(task)
        ending = await _ending(task, control, run_id)
        await log.close()
        again = await _record(log, ending, run_id)
        if isinstance(ending, RunParked):
            runtime.parked()
        return again
    finally:
        runtime.remove(active)
        runtime.profile_updater.wake()


def _context(claim: Claim, log: DatabaseRunLog, linger_s: float) -> RunContext:
    dependencies = Dependencies(
        log=log,
        clock=time.monotonic,
        wall_clock=timezone.now,
        linger_s=linger_s,
        new_id=lambda: str(uuid4()),
        child=lambda kind, ref, panel: _child(claim.run, kind, ref, panel),
        tool=lambda name: find_tool(claim.run.team, name, claim.run.request.get("tools") or {}),
    )
    state = ClaimState(
        dependencies=dependencies, limits=claim.limits, replay=claim.replay, seed=claim.run.seed
    )
    return RunContext(state)


def _child(parent: FrozenRun, kind: str, ref: str, panel: Sequence[str]) -> ChildRun:
    """Return what executes a child: a run of another kind with models of the parent's panel."""

    async def run(payload: Mapping[str, Json], context: RunContext) -> Json:
        found = get_kind(kind)
        return child_result(await found.execute(found.check_child(parent, ref, payload, panel), context))

    return run


async def _ending(task: asyncio.Future[Outcome], control: RunControl, run_id: UUID) -> Ending:
    """Wait for the task that executes a run, which the control can end, and return how it ended."""
    try:
        outcome = await task
        return RunEnded(
            status=RunStatus.SUCCEEDED,
            outcome={**outcome.data, "path": [each.row for each in outcome.path]},
            output=plain(outcome.output),
            answer=outcome.answer,
            quality=outcome.score,
            caveat=outcome.caveat,
        )
    except asyncio.CancelledError:
        if control.reason is None:
            raise
        return _stopped(control)
    except EngineError as error:
        if control.reason is not None:
            return _stopped(control)
        return RunEnded(status=RunStatus.FAILED, error=str(error), error_code=error.code)
    except Exception:
        logger.exception("Run %s failed with an error of the program.", run_id)
        words = "An error in the program ended this run; the log of the worker has the details."
        return RunEnded(status=RunStatus.FAILED, error=words, error_code="internal_error")


def _stopped(control: RunControl) -> Ending:
    if control.reason is StopReason.CANCELLED:
        return RunEnded(status=RunStatus.CANCELLED)
    if control.reason is StopReason.PARKED:
        return RunParked(paused=control.paused, for_people=control.for_people)
    return RunReleased()


async def _record(log: DatabaseRunLog, ending: Ending, run_id: UUID) -> bool:
    try:
        await log.write(ending)
    except LeaseLost:
        logger.warning("This process lost its lease on run %s; late writes were refused.", run_id)
        return False
    if isinstance(ending, RunParked):
        return await in_database_thread(wake_if_ready, run_id)
    return isinstance(ending, RunReleased)
