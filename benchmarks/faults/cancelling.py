"""Cancelling a run just when it ends."""

from __future__ import annotations

import time
from collections import Counter

from benchmarks.faults.audit import audit
from benchmarks.faults.findings import Finding, reported
from benchmarks.faults.world import World

SECONDS = 0.7
AROUND_S = (0.0, 0.6)


def cancelling(world: World, *, times: int = 100) -> list[Finding]:
    """Cancel `times` runs at about the moment they end; each must end once, one way or the other."""
    world.provider.seconds = (SECONDS, SECONDS)
    for _ in range(times):
        run = world.ask(("m1",), {"strategy": "parallel"})
        time.sleep(world.random.uniform(*AROUND_S))
        world.member.post(f"/runs/{run}/cancel", {}, form_at=f"/runs/{run}/")
    world.wait_for_the_end()
    runs = world.runs()
    statuses = Counter(run.status for run in runs)
    ways = ", ".join(f"{count} {status}" for status, count in sorted(statuses.items()))
    return [reported("how they ended", ways), *audit(runs, world.installation.printed)]
