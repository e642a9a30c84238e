"""A table of PostgreSQL that another client keeps locked, under a web process and two workers."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import psycopg

from benchmarks.faults.findings import Finding, exactly, none_of, reported
from benchmarks.faults.locking import OK, RUNS_A_ROUND, SECONDS, SORRY, send
from benchmarks.faults.provider import CountingProvider
from benchmarks.member import Member
from benchmarks.waiting import until
from tests.support.postgres_server import INITDB
from tests.support.production import SITE, Production, production

WORKERS = 2
ENDS_WITHIN_S = 180.0
RUNS = """
    select id::text, status, fence, lapses, last_seq, cost_usd, calls_started,
        (select count(*) from runs_event where run_id = run.id),
        (select max(seq) from runs_event where run_id = run.id),
        (select coalesce(sum(cost_usd), 0) from runs_call where run_id = run.id),
        (select count(*) from runs_call where run_id = run.id and status = 'done')
    from runs_run run
"""


def tables(seed: int, *, rounds: int = 10) -> list[Finding]:
    """Lock the table of runs amid six runs, `rounds` times, as `locking` does with SQLite's file."""
    if not (INITDB and shutil.which("redis-server")):
        return [reported("skipped", "PostgreSQL and Redis are not installed")]
    random, provider = Random(seed), CountingProvider(seed)
    provider.start()
    provider.seconds = (1.0, 3.0)
    pages, sent, number = Counter[int](), Counter[int](), 0
    try:
        with _site(provider) as (site, member):
            for _ in range(rounds):
                for _ in range(RUNS_A_ROUND):
                    number += 1
                    member.ask(f"Question {number}: how much is {number} + 374?", ["m1", "m2", "m3"])
                page, question = _locked(site, member, random.uniform(*SECONDS))
                pages[page] += 1
                sent[question] += 1
                until(lambda: _ended(site), ENDS_WITHIN_S, "the end of all runs")
            return _findings(site, provider, pages, sent, rounds)
    finally:
        provider.stop()


@contextmanager
def _site(provider: CountingProvider) -> Iterator[tuple[Production, Member]]:
    """Start a web process and two workers; give a member whose team has three models of the provider."""
    port = urlsplit(provider.base_url).port or 0
    with (
        tempfile.TemporaryDirectory(prefix="orchestra-faults-") as folder,
        production(Path(folder) / "data", port) as site,
    ):
        sign_in = site.sign_in
        site.script("tests.support.furnish", provider.base_url, "m1,m2,m3", "max_concurrency=64")
        site.serve()
        for _ in range(WORKERS):
            site.work()
        until(lambda: site.workers() == WORKERS, 60, "the start of the workers")
        member = Member(site.address, sign_in, site=SITE)
        with closing(member.client):
            yield site, member


def _locked(site: Production, member: Member, seconds: float) -> tuple[int, int]:
    """Lock the table, against writing only; return the status of a page and of a question meanwhile."""
    with psycopg.connect(site.postgres.url) as connection:
        connection.execute("lock table runs_run in exclusive mode")
        unlocked_at = time.monotonic() + seconds
        page, question = member.client.get("/runs/").status_code, send(member)
        time.sleep(max(0.0, unlocked_at - time.monotonic()))
    return page, question


def _ended(site: Production) -> bool:
    return not site.rows("select 1 from runs_run where status not in ('succeeded', 'failed', 'cancelled')")


def _findings(
    site: Production, provider: CountingProvider, pages: Counter[int], sent: Counter[int], rounds: int
) -> list[Finding]:
    """Compare what the provider was asked with what the tables say."""
    runs = site.rows(RUNS)
    return [
        reported("runs", len(runs)),
        none_of("runs that did not succeed", sum(status != "succeeded" for _, status, *_ in runs)),
        none_of("leases that lapsed", sum(fence > 1 or lapses > 0 for _, _, fence, lapses, *_ in runs)),
        none_of("calls that were repeated", sum(times - 1 for times in provider.asked.values())),
        none_of("calls that no run knows of", provider.asked.total() - sum(run[6] for run in runs)),
        exactly("pages that could be read meanwhile", pages[OK], rounds),
        exactly("questions refused meanwhile", sent[SORRY], rounds),
        none_of("questions stored although they were refused", len(runs) - rounds * RUNS_A_ROUND),
        none_of("runs whose events have a gap or repeat", sum(len({*run[7:9], run[4]}) > 1 for run in runs)),
        none_of("runs that cost other than their calls", sum(run[5] != run[9] for run in runs)),
    ]
