"""The same message many times, to several workers at once."""

from __future__ import annotations

from benchmarks.faults.audit import audit
from benchmarks.faults.findings import Finding, exactly
from benchmarks.faults.workers import start_worker
from benchmarks.faults.world import MODELS, World
from orchestra_site.accounts.models import Membership
from orchestration.runs.models import Event
from orchestration.runs.services.starting import store_run

WORKERS = 8


def delivering(world: World, *, times: int = 7) -> list[Finding]:
    """Deliver one run's message to eight workers, `times` to each, all at once; one executes it, once."""
    world.provider.seconds = (0.3, 0.6)
    asked = world.provider.asked.total()
    number = world.next_number()
    request = {"text": f"Question {number}: how much is 3?", "strategy": "parallel", "models": MODELS}
    run = store_run(membership=Membership.objects.get(), kind="strategy", payload=request)
    workers = [start_worker("deliver", str(run.id), str(times)) for _ in range(WORKERS)]
    for worker in workers:
        assert worker.stdout is not None
        worker.stdout.readline()
    for worker in workers:
        worker.communicate("\n", timeout=120)
    world.wait_for_the_end()
    starts = Event.objects.filter(run=run, kind__in=["run_started", "run_resumed"]).count()
    return [
        exactly("deliveries", WORKERS * times, WORKERS * times),
        exactly("times it was executed", starts, 1),
        exactly("calls that the provider saw", world.provider.asked.total() - asked, len(MODELS)),
        *audit(world.runs(), world.installation.printed),
    ]
