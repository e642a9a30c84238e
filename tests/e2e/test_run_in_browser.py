"""What one does to a run in a real browser: cancel, ask again, change, rate; and a server that comes back."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, WebSocketRoute, expect

from tests.support.ask_page import PANEL, QUESTION, RUN, ask, choose, has_ended, question_box
from tests.support.browser import Visit, sign_in, visit
from tests.support.installation import Installation

pytestmark = pytest.mark.e2e


def test_cancelling_ends_a_run_on_its_page(window: Visit) -> None:
    page = window.page
    ask(window, QUESTION, "sim-oracle", "sim-scholar")
    expect(page.locator('.lane[data-state="writing"]')).to_have_count(2)
    page.get_by_role("button", name="Cancel").click()
    has_ended(page, "Cancelled")
    assert page.locator('.lane[data-state="cancelled"]').count() == 2
    expect(page.locator("#run-answer")).to_contain_text("This run was cancelled.")
    assert window.complaints == []


def test_a_run_is_asked_again_as_it_is_or_changed(window: Visit) -> None:
    page = window.page
    ask(window, QUESTION, "sim-swift")
    has_ended(page)
    first = page.url
    page.get_by_role("button", name="Run again").click()
    page.wait_for_url(lambda url: url != first and bool(RUN.search(url)))
    has_ended(page)
    page.get_by_role("link", name="Change and run").click()
    expect(question_box(page)).to_have_value(QUESTION)
    question_box(page).fill("What is 4 + 5?")
    choose(page, "sim-scout")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(RUN)
    expect(page.locator("h1")).to_have_text("What is 4 + 5?")
    assert [lane.get_attribute("data-model") for lane in page.locator(".lane").all()] == ["sim-scout"]
    assert window.errors == []


def test_rating_stays_on_the_page_and_can_be_changed(window: Visit) -> None:
    page = window.page
    ask(window, QUESTION, "sim-swift")
    has_ended(page)
    with window.staying():
        page.get_by_role("button", name="Good").click()
        expect(page.locator("#run-ratings")).to_contain_text("rated this good")
        page.get_by_label("Why (optional)").fill("Too long.")
        page.get_by_role("button", name="Bad").click()
        expect(page.locator("#run-ratings li")).to_have_count(1)
        expect(page.locator("#run-ratings")).to_contain_text("rated this bad: Too long.")
    assert window.errors == []


def test_a_page_outlives_its_server_and_shows_the_end(browser: Browser, installation: Installation) -> None:
    installation.settings["ORCHESTRA_SIMULATED_PACE"] = "3"
    address = installation.up()
    context = browser.new_context(storage_state=sign_in(browser, address, installation.sign_in))
    window = visit(context, address)
    ask(window, QUESTION, *PANEL)
    page = window.page
    with window.staying():
        expect(page.locator(".lane-text").first).not_to_be_empty()
        installation.kill()
        expect(page.locator("#connection-lost")).to_be_visible()
        installation.up("--port", address.rstrip("/").rpartition(":")[2])
        has_ended(page)
        expect(page.locator("#connection-lost")).to_be_hidden()
    story = [int(str(line.get_attribute("data-seq"))) for line in page.locator("#run-story > li").all()]
    stored = installation.rows("select seq from runs_event order by seq")
    assert story == [seq for (seq,) in stored]
    assert window.complaints == []
    context.close()


def test_a_page_that_is_told_to_come_back_does(window: Visit) -> None:
    page, opened = window.page, []

    def serve(socket: WebSocketRoute) -> None:
        opened.append(socket.url)
        if len(opened) == 1:
            socket.close(code=4503)
        else:
            socket.connect_to_server()

    page.route_web_socket(re.compile(r"/ws/runs/"), serve)
    ask(window, QUESTION, "sim-swift")
    has_ended(page)
    assert len(opened) == 2
    assert window.complaints == []
