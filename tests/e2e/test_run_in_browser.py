"""What one does to a run in a real browser: cancel, ask again, change, rate; and a server that comes back."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, WebSocketRoute, expect

from tests.support.ask_page import PANEL, QUESTION, RUN, ask, choose, has_ended, question_box
from tests.support.browser import Visit, sign_in, visit
from tests.support.definitions import stage
from tests.support.installation import Installation
from tests.support.pipelines import written

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
    page.get_by_role("link", name="Change…").click()
    expect(question_box(page)).to_have_value(QUESTION)
    question_box(page).fill("What is 4 + 5?")
    choose(page, "sim-scout")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(RUN)
    expect(page.locator("h1")).to_have_text("What is 4 + 5?")
    assert [lane.get_attribute("data-model") for lane in page.locator(".lane").all()] == ["sim-scout"]
    assert window.errors == []


def test_a_finished_run_takes_two_screens_at_most_and_did_not_jump(window: Visit) -> None:
    page = window.page
    ask(window, QUESTION, *PANEL)
    page.wait_for_load_state()  # until its styles are there, everything is at the top
    top = "e => e.getBoundingClientRect().top + scrollY"
    began = page.locator("#run-answer").evaluate(top)
    with window.staying():
        has_ended(page)
    assert page.locator("#run-answer").evaluate(top) == began
    assert page.locator("#fold-path").evaluate(top) <= 2 * 900
    assert page.locator("#fold-path, #fold-log").evaluate_all("folds => folds.map(f => f.open)") == [
        False,
        False,
    ]


def test_what_a_reader_opened_stays_open_while_the_run_goes_on(window: Visit) -> None:
    page = window.page
    ask(window, QUESTION, *PANEL)
    page.locator("#fold-log > summary").click()
    page.locator("#fold-settings > summary").click()
    with window.staying():
        has_ended(page)
    assert page.locator("#fold-log, #fold-settings").evaluate_all("folds => folds.map(f => f.open)") == [
        True,
        True,
    ]
    assert page.locator("#run-story [data-kind=step_ended]:visible").count() == 0
    page.get_by_label("Recorded steps, too").check()
    assert page.locator("#run-story [data-kind=step_ended]:visible").count() > 0


def test_differences_are_marked_and_lanes_expand(window: Visit) -> None:
    page = window.page
    ask(window, QUESTION, *PANEL)
    has_ended(page)
    others = page.locator(".lane:not(.lane-chosen)")
    expect(others.locator(".lane-differences").first).to_be_hidden()
    page.get_by_text("Differences", exact=True).click()
    expect(others.locator("ins").first).to_be_visible()
    expect(others.locator(".lane-prose").first).to_be_hidden()
    page.get_by_text("Expand", exact=True).click()
    widths = page.locator(".lane").evaluate_all("lanes => lanes.map(lane => lane.offsetWidth)")
    assert min(widths) > 800
    assert (window.complaints, window.errors) == ([], [])


def test_an_answer_is_copied_as_shown_and_as_markdown(window: Visit) -> None:
    page = window.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ask(window, QUESTION, "sim-oracle")
    has_ended(page)
    for button, expected in (("As Markdown", "_Simulated answer by"), ("Copy", "\nSimulated answer by")):
        page.locator("#run-answer").get_by_role("button", name=button, exact=True).click()
        expect(page.locator(".answer-copy")).to_contain_text("Copied")
        assert expected in page.evaluate("navigator.clipboard.readText()")
    assert window.complaints == []


def test_nothing_moves_under_the_pointer_when_the_answer_arrives(window: Visit) -> None:
    page = window.page
    ask(window, QUESTION, *PANEL)
    page.locator(".lane-head").first.hover()
    lanes = page.locator("#run-lanes")
    before = lanes.evaluate("e => e.getBoundingClientRect().top")
    has_ended(page)
    expect(page.locator("#run-why h2")).to_have_text("Why this answer")
    assert abs(lanes.evaluate("e => e.getBoundingClientRect().top") - before) <= 2


def test_rating_stays_on_the_page_and_can_be_changed(window: Visit) -> None:
    page = window.page
    ask(window, QUESTION, "sim-swift")
    has_ended(page)
    with window.staying():
        page.get_by_role("button", name="Rate as good").click()
        expect(page.locator("#run-ratings")).to_contain_text("rated this good")
        page.get_by_label("Why (optional)").fill("Too long.")
        page.get_by_role("button", name="Rate as bad").click()
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


def test_a_pipelines_graph_lights_up_and_a_stage_is_chosen_in_it(
    window: Visit, site: Installation, tmp_path: Path
) -> None:
    page, asked = window.page, {"prompt": "{{ input }}", "models": ["sim-scout"]}
    text = written(stage("first", options=asked), stage("second", "first", options=asked), name="lit")
    site_file = tmp_path / "lit.yaml"
    site_file.write_text(text, encoding="utf-8")
    assert site.manage("pipeline", "import", str(site_file)).returncode == 0
    window.go("/pipelines/lit/run")
    page.get_by_label("Input").fill(json.dumps(QUESTION))
    page.get_by_label("Version").select_option("draft")
    page.get_by_role("button", name="Run", exact=True).click()
    first, second = page.locator("#right-first"), page.locator("#right-second")
    expect(first).to_contain_text("Running")
    with window.staying():
        expect(first).to_contain_text("Succeeded")
        expect(second).to_have_attribute("aria-current", "true")
        has_ended(page)
    first.click()
    expect(page.locator("#chosen-stage")).to_contain_text("It succeeded.")
    expect(page.locator("#run-stage")).to_be_hidden()
    expect(first).to_have_attribute("aria-current", "true")
    assert (page.url.endswith("?stage=first"), window.complaints) == (True, [])


def test_texts_of_stages_that_are_not_shown_leave_no_error(window: Visit, site: Installation) -> None:
    page = window.page
    example = "pipelines/gallery/compare_and_vote.yaml"
    assert site.manage("pipeline", "import", example).returncode == 0
    window.go("/pipelines/compare-and-vote/run")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("#run-stage .lane-text").first).not_to_be_empty()
    has_ended(page)
    assert (window.complaints, window.errors) == ([], [])
