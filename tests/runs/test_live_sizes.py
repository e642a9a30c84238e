"""No message of a socket is larger than a frame may be, and long answers are shown in part."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from orchestra_site.accounts.models import Membership
from orchestra_site.web.templatetags.excerpts import SHOWN_BYTES, excerpt, is_longer, prose
from orchestra_site.web.threads import in_thread
from orchestration.runs import live
from orchestration.runs.engine.types import EventKind
from orchestration.runs.parts.frames import LARGEST_FRAME, LARGEST_PIECE, fitting, messages
from orchestration.runs.parts.updates import UpdateKey, render_update
from tests.support.history import a_member, signed_in
from tests.support.run_rows import RunRows
from tests.support.sockets import live_socket

LONG = "'<&\N{SNOWMAN} " * 100_000


def _running(kind: str, models: int = 6) -> tuple[Membership, RunRows]:
    member = a_member()
    rows = RunRows.queued(member, *(f"sim-{number}" for number in range(models)), kind=kind)
    rows.start()
    return member, rows


def _long_answers(rows: RunRows) -> None:
    for number in range(6):
        rows.answer(rows.ask(f"sim-{number}", LONG), LONG)


@pytest.mark.django_db
@pytest.mark.parametrize("viewer", [True, False])
def test_a_batch_of_long_answers_is_split_by_section_and_lane(kind: str, *, viewer: bool) -> None:
    _, rows = _running(kind)
    _long_answers(rows)
    rows.ask("sim-0", LONG)
    rows.succeed(LONG)
    update = render_update(UpdateKey(rows.run.pk, 0, may_run=not viewer))
    assert update is not None
    sizes = [len(message.encode()) for message in messages(update.pieces)]
    assert len(sizes) > 1 or kind == "second"
    assert max(sizes) < LARGEST_FRAME


@pytest.mark.django_db(transaction=True)
async def test_a_long_story_comes_in_messages_that_each_say_how_far_they_reach() -> None:
    member, rows = await in_thread(_running, "strategy", 2)
    words = "x" * 3000

    def burst() -> None:
        for _ in range(400):
            rows.emit(EventKind.CALL_FAILED, "ask/sim-0", model="sim-0", code="bad_answer", message=words)

    await in_thread(burst)
    last = rows.run.last_seq
    client = await in_thread(signed_in, member)
    async with live_socket(f"/ws/runs/{rows.run.pk}/?after=0", client) as socket:
        while socket.seq < last:
            before = len(socket.seen)
            html = await socket.next()
            assert len(html.encode()) < LARGEST_FRAME
            if len(socket.seen) > before:
                assert socket.seq == socket.seen[-1]
    assert socket.seen == list(range(1, last + 1))


@pytest.mark.django_db
def test_one_line_of_the_story_that_is_too_large_is_shown_by_its_name(member: Membership) -> None:
    rows = RunRows.queued(member, "sim-0")
    rows.emit(EventKind.CALL_FAILED, "ask/sim-0", model="sim-0", code="bad_answer", message="x" * 2_000_000)
    update = render_update(UpdateKey(rows.run.pk, 0, may_run=True))
    assert update is not None
    assert max(len(piece) for piece in update.pieces) < LARGEST_PIECE
    assert "Call failed" in "".join(update.pieces)


def test_a_piece_that_is_too_large_is_replaced_by_a_way_to_load_it() -> None:
    large = f'<section id="run-odd" hx-swap-oob="true">{"x" * LARGEST_PIECE}</section>'
    assert fitting("<p id='a'>small</p>") == "<p id='a'>small</p>"
    assert fitting(large).startswith('<section id="run-odd" hx-swap-oob="true"><p class="notice">')
    assert "Load the page" in fitting(large)


@pytest.mark.django_db
def test_a_long_answer_is_shown_in_part_with_a_plain_link_to_the_rest(member: Membership, kind: str) -> None:
    rows = RunRows.queued(member, *(f"sim-{number}" for number in range(6)), kind=kind)
    rows.start()
    _long_answers(rows)
    rows.ask("sim-0", LONG)
    rows.succeed(LONG)
    browser: Client = signed_in(member)
    html = browser.get(f"/runs/{rows.run.pk}/").content.decode()
    assert len(html.encode()) < 4_000_000
    address = reverse("runs:run-text", args=[rows.run.pk])
    assert f'href="{address}"' in html
    for call in rows.run.calls.all():
        link = reverse("runs:run-call-text", args=[rows.run.pk, call.pk])
        assert (f'href="{link}"' in html) or kind == "second" or call.model == "sim-0"
        answer = browser.get(link)
        assert (answer.content.decode(), answer["Content-Type"]) == (LONG, "text/plain; charset=utf-8")
    stranger = signed_in(a_member())
    assert stranger.get(address).status_code == 404


@pytest.mark.parametrize("text", ["", "Hello", "x" * SHOWN_BYTES, "'" * 30_000])
def test_texts_up_to_the_limit_are_shown_whole(text: str) -> None:
    assert excerpt(text) == text
    assert not is_longer(text)


@pytest.mark.parametrize("text", ["x" * (SHOWN_BYTES + 1), "'" * 50_000, "\N{SNOWMAN}" * 70_000])
def test_longer_texts_are_cut(text: str) -> None:
    assert text.startswith(excerpt(text))
    assert is_longer(text)


def test_all_that_a_page_shows_of_a_text_is_sent() -> None:
    assert live.LONGEST_SENT == SHOWN_BYTES + 1


def test_markdown_that_grows_too_large_is_shown_as_it_is() -> None:
    assert prose("**yes**") == '<p dir="auto"><strong>yes</strong></p>\n'
    assert prose("x\n\n" * 60_000).startswith("<p>These 180,000 characters are too many")
