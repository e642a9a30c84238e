"""The run page as it is served: what it says in each state, and to whom."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext

from orchestra_site.accounts.models import Membership, Role
from orchestration.runs.engine.types import EventKind
from orchestration.runs.models import CallStatus, Rating, Run, RunStatus, Step
from tests.support.history import a_member, signed_in
from tests.support.reading import read_text
from tests.support.run_rows import RunRows

pytestmark = pytest.mark.django_db


def _page(client: Client, rows: RunRows) -> str:
    answer = client.get(f"/runs/{rows.run.pk}/")
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def running(member: Membership, kind: str) -> RunRows:
    """A running run, of each kind in turn."""
    rows = RunRows.queued(member, "sim-swift", "sim-sage", "sim-oracle", kind=kind)
    rows.start()
    return rows


@pytest.fixture
def asking(member: Membership) -> RunRows:
    """A strategy's running run."""
    rows = RunRows.queued(member, "sim-swift", "sim-sage", "sim-oracle")
    rows.start()
    return rows


def _answered(member: Membership, kind: str = "strategy") -> RunRows:
    rows = RunRows.queued(member, "sim-swift", "sim-sage", kind=kind)
    rows.start()
    for model, text in (("sim-swift", "It is 381."), ("sim-sage", "It is **391**.")):
        rows.answer(rows.ask(model), text)
    rows.score("sim-sage", 0.91)
    rows.choose("sim-sage", {"sim-swift": 0.31, "sim-sage": 0.91})
    rows.succeed("It is **391**.", chosen="ask/sim-sage")
    return rows


def test_a_running_run_joins_its_socket_where_the_page_stands(browser: Client, running: RunRows) -> None:
    html = _page(browser, running)
    assert f'ws-connect="/ws/runs/{running.run.pk}/?after=2"' in html
    assert 'id="live-seq" hidden data-seq="2"' in html


def test_the_path_gives_no_length_to_what_still_runs(browser: Client, running: RunRows) -> None:
    call = running.ask("sim-swift", "Let me think")
    html = _page(browser, running)
    assert "1 step, under way</span>" in html
    assert '<div class="waterfall-time figures">running</div>' in html
    running.answer(call, "391")
    assert ", under way" not in _page(browser, running)


def test_each_model_has_a_lane_that_says_where_it_is(browser: Client, asking: RunRows) -> None:
    asking.ask("sim-swift", "Let me think")
    asking.fail(asking.ask("sim-sage"), "Too many requests.", final=False)
    html = _page(browser, asking)
    assert 'data-model="sim-swift" data-state="writing"' in html
    assert 'data-model="sim-sage" data-state="retrying"' in html
    assert 'data-model="sim-oracle" data-state="pending"' in html
    assert ">Let me think</div>" in html


def test_a_failed_model_says_why_and_each_attempt_is_listed(browser: Client, asking: RunRows) -> None:
    asking.fail(asking.ask("sim-swift"), "Too many requests.", final=False)
    asking.fail(asking.ask("sim-swift", attempt=2), "Refused the key.")
    html = _page(browser, asking)
    assert 'data-model="sim-swift" data-state="failed"' in html
    assert '<p class="lane-note lane-error">Refused the key.</p>' in html
    assert "Too many requests." in html


def test_a_cancelled_model_says_what_that_saved(browser: Client, asking: RunRows) -> None:
    asking.drop(asking.ask("sim-swift", "One"))
    assert "Stopped before it was done: about $0.0015 saved." in _page(browser, asking)


def test_a_lost_call_may_have_been_billed(browser: Client, asking: RunRows) -> None:
    asking.drop(asking.ask("sim-swift"), CallStatus.LOST)
    asking.answer(asking.ask("sim-swift", attempt=2), "391")
    html = _page(browser, asking)
    assert "(may have been billed)" in html
    assert 'data-model="sim-swift" data-state="answered"' in html


def test_a_finished_run_shows_the_answer_and_frames_the_chosen_lane(
    browser: Client, member: Membership
) -> None:
    html = _page(browser, _answered(member))
    assert "It is <strong>391</strong>." in html
    assert 'class="lane lane-chosen" data-model="sim-sage"' in html
    assert "sim-sage has the highest estimated quality." in html
    assert "ws-connect" not in html.split('id="run"')[1].split(">")[0]


