"""The production profile: web and workers apart, on PostgreSQL and Redis, and a worker that is killed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.member import Member
from tests.e2e.test_live_socket import listen
from tests.support.engines import until
from tests.support.follower import page_socket
from tests.support.postgres_server import needs_postgres
from tests.support.production import SITE, Production, production
from tests.support.provider_process import ProviderProcess
from tests.support.redis_server import needs_redis

pytestmark = [pytest.mark.e2e, needs_postgres, needs_redis]
PANEL = ["m1", "m2", "m3"]
QUICK, SLOW = {"text": "Answer: 391"}, {"text": "Answer: 391", "first_delay_s": 60}


@pytest.fixture
def installation(tmp_path: Path, provider: ProviderProcess, prepared: Production) -> Iterator[Production]:
    with production(tmp_path / "data", provider.port, like=prepared) as installation:
        yield installation


def status_of(installation: Production, run: str) -> str:
    return str(installation.rows("select status from runs_run where id = %s", (run,))[0][0])


def test_a_killed_worker_is_replaced_and_what_it_had_is_not_asked_again(
    installation: Production, provider: ProviderProcess
) -> None:
    provider.behave(m1=QUICK, every=SLOW)
    sign_in = installation.sign_in
    installation.script("tests.support.furnish", provider.base_url, ",".join(PANEL))
    installation.serve()
    worker = installation.work()
    member = Member(installation.address, sign_in, site=SITE)
    with closing(member.client):
        run = member.ask("What is 17 * 23?", PANEL)
        answered = "select count(*) from runs_step where run_id = %s and status = 'done'"
        until(lambda: installation.rows(answered, (run,))[0][0] == 1 and provider.open_calls() == 2, 60)
        worker.kill()
        provider.behave(m2=QUICK, m3=QUICK)
        installation.work()
        until(lambda: status_of(installation, run) == "succeeded", 90)
        seen: list[int] = []
        with page_socket(member, run, after=0) as socket:
            last = installation.rows("select last_seq from runs_run where id = %s", (run,))[0][0]
            listen(socket, seen, until_seen=last)
    assert seen == list(range(1, last + 1))
    assert provider.asked() == {"m1": 1, "m2": 2, "m3": 2}


BOARD = {
    "options_of": "second/board",
    "options.writers": "m1",
    "options.checkers": "m2",
    "options.approve": "on",
    "options.remark_s": "600",
}


def test_a_run_of_another_kind_outlives_its_worker_between_a_message_and_an_answer(
    installation: Production, provider: ProviderProcess
) -> None:
    provider.behave(m1=QUICK, m2=SLOW)
    sign_in = installation.sign_in
    installation.script("tests.support.furnish", provider.base_url, "m1,m2")
    installation.celery = installation.asgi = "tests.support.second_site"
    installation.serve()
    worker = installation.work()
    member = Member(installation.address, sign_in, site=SITE)
    with closing(member.client):
        run = member.ask("What is 17 * 23?", [], "second/board", **BOARD)
        page = f"/runs/{run}/"
        until(lambda: installation.rows("select step from runs_timer") == [("remark",)], 60)
        assert member.post(f"{page}message", {"text": "Check it twice."}, form_at=page).status_code == 302
        until(lambda: provider.open_calls() == 1, 60)
        worker.kill()
        provider.behave(m2=QUICK)
        installation.work()
        until(lambda: status_of(installation, run) == "waiting", 90)
        [(question,)] = installation.rows("select id from runs_humanquestion")
        member.post(f"{page}answer/{question}", {"answer": "yes"}, form_at=page)
        until(lambda: status_of(installation, run) == "succeeded", 60)
        ended = member.run(run)
        html = member.client.get(page).text
    assert (ended["outcome"]["remark"], ended["outcome"]["approved"]) == ("Check it twice.", "yes")
    assert [event["seq"] for event in ended["events"]] == list(range(1, len(ended["events"]) + 1))
    assert provider.asked() == {"m1": 1, "m2": 3}, (
        "The board's own call to m2 was lost; then it and its child."
    )
    assert "Answer: 391" in html
    assert "sent a message" in html
    assert "may have been billed" in html


def test_a_worker_that_is_stopped_hands_its_runs_to_another_at_once(
    installation: Production, provider: ProviderProcess
) -> None:
    provider.behave(every=SLOW | {"first_delay_s": 600})
    sign_in = installation.sign_in
    installation.script("tests.support.furnish", provider.base_url, ",".join(PANEL))
    installation.serve()
    worker = installation.work()
    member = Member(installation.address, sign_in, site=SITE)
    with closing(member.client):
        runs = [member.ask(f"What is {number} + 1?", [PANEL[number % 3]]) for number in range(9)]
        until(lambda: provider.open_calls() == len(runs), 60)
        provider.behave(every=QUICK)
        installation.work()
        until(lambda: installation.workers() == 2, 60)
        worker.terminate()
        assert worker.wait(5) == 0
        until(lambda: {status_of(installation, run) for run in runs} == {"succeeded"}, 40)
    assert installation.rows("select distinct lapses, fence from runs_run") == [(0, 2)]


def test_doctor_finds_everything_in_order(installation: Production) -> None:
    found = json.loads(installation.manage("doctor", "--json"))
    assert found["ok"], found
