"""Methods chosen in a real browser: by Auto and its rules, and by what an evaluation found."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.support.ask_page import QUESTION, RUN, has_ended, question_box
from tests.support.browser import Visit
from tests.support.definitions import stage
from tests.support.lineups import lineup_text
from tests.support.pipelines import written

pytestmark = pytest.mark.e2e
PACE = "0"
WHOLE, BROKEN = ({"from": "input", "transforms": [name]} for name in ("upper", "parse_json"))
RULES = """
schema_version: 1
name: auto
exploration_usd: 0
fall_back_below: 1
rules:
  - id: shouts
    when: {condition: "text.startsWith('Shout')"}
    use: [{method: pipeline/shout}]
  - id: chain
    when: {tasks: [reasoning]}
    how: failover
    use: [{method: session/short}, {method: pipeline/broken}, {method: strategy/voting}]
"""


def have(window: Visit, place: str, name: str, text: str) -> None:
    """Import a definition and publish it, as a person does."""
    page = window.page
    window.go(f"/{place}/import")
    page.locator("[name=text]").fill(text)
    page.get_by_role("button", name="Check", exact=True).click()
    page.get_by_role("button", name="Import", exact=True).click()
    window.go(f"/{place}/{name}/publish")
    page.get_by_role("button", name=re.compile("Publish version")).click()
    page.wait_for_load_state()


def ask_auto(window: Visit, question: str, method: str = "") -> None:
    """Ask as the page opens, with a method where one is named, and wait for the run to end."""
    page = window.page
    window.go("/")
    expect(page.locator("#strategy-autoauto")).to_be_checked()
    question_box(page).fill(question)
    if method:
        page.locator("[name='options.method']").select_option(method)
    page.keyboard.press("Control+Enter")
    page.wait_for_url(RUN)
    has_ended(page)


def test_a_rule_a_request_and_failures_decide_what_answers(window: Visit) -> None:
    page = window.page
    have(
        window, "pipelines", "shout", written(stage("loud", processor="transform", input=WHOLE), name="shout")
    )
    parse = stage("parse", processor="transform", input=BROKEN)
    have(window, "pipelines", "broken", written(parse, name="broken"))
    have(window, "sessions", "short", lineup_text(name="short", limits={"messages": 1}))
    have(window, "sessions", "whole", lineup_text(name="whole"))
    have(window, "methods/routing", "auto", RULES)

    ask_auto(window, "Shout hello")
    expect(page.locator("#run-answer")).to_contain_text("SHOUT HELLO")
    expect(page.locator("#auto-card")).to_contain_text("rule shouts")

    ask_auto(window, "Compare two harbours.", "session/whole")
    expect(page.locator(".attempt").first).to_contain_text("whole")
    expect(page.locator("#run-why")).to_contain_text("The request asks for")

    ask_auto(window, QUESTION)
    levels = [each.get_attribute("data-level") for each in page.locator(".attempt").all()]
    assert levels == ["session", "pipeline", "strategy", "model"]
    states = page.locator(".attempt-state").all_inner_texts()
    assert [each.strip() for each in states] == ["Failed", "Failed", "Not good enough", "Answered"]
    expect(page.locator("#run-answer")).to_contain_text("391")
    assert window.too_wide() <= 0
    assert (window.complaints, window.errors) == ([], [])


def test_the_rules_are_edited_in_cards_and_tried_on_past_requests(window: Visit) -> None:
    page = window.page
    window.go("/methods/routing/new")
    page.locator("[name=name]").fill("support")
    page.get_by_role("button", name="Make it").click()
    page.get_by_role("button", name="Add a rule").click()
    condition = page.locator("[name='when.condition']")
    condition.fill("tokens >")
    expect(page.locator("#editor-problems")).to_contain_text("The condition is not complete.")
    condition.fill("tokens > 3")
    expect(page.locator("#editor-problems")).to_contain_text("No problems")
    page.get_by_role("link", name="Then use").click()
    page.locator("select[name='use[0].method']").select_option("strategy/cascade")
    expect(page.locator("#editor-links")).to_contain_text("Strategy: Cascade")
    page.get_by_role("link", name="YAML", exact=True).click()
    expect(page.locator("#yaml-text")).to_have_value(re.compile("method: strategy/cascade"))
    window.go("/methods/routing/support/dry-run")
    expect(page.locator("#dry-run")).to_contain_text("no version of this rule set is published")
    assert (window.complaints, window.errors) == ([], [])


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
