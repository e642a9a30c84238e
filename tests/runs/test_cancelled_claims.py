"""A cancel outlives the worker that was told: nobody asks a model for a run that was cancelled."""

from __future__ import annotations

import pytest
from django.utils import timezone

from orchestration.runs.models import Command, CommandKind, Run
from orchestration.runs.services.claims import claim_run
from orchestration.runs.services.sweeping import sweep
from tests.support.kinds import queued_run

pytestmark = pytest.mark.django_db


def let_its_lease_run_out(run: Run) -> None:
    Run.objects.filter(id=run.id).update(lease_until=timezone.now())
    sweep()


def cancelled_run_of_a_dead_worker(*, was_heard: bool) -> Run:
    run = queued_run("any")
    claim_run(run.id, "elsewhere")
    handled_at = timezone.now() if was_heard else None
    Command.objects.create(run=run, kind=CommandKind.CANCEL, by=run.created_by, handled_at=handled_at)
    let_its_lease_run_out(run)
    return run


@pytest.mark.parametrize("was_heard", [True, False], ids=["heard", "not heard"])
def test_a_run_whose_worker_died_before_it_had_cancelled_ends_instead_of_going_on(*, was_heard: bool) -> None:
    run = cancelled_run_of_a_dead_worker(was_heard=was_heard)
    assert claim_run(run.id, "another") is None
    run.refresh_from_db()
    assert (run.status, run.finished_at is None) == ("cancelled", False)
    kinds = list(run.events.values_list("kind", flat=True))
    assert kinds == ["run_started", "run_queued", "run_cancelled"]
    assert not run.commands.filter(handled_at__isnull=True).exists()


def test_a_pause_does_not_keep_a_run_from_going_on() -> None:
    run = queued_run("any")
    claim_run(run.id, "elsewhere")
    Command.objects.create(run=run, kind=CommandKind.PAUSE, by=run.created_by)
    let_its_lease_run_out(run)
    assert claim_run(run.id, "another") is not None
