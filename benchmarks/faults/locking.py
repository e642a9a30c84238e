"""A database that another process keeps locked."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter

from benchmarks.faults import FOLDER
from benchmarks.faults.audit import audit
from benchmarks.faults.findings import Finding, exactly, none_of, reported
from benchmarks.faults.world import World
from benchmarks.member import Member
from orchestration.runs.models import Run, RunStatus

OK, SORRY = 200, 503
SECONDS = (30.0, 65.0)
RUNS_A_ROUND = 6


def locking(world: World, *, rounds: int = 10) -> list[Finding]:
    """Lock the database amid six runs, `rounds` times: pages can be read, sending is refused in words.

    No run fails, and no call is repeated: nobody's work is taken away for a lease that could not be renewed.
    """
    world.provider.seconds = (1.0, 3.0)
    before = world.provider.asked.copy()
    pages, refused, stored = Counter[int](), Counter[int](), 0
    for _ in range(rounds):
        for _ in range(RUNS_A_ROUND):
            world.ask()
        page, sent, more = _locked(world, world.random.uniform(*SECONDS))
        pages[page] += 1
        refused[sent] += 1
        stored += more
        world.wait_for_the_end()
    runs = world.runs()
    asked = world.provider.asked - before
    return [
        reported("runs", len(runs)),
        none_of("runs that did not succeed", sum(run.status != RunStatus.SUCCEEDED for run in runs)),
        none_of("leases that lapsed", sum(run.fence > 1 for run in runs)),
        none_of("calls that were repeated", sum(times - 1 for times in asked.values())),
        exactly("pages that could be read meanwhile", pages[OK], rounds),
        exactly("questions refused meanwhile", refused[SORRY], rounds),
        none_of("questions stored although they were refused", stored),
        *audit(runs, world.installation.printed),
    ]


def _locked(world: World, seconds: float) -> tuple[int, int, int]:
    """Lock the database; return the status of a page and of a question meanwhile, and the runs it stored."""
    lock = sqlite3.connect(FOLDER / "orchestra.sqlite3", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    until = time.monotonic() + seconds
    before = Run.objects.count()
    page = world.member.client.get("/runs/").status_code
    sent = send(world.member)
    time.sleep(max(0.0, until - time.monotonic()))
    lock.rollback()
    lock.close()
    return page, sent, Run.objects.count() - before


def send(member: Member) -> int:
    """Ask a question; return the status of the answer."""
    answer = member.post(
        "/", {"text": "Question 0: how much is 1?", "strategy": "parallel", "models": ["m1"]}
    )
    return answer.status_code
