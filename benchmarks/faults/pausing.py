"""A worker that is paused past its leases, and continues after others have executed its runs."""

from __future__ import annotations

import signal
import time

from benchmarks.faults.audit import audit
from benchmarks.faults.findings import Finding, exactly, none_of, reported
from benchmarks.faults.workers import start_worker
from benchmarks.faults.world import World
from benchmarks.waiting import until
from orchestration.runs.models import Run

SECONDS = 4.0
SETTLED_S = 1.5
REFUSED = "This process lost its lease"


def pausing(world: World, *, runs: int = 10) -> list[Finding]:
    """Stop the installation amid `runs` runs until another worker has ended them all; then let it go on.

    What it then writes comes too late and must be refused: nothing that is stored may change.
    """
    world.provider.seconds = (SECONDS, SECONDS)
    for _ in range(runs):
        world.ask(method={"strategy": "parallel"})
    until(lambda: world.provider.open == runs * 3, 60, "the start of all calls")
    time.sleep(SETTLED_S)  # so that it does not stop in a transaction, which would lock the database
    world.installation.process.send_signal(signal.SIGSTOP)
    start_worker("sweep").communicate(timeout=300)
    before = [_state(run) for run in world.runs()]
    world.installation.process.send_signal(signal.SIGCONT)
    until(lambda: world.installation.printed.count(REFUSED) >= runs, 60, "the refusal of late writes")
    after = [_state(run) for run in world.runs()]
    taken_over = sum(run.fence > 1 for run in world.runs())
    return [
        exactly("runs that another worker took over", taken_over, runs),
        reported("late writers that were refused", world.installation.printed.count(REFUSED)),
        none_of(
            "runs that changed after they had ended", sum(a != b for a, b in zip(before, after, strict=True))
        ),
        *audit(world.runs(), world.installation.printed),
    ]


def _state(run: Run) -> tuple[object, ...]:
    """Return everything that a late write could change."""
    calls = run.calls.order_by("id").values_list("id", "status", "text", "cost_usd", "maybe_billed")
    return (run.status, run.fence, run.answer, run.cost_usd, run.last_seq, *calls, run.steps.count())
