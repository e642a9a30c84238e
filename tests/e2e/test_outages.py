"""The production profile without its Redis or its PostgreSQL for a while: nothing is lost, nobody helps."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from benchmarks.member import Member
from orchestration.runs.consumers import SUBSCRIBE_EVERY_S
from tests.support.engines import until
from tests.support.follower import REFUSED, RESTART, Follower
from tests.support.pausing import pause
from tests.support.postgres_server import needs_postgres
from tests.support.production import SITE, Production, production
from tests.support.provider_process import ProviderProcess
from tests.support.redis_server import needs_redis

pytestmark = [pytest.mark.e2e, needs_postgres, needs_redis]
QUICK = {"text": "Answer: 391"}
STREAMING = {"text": "17 times 23 is 391, step by step. " * 4, "piece": 3, "delay_s": 0.15}
"""About seven seconds of text."""
FAILURES = ("Exception inside application", "was never retrieved", "Internal Server Error", "socket failed")
SWEPT_WITHIN_S = 45.0
"""A run that no message tells of: 15 s until it counts as not picked up, 15 s until somebody looks."""


@pytest.fixture(scope="module")
def provider() -> Iterator[ProviderProcess]:
    provider = ProviderProcess()
    yield provider
    provider.stop()


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory, provider: ProviderProcess, prepared: Production
) -> Iterator[Production]:
    with production(tmp_path_factory.mktemp("outages"), provider.port, like=prepared) as site:
        yield site


@pytest.fixture(scope="module")
def member(site: Production, provider: ProviderProcess) -> Iterator[Member]:
    """The owner of a team with models m1 and m2, before a web process and a worker."""
    sign_in = site.sign_in
    site.script("tests.support.furnish", provider.base_url, "m1,m2")
    site.serve()
    site.work()
    until(lambda: site.workers() == 1, 60)
    member = Member(site.address, sign_in, site=SITE)
    with closing(member.client):
        yield member


@pytest.fixture(autouse=True)
def _unharmed(site: Production, member: Member) -> Iterator[None]:
    """Check that no socket of the web process has failed meanwhile."""
    before = len(site.said("daphne"))
    yield
    said = site.said("daphne")[before:]
    assert not [words for words in FAILURES if words in said], said


def statuses(site: Production, runs: list[str]) -> set[str]:
    rows = site.rows("select status from runs_run where id = any(%s::uuid[])", (runs,))
    return {status for (status,) in rows}


def numbers(site: Production, run: str) -> list[int]:
    """Return the numbers of a run's events."""
    told = site.rows("select seq from runs_event where run_id = %s order by seq", (run,))
    return [number for (number,) in told]


def gapless(site: Production, run: str) -> bool:
    return (told := numbers(site, run)) == list(range(1, len(told) + 1))


def asked_in_time(member: Member, within_s: float = 5.0) -> str:
    """Ask; fail when the answer takes long."""
    began = time.monotonic()
    run = member.ask("What is 17 * 23?", ["m1"])
    assert time.monotonic() - began < within_s
    return run


def streaming(site: Production, provider: ProviderProcess, member: Member, count: int) -> list[str]:
    """Start runs whose answers take seconds, and wait until all are under way; later ones are quick."""
    provider.behave(m1=STREAMING)
    runs = [member.ask("What is 17 * 23?", ["m1"]) for _ in range(count)]
    until(lambda: provider.open_calls() == count)
    provider.behave(m1=QUICK)
    return runs


def test_a_redis_that_is_killed_and_comes_back_empty_costs_nothing(
    site: Production, provider: ProviderProcess, member: Member
) -> None:
    before = provider.asked().get("m1", 0)
    runs = streaming(site, provider, member, 3)
    with Follower(member, runs[0]) as page:
        until(lambda: page.seen)
        site.redis.kill()
        runs.append(asked_in_time(member))
        with Follower(member, runs[-1]) as opened_meanwhile:
            until(lambda: opened_meanwhile.seen)
            until(lambda: statuses(site, runs[:-1]) == {"succeeded"})
            site.redis.start()
            until(lambda: statuses(site, runs) == {"succeeded"}, SWEPT_WITHIN_S)
            until(lambda: opened_meanwhile.seen == numbers(site, runs[-1]))
        until(lambda: page.seen == numbers(site, runs[0]))
    assert page.closed == opened_meanwhile.closed == []
    with Follower(member, runs[0]) as afterwards:
        until(lambda: afterwards.seen == numbers(site, runs[0]))
    assert provider.asked()["m1"] - before == len(runs)
    assert all(gapless(site, run) for run in runs)


def test_a_redis_that_hangs_for_a_while_holds_nobody_up(
    site: Production, provider: ProviderProcess, member: Member
) -> None:
    runs = streaming(site, provider, member, 2)
    with Follower(member, runs[0]) as page:
        site.redis.freeze()
        thaw_at = time.monotonic() + 6
        runs.append(asked_in_time(member))
        time.sleep(thaw_at - time.monotonic())
        site.redis.thaw()
        until(lambda: statuses(site, runs) == {"succeeded"}, SWEPT_WITHIN_S)
        until(lambda: page.seen == numbers(site, runs[0]))
    assert page.closed == []
    assert all(gapless(site, run) for run in runs)


def test_runs_whose_messages_are_flushed_are_carried_out_all_the_same(
    site: Production, provider: ProviderProcess, member: Member
) -> None:
    provider.behave(m1=QUICK)
    worker = site.processes[-1]
    pause(worker.pid)
    runs = [asked_in_time(member) for _ in range(6)]
    listeners = f"asgi:group:run.{runs[0]}"
    with Follower(member, runs[0]) as page:
        until(lambda: site.redis.holds(listeners))
        site.redis.flush()
        worker.send_signal(signal.SIGCONT)
        later = asked_in_time(member)
        until(lambda: statuses(site, [later]) == {"succeeded"}, 10)
        until(lambda: statuses(site, runs) == {"succeeded"}, SWEPT_WITHIN_S)
        until(lambda: page.seen == numbers(site, runs[0]))
        until(lambda: site.redis.holds(listeners), SUBSCRIBE_EVERY_S + 5)
    assert all(gapless(site, run) for run in runs)


def test_a_postgresql_that_crashes_under_a_run_costs_no_answer_that_had_arrived(
    site: Production, provider: ProviderProcess, member: Member
) -> None:
    provider.behave(m1=QUICK, m2=STREAMING)
    before = provider.asked()
    run = member.ask("What is 17 * 23?", ["m1", "m2"])
    done = "select count(*) from runs_step where run_id = %s and status = 'done'"
    until(lambda: site.rows(done, (run,))[0][0] == 1 and provider.open_calls() == 1)
    with Follower(member, run) as page:
        until(lambda: page.seen)
        site.postgres.crash()
        pages = [member.client.get(path) for path in ("/", "/runs/", f"/runs/{run}/", "/account/sign-in/")]
        time.sleep(3)
        site.postgres.start()
        until(lambda: statuses(site, [run]) == {"succeeded"})
        until(lambda: page.seen == numbers(site, run))
    assert {answer.status_code for answer in pages} <= {200, 503}
    assert all("database does not answer" in answer.text for answer in pages if answer.status_code == 503)
    assert set(page.closed) <= {RESTART, REFUSED}
    assert gapless(site, run)
    assert {name: count - before.get(name, 0) for name, count in provider.asked().items()} == {
        "m1": 1,
        "m2": 1,
    }
