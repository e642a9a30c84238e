"""Killing, stopping and starting a whole installation: nothing is lost, nothing ended is asked twice."""

from __future__ import annotations

import signal
from uuid import UUID

import pytest

from tests.support.engines import until
from tests.support.installation import Installation
from tests.support.member import Member
from tests.support.provider_process import ProviderProcess

pytestmark = pytest.mark.e2e

FIVE = ["m1", "m2", "m3", "m4", "m5"]
SLOW = {"text": "Answer: 391", "first_delay_s": 60}
QUICK = {"text": "Answer: 391"}


def status_of(installation: Installation, run: str) -> str:
    return str(installation.rows("select status from runs_run where id = ?", [UUID(run).hex])[0][0])


def answered(installation: Installation, run: str) -> int:
    done = "select count(*) from runs_step where run_id = ? and kind = 'ask' and status = 'done'"
    return int(installation.rows(done, [UUID(run).hex])[0][0])


def gapless(installation: Installation, run: str) -> bool:
    numbers = installation.rows("select seq from runs_event where run_id = ? order by seq", [UUID(run).hex])
    return [number for (number,) in numbers] == list(range(1, len(numbers) + 1))


def ready(installation: Installation, provider: ProviderProcess, *names: str) -> Member:
    installation.up()
    installation.furnish(provider.base_url, *names)
    return installation.member()


def test_killed_after_two_of_five_answers_the_two_are_asked_once_and_the_run_ends_by_itself(
    installation: Installation, provider: ProviderProcess
) -> None:
    provider.behave(m1=QUICK, m2=QUICK, every=SLOW)
    run = ready(installation, provider, *FIVE).ask("What is 17 * 23?", FIVE)
    until(lambda: answered(installation, run) == 2 and len(provider.asked()) == 5)
    installation.kill()
    provider.behave(m3=QUICK, m4=QUICK, m5=QUICK)
    installation.up()
    until(lambda: status_of(installation, run) == "succeeded")
    asked = provider.asked()
    assert (asked["m1"], asked["m2"]) == (1, 1)
    assert all(asked[name] == 2 for name in FIVE[2:])
    assert gapless(installation, run)
    page = installation.member().client.get(f"/runs/{run}/").text
    assert page.count("may have been billed") >= 3
    assert "391" in page


def test_first_good_enough_leaves_no_call_open_and_a_replay_does_not_ask_the_losers_again(
    installation: Installation, provider: ProviderProcess
) -> None:
    provider.behave(m1=QUICK, every=SLOW)
    member = ready(installation, provider, *FIVE)
    options = {"options.select": "first_good_enough", "options.threshold": "10"}
    run = member.ask("What is 17 * 23?", FIVE, **options)
    until(lambda: status_of(installation, run) == "succeeded")
    until(lambda: provider.open_calls() == 0, 1.0)
    assert sum(provider.asked().values()) == 5
    statuses = installation.rows("select status from runs_call where run_id = ?", [UUID(run).hex])
    assert sorted(statuses) == [("cancelled",)] * 4 + [("done",)]


def test_cancelling_leaves_no_call_open(installation: Installation, provider: ProviderProcess) -> None:
    provider.behave(every=SLOW)
    member = ready(installation, provider, *FIVE)
    run = member.ask("What is 17 * 23?", FIVE)
    until(lambda: provider.open_calls() == 5)
    member.post(f"/runs/{run}/cancel", {}, form_at=f"/runs/{run}/")
    until(lambda: provider.open_calls() == 0, 2.0)
    until(lambda: status_of(installation, run) == "cancelled")


def test_ctrl_c_with_ten_runs_in_flight_exits_at_once_and_they_go_on_after_the_next_start(
    installation: Installation, provider: ProviderProcess
) -> None:
    provider.behave(every=SLOW)
    member = ready(installation, provider, "m1", "m2")
    runs = [member.ask(f"What is {n} + 1?", ["m1", "m2"]) for n in range(10)]
    until(lambda: provider.open_calls() >= 10)
    assert installation.interrupt(within_s=5) == 0
    assert {status_of(installation, run) for run in runs} == {"queued"}
    provider.behave(m1=QUICK, m2=QUICK, every=QUICK)
    installation.up()
    until(lambda: {status_of(installation, run) for run in runs} == {"succeeded"})
    assert all(gapless(installation, run) for run in runs)


