"""Every address of the site as everyone who could come by: who gets in, and to what.

The addresses come from Django's resolver and from the routing table of the running server; one that ROWS (in
`tests/support/walk_rows.py`) or SOCKETS does not know fails `test_every_address_is_known`.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from tests.support.walk import (
    MEMBERS,
    SECRET,
    Outcome,
    Row,
    Visitor,
    World,
    addresses,
    application,
    socket_routes,
    text_of,
)
from tests.support.walk_rows import ROWS

pytestmark = pytest.mark.django_db

SOCKETS: dict[str, Callable[[World], str]] = {
    "run-socket": lambda world: f"/ws/runs/{world.run.pk}/",
    "team-socket": lambda world: f"/ws/team/{world.team.pk}/",
    "no-socket": lambda _: "/ws/nowhere/",
}
VERBS = ("GET", "POST", "PUT", "DELETE")


def test_every_address_is_known() -> None:
    assert addresses() == {row.view for row in ROWS}
    assert set(socket_routes()) == set(SOCKETS)


def test_an_address_without_a_row_would_be_noticed() -> None:
    assert {"accounts:team", "accounts:sign-in", "runs:runs"} <= addresses()
    assert "run-socket" in socket_routes()


def test_everyone_gets_what_their_role_allows() -> None:
    world, wrong = World(), {}
    for row, visitor in product(ROWS, Visitor):
        with transaction.atomic():
            answer = row.visit(world, visitor)
            transaction.set_rollback(True)
        if not is_right(row, visitor, answer):
            wrong[row.label, visitor] = (row.outcome(visitor), answer.status_code, text_of(answer)[:500])
    assert wrong == {}


def is_right(row: Row, visitor: Visitor, answer: HttpResponse) -> bool:
    """Return whether the visitor got what the row says, and nothing of the team that is not theirs."""
    match row.outcome(visitor):
        case Outcome.ALLOWED:
            return (answer.status_code, row.marker in text_of(answer)) == (row.status, True)
        case Outcome.OWN_TEAM_ONLY:
            return (answer.status_code, SECRET in text_of(answer)) == (row.status, False)
        case Outcome.SIGN_IN:
            to_sign_in = answer.headers.get("Location", "").startswith(reverse("accounts:sign-in") + "?next=")
            return answer.status_code == 302 and to_sign_in
        case Outcome.ALREADY_IN:
            return (answer.status_code, answer.headers.get("Location")) == (302, "/")
        case Outcome.REFUSED:
            return (answer.status_code, "your role" in text_of(answer).lower()) == (403, True)
        case Outcome.NOT_FOUND:
            return (answer.status_code, SECRET in text_of(answer)) == (404, False)


def test_a_wrong_verb_is_refused() -> None:
    world = World()
    browser = world.browser_of(Visitor.OWNER)
    answered = {(row.view, row.method) for row in ROWS}
    addresses = {row.view: row.address(world) for row in ROWS}
    given = {
        (view, verb): browser.generic(verb, address).status_code
        for (view, address), verb in product(addresses.items(), VERBS)
        if (view, verb) not in answered
    }
    assert given == dict.fromkeys(given, 405)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("route", sorted(SOCKETS))
async def test_a_socket_lets_members_in_and_nobody_else(route: str) -> None:
    world = await sync_to_async(World)()
    let_in = set()
    for visitor in Visitor:
        browser = await sync_to_async(world.browser_of)(visitor)
        if await stays_open(SOCKETS[route](world), browser):
            let_in.add(visitor)
    assert let_in == (set() if route == "no-socket" else MEMBERS)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("route", sorted(SOCKETS))
async def test_a_socket_refuses_a_page_from_elsewhere(route: str) -> None:
    world = await sync_to_async(World)()
    browser = await sync_to_async(world.browser_of)(Visitor.OWNER)
    assert not await stays_open(SOCKETS[route](world), browser, "http://elsewhere.example")


async def stays_open(path: str, browser: Client, origin: str = "http://localhost") -> bool:
    """Return whether a socket is accepted and not closed by the first thing it says."""
    cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in browser.cookies.items())
    headers = [(b"origin", origin.encode()), (b"cookie", cookie.encode()), (b"host", b"localhost")]
    socket = WebsocketCommunicator(application(), path, headers=headers)
    accepted, _ = await socket.connect()
    if not accepted:
        return False
    first = await socket.receive_output(timeout=5)
    await socket.disconnect()
    return bool(first["type"] == "websocket.send")
