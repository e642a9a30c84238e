"""The frame of every page in a real browser: keys, menus, themes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from orchestra_site.accounts.models import Membership, Role, Team
from orchestration.llm.services.registry.seeding import seed_simulated
from tests.support.browser import Visit, visit
from tests.support.history import a_member

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def owner(live_server: LiveServer) -> Membership:
    return a_member(Role.OWNER, Team.objects.create(name="A team with a name that is rather long"))


@pytest.fixture
def desk(browser: Browser, live_server: LiveServer, owner: Membership) -> Iterator[Visit]:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme="light")
    yield visit(context, live_server.url, owner)
    context.close()


@pytest.fixture
def phone(browser: Browser, live_server: LiveServer, owner: Membership) -> Iterator[Visit]:
    context = browser.new_context(viewport={"width": 380, "height": 780}, color_scheme="dark")
    yield visit(context, live_server.url, owner)
    context.close()


def theme_of(window: Visit) -> str:
    return str(window.page.evaluate("document.documentElement.dataset.bsTheme"))


def test_menus_fit_on_a_phone(phone: Visit) -> None:
    phone.go("/team/")
    assert theme_of(phone) == "dark"
    for menu in (".team-menu", ".theme-menu", ".user-menu", ".people > li:first-child .confirm"):
        phone.page.click(f"{menu} > summary")
        box = phone.page.locator(f"{menu} > .menu-panel").bounding_box()
        assert box is not None
        assert (box["x"] >= 0, box["x"] + box["width"] <= 380) == (True, True), menu
        phone.page.keyboard.press("Escape")
        assert phone.page.locator("details.menu[open]").count() == 0


def test_a_table_that_scrolls_says_so_until_its_end_is_reached(phone: Visit, owner: Membership) -> None:
    seed_simulated(owner.team)
    phone.go("/methods/")
    table = phone.page.get_by_role("group", name="Table that scrolls: Models by kind of task")
    note = "(table) => getComputedStyle(table, '::after').content"
    assert "Scroll for more" in table.evaluate(note)
    table.focus()
    expect(table).to_be_focused()
    table.evaluate("(table) => table.scrollTo(table.scrollWidth, 0)")
    expect(table).not_to_have_attribute("data-more", "")
    assert table.evaluate(note) == "none"


def test_a_table_that_fits_is_no_stop_for_the_keyboard(desk: Visit, owner: Membership) -> None:
    seed_simulated(owner.team)
    desk.page.set_viewport_size({"width": 1900, "height": 900})
    desk.go("/methods/")
    table = desk.page.locator(".table-scroll")
    expect(table.get_by_role("table")).to_be_visible()
    assert table.get_attribute("tabindex") is table.get_attribute("data-more") is None


def test_keys_search_go_and_help_but_not_while_one_types(desk: Visit) -> None:
    desk.go("/team/")
    desk.page.keyboard.press("/")
    expect(desk.page.locator("#search")).to_be_focused()
    desk.page.keyboard.type("gr?")
    expect(desk.page.locator("#search")).to_have_value("gr?")
    desk.page.evaluate("document.activeElement.blur()")
    desk.page.keyboard.press("?")
    expect(desk.page.locator("#keyboard-help")).to_be_visible()
    desk.page.keyboard.press("Escape")
    desk.page.keyboard.press("g")
    desk.page.keyboard.press("r")
    desk.page.wait_for_url("**/runs/")


def test_ctrl_enter_sends_the_form_one_is_in(desk: Visit) -> None:
    desk.go("/team/new/")
    desk.page.fill("#id_name", "Looms")
    desk.page.keyboard.press("Control+Enter")
    expect(desk.page.locator("h1")).to_have_text("Looms")


def test_a_chosen_theme_is_remembered_and_there_before_the_page_is_drawn(desk: Visit) -> None:
    desk.go("/team/")
    assert theme_of(desk) == "light"
    desk.page.click(".theme-menu > summary")
    desk.page.click('[data-theme-choice="dark"]')
    assert theme_of(desk) == "dark"
    desk.page.add_init_script(
        "addEventListener('DOMContentLoaded', () => {"
        " window.atFirst = document.documentElement.dataset.bsTheme })"
    )
    desk.go("/runs/")
    assert desk.page.evaluate("window.atFirst") == "dark"


def test_a_failed_request_is_told_in_words(desk: Visit) -> None:
    desk.go("/team/")
    desk.page.evaluate("htmx.ajax('GET', '/nowhere/', {target: '#main'})")
    expect(desk.page.locator("#problems")).to_contain_text("There is nothing here.")
    desk.page.click("#problems [data-dismiss]")
    expect(desk.page.locator("#problems")).to_be_empty()


def test_the_first_tab_leads_past_the_menu(desk: Visit) -> None:
    desk.go("/team/")
    desk.page.keyboard.press("Tab")
    expect(desk.page.locator(".skip-link")).to_be_focused()
    desk.page.keyboard.press("Enter")
    expect(desk.page.locator("#main")).to_be_focused()


def test_pages_work_without_a_script(browser: Browser, live_server: LiveServer, owner: Membership) -> None:
    context = browser.new_context(java_script_enabled=False)
    window = visit(context, live_server.url, owner)
    window.go("/team/")
    window.page.click(".user-menu > summary")
    window.page.click("text=Sign out")
    expect(window.page.locator("h1")).to_have_text("Sign in")
    context.close()


def test_menu_and_top_bar_stay_in_view_on_a_long_page(desk: Visit) -> None:
    desk.go("/methods/")
    desk.page.set_viewport_size({"width": 1280, "height": 300})
    desk.page.evaluate("scrollTo({top: 1e6, behavior: 'instant'})")
    assert desk.page.evaluate("scrollY") > 300
    for part in (".sidebar", ".topbar"):
        assert desk.page.locator(part).evaluate("part => Math.round(part.getBoundingClientRect().top)") == 0