def test_ctrl_c_exits_although_the_database_is_locked_and_the_runs_go_on_after_the_next_start(
    installation: Installation, provider: ProviderProcess
) -> None:
    provider.behave(every=SLOW)
    member = ready(installation, provider, "m1")
    run = member.ask("What is 1 + 1?", ["m1"])
    until(lambda: provider.open_calls() == 1)
    with installation.locked():
        assert installation.interrupt(within_s=5) == 0
    provider.behave(every=QUICK)
    installation.up()
    until(lambda: status_of(installation, run) == "succeeded")
    assert gapless(installation, run)


def test_a_run_that_blocks_its_process_fails_the_third_time_and_the_runs_beside_it_go_on(
    installation: Installation,
) -> None:
    installation.program = ["-m", "tests.support.manage"]
    installation.settings |= {"ORCHESTRA_STALL_SECONDS": "2"}
    installation.up()
    member = installation.member()
    beside = member.ask("?", [], "patient/patient")
    run = member.ask("?", [], "stuck/stuck")
    assert installation.process.wait(15) == -signal.SIGABRT
    for _ in range(2):
        installation.up()
        assert installation.process.wait(15) == -signal.SIGABRT
    installation.up()
    until(lambda: status_of(installation, run) == "failed")
    until(lambda: status_of(installation, beside) == "succeeded")
    counts = "select lapses, blocks, error_code from runs_run where id = ?"
    assert installation.rows(counts, [UUID(run).hex]) == [(0, 3, "blocked")]
    assert installation.rows(counts, [UUID(beside).hex]) == [(0, 0, "")]
    assert f"executing run {run}" in installation.printed
    assert 'tests/support/manage.py", line' in installation.printed
    assert gapless(installation, run)
    assert gapless(installation, beside)


def test_a_second_start_on_the_same_data_is_refused_with_words(empty_folder: Installation) -> None:
    empty_folder.up()
    second = empty_folder.manage("up", "--port", "0")
    assert second.returncode == 1
    assert "already runs" in second.stderr


def test_a_taken_port_is_said_so(installation: Installation, provider: ProviderProcess) -> None:
    refused = installation.manage("up", "--port", str(provider.port))
    assert refused.returncode == 1
    assert "is in use" in refused.stderr


def test_two_questions_hold_no_worker_survive_a_restart_and_the_run_ends(installation: Installation) -> None:
    installation.program = ["-m", "tests.support.manage"]
    installation.up()
    run = installation.member().ask("?", [], "questions/questions", options_of="questions/questions")
    until(lambda: status_of(installation, run) == "waiting")
    leases = "select lease_owner from runs_run where id = ?"
    assert installation.rows(leases, [UUID(run).hex]) == [("",)]
    answer(installation, run, "yes")
    until(lambda: status_of(installation, run) == "waiting" and asked(installation, run) == 2)
    installation.kill()
    installation.up()
    answer(installation, run, "quite")
    until(lambda: status_of(installation, run) == "succeeded")
    ended = installation.rows("select answer from runs_run where id = ?", [UUID(run).hex])
    assert ended == [("yes, quite",)]


def answer(installation: Installation, run: str, words: str) -> None:
    """Answer the question that is open, from the run's page."""
    open_question = "select id from runs_humanquestion where run_id = ? and answered_at is null"
    [(question,)] = installation.rows(open_question, [UUID(run).hex])
    page = f"/runs/{run}/"
    installation.member().post(f"{page}answer/{UUID(question)}", {"answer": words}, form_at=page)


def asked(installation: Installation, run: str) -> int:
    count = "select count(*) from runs_humanquestion where run_id = ?"
    return int(installation.rows(count, [UUID(run).hex])[0][0])
