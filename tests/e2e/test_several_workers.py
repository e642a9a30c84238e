"""Two web processes and two workers of one host, with each broker: all work, and take over from another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from benchmarks.member import Member
from tests.support.engines import until
from tests.support.postgres_server import needs_postgres
from tests.support.production import SITE, Production, production
from tests.support.provider_process import ProviderProcess
from tests.support.rabbitmq_server import needs_rabbitmq, running_rabbitmq
from tests.support.redis_server import needs_redis

pytestmark = [pytest.mark.e2e, needs_postgres, needs_redis]
QUICK, SLOW = {"text": "Answer: 391"}, {"text": "Answer: 391", "first_delay_s": 60}


@pytest.fixture(params=["redis", pytest.param("rabbitmq", marks=needs_rabbitmq)])
def site(
    request: pytest.FixtureRequest, tmp_path: Path, provider: ProviderProcess, prepared: Production
) -> Iterator[Production]:
    with ExitStack() as running:
        broker = running.enter_context(running_rabbitmq(tmp_path)).url if request.param == "rabbitmq" else ""
        yield running.enter_context(production(tmp_path / "data", provider.port, broker, prepared))


def test_all_of_them_work_and_one_takes_over_from_another(
    site: Production, provider: ProviderProcess
) -> None:
    provider.behave(every=QUICK)
    sign_in = site.sign_in
    site.script("tests.support.furnish", provider.base_url, "m1,m2")
    addresses = [site.serve(), site.serve()]
    workers = [site.work(), site.work()]
    until(lambda: site.workers() == 2, 60)
    members = [Member(address, sign_in, site=SITE) for address in addresses]
    owners = "select distinct lease_owner from runs_run where status = 'running'"
    with closing(members[0].client), closing(members[1].client):
        runs = [member.ask(f"What is {n} + 1?", ["m1"]) for n in range(5) for member in members]
        until(lambda: statuses(site, runs) == {"succeeded"}, 60)
        provider.behave(every=SLOW)
        runs = [member.ask(f"What is {n} + 2?", ["m2"]) for n in range(10) for member in members]
        until(lambda: statuses(site, runs) == {"running"}, 60)
        assert len(site.rows(owners)) == 2, "Both workers have runs."
        provider.behave(every=QUICK)
        workers[0].kill()
        until(lambda: len(site.rows(owners)) == 1, 60)
        workers[1].terminate()
        site.work()
        until(lambda: statuses(site, runs) == {"succeeded"}, 60)


def statuses(site: Production, runs: list[str]) -> set[str]:
    return {
        status for (status,) in site.rows("select status from runs_run where id = any(%s::uuid[])", (runs,))
    }
