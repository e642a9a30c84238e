"""Where things stand on the Ask page in a browser: its button in view at each size, the panel, the menus."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from orchestra_site.accounts.models import Membership
from tests.support.ask_page import choose, open_panel, question_box
from tests.support.browser import Visit, visit
from tests.support.history import a_member, a_run
from tests.support.second_kind import second_kind
from tests.support.shown import a_model

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
SIZES = {"desk": (1440, 900), "laptop": (1366, 768), "phone": (380, 800)}
NAMES = [f"model-{n}" for n in range(9)] + ["zephyr-ai/zephyr-3.1-405b-instruct-with-a-rather-long-name"]


@pytest.fixture
def owner() -> Membership:
    member = a_member()
    for name in NAMES:
        a_model(member, name)
    a_run(member, "ما هي نسبة 17% من 2,300؟", answer="A" * 500)
    return member


@pytest.fixture(params=SIZES)
def window(
    request: pytest.FixtureRequest, browser: Browser, live_server: LiveServer, owner: Membership
) -> Iterator[Visit]:
    width, height = SIZES[request.param]
    context = browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
    found = visit(context, live_server.url, owner)
    found.go("/")
    yield found
    context.close()


def is_reachable(page: Page, selector: str) -> bool:
    """Return whether a click in the middle of an element would hit it, without scrolling."""
    found: bool = page.locator(selector).evaluate(
        """element => {
          const {left, top, width, height} = element.getBoundingClientRect();
          return element.contains(document.elementFromPoint(left + width / 2, top + height / 2));
        }"""
    )
    return found


def test_the_button_is_in_view_with_ten_models_a_long_question_and_after_a_mistake(window: Visit) -> None:
    page = window.page
    assert is_reachable(page, ".ask-send")
    choose(page, *NAMES)
    expect(page.locator("#ask-estimate")).to_contain_text("10 models")
    question_box(page).fill("What is what?\n" * 40)
    page.evaluate("scrollTo(0, 0)")
    assert is_reachable(page, ".ask-send")
    question_box(page).fill("")
    page.evaluate("for (const box of document.querySelectorAll('input[type=number]')) box.value = '-1'")
    page.locator(".ask-send").click()
    expect(page.locator(".ask-faults")).to_contain_text(re.compile(r"\d things to mend"))
    assert is_reachable(page, ".ask-send")
    assert (window.too_wide(), window.faint_text(), window.complaints) == (0, [], [])


def test_the_bar_covers_nothing_that_cannot_be_scrolled_to(window: Visit) -> None:
    page = window.page
    for summary in page.locator(".ask-group > summary").all():
        summary.click()
    for selector in ("#id_max_calls", "#id_system", ".recent li:last-child a"):
        page.locator(selector).scroll_into_view_if_needed()
        page.locator(selector).focus()
        assert is_reachable(page, selector), selector


def test_the_question_has_the_focus_and_grows_from_four_lines_to_twelve(window: Visit) -> None:
    box = question_box(window.page)
    expect(box).to_be_focused()
    heights = []
    for lines in (1, 4, 8, 12, 40):
        box.fill("\n".join("x" * lines))
        heights.append(box.evaluate("e => e.clientHeight"))
    assert heights[0] == heights[1] < heights[2] < heights[3] == heights[4]


def test_an_example_replaces_what_was_typed_and_can_be_taken_back(window: Visit) -> None:
    page = window.page
    question_box(page).press_sequentially("My own")
    page.get_by_role("link", name="Percentage").click()
    expect(question_box(page)).to_have_value("What is 17% of 2,300?")
    page.keyboard.press("Control+z")
    expect(question_box(page)).to_have_value("My own")


def test_after_a_mistake_the_first_link_has_the_focus_and_leads_to_its_field(window: Visit) -> None:
    page = window.page
    page.locator("summary", has_text="Limits").click()
    page.get_by_label("Least quality").fill("700")
    page.locator(".ask-send").click()
    links = page.locator(".ask-faults a")
    expect(links).to_have_text(["Question", "Least quality, %"])
    expect(links.first).to_be_focused()
    links.last.click()
    expect(page.get_by_label("Least quality")).to_be_focused()
    assert is_reachable(page, "#id_min_quality")


def test_a_model_is_found_chosen_and_moved_without_leaving_the_list(window: Visit) -> None:
    page = window.page
    open_panel(page)
    page.get_by_role("searchbox", name="Find a model").fill("instruct ZEPHYR")
    expect(page.locator(".panel-row:visible")).to_have_count(1)
    page.keyboard.press("Enter")
    page.locator(".panel-row:visible input[type=checkbox]").check()
    expect(page.locator("#panel-chips > li")).to_have_count(4)
    page.get_by_role("button", name=re.compile("Move zephyr.* up")).click()
    expect(page.locator("[name=order]").nth(8)).to_have_value(NAMES[-1])
    expect(page.locator(".panel-row:visible")).to_have_count(1)
    page.get_by_role("searchbox", name="Find a model").fill("nothing")
    expect(page.locator("#panel-none")).to_be_visible()


def test_methods_behind_the_menu_are_chosen_and_then_lead(browser: Browser, live_server: LiveServer) -> None:
    member = a_member()
    a_model(member, "model-0")
    context = browser.new_context(viewport={"width": 380, "height": 800})
    with second_kind(boards=3):
        window = visit(context, live_server.url, member)
        window.go("/")
        window.page.locator(".segment-menu > summary").click()
        last = window.page.locator(".segment-menu label").last
        last.scroll_into_view_if_needed()  # a long menu scrolls by itself
        expect(last).to_be_in_viewport(ratio=1)
        assert window.too_wide() == 0
        last.click()
        expect(window.page.locator(".segments > .segment").first).to_contain_text("A board")
        expect(window.page.locator("#ask-panel")).to_be_empty()
        assert (window.too_wide(), window.complaints) == (0, [])
    context.close()
