"""The inbox in a real browser: answered on a phone, and followed while it is open."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.browser import Visit
from tests.support.engines import until
from tests.support.installation import Installation

pytestmark = pytest.mark.e2e
PROMPT = "Reply to Ms Lee about her order"
METHOD = "approval/approval"
PACE, PROGRAM = "1", ["-m", "tests.support.manage"]


def ask(site: Installation, page: Page) -> tuple[str, Locator, Locator]:
    """Start a run that asks two things at once; return it with the two as they stand in the inbox."""
    run = site.member().ask(PROMPT, [], METHOD, options_of=METHOD)
    until(lambda: site.member().run(run)["status"] == "waiting")
    page.goto(f"{site.address}inbox/")
    rows = page.locator(".inbox-row", has=page.locator(f'a[href="/runs/{run}/"]'))
    return run, rows.filter(has_text="Shall this reply"), rows.filter(has_text="What shall the newsletter")


def test_on_a_phone_questions_are_answered_in_place_and_the_run_goes_on(
    window: Visit, site: Installation
) -> None:
    page = window.page
    page.set_viewport_size({"width": 380, "height": 800})
    run, reply, review = ask(site, page)
    count = int(page.locator("#inbox-count .figure").inner_text())
    with window.staying():
        review.get_by_label("Score").fill("3")
        review.get_by_text("calm").click()
        review.get_by_label("Weight").fill("0")
        review.get_by_role("button", name="Answer").click()
        expect(review.locator(".field-error").first).to_contain_text("must be more than 0")
        reply.get_by_label("Comment").fill("Very kind.")
        reply.get_by_role("button", name="Approve").click()
        expect(reply).to_contain_text("answered: Decision: approve · Comment: Very kind.")
        expect(page.locator("#inbox-count")).to_contain_text(str(count - 1))
        review.get_by_label("Weight").fill("1")
        review.get_by_role("button", name="Answer").click()
        until(lambda: site.member().run(run)["status"] == "succeeded")
    assert (window.too_wide(), window.complaints) == (0, [])


def test_the_enter_key_approves_nothing_and_what_is_typed_outlives_events(
    window: Visit, site: Installation
) -> None:
    page = window.page
    run, _, _ = ask(site, page)
    page.goto(f"{site.address}runs/{run}/")
    comment, review = page.get_by_label("Comment"), page.locator(".question-box", has_text="newsletter")
    comment.fill("I am not sure")
    review.get_by_label("Score").fill("3")
    review.get_by_text("calm").click()
    with window.staying():
        review.get_by_role("button", name="Answer").click()
        expect(page.locator(".question-box")).to_have_count(1)
        expect(comment).to_have_value("I am not sure")
        comment.press("Enter")
        expect(page.locator("#run-notice")).to_contain_text("This run waits for a person.")
    assert window.complaints == []


def test_an_open_inbox_says_what_is_new_and_what_waits_no_more(window: Visit, site: Installation) -> None:
    page, member = window.page, site.member()
    run, reply, _ = ask(site, page)
    with window.staying():
        member.post(f"/runs/{run}/cancel", {}, form_at=f"/runs/{run}/")
        member.ask(PROMPT, [], METHOD, options_of=METHOD)
        expect(reply.locator(".question-state")).to_contain_text("does not wait for an answer any more")
        expect(page.locator("#inbox-news")).to_contain_text("2 new questions")
    assert window.complaints == []