def test_a_synthesis_has_a_lane_and_a_score_of_its_own(browser: Client, member: Membership) -> None:
    rows = RunRows.queued(member, "sim-swift", "sim-sage")
    rows.start()
    rows.answer(rows.ask("sim-sage"), "It is 391.")
    rows.score("sim-sage", 0.31)
    rows.answer(rows.ask("sim-sage", purpose="aggregate"), "Together: 391.")
    rows.score("sim-sage", 0.95, step="aggregate/sim-sage")
    rows.succeed("Together: 391.")
    html = _page(browser, rows)
    written, member_lane = html.split('data-model="sim-sage"')[1:]
    assert 'id="lane-2" class="lane lane-chosen"' in html
    assert "Quality 95%" in written
    assert "Quality 31%" in member_lane


def test_an_answer_from_the_cache_says_so_and_is_shown(browser: Client, asking: RunRows) -> None:
    Step.objects.create(
        run=asking.run,
        key="ask/sim-swift",
        kind="ask",
        status="done",
        result={"text": "It is **391**.", "cached": True},
        started_s=0.1,
        seconds=0.0,
    )
    asking.emit(EventKind.ANSWER_REUSED, "ask/sim-swift", model="sim-swift")
    html = _page(browser, asking)
    assert 'data-model="sim-swift" data-state="reused"' in html
    assert "It is <strong>391</strong>." in html


def test_the_path_is_drawn_and_can_be_read_as_a_table(browser: Client, member: Membership, kind: str) -> None:
    html = _page(browser, _answered(member, kind))
    assert html.count('class="wf-bar wf-done"') == 2
    assert html.count('class="wf-bar wf-decision"') == 1
    assert "As a table" in html


def test_every_event_is_told_once_in_order(browser: Client, member: Membership, kind: str) -> None:
    rows = _answered(member, kind)
    html = _page(browser, rows)
    places = [html.index(f'<li id="event-{n}"') for n in range(1, rows.run.last_seq + 1)]
    assert places == sorted(places)


@pytest.mark.parametrize("happened", list(EventKind))
def test_every_kind_of_event_has_a_sentence(happened: EventKind, browser: Client, running: RunRows) -> None:
    numbers = {"seconds": 1.0, "overall": 0.5, "calls": 2, "cost_usd": "0.001", "output_tokens": 7}
    running.emit(happened, "ask/sim-swift", model="sim-swift", kind="select", chosen="x", key="k", **numbers)
    told = _page(browser, running).split('<li id="event-3"')[1].split("</li>")[0]
    when, *words = read_text(f"<li {told}")
    assert when.startswith("+")
    assert words


def test_an_event_of_an_unknown_kind_is_shown_as_plain_data(browser: Client, running: RunRows) -> None:
    data = {"by": "Ada", "parts": 3, "nested": {"x": [1]}, "text": "<b>bold</b>" + "x" * 500}
    running.emit("somebody_joined", "", **data)
    told = _page(browser, running).split('<li id="event-3"')[1].split("</li>")[0]
    assert "Somebody joined: " in told
    for fact in ("by Ada", "parts 3", "text &lt;b&gt;bold"):
        assert fact in told
    assert "nested" not in told


def test_a_run_of_a_kind_that_is_gone_is_shown_plainly(browser: Client, member: Membership) -> None:
    rows = RunRows.queued(member, "sim-swift", kind="strategy")
    Run.objects.filter(pk=rows.run.pk).update(kind="gone", ref="nobody")
    rows.start()
    rows.answer(rows.ask("sim-swift"), "It is 391.")
    rows.succeed("It is 391.")
    html = _page(browser, rows)
    assert "It is 391." in html
    assert "Change…" not in html
    assert "There is no run kind" in browser.post(f"/runs/{rows.run.pk}/rerun", follow=True).content.decode()


def test_a_failed_run_says_what_happened_and_what_to_do(browser: Client, running: RunRows) -> None:
    running.end(RunStatus.FAILED, error="Something broke.", error_code="internal_error")
    html = _page(browser, running)
    assert "This run failed." in html
    assert "Run it again" in html


