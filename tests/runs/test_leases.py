"""Who may work on a run, what happens when they vanish, and what their late writes are worth."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from orchestration.llm.services.resources import LoopThread
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.metering import Metered
from orchestration.runs.engine.types import Outcome
from orchestration.runs.models import Call, Command, CommandKind, Run, RunStatus, Step
from orchestration.runs.services.claims import claim_run
from orchestration.runs.services.leases import is_dead, this_process
from orchestration.runs.services.sweeping import MOST_LAPSES, sweep
from orchestration.runs.tasks import EngineProcess
from tests.support.engines import Engine, until
from tests.support.kinds import kind_that, question, queued_run
from tests.support.models import ScriptedModel

GONE = this_process().replace(f"|{this_process().split('|')[2]}|", "|4194305|")


def claimed_by(owner: str, **fields: object) -> Run:
    run = queued_run("any")
    claim_run(run.id, owner)
    Run.objects.filter(id=run.id).update(**fields)
    run.refresh_from_db()
    return run


def lease_ends(run: Run) -> None:
    Run.objects.filter(id=run.id).update(lease_until=timezone.now() - timedelta(seconds=1))


def test_a_process_is_dead_when_its_id_is_free_or_its_start_is_another() -> None:
    host, boot, pid, start = this_process().split("|")
    assert not is_dead(this_process())
    assert is_dead(GONE)
    assert is_dead(f"{host}|{boot}|{pid}|{int(start) - 1}")
    assert is_dead(f"{host}|another|{pid}|{start}")
    assert not is_dead(f"elsewhere|{boot}|{pid}|{start}")
    assert not is_dead("")


@pytest.mark.django_db
def test_a_run_can_be_claimed_once() -> None:
    run = queued_run("any")
    first = claim_run(run.id, "one")
    assert first is not None
    assert (first.fence, claim_run(run.id, "two")) == (1, None)


@pytest.mark.django_db
def test_a_living_lease_is_left_alone() -> None:
    claimed_by(this_process())
    assert sweep() == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("owner", "age"),
    [("elsewhere|b|1|2", timedelta(seconds=1)), (GONE, timedelta(seconds=-20))],
    ids=["ran out", "owner gone"],
)
def test_a_lease_that_ran_out_or_whose_owner_died_lapses_and_the_run_is_queued_again(
    owner: str, age: timedelta
) -> None:
    run = claimed_by(owner, lease_until=timezone.now() - age)
    Call.objects.create(run=run, step="ask/a", attempt=1, model="a", provider="p", purpose="answer")
    assert sweep(renewed_within_s=0) == [run.id]
    run.refresh_from_db()
    assert (run.status, run.lapses, run.fence, run.lease_owner) == ("queued", 1, 2, "")
    assert run.calls.values_list("status", "maybe_billed").get() == ("lost", True)
    assert list(run.events.values_list("kind", flat=True)) == ["run_started", "call_lost", "run_queued"]


@pytest.mark.django_db
def test_a_run_that_ends_its_worker_every_time_fails_with_the_reason() -> None:
    run = queued_run("any")
    for _ in range(MOST_LAPSES):
        claim_run(run.id, GONE)
        sweep()
    run.refresh_from_db()
    assert (run.status, run.error_code, run.lapses) == ("failed", "worker_lost", MOST_LAPSES)
    assert run.events.get(seq=run.last_seq).kind == "run_failed"
    assert sweep() == []


@pytest.mark.django_db
def test_nobody_waits_in_the_queue_for_ever() -> None:
    run = queued_run("any")
    assert sweep() == []
    Run.objects.filter(id=run.id).update(queued_at=timezone.now() - timedelta(seconds=16))
    assert sweep() == [run.id]


def test_progress_clears_earlier_lapses(engine: Engine) -> None:
    async def story(context: RunContext) -> Outcome:
        await context.decide("winner", "a")
        return Outcome(answer="a")

    with kind_that(story) as kind:
        run = queued_run(kind)
        Run.objects.filter(id=run.id).update(lapses=2)
        run = engine.execute(run)
    assert run.lapses == 0


def test_a_writer_that_slept_past_its_lease_is_refused_and_stops(engine: Engine) -> None:
    model = ScriptedModel("a", ["four"])
    go_on = asyncio.Event()

    async def story(context: RunContext) -> Outcome:
        await go_on.wait()
        return Outcome(answer=(await context.ask(Metered(model), question(), "ask/a")).text)

    with kind_that(story) as kind:
        run = queued_run(kind)
        future = engine.start(run)
        until(lambda: Run.objects.get(id=run.id).status == RunStatus.RUNNING)
        lease_ends(run)
        assert sweep(renewed_within_s=0) == [run.id]
        engine.runtime.loop.call_soon_threadsafe(go_on.set)
        future.result(10)
    run.refresh_from_db()
    assert (run.status, run.answer, model.count.started) == ("queued", "", 0)
    assert not Call.objects.filter(run=run).exists()
    assert not Step.objects.filter(run=run).exists()


def test_a_run_that_its_own_process_claims_again_keeps_its_lease_and_receives_commands(
    engine: Engine,
) -> None:
    asleep = [asyncio.Event(), asyncio.Event()]
    claims = iter(asleep)

    async def story(_context: RunContext) -> Outcome:
        await next(claims).wait()
        return Outcome(answer="late")

    with kind_that(story) as kind:
        run = queued_run(kind)
        first = engine.start(run)
        until(lambda: Run.objects.get(id=run.id).status == RunStatus.RUNNING)
        lease_ends(run)
        assert sweep(renewed_within_s=0) == [run.id]
        second = engine.start(run)
        first.result(10)
        lease_ends(run)
        engine.runtime.heartbeat.renew()
        run.refresh_from_db()
        assert run.lease_until is not None
        assert run.lease_until > timezone.now()
        Command.objects.create(run=run, kind=CommandKind.CANCEL, by=run.created_by)
        second.result(10)
    run.refresh_from_db()
    assert (run.status, run.lapses) == ("cancelled", 1)


def test_a_lease_whose_renewal_was_delayed_does_not_lapse(engine: Engine) -> None:
    go_on = asyncio.Event()

    async def story(_context: RunContext) -> Outcome:
        await go_on.wait()
        return Outcome(answer="done")

    with kind_that(story) as kind:
        run = queued_run(kind)
        future = engine.start(run)
        until(lambda: Run.objects.get(id=run.id).status == RunStatus.RUNNING)
        lease_ends(run)

        def renew() -> None:
            engine.runtime.heartbeat.renew()
            connections.close_all()

        threading.Timer(0.1, renew).start()
        assert sweep(renewed_within_s=1) == []
        engine.runtime.loop.call_soon_threadsafe(go_on.set)
        future.result(10)
    run.refresh_from_db()
    assert (run.status, run.lapses, run.fence) == ("succeeded", 0, 1)


def test_a_process_does_not_lapse_what_it_works_on(transactional_db: None, loop_thread: LoopThread) -> None:
    go_on = asyncio.Event()

    async def story(_context: RunContext) -> Outcome:
        await go_on.wait()
        return Outcome(answer="done")

    process = EngineProcess(loop_thread.loop, sweep_every_s=0.2)
    process.start()
    with kind_that(story) as kind:
        run = queued_run(kind)
        future = Engine(process.runtime).start(run)
        until(lambda: Run.objects.get(id=run.id).status == RunStatus.RUNNING)
        lease_ends(run)
        until(lambda: Run.objects.filter(id=run.id, lease_until__gt=timezone.now()).exists(), 5)
        loop_thread.loop.call_soon_threadsafe(go_on.set)
        future.result(10)
        loop_thread.wait_for(process.stop(), 10)
    run.refresh_from_db()
    assert (run.status, run.lapses, run.fence) == ("succeeded", 0, 1)


def test_a_process_that_died_is_noticed_before_the_next_sweep(
    transactional_db: None, loop_thread: LoopThread
) -> None:
    process = EngineProcess(loop_thread.loop, sweep_every_s=600, look_every_s=0.1)
    found_at_the_start, died_later = claimed_by(GONE), queued_run("any")
    process.start()
    until(lambda: Run.objects.get(id=found_at_the_start.id).status == RunStatus.QUEUED)
    claim_run(died_later.id, GONE)
    until(lambda: Run.objects.get(id=died_later.id).status == RunStatus.QUEUED, 5)
    loop_thread.wait_for(process.stop(), 10)
    died_later.refresh_from_db()
    assert died_later.lapses == 1
