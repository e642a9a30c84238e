"""A database that another process keeps locked."""

from __future__ import annotations

import sqlite3
import time

from benchmarks.faults import FOLDER
from benchmarks.faults.audit import audit
from benchmarks.faults.findings import Finding, exactly, none_of
from benchmarks.faults.world import World
from benchmarks.member import Member
from orchestration.runs.models import Run

SORRY = 503


def locking(world: World, *, seconds: float = 30.0, runs: int = 10) -> list[Finding]:
    """Lock the database for `seconds` amid `runs` runs: pages can be read, sending is refused in words."""
    world.provider.seconds = (1.0, 3.0)
    for _ in range(runs):
        world.ask()
    lock = sqlite3.connect(FOLDER / "orchestra.sqlite3", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    until = time.monotonic() + seconds
    before = Run.objects.count()
    page = world.member.client.get("/runs/").status_code
    refused = _send(world.member)
    time.sleep(max(0.0, until - time.monotonic()))
    lock.rollback()
    lock.close()
    stored = Run.objects.count() - before
    world.wait_for_the_end()
    return [
        exactly("status of a page meanwhile", page, 200),
        exactly("status of a question sent meanwhile", refused, SORRY),
        none_of("questions stored although they were refused", stored),
        *audit(world.runs(), world.installation.printed),
    ]


def _send(member: Member) -> int:
    answer = member.post(
        "/", {"text": "Question 0: how much is 1?", "strategy": "parallel", "models": ["m1"]}
    )
    return answer.status_code
