"""A vote in a real browser: asked for, watched ballot by ballot, refused where it cannot be held."""

from __future__ import annotations

import os
import re

import pytest
from playwright.sync_api import Page, expect

from orchestration.strategies.forms.fields import EXAMPLES
from tests.support.ask_page import PANEL, QUESTION, RUN, ask, choose, has_ended, question_box
from tests.support.browser import Visit

pytestmark = pytest.mark.e2e
LOOKS = os.environ.get("VOTE_LOOKS", "")


def vote(window: Visit, **options: str) -> None:
    """Fill in the Ask page for a vote, and send it."""
    page = window.page
    window.go("/?strategy=voting")
    question_box(page).fill(QUESTION)
    choose(page, *PANEL)
    page.locator("summary", has_text="Advanced").click()
    for name, value in options.items():
        box = page.locator(f"[name='options.{name}']")
        box.select_option(value) if box.evaluate("e => e.tagName") == "SELECT" else box.fill(value)
    page.locator(".ask-send").click()


def shot(page: Page, name: str) -> None:
    if LOOKS:
        page.screenshot(path=f"{LOOKS}/{name}.png", full_page=True)


def test_ballots_are_seen_before_the_outcome(window: Visit) -> None:
    page = window.page
    vote(window, ballot="review", rule="borda", waves="1")
    page.wait_for_url(RUN)
    with window.staying():
        expect(page.locator("#run-why [data-voter] .ballot-rank").first).to_be_visible()
        expect(page.locator("#run-answer .run-sentence")).to_contain_text("Voting is asking")
        shot(page, "live")
        has_ended(page)
        outcome = re.compile("ranked highest on average|are tied")  # the drawn order of the answers decides
        expect(page.locator(".why-sentence")).to_contain_text(outcome)
    expect(page.locator("#run-answer")).to_contain_text("391")
    expect(page.locator(".tally .is-won")).to_have_count(1)
    assert window.complaints == []


def test_pausing_is_said_at_once_and_the_vote_goes_on(window: Visit) -> None:
    page = window.page
    vote(window, ballot="review", rule="borda", waves="1")
    page.wait_for_url(RUN)
    with window.staying():
        page.get_by_role("button", name="Pause").click()
        expect(page.get_by_role("button", name=re.compile("Pausing…|Go on"))).to_be_visible()
        expect(page.locator("#run-notice")).to_contain_text("This run is paused.")
    page.get_by_role("button", name="Go on").click()
    has_ended(page)
    assert "asked to pause the run" in (page.locator("#run-story").text_content() or "")


def test_a_counted_vote_is_readable_on_a_phone_and_in_the_dark(window: Visit) -> None:
    page = window.page
    vote(window, waves="1")
    page.wait_for_url(RUN)
    has_ended(page)
    expect(page.locator("#run-why")).to_contain_text(re.compile("1 call not started"))
    shot(page, "desktop")
    page.set_viewport_size({"width": 380, "height": 800})
    assert window.too_wide() <= 0
    shot(page, "phone")
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")  # no colour on its way to another
    shot(page, "dark")
    assert window.faint_text() == []


def test_asked_with_the_usual_options_a_short_answer_is_counted(window: Visit) -> None:
    page = window.page
    window.go("/?strategy=voting")
    expect(page.locator("#strategy-voting")).to_be_checked()
    expect(page.locator('input[name="models"]:checked')).to_have_count(3)
    question_box(page).fill(QUESTION)
    page.keyboard.press("Control+Enter")
    page.wait_for_url(RUN)
    with window.staying():
        has_ended(page)
    expect(page.locator("#run-answer")).to_contain_text("3 of 3 models agree")
    expect(page.locator("#run-why")).to_contain_text("3 of 3 answers give a result that can be compared")
    assert (window.complaints, window.errors) == ([], [])


def test_an_open_question_is_reviewed(window: Visit) -> None:
    page = window.page
    ask(window, EXAMPLES["Open question"], *PANEL)
    with window.staying():
        expect(page.locator("#run-why")).to_contain_text("so each model reviews the others'.")
        has_ended(page)
    expect(page.locator("#run-summary")).to_contain_text("plurality of blind reviews")
    expect(page.locator("#run-answer")).to_contain_text(re.compile("of 3 voters prefer it"))
    expect(page.locator("#run-answer .prose")).not_to_be_empty()
    page.set_viewport_size({"width": 380, "height": 800})
    assert window.too_wide() <= 0
    shot(page, "reviewed")


def test_what_all_models_decline_ends_without_an_answer_and_says_what_helps(window: Visit) -> None:
    page = window.page
    ask(window, "Write a haiku about rain", *PANEL)
    expect(page.locator("#run-summary .state")).to_have_text("No answer")
    expect(page.locator("#run-answer")).to_contain_text("All 3 models declined.")
    expect(page.locator("#run-answer")).to_contain_text("connect a real one under Models")
    expect(page.locator(".lane .state", has_text="Not usable")).to_have_count(3)
    expect(page.locator(".lane").first).to_contain_text("is a simulated model")
    page.set_viewport_size({"width": 380, "height": 800})
    assert window.too_wide() <= 0
    shot(page, "declined")


def test_a_quorum_above_the_panel_is_refused_at_its_field(window: Visit) -> None:
    page = window.page
    vote(window, quorum="9")
    expect(page.locator(".field:has([name='options.quorum'])")).to_contain_text("9 ballots cannot count")
    shot(page, "refused")
    assert page.locator("[name='options.quorum']").input_value() == "9"
