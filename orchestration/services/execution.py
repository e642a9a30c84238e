"""Executing one run: claim it, run its kind, record how it ended."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID, uuid4

from django.utils import timezone

from orchestra_site.web.threads import in_database_thread
from orchestration.engine.context import RunContext
from orchestration.engine.context.control import RunControl, StopReason
from orchestration.engine.context.journaled import ChildRun, ClaimState, Dependencies, JournaledContext
from orchestration.engine.context.records import outcome_to_json
from orchestration.engine.errors import EngineError, LeaseLost
from orchestration.engine.types import Json, Outcome
from orchestration.kinds import Assignment, get_kind
from orchestration.models import RunStatus
from orchestration.services.claims import Claim, claim_run
from orchestration.services.recording import DatabaseRunLog, RunEnded, RunParked, RunReleased
from orchestration.services.runtime import ActiveRun, Runtime
from orchestration.services.sweeping import wake_if_ready

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
    assignment = claim.assignment
    log = DatabaseRunLog(
        recorder=runtime.recorder,
        run=assignment.run,
        team=assignment.team,
        fence=claim.fence,
        spent=claim.replay.spent,
    )
    context = _context(claim, log, runtime.linger_s)
    control = context.control
    log.lost = lambda: control.stop(StopReason.STOPPING)
    runtime.add(run_id, ActiveRun(control=control, log=log, over=asyncio.Event()))
    try:
        ending = await _execute(assignment, context)
        await log.close()
        again = await _record(log, ending, run_id)
        if isinstance(ending, RunParked):
            runtime.parked()
        return again
    finally:
        runtime.remove(run_id)
        runtime.profile_updater.wake()


def _context(claim: Claim, log: DatabaseRunLog, linger_s: float) -> JournaledContext:
    dependencies = Dependencies(
        log=log,
        clock=time.monotonic,
        wall_clock=timezone.now,
        linger_s=linger_s,
        new_id=lambda: str(uuid4()),
        child=lambda kind, ref, panel: _child(claim.assignment, kind, ref, panel),
    )
    return JournaledContext(
        ClaimState(
            dependencies=dependencies, limits=claim.limits, replay=claim.replay, seed=claim.assignment.seed
        )
    )


def _child(parent: Assignment, kind: str, ref: str, panel: Sequence[str]) -> ChildRun:  # noqa: ARG001  # the panel is whole for now
    """Return what executes a child: another kind with the parent's panel."""
    execute = get_kind(kind).execute

    async def run(payload: Mapping[str, Json], context: RunContext) -> Json:
        return outcome_to_json(await execute(replace(parent, kind=kind, ref=ref, request=payload), context))

    return run


async def _execute(assignment: Assignment, context: JournaledContext) -> Ending:
    """Run the kind in a task of its own that the control can end, and say how it ended."""
    control = context.control
    try:
        task = asyncio.ensure_future(get_kind(assignment.kind).execute(assignment, context))
        control.attach(task)
        return _succeeded(await task)
    except asyncio.CancelledError:
        if control.reason is None:
            raise
        return _stopped(control)
    except EngineError as error:
        if control.reason is not None:
            return _stopped(control)
        return RunEnded(status=RunStatus.FAILED, error=str(error), error_code=error.code)
    except Exception:
        logger.exception("Run %s failed with an error of the program.", assignment.run)
        words = "An error in the program ended this run; the log of the worker has the details."
        return RunEnded(status=RunStatus.FAILED, error=words, error_code="internal_error")


def _succeeded(outcome: Outcome) -> RunEnded:
    return RunEnded(
        status=RunStatus.SUCCEEDED,
        outcome=outcome_to_json(outcome),
        answer=outcome.answer,
        quality=outcome.quality.overall if outcome.quality else None,
    )


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
        logger.warning("Run %s was claimed by another process; late writes were refused.", run_id)
        return False
    if isinstance(ending, RunParked):
        return await in_database_thread(wake_if_ready, run_id)
    return isinstance(ending, RunReleased)
