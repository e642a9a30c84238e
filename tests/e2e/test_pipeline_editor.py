"""A pipeline is edited in a real browser: from the gallery, on a card, in YAML, and tried."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.support.ask_page import RUN
from tests.support.browser import Visit

pytestmark = pytest.mark.e2e
PACE = "0"


def begun(window: Visit, name: str) -> Page:
    """Make an empty pipeline, give it a stage that asks a model, and stand in its editor."""
    window.go("/pipelines/new")
    window.page.locator("[name=name]").fill(name)
    window.page.get_by_role("button", name="Make it").click()
    window.page.get_by_role("button", name="Model").first.click()
    expect(window.page.locator("textarea[name='options.prompt']")).to_be_visible()
    return window.page


def test_a_prompt_is_changed_on_its_card_seen_in_yaml_and_tried(window: Visit) -> None:
    page = window.page
    window.go("/pipelines/new?start=classify-and-route")
    page.locator("[name=name]").fill("sorting")
    page.get_by_role("button", name="Make it").click()
    page.locator("#editor-links").get_by_role("link", name="classify", exact=True).click()
    prompt, notes = (
        page.locator("textarea[name='options.prompt']"),
        page.locator("#field-options-prompt-notes"),
    )
    prompt.fill("Which of these is it? {{ input.text }")
    expect(notes.locator(".field-error")).to_contain_text("Line 1")
    prompt.press("End")
    prompt.press_sequentially("}")
    expect(notes.locator(".field-error")).to_have_count(0)
    expect(page.locator("#editor-problems")).to_contain_text("No problems")
    page.get_by_role("link", name="YAML", exact=True).click()
    expect(page.locator("#yaml-text")).to_have_value(re.compile("Which of these is it"))
    page.get_by_text("Try", exact=True).click()
    page.get_by_role("button", name="Try it").click()
    expect(page.locator("#editor-tried")).to_contain_text("sorting", timeout=15_000)
    assert (window.complaints, window.errors) == ([], [])


def test_a_try_lights_the_graph_of_the_editor_and_shows_what_each_stage_did(window: Visit) -> None:
    page = window.page
    window.go("/pipelines/new?start=validate-transform-execute")
    page.locator("[name=name]").fill("lit")
    page.get_by_role("button", name="Make it").click()
    page.get_by_text("Try", exact=True).click()
    page.get_by_role("button", name="Try it").click()
    stages = page.locator("#editor-graph .graph-stage")
    expect(stages.locator(".state-succeeded")).to_have_count(stages.count(), timeout=30_000)
    expect(page.locator("#editor-tried #run-answer")).to_contain_text("Answer")
    stages.last.click()
    expect(page.locator("#chosen-stage .stage-panel")).to_contain_text("Output")
    expect(stages.last).to_have_attribute("aria-current", "true")
    page.get_by_role("link", name="What it does", exact=True).click()
    page.locator("#card-form textarea, #card-form input[type=text]").first.fill("changed")
    expect(stages.locator(".state-succeeded")).to_have_count(0)
    assert (window.complaints, window.errors) == ([], [])


def test_a_stage_is_added_on_a_line_with_the_keyboard(window: Visit) -> None:
    page = begun(window, "lines")
    page.locator("a.graph-add[aria-label='Add a stage after model']").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#add-title")).to_contain_text("after model")
    page.get_by_role("button", name="Transform").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#card-title")).to_have_text("transform")
    page.get_by_role("link", name="Input", exact=True).click()
    chosen = page.locator("select[name='input.from']")
    expect(page.locator("[name='input.from:other']")).to_be_hidden()
    chosen.select_option(label="Other…")
    page.locator("[name='input.from:other']").fill("{value: [1, 2]}")
    expect(page.locator("#field-input-from-notes")).to_contain_text("[1, 2]")
    assert (window.complaints, window.errors) == ([], [])


def test_what_was_just_typed_is_saved_before_the_page_moves_on(window: Visit) -> None:
    page = begun(window, "hasty")
    page.locator("textarea[name='options.prompt']").fill("Typed, and gone at once")
    page.get_by_role("link", name="Input", exact=True).click()
    page.locator("[name='input.from']").select_option("input")
    page.locator("summary", has_text="Try").click()
    page.get_by_role("button", name="Try it").click()
    expect(page.locator("#editor-tried")).to_contain_text("hasty", timeout=15_000)
    window.go("/pipelines/hasty/?tab=yaml")
    text = page.locator("#yaml-text").input_value()
    assert "Typed, and gone at once" in text
    assert "from: input" in text


def test_yaml_is_edited_without_scripts(plain_window: Visit) -> None:
    page = plain_window.page
    plain_window.go("/pipelines/new")
    page.locator("[name=name]").fill("plain")
    page.get_by_role("button", name="Make it").click()
    page.get_by_role("link", name="write the YAML").click()
    page.locator("#yaml-text").fill("name: plain\nstages:\n- {id: a, processor: transform}\n")
    page.get_by_role("button", name="Save").click()
    plain_window.go("/pipelines/plain/?stage=a&tab=input")
    page.locator("[name='input.from']").select_option("input")
    page.locator("#card-form").get_by_role("button", name="Save").click()
    expect(page.locator("#editor-problems")).to_contain_text("No problems")
    page.get_by_role("link", name="Add a stage after a", exact=True).first.click()
    page.get_by_role("button", name="Transform").click()
    expect(page.locator("#editor-links")).to_contain_text("transform")
    page.get_by_text("Try", exact=True).click()
    page.get_by_role("button", name="Try it").click()
    page.wait_for_url(RUN)
