"""The history in a real browser: search, choose and compare, delete, export; with and without scripts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Visit
from tests.support.engines import until
from tests.support.installation import Installation

pytestmark = pytest.mark.e2e


def ask_both(site: Installation, *questions: str) -> None:
    member = site.member()
    runs = [member.ask(question, ["sim-swift"]) for question in questions]
    until(lambda: all(member.run(run)["status"] == "succeeded" for run in runs))


def choose(page: Page, question: str) -> None:
    page.get_by_role("checkbox", name=f"Choose: {question}").check()


def test_a_search_marks_its_words_as_they_are_typed(site: Installation, window: Visit) -> None:
    ask_both(site, "What is 1101 + 22?", "What is 1101 + 44?")
    window.go("/runs/")
    page = window.page
    page.locator("#id_q").fill("22 1101")
    expect(page.locator(".run-prompt mark")).to_have_text(["1101", "22"])
    expect(page.locator(".list-total")).to_contain_text("1 run")
    expect(page.locator(".chip").first).to_contain_text("22 1101")
    page.get_by_title("Take this filter off").first.click()
    expect(page.locator("mark")).to_have_count(0)
    assert window.complaints == []


def test_two_are_chosen_and_compared(site: Installation, window: Visit) -> None:
    ask_both(site, "What is 1102 + 6?", "What is 1102 + 7?")
    window.go("/runs/?q=1102")
    page = window.page
    expect(page.get_by_role("button", name="Compare")).to_be_hidden()
    choose(page, "What is 1102 + 6?")
    choose(page, "What is 1102 + 7?")
    expect(page.locator("#chosen")).to_be_visible()
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("2 runs side by side")
    expect(page.locator(".compared")).to_have_count(2)
    page.get_by_role("link", name="Mark differences").click()
    expect(page.locator(".compared ins").first).to_be_visible()
    assert window.errors == []
    assert window.faint_text() == []


def test_what_was_chosen_stays_so_when_the_list_is_drawn_anew(site: Installation, window: Visit) -> None:
    ask_both(site, "What is 1103 + 6?", "What is 1103 + 7?")
    window.go("/runs/?q=1103")
    page = window.page
    choose(page, "What is 1103 + 7?")
    page.locator("#id_q").fill("1103 what")
    expect(page.locator("mark", has_text="What")).to_have_count(2)
    expect(page.get_by_role("checkbox", name="Choose: What is 1103 + 7?")).to_be_checked()
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#chosen")).to_be_hidden()


def test_a_run_is_deleted_after_a_question_without_scripts(site: Installation, plain_window: Visit) -> None:
    ask_both(site, "What is 1104 + 6?", "What is 1104 + 7?")
    plain_window.go("/runs/?q=1104")
    page = plain_window.page
    choose(page, "What is 1104 + 6?")
    page.get_by_role("button", name="Delete…").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Delete this run?")
    page.get_by_role("button", name="Delete run").click()
    expect(page.locator(".notice-success")).to_have_text("1 run deleted.")
    plain_window.go("/runs/?q=1104")
    expect(page.locator(".run-prompt")).to_have_text(["What is 1104 + 7?"])
    assert plain_window.complaints == []


def test_what_is_shown_is_exported(site: Installation, window: Visit, tmp_path: Path) -> None:
    ask_both(site, "What is 1105 + 6?", "What is 1106 + 7?")
    window.go("/runs/?q=1105")
    page = window.page
    page.get_by_text("Export", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("link", name="JSON").click()
    saved = tmp_path / "runs.json"
    download.value.save_as(saved)
    assert [run["question"] for run in json.loads(saved.read_text())["runs"]] == ["What is 1105 + 6?"]


def test_the_whole_row_leads_to_the_run(site: Installation, window: Visit) -> None:
    ask_both(site, "What is 1107 + 6?", "What is 1108 + 7?")
    window.go("/runs/?q=1107")
    window.page.locator(".run-when").nth(1).click(force=True)
    expect(window.page.get_by_text("What is 1107 + 6?").first).to_be_visible()
    assert "/runs/?" not in window.page.url
