"""What Auto promises is read on the results of an evaluation, in a real browser."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.support.ask_page import RUN
from tests.support.browser import Visit
from tests.support.evaluations import MIXED, PANEL
from tests.support.installation import Installation

pytestmark = pytest.mark.e2e
PACE = "0"


def upload(window: Visit, file: Path) -> None:
    """Make a dataset of a file, and open the form of its evaluation."""
    page = window.page
    window.go("/methods/")
    page.get_by_role("link", name="Datasets").click()
    page.get_by_role("link", name="Add a dataset").first.click()
    page.locator("#id_name").fill("Ours")
    page.locator("#id_file").set_input_files(file)
    page.get_by_role("button", name="Add the dataset").click()
    page.get_by_role("link", name="Evaluate", exact=True).click()


def test_the_results_show_how_auto_decided(window: Visit, site: Installation, tmp_path: Path) -> None:
    site.script("tests.support.bad_votes")
    file = tmp_path / "mixed.csv"
    with file.open("w", newline="") as out:
        writer = csv.DictWriter(out, ["prompt", "reference", "priority"])
        writer.writeheader()
        writer.writerows(MIXED)
    page = window.page
    upload(window, file)
    for box in page.locator("[name=models]").all():
        box.set_checked(box.get_attribute("value") in PANEL)
    page.locator("#id_c0-strategy").select_option("auto")
    expect(page.locator("[name=c0-options_of]")).to_have_value("auto")
    page.locator("#id_c1-strategy").select_option("auto/plain")
    expect(page.locator("[name=c1-options_of]")).to_have_value("auto/plain")
    page.get_by_role("button", name="Start the evaluation").click()
    page.wait_for_url(RUN)
    expect(page.locator("#run-answer")).to_contain_text("Use ", timeout=60_000)
    page.get_by_role("link", name="All results").click()
    shown = page.locator("#decisions-0")
    expect(shown).to_contain_text("Cascade for analysis (2 of 2), Parallel for reasoning (5 of 6)")
    expect(shown).to_contain_text("2 of 8 first answers were estimated below 90%")
    expect(shown).to_contain_text("1 critical request, answered by a consensus of more than half")
    for rule in ("slow", "poor", "flaky", "busy"):
        row = shown.locator("tr", has=page.get_by_text(rule, exact=True))
        expect(row).to_contain_text("on 6 of 8 items")
        expect(row.get_by_role("link", name="item 1")).to_be_visible()
        expect(row.get_by_role("link", name="the same request under auto/plain")).to_be_visible()
    expect(shown.locator("tr", has=page.get_by_text("idle", exact=True))).to_contain_text(
        "its limit is not reached"
    )
    shown.get_by_role("link", name="item 4").click()
    expect(page.locator(".attempt-state")).to_have_text(["Not good enough", "Not good enough", "Answered"])
    expect(page.locator("#item-outcome")).to_contain_text("Parallel instead of Voting")
    assert window.too_wide() <= 0
    assert (window.complaints, window.errors) == ([], [])
