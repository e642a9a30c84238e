"""A real socket client against a real server: every event once, in order, whatever breaks off."""

from __future__ import annotations

import re
from uuid import UUID, uuid4

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from orchestra_site.web.sockets import SOCKET_MESSAGE_BYTES
from tests.support.engines import until
from tests.support.follower import page_socket
from tests.support.installation import Installation
from tests.support.manage import BURST

pytestmark = pytest.mark.e2e

EVENT = re.compile(r'<li id="event-(\d+)"')


def listen(socket: ClientConnection, seen: list[int], *, until_seen: int) -> None:
    """Collect event numbers until there are that many, or the socket falls silent."""
    try:
        while len(seen) < until_seen:
            message = socket.recv(timeout=10)
            seen += [int(number) for number in EVENT.findall(str(message))]
    except (TimeoutError, ConnectionClosed):
        return


def code_of(socket: ClientConnection) -> int | None:
    """Listen until the server closes the socket and return its code."""
    try:
        while True:
            socket.recv(timeout=10)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else None


def test_a_socket_is_closed_with_the_code_that_says_why(installation: Installation) -> None:
    installation.up()
    member = installation.member()
    with page_socket(member, str(uuid4()), after=0) as stranger:
        assert code_of(stranger) == 4404
    with page_socket(member, member.ask("What is 17 * 23?", ["sim-swift"]), after=0) as talkative:
        talkative.send("x" * (SOCKET_MESSAGE_BYTES + 1))
        assert code_of(talkative) == 4413


def test_a_burst_and_two_disconnects_lose_nothing_and_repeat_nothing(installation: Installation) -> None:
    installation.program = ["-m", "tests.support.manage"]
    installation.up()
    member = installation.member()
    run = member.ask("?", [], "burst/burst", options_of="burst/burst")
    started = "select count(*) from runs_event where run_id = ? and kind = 'run_started'"
    until(lambda: installation.rows(started, [UUID(run).hex])[0][0], 40)
    seen: list[int] = []
    for enough in (2, BURST // 2, BURST + 2):
        with page_socket(member, run, after=max(seen, default=0)) as socket:
            listen(socket, seen, until_seen=enough)
    stored = installation.rows("select seq from runs_event where run_id = ? order by seq", [UUID(run).hex])
    assert len(stored) >= BURST
    assert seen == [number for (number,) in stored]
