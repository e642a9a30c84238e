"""The run page's socket: who gets in, and that nothing is lost or repeated."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from orchestra_site.accounts.models import Membership, Role, User
from orchestra_site.web.threads import in_thread
from orchestration.runs import live
from orchestration.runs.engine.types import EventKind
from orchestration.runs.models import Event, Run, RunStatus
from tests.support.history import a_member, signed_in
from tests.support.run_rows import RunRows
from tests.support.sockets import LiveSocket, communicator_for, live_socket

pytestmark = pytest.mark.django_db(transaction=True)


def _running(kind: str, role: Role = Role.OPERATOR) -> tuple[Membership, Client, RunRows]:
    """Store a running run of two models and sign a member of its team in."""
    member = a_member(role)
    rows = RunRows.queued(member, "sim-swift", "sim-sage", kind=kind)
    rows.start()
    return member, signed_in(member), rows


def _address(rows: RunRows, after: int | str = 0) -> str:
    return f"/ws/runs/{rows.run.pk}/?after={after}"


def _has_reached(seq: int, socket: LiveSocket) -> bool:
    return socket.seq >= seq


def _burst(rows: RunRows, count: int) -> None:
    for number in range(count):
        rows.emit(EventKind.PHASE_STARTED, name=f"phase {number}")


async def test_a_page_opened_at_a_number_gets_what_came_after_it(kind: str) -> None:
    _, client, rows = await in_thread(_running, kind)
    await in_thread(rows.ask, "sim-swift")
    async with live_socket(_address(rows, 2), client) as socket:
        html = await socket.until(lambda s: s.seq == 3)
    assert socket.seen == [3]
    changed, unchanged = {
        "strategy": ('id="lane-0"', 'id="lane-1"'),
        "second": ('data-call="ask/sim-swift"', 'id="run-notice"'),
    }[kind]
    assert changed in html
    assert unchanged not in html


async def test_a_burst_and_two_lost_connections_lose_and_repeat_nothing(kind: str) -> None:
    _, client, rows = await in_thread(_running, kind)
    seen: list[int] = []
    reached = 0
    for enough in (50, 150, 250):
        writing = asyncio.create_task(in_thread(_burst, rows, 100))
        async with live_socket(_address(rows, reached), client) as socket:
            await live.notify_run(rows.run.pk)
            await socket.until(partial(_has_reached, enough))
        await writing
        seen, reached = seen + socket.seen, socket.seq
    async with live_socket(_address(rows, reached), client) as socket:
        await socket.until(lambda s: s.seq == 302)
    stored = await in_thread(lambda: list(Event.objects.filter(run=rows.run).values_list("seq", flat=True)))
    assert seen + socket.seen == stored == list(range(1, 303))


async def test_a_group_has_members_while_somebody_is_subscribed_to_it() -> None:
    group = live.run_group("of-a-run")
    assert not live.has_members(group)
    await live.join_group(group, "somebody")
    assert live.has_members(group)
    await live.leave_group(group, "somebody")
    assert not live.has_members(group)


async def test_each_batch_says_which_numbers_it_holds(kind: str) -> None:
    _, client, rows = await in_thread(_running, kind)
    await in_thread(_burst, rows, 3)
    async with live_socket(_address(rows, 1), client) as socket:
        html = await socket.until(lambda s: s.seq == 5)
    assert 'data-seq="5" data-first="2"' in html


async def test_text_grows_and_the_answer_takes_its_place(kind: str) -> None:
    _, client, rows = await in_thread(_running, kind)
    call = await in_thread(rows.ask, "sim-swift", "17% of")
    async with live_socket(_address(rows), client) as socket:
        await socket.until(lambda s: ">17% of</div>" in s.html)
        await live.send_text(rows.run.pk, call=str(call.pk), offset=6, text=" 2,300")
        await socket.until(
            lambda s: f'<div id="text-{call.pk}" hx-swap-oob="beforeend"> 2,300</div>' in s.html
        )
        await in_thread(rows.answer, call, "17% of 2,300 is **391**.")
        await live.notify_run(rows.run.pk)
        html = await socket.until(lambda s: "<strong>391</strong>" in s.html)
    assert f"text-{call.pk}" not in html


async def test_a_lost_piece_of_text_is_read_from_the_table(kind: str) -> None:
    _, client, rows = await in_thread(_running, kind)
    call = await in_thread(rows.ask, "sim-swift", "Hello ")
    async with live_socket(_address(rows), client) as socket:
        await socket.until(lambda s: ">Hello </div>" in s.html)
        await in_thread(rows.save_text, call, "Hello dear ")
        await live.send_text(rows.run.pk, call=str(call.pk), offset=11, text="world")
        await socket.until(lambda s: "world" in s.html)


async def test_viewers_are_sent_no_buttons(kind: str) -> None:
    member, client, rows = await in_thread(_running, kind, Role.VIEWER)
    async with live_socket(_address(rows), client) as socket:
        await socket.until(lambda s: s.seq == 2)
    assert member.role == Role.VIEWER
    assert 'id="run-actions"' in socket.html
    assert "<button" not in socket.html


async def test_anonymous_visitors_are_told_to_sign_in(kind: str) -> None:
    _, _, rows = await in_thread(_running, kind)
    async with live_socket(_address(rows)) as socket:
        assert await socket.close_code() == 4401


async def test_strangers_learn_no_more_than_that_there_is_nothing(kind: str) -> None:
    _, _, rows = await in_thread(_running, kind)
    stranger = await in_thread(lambda: signed_in(a_member()))
    async with live_socket(_address(rows), stranger) as socket:
        assert await socket.close_code() == 4404
    async with live_socket("/ws/runs/00000000-0000-0000-0000-000000000000/", stranger) as socket:
        assert await socket.close_code() == 4404


async def test_who_leaves_the_team_is_cut_off_at_the_next_look(kind: str) -> None:
    member, client, rows = await in_thread(_running, kind)
    async with live_socket(_address(rows), client) as socket:
        await socket.until(lambda s: s.seq == 2)
        await in_thread(member.delete)
        await in_thread(_burst, rows, 1)
        await live.notify_run(rows.run.pk)
        assert await socket.close_code() == 4403
    assert socket.seen == [1, 2]


def _password_changed(member: Membership, _client: Client) -> None:
    member.user.set_password("another-good-one")
    member.user.save()


def _session_expired(_member: Membership, client: Client) -> None:
    expired = Session.objects.filter(pk=client.session.session_key).update(expire_date=timezone.now())
    assert expired == 1


def _demoted(member: Membership, _client: Client) -> None:
    Membership.objects.filter(pk=member.pk).update(role=Role.VIEWER)


def _deactivated(member: Membership, _client: Client) -> None:
    User.objects.filter(pk=member.user_id).update(is_active=False)


ENDINGS: dict[str, tuple[Callable[[Membership, Client], object], int]] = {
    "signed out": (lambda _member, client: client.logout(), 4503),
    "password changed": (_password_changed, 4503),
    "expired": (_session_expired, 4503),
    "demoted": (_demoted, 4409),
    "removed": (lambda member, _client: member.delete(), 4403),
    "deactivated": (_deactivated, 4403),
}


@pytest.mark.parametrize("page", ["run", "team"])
async def test_an_idle_socket_ends_with_its_session_and_its_role(page: str, kind: str) -> None:
    """Six people wait at the same time: each of them for up to two seconds."""

    async def code_after(ending: str, member: Membership, client: Client, rows: RunRows) -> int:
        address = _address(rows) if page == "run" else f"/ws/team/{member.team_id}/"
        async with live_socket(address, client) as socket:
            await socket.next()
            await in_thread(ENDINGS[ending][0], member, client)
            async with asyncio.timeout(5):
                return await socket.close_code()

    people = {ending: await in_thread(_running, kind) for ending in ENDINGS}
    codes = await asyncio.gather(*(code_after(ending, *person) for ending, person in people.items()))
    assert dict(zip(people, codes, strict=True)) == {ending: code for ending, (_, code) in ENDINGS.items()}


@pytest.mark.parametrize("after", ["-1", "x", "1e3", "99999999999", "%00"])
async def test_a_number_that_is_none_is_refused(after: str, kind: str) -> None:
    _, client, rows = await in_thread(_running, kind)
    async with live_socket(_address(rows, after), client) as socket:
        assert await socket.close_code() == 4400


async def test_of_a_socket_that_is_cut_off_nothing_stays_behind(kind: str) -> None:
    _, client, rows = await in_thread(_running, kind)
    communicator = communicator_for(_address(rows), client)
    await communicator.connect()
    await communicator.receive_from()
    assert live.frame_interval(rows.run.pk, 300) > live.frame_interval(rows.run.pk, 0)
    communicator.future.cancel()
    await asyncio.wait([communicator.future])
    assert live.frame_interval(rows.run.pk, 300) == live.frame_interval(rows.run.pk, 0)
    assert not [task for task in asyncio.all_tasks() if "LiveConsumer._watch" in str(task)]


async def test_another_site_cannot_open_the_socket(kind: str) -> None:
    _, client, rows = await in_thread(_running, kind)
    connected, _ = await communicator_for(_address(rows), client, origin="https://evil.example").connect()
    assert not connected


async def test_an_address_without_a_socket_is_refused() -> None:
    connected, _ = await communicator_for("/ws/nowhere/").connect()
    assert not connected


async def test_a_run_that_nobody_picks_up_is_noticed_without_an_event(kind: str) -> None:
    member = await in_thread(a_member)
    rows = await in_thread(lambda: RunRows.queued(member, age_s=60, kind=kind))
    async with live_socket(_address(rows, 1), await in_thread(signed_in, member)) as socket:
        await socket.until(lambda s: "No worker has picked this run up." in s.html)


class TestTopBar:
    async def test_the_running_count_follows_the_teams_runs(self, kind: str) -> None:
        member, client, rows = await in_thread(_running, kind)
        async with live_socket(f"/ws/team/{member.team_id}/", client) as socket:
            assert "<strong" in await socket.next()
            await in_thread(rows.succeed, "391")
            await live.notify_team(member.team_id)
            assert "<strong" not in await socket.next()

    async def test_a_run_that_waits_for_a_person_does_not_count_as_running(self, kind: str) -> None:
        member, client, rows = await in_thread(_running, kind)
        async with live_socket(f"/ws/team/{member.team_id}/", client) as socket:
            assert "running</span>" in await socket.next()
            await in_thread(Run.objects.filter(pk=rows.run.pk).update, status=RunStatus.WAITING)
            await live.notify_team(member.team_id)
            html = await socket.next()
            assert "running</span>" not in html
            assert "spins" not in html

    async def test_other_teams_are_not_there(self, kind: str) -> None:
        _, client, _ = await in_thread(_running, kind)
        other = await in_thread(a_member)
        async with live_socket(f"/ws/team/{other.team_id}/", client) as socket:
            assert await socket.close_code() == 4404
