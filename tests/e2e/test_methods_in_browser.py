"""Every strategy in a real browser: its card clicked on Ask, the run watched to its end without a reload."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.ask_page import PANEL, QUESTION, RUN, choose, has_ended, question_box
from tests.support.browser import Visit

pytestmark = pytest.mark.e2e

MONEY = re.compile(r"\$0\.\d+")
PACE = "2"
"""Slow enough to be watched, quick enough for seven whole runs."""
NEVER_GOOD_ENOUGH = {"threshold": "100"}


def card(page: Page, strategy: str) -> Locator:
    """Return what one clicks on Ask to choose a method."""
    return page.locator(f".segment:has(#strategy-{strategy})")


def ask_by(window: Visit, strategy: str, options: Mapping[str, str]) -> None:
    """Ask the panel by this method, chosen as a person does, and stand on the run's page."""
    page = window.page
    window.go("/")
    question_box(page).fill(QUESTION)
    choose(page, *PANEL)
    with window.staying():
        card(page, strategy).click()
        expect(page.locator("[name=options_of]")).to_have_value(strategy)
        expect(page.locator("#ask-estimate")).to_contain_text("$")
        set_options(page, options)
    page.locator(".ask-send").click()
    page.wait_for_url(RUN)


def set_options(page: Page, options: Mapping[str, str]) -> None:
    """Open the method's options and set these."""
    if options:
        page.locator("#ask-options summary").first.click()
    for name, value in options.items():
        box = page.locator(f"[name='options.{name}']")
        box.select_option(value) if box.evaluate("e => e.tagName") == "SELECT" else box.fill(value)


def ends_with_an_answer(window: Visit) -> None:
    """Wait for the end, and see the outcome, the chosen answer and what it cost; nothing went wrong."""
    page = window.page
    has_ended(page)
    expect(page.locator("#run-summary .fact-list dd").first).to_have_text(MONEY)
    expect(page.locator("#run-answer .answer-final")).to_have_text("391")
    expect(page.locator(".lane-chosen")).to_have_count(1)
    chosen = page.locator(".lane-chosen").get_attribute("data-model")
    expect(page.locator("#run-answer")).to_contain_text(f"from {chosen}")
    assert (window.complaints, window.errors) == ([], [])


@pytest.mark.parametrize(
    ("strategy", "sentence", "reason"),
    [
        ("parallel", "3 of 3 asked: 3 answered", "estimated quality"),
        ("sequential", "1 of 3 asked: 1 answered", "is good enough"),
        ("cascade", "2 of 3 asked: 2 answered", "that its price asks for"),
    ],
)
def test_a_method_runs_from_its_card_and_says_why_it_chose(
    window: Visit, strategy: str, sentence: str, reason: str
) -> None:
    ask_by(window, strategy, {})
    with window.staying():
        ends_with_an_answer(window)
    expect(window.page.locator(".lanes-head")).to_contain_text(sentence)
    expect(window.page.locator("#run-why")).to_contain_text(reason)


@pytest.mark.parametrize("options", [{"ballot": "answers"}, {"ballot": "review", "rule": "borda"}])
def test_ballots_are_cast_before_eyes_and_then_counted(window: Visit, options: dict[str, str]) -> None:
    page = window.page
    ask_by(window, "voting", options)
    with window.staying():
        expect(page.locator("#run-why [data-voter]").first).to_be_visible()
        expect(page.locator("#run-why h2")).to_have_text("Decided so far")
        ends_with_an_answer(window)
    expect(page.locator("#run-why h2")).to_have_text("Why this answer")
    expect(page.locator(".tally .is-won")).to_have_count(1)


def test_a_cascade_that_is_never_content_shows_where_it_went_on_and_why(window: Visit) -> None:
    page = window.page
    ask_by(window, "cascade", NEVER_GOOD_ENOUGH)
    with window.staying():
        expect(page.locator(".escalations li")).to_be_visible()
        expect(page.locator("#run-answer .run-sentence")).to_contain_text("Cascade is asking")
        ends_with_an_answer(window)
    expect(page.locator(".escalations li")).to_contain_text("below 100%")
    expect(page.locator(".lanes-head")).to_contain_text("3 of 3 asked")


def test_an_expert_is_explained_while_it_is_still_writing(window: Visit) -> None:
    page = window.page
    ask_by(window, "expert", {})
    with window.staying():
        expect(page.locator("#run-why")).to_contain_text("Looks like reasoning")
        expect(page.locator("#run-why")).to_contain_text("expected quality")
        expect(page.locator("#run-answer .run-sentence")).to_contain_text("Expert is asking")
        ends_with_an_answer(window)
    expect(page.locator(".lanes-head")).to_contain_text("1 of 3 asked")