def test_a_strategys_failure_says_what_to_do_about_it(browser: Client, asking: RunRows) -> None:
    asking.end(RunStatus.FAILED, error="No model could answer.", error_code="all_models_failed")
    assert "Test the models under Models" in _page(browser, asking)


def test_an_answer_is_cleaned_before_it_is_shown(browser: Client, running: RunRows) -> None:
    running.succeed("<script>alert(1)</script> ![x](https://evil.example/x.png) **bold**")
    html = _page(browser, running).split('id="run-answer"')[1]
    assert "<script>alert" not in html
    assert "<img" not in html
    assert "<strong>bold</strong>" in html


def test_a_run_that_nobody_picks_up_says_so(browser: Client, member: Membership, kind: str) -> None:
    waiting = RunRows.queued(member, age_s=60, kind=kind)
    assert "No worker has picked this run up." in _page(browser, waiting)
    RunRows.queued(member, kind=kind).start()
    assert "Every worker is busy." in _page(browser, waiting)
    assert (
        "worker"
        not in _page(browser, RunRows.queued(member, kind=kind))
        .split('id="run-notice"')[1]
        .split("</div>")[0]
    )


def test_a_run_of_many_models_costs_no_more_queries(browser: Client, member: Membership, kind: str) -> None:
    rows = RunRows.queued(member, *(f"model-{n}" for n in range(9)), kind=kind)
    rows.start()
    for number in range(9):
        rows.answer(rows.ask(f"model-{number}"), "391")
    with CaptureQueriesContext(connection) as queries:
        _page(browser, rows)
    assert len(queries) <= 14


def test_the_raw_run_is_there_as_json(browser: Client, member: Membership, kind: str) -> None:
    rows = _answered(member, kind)
    raw = browser.get(f"/runs/{rows.run.pk}/json").json()
    assert raw["answer"] == "It is **391**."
    assert [event["seq"] for event in raw["events"]] == list(range(1, rows.run.last_seq + 1))
    assert {call["model"] for call in raw["calls"]} == {"sim-swift", "sim-sage"}


@pytest.mark.parametrize("later", [None, EventKind.RUN_WAITED, EventKind.RUN_RESUMED])
def test_a_run_that_is_to_pause_says_so_until_it_does(
    later: EventKind | None, browser: Client, running: RunRows
) -> None:
    running.emit(EventKind.COMMAND_RECEIVED, kind="pause", by="Ada")
    if later is not None:
        running.emit(later, paused=True)
    html = _page(browser, running)
    assert ("Pausing…</button>" in html) == (later is None)
    assert ("Pause</button>" in html) == (later is not None)


@pytest.mark.parametrize("command", ["pause", "cancel"])
def test_a_command_is_on_the_page_as_soon_as_it_was_sent(
    command: str, browser: Client, running: RunRows
) -> None:
    for _ in range(2):  # pressed twice, it is sent once
        browser.post(f"/runs/{running.run.pk}/{command}", headers={"HX-Request": "true"})
    html = _page(browser, running)
    assert f"<bdi>Ada</bdi> asked to {command} the run." in html
    assert html.count("asked to") == 1
    assert ("Pausing…</button>" if command == "pause" else "Cancelling…</button>") in html


def test_a_running_run_knows_how_long_such_runs_usually_take(browser: Client, member: Membership) -> None:
    assert "data-usual-s" not in _page(browser, _answered(member))
    Run.objects.update(finished_at=F("started_at") + timedelta(seconds=2.5))
    _answered(a_member())
    running = RunRows.queued(member)
    running.start()
    assert 'data-usual-s="2.5"' in _page(browser, running)
    other = RunRows.queued(member, ref="voting")
    other.start()
    assert "data-usual-s" not in _page(browser, other)


def test_a_long_question_is_whole_and_folded(browser: Client, member: Membership, kind: str) -> None:
    question = "Why is the river\n" * 40 + "<b>dry</b>?"
    rows = RunRows.queued(member, kind=kind, prompt=question)
    html = _page(browser, rows)
    assert question.replace("<b>dry</b>", "&lt;b&gt;dry&lt;/b&gt;") in html
    assert '<details class="fold-all"' in html
    assert browser.get(f"/runs/{rows.run.pk}/question").content.decode() == question
    assert '<details class="fold-all"' not in _page(browser, RunRows.queued(member, kind=kind))


