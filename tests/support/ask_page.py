"""What a person does on the Ask page, in a browser."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.support.browser import Visit

QUESTION = "What is 17% of 2,300?"
PANEL = ["sim-scout", "sim-sage", "sim-scholar"]
RUN = re.compile(r"/runs/[0-9a-f-]{36}/$")


def question_box(page: Page) -> Locator:
    """Return the field that the question is written in."""
    return page.get_by_role("textbox", name="Question", exact=True)


def open_panel(page: Page) -> None:
    """Open the list of models, where it is closed."""
    panel = page.locator(".panel-change")
    if panel.get_attribute("open") is None:
        panel.locator("summary").click()


def choose(page: Page, *models: str) -> None:
    """Tick these models and no others."""
    open_panel(page)
    for box in page.locator('input[name="models"]').all():
        box.set_checked(box.get_attribute("value") in models)


def ticked(page: Page) -> list[str]:
    """Return the chosen models, in the order of the page."""
    boxes = page.locator('input[name="models"]:checked').all()
    return [box.get_attribute("value") or "" for box in boxes]


def ask(window: Visit, question: str, *models: str) -> None:
    """Fill in the Ask page, have the models vote, and stand on the run's page."""
    window.go("/?strategy=voting")
    question_box(window.page).fill(question)
    choose(window.page, *models)
    window.page.locator(".ask-send").click()
    window.page.wait_for_url(RUN)


def has_ended(page: Page, status: str = "Succeeded") -> None:
    """Wait until the page says that its run has ended like this."""
    expect(page.locator("#run-summary .state")).to_have_text(status)
