"""Sending a message to a run from its page."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from orchestra_site.accounts.models import Membership, Role
from orchestration.llm.engine.types import Json
from orchestration.runs.engine.types import EventKind, RunEvent
from orchestration.runs.models import Run, RunStatus, Timer
from orchestration.runs.parts.updates import UpdateKey, render_update
from orchestration.runs.services.commands import cancel_run, send_message
from orchestration.runs.services.events import emit_events
from tests.support.history import a_member, a_run, signed_in
from tests.support.second_kind import NAME, second_kind

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true", "HX-Target": "run-message"}
FIELD = 'id="message-text"'


@pytest.fixture(autouse=True)
def _kind() -> Iterator[None]:
    with second_kind():
        yield


def listening(member: Membership, status: RunStatus = RunStatus.RUNNING) -> Run:
    """Return a run that takes messages."""
    request = {"text": "?", "writers": [], "checkers": [], "remark_s": 600}
    return a_run(member, "?", kind=NAME, status=status, request=request)


def sent(run: Run) -> list[object]:
    return list(run.commands.filter(kind="message").values_list("payload", flat=True))


def as_sent(_run: Run, payload: Json) -> Json:
    return payload


def page(browser: Client, run: Run) -> str:
    return browser.get(f"/runs/{run.pk}/").content.decode()


def test_a_message_is_stored_for_the_run_and_the_page_follows(browser: Client, member: Membership) -> None:
    run = listening(member)
    assert FIELD in page(browser, run)
    answer = browser.post(f"/runs/{run.pk}/message", {"text": " Shorter, please. "}, follow=True)
    assert answer.redirect_chain == [(f"/runs/{run.pk}/", 302)]
    assert "<bdi>Ada</bdi> sent a message." in answer.content.decode()
    assert sent(run) == [{"text": "Shorter, please."}]


def test_htmx_gets_the_empty_field_alone(browser: Client, member: Membership) -> None:
    run = listening(member)
    answer = browser.post(f"/runs/{run.pk}/message", {"text": "Shorter."}, headers=HTMX)
    html = answer.content.decode()
    assert (answer.status_code, html.count("<div id=")) == (200, 1)
    assert FIELD in html
    assert "Shorter." not in html


def test_a_run_that_waits_is_queued_by_a_message(browser: Client, member: Membership) -> None:
    run = listening(member, status=RunStatus.WAITING)
    Timer.objects.create(run=run, step="remark", for_message=True)
    browser.post(f"/runs/{run.pk}/message", {"text": "Shorter."})
    run.refresh_from_db()
    assert run.status == RunStatus.QUEUED


@pytest.mark.parametrize(
    ("parked", "words"),
    [
        ({"paused": True, "for_people": True}, "This run is paused."),
        ({"paused": False, "for_people": True}, "This run waits for a message."),
        ({"paused": False, "for_people": False}, "This run waits for a set time."),
    ],
)
def test_a_run_that_waits_says_for_what(
    browser: Client, member: Membership, parked: dict[str, bool], words: str
) -> None:
    run = listening(member, status=RunStatus.WAITING)
    for data in ({"paused": not parked["paused"], "for_people": True}, parked):
        emit_events(run, [RunEvent(kind=EventKind.RUN_WAITED, data=data)])
    update = render_update(UpdateKey(run.pk, 1, may_run=True))
    assert update is not None
    for html in (page(browser, run), "".join(update.pieces)):
        assert re.findall(r"This run (?:waits|is paused)[^<]*", html) == [words]


@pytest.mark.parametrize(("headers", "most"), [({}, 11), (HTMX, 17)], ids=["page", "part"])
def test_sending_a_message_costs_a_bounded_number_of_queries(
    browser: Client,
    member: Membership,
    headers: dict[str, str],
    most: int,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    run = listening(member)
    for number in range(30):
        send_message(membership=member, run=run, payload={"text": f"Remark {number}"}, check=as_sent)
    with django_assert_max_num_queries(most):
        browser.post(f"/runs/{run.pk}/message", {"text": "Shorter."}, headers=headers)


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "part"])
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Write a message."),
        ("  \n", "Write a message."),
        ("x" * 20_001, "A message has at most 20,000 characters."),
        ("a badword", "Say it politely."),
        ("\N{GRINNING FACE}" * 16_001, "at most 64,000 can be sent"),
        ("a \x00", "Null characters are not allowed."),
    ],
)
def test_a_message_that_is_refused_stays_in_its_field_with_words(
    browser: Client, member: Membership, text: str, words: str, headers: dict[str, str]
) -> None:
    run = listening(member)
    answer = browser.post(f"/runs/{run.pk}/message", {"text": text}, headers=headers)
    html = answer.content.decode()
    assert (answer.status_code, sent(run)) == (422, [])
    assert words in html
    assert f"{text}</textarea>" in html
    assert ("ws-connect" in html) is not bool(headers)


@pytest.mark.parametrize("kind", ["strategy", NAME, "gone"])
def test_a_run_that_takes_no_messages_has_no_field_and_refuses_them(
    browser: Client, member: Membership, kind: str
) -> None:
    run = a_run(member, "?", status=RunStatus.RUNNING, kind=kind)
    assert FIELD not in page(browser, run)
    answer = browser.post(f"/runs/{run.pk}/message", {"text": "Hello."})
    assert (answer.status_code, sent(run)) == (422, [])
    words = {"strategy": "takes no messages", NAME: "takes no remarks", "gone": "no run kind"}
    assert words[kind] in answer.content.decode()


def test_the_field_goes_when_the_run_ends_and_a_late_message_is_refused(
    browser: Client, member: Membership
) -> None:
    run = listening(member, status=RunStatus.QUEUED)
    cancel_run(membership=member, run=run)
    batch = render_update(UpdateKey(run.pk, 0, may_run=True))
    assert batch is not None
    assert 'id="run-message" hx-swap-oob' in "".join(batch.pieces)
    assert FIELD not in "".join(batch.pieces) + page(browser, run)
    answer = browser.post(f"/runs/{run.pk}/message", {"text": "Too late."}, headers=HTMX)
    assert answer.status_code == 422
    assert "This run is over already" in answer.content.decode()


def test_the_field_is_not_drawn_anew_while_somebody_may_write_in_it(
    browser: Client, member: Membership
) -> None:
    run = listening(member)
    browser.post(f"/runs/{run.pk}/message", {"text": "Shorter."})
    batch = render_update(UpdateKey(run.pk, 0, may_run=True))
    assert batch is not None
    assert "sent a message" in "".join(batch.pieces)
    assert "run-message" not in "".join(batch.pieces)


def test_a_teammate_may_send_a_message_and_a_viewer_may_not(member: Membership) -> None:
    run = listening(member)
    teammate, viewer = (signed_in(a_member(role, member.team)) for role in (Role.OPERATOR, Role.VIEWER))
    assert teammate.post(f"/runs/{run.pk}/message", {"text": "Shorter."}).status_code == 302
    assert FIELD not in page(viewer, run)
    assert viewer.post(f"/runs/{run.pk}/message", {"text": "Longer."}).status_code == 403
    assert sent(run) == [{"text": "Shorter."}]


def test_strangers_find_nothing_and_who_is_not_signed_in_is_asked_to(member: Membership) -> None:
    address = f"/runs/{listening(member).pk}/message"
    assert signed_in(a_member()).post(address, {"text": "Hello."}).status_code == 404
    assert "sign-in" in Client().post(address, {"text": "Hello."}).headers["Location"]
    assert signed_in(member).get(address).status_code == 405