class TestWhoMayDoWhat:
    def test_teammates_see_it_viewers_only_look(self, running: RunRows, member: Membership) -> None:
        viewer = signed_in(a_member(Role.VIEWER, member.team))
        html = _page(viewer, running)
        assert "What is 17% of 2,300?" in html
        assert "cancel-form" not in html
        for action in ("cancel", "rerun", "rate"):
            assert viewer.post(f"/runs/{running.run.pk}/{action}").status_code == 403
        running.run.refresh_from_db()
        assert running.run.status == RunStatus.RUNNING

    @pytest.mark.parametrize("path", ["", "json"])
    def test_strangers_find_nothing(self, path: str, running: RunRows) -> None:
        assert signed_in(a_member()).get(f"/runs/{running.run.pk}/{path}").status_code == 404

    @pytest.mark.parametrize("action", ["cancel", "rerun", "rate"])
    def test_strangers_change_nothing(self, action: str, running: RunRows) -> None:
        assert signed_in(a_member()).post(f"/runs/{running.run.pk}/{action}", {"value": 1}).status_code == 404

    def test_anonymous_visitors_sign_in_first(self, running: RunRows) -> None:
        assert Client().get(f"/runs/{running.run.pk}/").status_code == 302

    @pytest.mark.parametrize("action", ["cancel", "rerun", "rate"])
    def test_the_wrong_verb_is_refused(self, action: str, browser: Client, running: RunRows) -> None:
        assert browser.get(f"/runs/{running.run.pk}/{action}").status_code == 405
        assert browser.post(f"/runs/{running.run.pk}/").status_code == 405


class TestRating:
    def test_a_rating_is_kept_and_shown(self, browser: Client, member: Membership, kind: str) -> None:
        rows = _answered(member, kind)
        answer = browser.post(f"/runs/{rows.run.pk}/rate", {"value": "1", "comment": "Right."}, follow=True)
        assert "<strong>Ada</strong> rated this good: Right." in answer.content.decode()
        assert Rating.objects.get().value == 1

    def test_htmx_gets_only_the_ratings(self, browser: Client, member: Membership, kind: str) -> None:
        rows = _answered(member, kind)
        answer = browser.post(f"/runs/{rows.run.pk}/rate", {"value": "-1"}, headers={"HX-Request": "true"})
        assert answer.content.decode().strip().startswith('<div id="run-ratings"')

    @pytest.mark.parametrize(
        ("sent", "words"),
        [
            ({}, "Choose good or bad."),
            ({"value": "5"}, "A rating is good or bad."),
            ({"value": "1", "comment": "x" * 501}, "A comment has at most 500 characters."),
        ],
    )
    def test_what_is_no_rating_is_refused_in_words(
        self, sent: dict[str, str], words: str, browser: Client, member: Membership, kind: str
    ) -> None:
        answer = browser.post(f"/runs/{_answered(member, kind).run.pk}/rate", sent)
        assert answer.status_code == 422
        assert words in answer.content.decode()
        assert not Rating.objects.exists()


class TestCancelling:
    def test_a_queued_run_ends_at_once(self, browser: Client, member: Membership, kind: str) -> None:
        rows = RunRows.queued(member, kind=kind)
        answer = browser.post(f"/runs/{rows.run.pk}/cancel", follow=True)
        assert "This run was cancelled." in answer.content.decode()
        assert Run.objects.get().status == RunStatus.CANCELLED

    def test_htmx_is_sent_nothing_for_the_socket_tells(
        self, browser: Client, member: Membership, kind: str
    ) -> None:
        rows = RunRows.queued(member, kind=kind)
        answer = browser.post(f"/runs/{rows.run.pk}/cancel", headers={"HX-Request": "true"})
        assert (answer.status_code, answer.content) == (204, b"")

    def test_a_run_that_is_over_stays_as_it_is(self, browser: Client, member: Membership, kind: str) -> None:
        rows = _answered(member, kind)
        answer = browser.post(f"/runs/{rows.run.pk}/cancel", headers={"HX-Request": "true"})
        assert answer.status_code == 409
        assert answer.content.decode() == "This run is over already: it succeeded."
