"""Deleting runs: who may, when, what is lost, what stays, and what pages say of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import transaction

from orchestra_site.accounts.models import AuditEntry, Membership, Role
from orchestra_site.web.threads import in_thread
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.runs.models import Call, Event, HumanQuestion, Rating, Run, RunStatus, Step
from orchestration.runs.services.deleting import delete_run
from orchestration.runs.services.learning import learn_from_ended_runs
from orchestration.runs.services.recording.batches import WriteBatch
from orchestration.runs.services.recording.commit import commit_batches
from orchestration.strategies.models import ModelProfile
from tests.support.history import a_member, a_run, signed_in
from tests.support.run_rows import RunRows
from tests.support.shown import a_model, a_shown_run
from tests.support.sockets import live_socket

pytestmark = pytest.mark.django_db
GOING_ON = [RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.WAITING]


def with_everything(member: Membership) -> Run:
    """Store a run with a row in each table that belongs to it, and a run that was started again from it."""
    run = a_run(member, "A secret question", answer="A secret answer", cost_usd="0.25", calls_started=1)
    Call.objects.create(
        run=run, step="ask/a", attempt=1, model="a", purpose="answer", status="done", text="x"
    )
    Event.objects.create(run=run, seq=1, kind="run_queued")
    Step.objects.create(run=run, key="ask/a", kind="ask", status="done", started_s=0, seconds=1)
    Rating.objects.create(run=run, user=member.user, value=1, comment="secret")
    HumanQuestion.objects.create(run=run, step="human/a", text="secret?")
    a_run(member, "Asked again", rerun_of=run)
    return run


def test_deleting_a_run_removes_all_that_it_left_behind(member: Membership) -> None:
    run = with_everything(member)
    answer = signed_in(member).post(f"/runs/{run.pk}/delete", follow=True)
    assert "1 run deleted." in answer.content.decode()
    assert [run.prompt for run in Run.objects.all()] == ["Asked again"]
    for table in (Call, Event, Step, Rating, HumanQuestion):
        assert not table.objects.exists()
    assert signed_in(member).get(f"/runs/{run.pk}/").status_code == 404


def test_the_audit_log_keeps_who_and_what_it_cost_and_no_text(member: Membership) -> None:
    run = with_everything(member)
    signed_in(member).post(f"/runs/{run.pk}/delete")
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action) == (member.user, "run.deleted")
    assert entry.subject.startswith("Parallel of ")
    kept = {"run": str(run.pk), "asked_by": "Ada", "status": "succeeded", "cost_usd": "0.25", "calls": 1}
    assert entry.before == kept
    assert "secret" not in json.dumps([entry.subject, entry.before, entry.after])


def test_the_confirmation_names_what_is_lost(member: Membership) -> None:
    run = with_everything(member)
    page = signed_in(member).get(f"/runs/{run.pk}/delete").content.decode()
    for words in ("Delete this run?", "A secret question", "1 call with", "$0.25", "Keep it"):
        assert words in page
    assert Run.objects.filter(pk=run.pk).exists()


@pytest.mark.parametrize("status", GOING_ON)
def test_a_run_that_goes_on_is_not_deleted(member: Membership, status: RunStatus) -> None:
    run = a_run(member, status=status, finished_at=None)
    client = signed_in(member)
    page = client.get(f"/runs/{run.pk}/delete").content.decode()
    assert f"It is still {status}. Cancel it first, then delete it." in page
    assert "btn-danger" not in page
    assert "was not deleted" in client.post(f"/runs/{run.pk}/delete", follow=True).content.decode()
    assert Run.objects.filter(pk=run.pk).exists()
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("role", "status", "offered"),
    [
        (Role.OPERATOR, RunStatus.SUCCEEDED, True),
        (Role.OPERATOR, RunStatus.WAITING, False),
        (Role.VIEWER, RunStatus.SUCCEEDED, False),
    ],
)
def test_the_page_of_a_run_that_is_over_offers_to_delete_it(
    role: Role,
    status: RunStatus,
    offered: bool,  # noqa: FBT001
) -> None:
    member = a_member(role)
    run = a_run(member, status=status)
    page = signed_in(member).get(f"/runs/{run.pk}/").content.decode()
    assert (f'href="/runs/{run.pk}/delete"' in page) == offered


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("own", [True, False])
def test_owners_and_admins_delete_any_run_operators_their_own(role: Role, own: bool) -> None:  # noqa: FBT001
    member = a_member(role)
    run = a_run(member if own else a_member(team=member.team))
    allowed = role in {Role.OWNER, Role.ADMIN} or (role is Role.OPERATOR and own)
    answer = signed_in(member).post(f"/runs/{run.pk}/delete")
    assert answer.status_code == (302 if allowed else 403)
    assert Run.objects.filter(pk=run.pk).exists() != allowed


def test_a_stranger_finds_nothing_to_delete(member: Membership) -> None:
    run, stranger = a_run(member), signed_in(a_member(Role.OWNER))
    for address in (f"/runs/{run.pk}/delete", f"/runs/delete?run={run.pk}"):
        assert stranger.get(address).status_code == 404
    assert stranger.post("/runs/delete", {"run": str(run.pk)}).status_code == 404
    assert Run.objects.filter(pk=run.pk).exists()


def test_several_are_deleted_at_once_and_the_others_said_to_stay(member: Membership) -> None:
    mine = [a_run(member, f"mine {n}", cost_usd="0.5") for n in range(2)]
    others = [a_run(a_member(team=member.team), "Ben's"), a_run(member, "busy", status=RunStatus.RUNNING)]
    chosen = {"run": [str(run.pk) for run in (*mine, *others)]}
    client = signed_in(member)
    page = client.get("/runs/delete", chosen).content.decode()
    for words in ("Delete 2 runs?", "($1.00)", "Only owners and admins", "It is still running."):
        assert words in page
    told = client.post("/runs/delete", chosen, follow=True).content.decode()
    for words in ("2 runs deleted.", "“busy” was not deleted.", "“Ben&#x27;s” was not deleted."):
        assert words in told
    assert {run.prompt for run in Run.objects.all()} == {"Ben's", "busy"}


@pytest.mark.parametrize(
    ("chosen", "status", "words"),
    [
        (0, 422, "No run was chosen."),
        (101, 422, "Too many runs were chosen."),
        (100, 200, "Delete 100 runs?"),
    ],
)
def test_a_choice_that_cannot_be_deleted_says_so(
    member: Membership, chosen: int, status: int, words: str
) -> None:
    runs = [str(a_run(member).pk) for _ in range(chosen)]
    answer = signed_in(member).get("/runs/delete", {"run": runs})
    assert (answer.status_code, words in answer.content.decode()) == (status, True)
    assert Run.objects.count() == chosen


@pytest.mark.parametrize("given", ["", "x", "1", "00000000-0000-0000-0000-000000000000"])
def test_what_is_no_run_is_not_found(member: Membership, given: str) -> None:
    assert signed_in(member).get("/runs/delete", {"run": given}).status_code == 404


@pytest.mark.parametrize("learned", [True, False])
def test_what_models_learned_from_a_run_stays(member: Membership, learned: bool) -> None:  # noqa: FBT001
    model = a_model(member, "m")
    run = a_shown_run(member, model)
    if learned:
        learn_from_ended_runs()
    delete_run(membership=member, run=run)
    assert learn_from_ended_runs() == 0
    assert [profile.asked for profile in ModelProfile.objects.filter(model=model)] == [1]


def test_a_late_write_of_a_worker_is_refused(member: Membership) -> None:
    run = a_run(member, status=RunStatus.SUCCEEDED, fence=1)
    nobody: Any = None
    late = WriteBatch(
        run=run.pk,
        team=run.team_id,
        fence=1,
        entries=(),
        cost_usd=run.cost_usd,
        calls=0,
        loop=nobody,
        acknowledge=nobody,
    )
    delete_run(membership=member, run=run)
    assert commit_batches([late]).refused == [late]


def test_the_second_of_two_deletions_is_refused(member: Membership) -> None:
    run = a_run(member)
    delete_run(membership=member, run=run)
    with pytest.raises(InvalidRequest, match="already"), transaction.atomic():
        delete_run(membership=member, run=run)
    assert AuditEntry.objects.count() == 1


@pytest.mark.django_db(transaction=True)
async def test_an_open_page_of_a_deleted_run_is_closed() -> None:
    member, client, rows = await in_thread(_watched)
    async with live_socket(f"/ws/runs/{rows.run.pk}/?after=0", client) as socket:
        await socket.until(lambda seen: seen.seq > 0)
        await in_thread(_end_and_delete, member, rows)
        assert await socket.close_code() == 4404


def _watched() -> tuple[Membership, Any, RunRows]:
    member = a_member()
    rows = RunRows.queued(member, "sim-swift")
    rows.start()
    return member, signed_in(member), rows


def _end_and_delete(member: Membership, rows: RunRows) -> None:
    Run.objects.filter(pk=rows.run.pk).update(status=RunStatus.SUCCEEDED)
    delete_run(membership=member, run=rows.run)
