"""The main job in a real browser against a real `manage.py up`: ask, watch answers grow, see the choice."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.support.ask_page import PANEL, QUESTION, RUN, ask, choose, has_ended, open_panel, question_box
from tests.support.browser import Visit
from tests.support.engines import until
from tests.support.installation import Installation

pytestmark = pytest.mark.e2e

MONEY = re.compile(r"\$0\.\d+")

# Writes down, frame by frame, how long the text of each lane is while it is being written.
WATCH_TEXTS = """(() => {
  const seen = (window.seenLengths = {});
  const look = () => {
    for (const lane of document.querySelectorAll('.lane[data-state="writing"]')) {
      const lengths = (seen[lane.dataset.model] ??= []);
      const length = lane.querySelector('.lane-text').textContent.length;
      if (length && length !== lengths.at(-1)) lengths.push(length);
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})()"""


def test_three_models_answer_side_by_side_and_one_is_chosen_without_a_reload(window: Visit) -> None:
    """A browser that is kept waiting may find a run ended: texts are to be seen growing in one of three."""
    page, grew = window.page, False
    page.add_init_script(WATCH_TEXTS)
    for _ in range(3):
        ask(window, QUESTION, *PANEL)
        with window.staying():
            has_ended(page)
            seen = page.evaluate("window.seenLengths")
        assert all(lengths == sorted(lengths) for lengths in seen.values()), seen
        assert page.locator('.lane[data-state="answered"]').count() == 3
        grew = sorted(seen) == sorted(PANEL) and all(len(lengths) >= 3 for lengths in seen.values())
        if grew:
            break
    assert grew
    assert window.errors == []


def test_the_choice_the_costs_and_the_path_are_shown_as_they_will_be_after_a_reload(window: Visit) -> None:
    page = window.page
    ask(window, QUESTION, *PANEL)
    has_ended(page)
    live = shown(page)
    assert (len(live["costs"]), len(live["bars"])) == (3, page.locator(".waterfall-bar").count())
    assert len(live["chosen"]) == 1
    assert f"from {live['chosen'][0]}" in live["answer"]
    expect(page.locator(".lane-chosen")).to_contain_text("Its answer is the one above.")
    page.reload()
    assert shown(page) == live
    assert window.complaints == []


def shown(page: Page) -> dict[str, list[str] | str]:
    """Return what the page tells of a run that has ended."""
    lanes, summary = page.locator(".lane"), page.locator("#run-summary")
    return {
        "chosen": [lane.get_attribute("data-model") or "" for lane in page.locator(".lane-chosen").all()],
        "costs": MONEY.findall(" ".join(lanes.locator(".lane-foot").all_inner_texts())),
        "total": MONEY.findall(summary.inner_text()),
        "bars": page.locator(".waterfall-label").all_text_contents(),
        "answer": page.locator("#run-answer").inner_text(),
        "why": page.locator(".why-sentence, .tally").all_inner_texts(),
        "story": page.locator("#run-story > li").all_text_contents(),
    }


def test_a_question_that_cannot_be_asked_says_why_at_its_field_and_keeps_what_was_typed(
    window: Visit, site: Installation
) -> None:
    before = site.rows("select count(*) from runs_run")
    page = window.page
    window.go("/")
    question_box(page).fill(QUESTION)
    page.get_by_text("Limits").click()
    page.get_by_label("Least quality").fill("700")
    choose(page)
    page.locator(".ask-send").click()
    expect(page.locator("#ask-panel .field-error")).to_have_text("Choose at least one model.")
    expect(page.locator(".field:has([name=min_quality]) .field-error")).to_contain_text("Enter at most 100.")
    expect(question_box(page)).to_have_value(QUESTION)
    expect(page.get_by_label("Least quality")).to_have_value("700")
    assert site.rows("select count(*) from runs_run") == before
    assert window.complaints == []


def test_ctrl_enter_sends_the_question(window: Visit) -> None:
    page = window.page
    window.go("/")
    choose(page, "sim-swift")
    question_box(page).fill(QUESTION)
    page.keyboard.press("Control+Enter")
    page.wait_for_url(RUN)
    expect(page.locator(".lane")).to_have_count(1)
    has_ended(page)
    assert window.errors == []


def test_other_options_and_another_order_come_without_losing_what_was_typed(window: Visit) -> None:
    page = window.page
    window.go("/")
    question_box(page).fill(QUESTION)
    with window.staying():
        page.locator("#strategy-sequential").check()
        expect(page.locator("[name=options_of]")).to_have_value("sequential")
        second = page.locator("[name=order]").nth(1).get_attribute("value")
        open_panel(page)
        page.get_by_role("button", name=f"Move {second} up").click()
        expect(page.locator("[name=order]").first).to_have_value(str(second))
        expect(page.locator("#ask-estimate")).to_contain_text("$")
    expect(question_box(page)).to_have_value(QUESTION)
    assert window.errors == []


def test_everything_works_without_scripts(plain_window: Visit) -> None:
    page = plain_window.page
    ask(plain_window, QUESTION, "sim-swift", "sim-scout")
    until(lambda: page.reload() and page.locator("#run-answer .prose").count())
    assert page.locator('.lane[data-state="answered"]').count() == 2
    page.get_by_role("button", name="Rate as good").click()
    expect(page.locator("#run-ratings")).to_contain_text("rated this good")
