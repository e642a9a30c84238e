"""Schedules with several workers on PostgreSQL: each time starts one run, whichever sweeper is first."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tests.support.engines import until
from tests.support.postgres_server import needs_postgres
from tests.support.production import Production, production
from tests.support.redis_server import needs_redis

pytestmark = [pytest.mark.e2e, needs_postgres, needs_redis]
SCHEDULES, TIMES, WORKERS = 20, 2, 2
RUNS = "select request -> 'input' ->> 'text', count(*) from runs_run group by 1"
DUE = "update library_trigger set next_at = now() returning id"
ENDED = "select count(*) from runs_run where status = 'succeeded'"


def test_each_time_of_a_schedule_starts_one_run_however_many_workers_there_are(
    tmp_path: Path, prepared: Production
) -> None:
    with production(tmp_path / "data", provider_port=9, like=prepared) as site:
        site.script("tests.support.schedules", str(SCHEDULES))
        for _ in range(WORKERS):
            site.work()
        until(lambda: site.workers() == WORKERS, 90)
        for time in range(1, TIMES + 1):
            site.rows(DUE)
            until(partial(have_ended, site, SCHEDULES * time), 60)
        assert dict(site.rows(RUNS)) == {f"{number}": TIMES for number in range(SCHEDULES)}


def have_ended(site: Production, runs: int) -> bool:
    """Return whether so many runs have succeeded."""
    return bool(site.rows(ENDED)[0][0] >= runs)
