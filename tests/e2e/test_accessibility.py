"""Every page as axe-core sees it, wide and narrow, light and dark: nothing may keep people from using it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from orchestra_site.accounts.models import Membership, Role
from tests.support.accessibility import Examiner
from tests.support.engines import Engine
from tests.support.every_page import page_states
from tests.support.furnished import FurnishedTeam
from tests.support.history import a_member

pytestmark = [pytest.mark.e2e, pytest.mark.no_cover, pytest.mark.django_db(transaction=True)]
APPS = (
    "accounts",
    "strategies",
    "runs",
    "llm",
    "tools",
    "pipelines",
    "sessions",
    "routing",
    "evaluation",
    "",
)
BREAK = """() => {
  const main = document.getElementById('main');
  main.insertAdjacentHTML('beforeend', '<h5>Faint</h5><input>');
  main.querySelector('h5').style.setProperty('color', 'rgb(150, 150, 150)');
  main.querySelector('h5').style.setProperty('width', '900px');
}"""
MENUS = (".team-menu", ".theme-menu", ".user-menu", ".people .confirm")


@pytest.fixture
def examiner(browser: Browser, live_server: LiveServer) -> Iterator[Examiner]:
    examiner = Examiner(browser, live_server.url)
    yield examiner
    examiner.close()


def test_every_page_that_is_read_is_examined_and_none_has_a_finding(
    engine: Engine, examiner: Examiner
) -> None:
    states = page_states(FurnishedTeam(engine))
    assert {each.app for each in states} == set(APPS)
    examined = [each for each in states if not each.alike]
    drawn = {each.drawn_by for each in examined}
    assert {each.view for each in states if each.alike and each.drawn_by not in drawn} == set()
    assert {state.name: found for state in examined if (found := examiner.examine(state))} == {}


def test_no_menu_or_dialog_has_a_finding(owner: Membership, examiner: Examiner) -> None:
    a_member(Role.VIEWER, owner.team)
    page = examiner.open("/team/", owner)
    found = {}
    for menu in MENUS:
        page.locator(f"{menu} > summary").first.click()
        found[menu] = examiner.findings()
        page.keyboard.press("Escape")
    page.keyboard.press("?")
    found["help"] = examiner.findings()
    assert {where: what for where, what in found.items() if what} == {}


def test_what_is_wrong_would_be_found(owner: Membership, examiner: Examiner) -> None:
    page = examiner.open("/team/", owner)
    page.evaluate(BREAK)
    expected = {"label", "heading-order", "color-contrast", "too faint", "wider than the window"}
    assert {each.partition(":")[0] for each in examiner.findings()} == expected
