"""A newcomer uploads questions, compares four strategies and reads which to use, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.support.ask_page import RUN
from tests.support.browser import Visit

pytestmark = pytest.mark.e2e
PACE = "0"


def test_questions_are_uploaded_compared_and_the_advice_is_read(window: Visit, tmp_path: Path) -> None:
    rows = [f'"What is {number}% of 2,300?",{23 * number}' for number in range(11, 17)]
    file = tmp_path / "ours.csv"
    file.write_text("\n".join(["prompt,reference", *rows]))
    page = window.page
    window.go("/methods/")
    page.get_by_role("link", name="Evaluations").click()
    page.get_by_role("link", name="Add a dataset").click()
    page.locator("#id_name").fill("Ours")
    page.locator("#id_file").set_input_files(file)
    page.get_by_role("button", name="Add the dataset").click()
    page.get_by_role("link", name="Evaluate", exact=True).click()
    page.locator("#id_c3-strategy").select_option("expert")
    expect(page.locator("[name=c3-options_of]")).to_have_value("expert")
    page.get_by_role("button", name="Start the evaluation").click()
    page.wait_for_url(RUN)
    expect(page.locator("#run-answer")).to_contain_text("Use ", timeout=60_000)
    expect(page.locator("#evaluation-progress")).to_contain_text("6 of 6 items")
    page.get_by_role("link", name="All results").click()
    expect(page.locator("#evaluation-advice")).to_contain_text("Use ")
    expect(page.locator("#chart-cost svg.main-svg").first).to_be_visible()
    page.get_by_role("link", name="No configuration right").click()
    page.wait_for_url("**show=none**")
    assert (window.complaints, window.errors) == ([], [])
