"""Every page as axe-core sees it, wide and narrow, light and dark: nothing may keep people from using it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from tests.support.accessibility import Examiner
from tests.support.engines import Engine
from tests.support.every_page import page_states
from tests.support.furnished import FurnishedTeam

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
def team(engine: Engine) -> FurnishedTeam:
    return FurnishedTeam(engine)


@pytest.fixture
def examiner(browser: Browser, live_server: LiveServer) -> Iterator[Examiner]:
    examiner = Examiner(browser, live_server.url)
    yield examiner
    examiner.close()


def test_every_page_that_is_read_is_examined(team: FurnishedTeam) -> None:
    states = page_states(team)
    assert {each.app for each in states} == set(APPS)
    examined = {each.drawn_by for each in states if not each.alike}
    assert {each.view for each in states if each.alike and each.drawn_by not in examined} == set()


def test_no_page_has_a_finding(team: FurnishedTeam, examiner: Examiner) -> None:
    states = [state for state in page_states(team) if not state.alike]
    assert {state.name: found for state in states if (found := examiner.examine(state))} == {}


def test_no_menu_or_dialog_has_a_finding(team: FurnishedTeam, examiner: Examiner) -> None:
    page = examiner.open("/team/", team.owner)
    found = {}
    for menu in MENUS:
        page.locator(f"{menu} > summary").first.click()
        found[menu] = examiner.findings()
        page.keyboard.press("Escape")
    page.keyboard.press("?")
    found["help"] = examiner.findings()
    assert {where: what for where, what in found.items() if what} == {}


def test_what_is_wrong_would_be_found(team: FurnishedTeam, examiner: Examiner) -> None:
    page = examiner.open("/team/", team.owner)
    page.evaluate(BREAK)
    expected = {"label", "heading-order", "color-contrast", "too faint", "wider than the window"}
    assert {each.partition(":")[0] for each in examiner.findings()} == expected
