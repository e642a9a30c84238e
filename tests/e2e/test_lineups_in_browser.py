"""A line-up is edited and a session started in a real browser: what is typed is kept, parts follow."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.support.ask_page import RUN
from tests.support.browser import Visit

pytestmark = pytest.mark.e2e
PACE = "0"
TASK = "Compare the harbours of Genoa and Marseille."


def test_a_line_up_is_edited_in_cards_and_yaml(window: Visit) -> None:
    page = window.page
    window.go("/sessions/new?start=research-brief")
    page.get_by_role("button", name="Make it").click()
    page.get_by_role("link", name="Researcher").click()
    page.locator("[name=seat]").select_option("model:sim-sage")
    expect(page.locator("#editor-links")).to_contain_text("sim-sage")
    page.locator("[name=role]").select_option("observer")
    expect(page.locator("#editor-card")).to_contain_text("Watches, and never influences the others.")
    page.get_by_role("link", name="Title, rules and limits").click()
    page.get_by_role("link", name="Rules", exact=True).click()
    page.locator("[name='negotiation.threshold']").fill("1.5")
    expect(page.locator("#editor-problems")).to_contain_text("must be at most 1")
    page.locator("[name='negotiation.threshold']").fill("0.8")
    expect(page.locator("#editor-problems")).to_contain_text("No problems")
    page.get_by_role("link", name="YAML", exact=True).click()
    expect(page.locator("#yaml-text")).to_have_value(re.compile("threshold: 0.8"))
    assert (window.complaints, window.errors) == ([], [])


def test_a_session_that_is_being_set_up_is_kept_and_started(window: Visit) -> None:
    page = window.page
    window.go("/sessions/start")
    page.locator("#id_text").fill(TASK)
    page.locator("[value=incident-analysis]").check()
    seat = page.locator(".seats select").nth(1)
    expect(page.locator(".seats")).to_contain_text("Timeline")
    seat.select_option("model:sim-oracle")
    expect(page.locator("#session-estimate")).to_contain_text("calls")
    page.wait_for_timeout(400)
    window.go("/sessions/")
    window.go("/sessions/start")
    expect(page.locator("#draft-notice")).to_be_visible()
    expect(page.locator("[name=lineup]:checked")).to_have_value("incident-analysis")
    expect(seat).to_have_value("model:sim-oracle")
    page.get_by_role("button", name="Start", exact=False).last.click()
    page.wait_for_url(RUN)
    window.go("/sessions/start")
    expect(page.locator("#id_text")).to_have_value("")
    assert (window.complaints, window.errors) == ([], [])
