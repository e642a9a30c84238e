"""The room of a session: what each member is shown, what they can do there, what is drawn as it changes."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from orchestra_site.accounts.models import Membership, Role
from orchestration.runs.engine.types import EventKind, RunEvent
from orchestration.runs.models import HumanQuestion, RunStatus
from orchestration.runs.services.events import emit_events
from tests.support.history import a_member, signed_in
from tests.support.rooms import QUIET, line_up
from tests.support.stored_rooms import StoredRoom, commands, drawn

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
TOTALS = {"cost_usd": "0", "calls": 0}
SPEAKS = {"say", "ask", "redirect"}
STEERS = {"pause", "end", "leave"}


@pytest.fixture
def ana() -> Membership:
    return a_member(Role.OPERATOR, name="Ana")


@pytest.fixture
def bob(ana: Membership) -> Membership:
    return a_member(Role.OPERATOR, ana.team, "Bob")


@pytest.fixture
def viewer(ana: Membership) -> Membership:
    return a_member(Role.VIEWER, ana.team, "Vera")


@pytest.fixture
def room(ana: Membership) -> StoredRoom:
    """A session at work, in which nobody of the team takes part."""
    room = StoredRoom(ana, line_up(negotiation=QUIET))
    room.play("executing")
    return room


def test_who_does_not_take_part_may_join_or_watch(room: StoredRoom, ana: Membership) -> None:
    html = room.page(ana)
    assert commands(html) == {"join"}
    assert "You do not take part yet." in html
    assert "Watch as an observer" in html


@pytest.mark.parametrize(
    ("role", "more"),
    [
        ("leader", {"add", "change", "drop", "reassign"}),
        ("specialist", {"add", "change", "drop", "reassign", "take"}),
        ("reviewer", {"add", "change", "drop", "reassign"}),
    ],
)
def test_a_member_is_offered_what_the_role_can_do(
    room: StoredRoom, ana: Membership, role: str, more: set[str]
) -> None:
    room.join(ana, role)
    html = room.page(ana)
    assert commands(html) == SPEAKS | STEERS | more
    assert "(you)" in html


def test_an_observer_sees_everything_and_may_only_leave(room: StoredRoom, ana: Membership) -> None:
    room.join(ana, "observer")
    html = room.page(ana)
    assert commands(html) == {"leave"}
    assert "You watch as an observer" in html
    assert "Trade of Genoa" in html


def test_a_viewer_looks_and_a_stranger_finds_nothing(room: StoredRoom, viewer: Membership) -> None:
    html = room.page(viewer)
    assert commands(html) == set()
    assert "Viewers look on." in html
    assert "Trade of Genoa" in html
    address = f"/runs/{room.run.pk}/message"
    assert signed_in(viewer).post(address, {"do": "join", "role": "leader"}).status_code == 403
    assert signed_in(a_member()).post(address, {"do": "pause"}).status_code == 404
    assert "sign-in" in Client().post(address, {"do": "pause"}).headers["Location"]


def test_a_refusal_is_shown_where_it_was_asked_for_to_whoever_asked(
    room: StoredRoom, ana: Membership, bob: Membership, viewer: Membership
) -> None:
    room.join(ana, "reviewer")
    room.join(bob, "leader")
    room.act_as(ana, "propose", text="Let us sail there.")
    html = room.page(ana)
    assert "Nothing is being negotiated now." in html.partition('id="refusal-session-composer"')[2][:600]
    assert "Let us sail there." in html
    assert all("Nothing is being negotiated" not in room.page(each) for each in (bob, viewer))


def test_a_refusal_goes_with_the_next_thing_that_is_done(room: StoredRoom, ana: Membership) -> None:
    room.act_as(ana, "say", text="Hello.")
    assert "Join the session first." in room.page(ana)
    before = room.seq
    room.join(ana, "leader")
    assert 'role="alert"' in room.html(before, ana).partition('id="refusal-session-composer"')[2][:200]
    assert "Join the session first." not in room.html(before, ana)


def test_a_refusal_reaches_the_open_page_of_whoever_asked_alone(
    room: StoredRoom, ana: Membership, bob: Membership
) -> None:
    before = room.seq
    room.act_as(ana, "take", subtask="s1")
    assert room.html(before, ana).count("Join the session first.") == 2
    assert "Join the session first." not in room.html(before, bob) + room.html(before)


def test_a_change_of_a_subtask_draws_it_alone_and_adds_what_was_said(
    room: StoredRoom, ana: Membership
) -> None:
    before = room.seq
    room.answer({"text": "Silk and salt."}, "work")
    html = room.html(before, ana)
    assert drawn(html) == {"bar", "people", "debate", "outcome"}
    assert 'id="board-s1" class="subtask" hx-swap-oob="true"' in html
    assert 'id="down-s1"' in html
    assert html.count('id="session-messages" hx-swap-oob="beforeend"') == 1
    assert "Silk and salt." in html
    assert "board-s3" not in html


def test_another_plan_draws_the_whole_board(room: StoredRoom, ana: Membership) -> None:
    room.join(ana, "leader")
    before = room.seq
    room.act_as(ana, "add", title="Ferries")
    html = room.html(before, ana)
    assert "board" in drawn(html)
    assert 'id="board-s4" class="subtask">' in html


def test_who_joins_is_given_a_composer_and_fields_keep_what_is_written(
    room: StoredRoom, ana: Membership, bob: Membership
) -> None:
    room.join(bob, "leader")
    before = room.seq
    room.join(ana, "reviewer")
    for member in (ana, bob):
        html = room.html(before, member)
        assert {"composer", "people", "board"} <= drawn(html)
        assert 'placeholder="Say something to the session" hx-preserve="true"' in html


def test_no_message_is_missing_or_there_twice(room: StoredRoom, ana: Membership) -> None:
    before, html = room.seq, room.page(ana)
    room.play()
    added = room.html(before, ana)
    numbers = [each.number for each in room.state.log]
    assert [number for number in numbers if f'id="message-{number}"' in html + added] == numbers
    assert not [number for number in numbers if (html + added).count(f'id="message-{number}"') > 1]


def test_a_long_conversation_is_cut_until_all_of_it_is_asked_for(room: StoredRoom, ana: Membership) -> None:
    room.join(ana, "leader")
    for number in range(210):
        room.act_as(ana, "say", text=f"Word {number}.")
    html, whole = room.page(ana), room.page(ana, "?talk=all")
    assert html.count(" data-message>") == 200
    assert "earlier messages are not shown." in html
    assert whole.count(" data-message>") == len(room.state.log)
    assert "earlier messages" not in whole


def test_pages_and_updates_cost_the_same_queries_however_much_was_said(
    room: StoredRoom, ana: Membership, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    room.join(ana, "leader")
    for number in range(40):
        room.act_as(ana, "say", text=f"Word {number}.")
    browser, before = signed_in(ana), room.seq
    with django_assert_max_num_queries(20):
        room.browse(browser)
    room.act_as(ana, "say", text="One more.")
    with django_assert_max_num_queries(10):
        html = room.html(before, ana)
    assert html.count(" data-message>") == 1


@pytest.mark.parametrize(
    ("posted", "left_out"),
    [
        ({"do": "say", "text": "Hello.", "to": ["lead"]}, {}),
        ({"do": "ask", "text": "Why?"}, {"to": ""}),
        ({"do": "stance", "proposal": "P1", "stance": "oppose"}, {"reason": " ", "option": "P1"}),
        ({"do": "drop", "subtask": "s1"}, {"title": "Left over", "place": "s1"}),
        ({"do": "add", "title": "Sail", "needs": ["s1", "s2"]}, {"assignee": "", "instructions": ""}),
    ],
)
def test_what_a_form_sends_is_what_the_session_receives(
    room: StoredRoom, ana: Membership, posted: dict[str, object], left_out: dict[str, object]
) -> None:
    answer = signed_in(ana).post(f"/runs/{room.run.pk}/message", posted | left_out)
    assert answer.status_code == 302
    assert list(room.run.commands.values_list("payload", flat=True)) == [posted]


def test_the_last_of_several_commands_counts_and_text_alone_is_said(
    room: StoredRoom, ana: Membership
) -> None:
    for posted in ({"do": ["say", "ask"], "text": " Why? "}, {"text": "Hello."}):
        signed_in(ana).post(f"/runs/{room.run.pk}/message", posted)
    sent = list(room.run.commands.order_by("id").values_list("payload", flat=True))
    assert sent == [{"do": "ask", "text": "Why?"}, {"do": "say", "text": "Hello."}]


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "part"])
def test_what_cannot_be_read_is_said_at_its_place_and_stays_there(
    room: StoredRoom, ana: Membership, headers: dict[str, str]
) -> None:
    room.join(ana, "leader")
    posted = {"do": "add", "title": "", "instructions": "Look for ferries.", "place": "add"}
    answer = signed_in(ana).post(f"/runs/{room.run.pk}/message", posted, headers=headers)
    html = answer.content.decode()
    assert (answer.status_code, room.run.commands.count()) == (422, 0)
    assert "“title”" in html.partition('id="said-add"')[2][:400]
    assert ("Look for ferries.</textarea>" in html) is not bool(headers)
    assert ("<html" in html) is not bool(headers)


def test_htmx_is_told_that_a_command_was_sent(room: StoredRoom, ana: Membership) -> None:
    posted = {"do": "pause", "place": '"><b>'}
    answer = signed_in(ana).post(f"/runs/{room.run.pk}/message", posted, headers=HTMX)
    assert (answer.status_code, "Sent" in answer.content.decode()) == (200, True)
    assert "<b>" not in answer.content.decode()


def test_a_session_is_paused_in_its_room_and_not_besides(room: StoredRoom, ana: Membership) -> None:
    room.join(ana, "leader")
    assert "pause-form" not in room.page(ana).partition('id="run-menu"')[0].partition('id="run-actions"')[2]
    answer = signed_in(ana).post(f"/runs/{room.run.pk}/pause", headers=HTMX)
    assert (answer.status_code, "paused on its page" in answer.content.decode()) == (409, True)
    room.act_as(ana, "pause")
    assert {"resume", "end"} < commands(room.page(ana))
    assert "pause" not in commands(room.page(ana))


def test_a_question_stands_on_top_for_whoever_is_asked(
    room: StoredRoom, ana: Membership, bob: Membership, viewer: Membership
) -> None:
    for text in ("Review this work.", "And this."):
        audience = {"users": [str(ana.user_id)], "roles": []}
        HumanQuestion.objects.create(run=room.run, step=f"action/{text}", text=text, audience=audience)
    mine, others = room.page(ana), room.page(bob)
    assert ("This needs you." in mine, mine.count('class="question-form"')) == (True, 2)
    assert "This needs you." not in others + room.page(viewer)
    assert ("Only Ana can answer." in others, "question-form" in others) == (True, False)


def test_phases_say_how_far_a_session_has_come_and_how_it_ended(room: StoredRoom, ana: Membership) -> None:
    bar = room.page(ana).partition('class="room-phases"')[2].partition("</ol>")[0]
    assert bar.partition("aria-current")[2].count("Executing") == 1
    assert "state-cancelled" in bar.partition("Negotiating")[0]
    end = {"status": RunStatus.CANCELLED, "finished_at": room.run.created_at}
    emit_events(room.run, [RunEvent(kind=EventKind.RUN_CANCELLED, data=TOTALS)], **end)
    bar = room.page(ana).partition('class="room-phases"')[2].partition("</ol>")[0]
    assert ("Cancelled" in bar, "aria-current" in bar) == (True, False)


def test_an_ended_session_shows_its_result_and_offers_nothing(ana: Membership) -> None:
    room = StoredRoom(ana)
    room.join(ana, "reviewer")
    room.play("reviewing").answer_next()
    assert {"approve", "send_back"} <= commands(room.page(ana))
    before = room.seq
    room.play()
    end = {"status": RunStatus.SUCCEEDED, "answer": room.state.result, "finished_at": room.run.created_at}
    emit_events(room.run, [RunEvent(kind=EventKind.RUN_SUCCEEDED, data=TOTALS)], **end)
    html = room.page(ana)
    assert commands(html) == set()
    for words in ("Contributions", "The session is over.", "of the result", "round 1: 100", "Chosen"):
        assert words in html
    assert drawn(room.html(before, ana)) >= {"composer", "outcome", "decisions", "board", "debate"}


def test_a_wrong_verb_is_refused(room: StoredRoom, ana: Membership) -> None:
    assert signed_in(ana).get(f"/runs/{room.run.pk}/message").status_code == 405


def test_a_plan_may_name_somebody_whom_nobody_knows(ana: Membership) -> None:
    plan = {"subtasks": [{"title": "Trade of Genoa", "assignee": "the moon"}, {"title": "Comparison"}]}
    room = StoredRoom(ana, replies={"plan": plan}).play("negotiating")
    board = room.page(ana).partition('id="session-board"')[2]
    assert board.count("nobody yet") == 2
