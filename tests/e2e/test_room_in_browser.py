"""A session of three models and two people in two browsers, one of them on a phone."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from orchestration.llm.engine.types import Json
from tests.support.browser import Visit, visit
from tests.support.engines import until
from tests.support.installation import Installation

pytestmark = pytest.mark.e2e
LOOKS = os.environ.get("ROOM_LOOKS", "")
PACE = "1"
TASK = "Compare the harbours of Genoa and Marseille. Describe the trade of each. Name what travellers like."
LINEUP: Json = {
    "name": "harbours",
    "participants": [
        {"id": "lead", "name": "Lead", "role": "leader", "model": "sim-sage"},
        {"id": "scout", "name": "Scout", "role": "specialist", "specialty": "trade", "model": "sim-scout"},
        {"id": "swift", "name": "Swift", "role": "executor", "model": "sim-swift"},
    ],
    "negotiation": {"rounds": 1, "threshold": 1.0},
    "limits": {"returns": 1},
}
SAID = """() => [...document.querySelectorAll('#session-messages > li')].map((each) => each.id)"""


@pytest.fixture(scope="module")
def cookie(site: Installation) -> str:
    return site.invite("Bob", LINEUP)


@pytest.fixture
def phone(browser: Browser, site: Installation, cookie: str) -> Iterator[Visit]:
    context = browser.new_context(viewport={"width": 380, "height": 800}, color_scheme="dark")
    context.add_cookies([{"name": "sessionid", "value": cookie, "url": site.address}])
    yield visit(context, site.address)
    context.close()


def begin(site: Installation, *visits: Visit) -> str:
    run = site.member().ask(TASK, ["sim-sage"], "session/harbours", options_of="session/harbours")
    for each in visits:
        each.go(f"/runs/{run}/")
    return run


def join(page: Page, role: str) -> None:
    page.get_by_label("You do not take part yet. Join as").select_option(role)
    page.get_by_role("button", name="Join").click()
    expect(page.locator("#composer-text")).to_be_visible()


def beside(page: Page, tab: str) -> None:
    page.locator(f".room-tab:has(#{tab})").click()


def shot(page: Page, name: str) -> None:
    if LOOKS:
        page.screenshot(path=f"{LOOKS}/{name}.png", full_page=True)


def accept_all(page: Page, site: Installation, run: str) -> None:
    """Accept what is put before a reviewer until the session has ended."""

    def has_ended() -> bool:
        button = page.locator(".question-box").get_by_role("button", name="Accept").first
        if button.is_visible():
            button.click()
            page.wait_for_timeout(300)
        return bool(site.session(run)["ending"])

    until(has_ended, 60)


def test_two_people_and_three_models_come_to_a_result(
    window: Visit, phone: Visit, site: Installation
) -> None:
    ana, bob = window.page, phone.page
    run = begin(site, window, phone)
    with window.staying(), phone.staying():
        join(ana, "reviewer")
        ana.get_by_role("button", name="Pause").click()
        expect(ana.get_by_role("button", name="Resume")).to_be_visible()
        join(bob, "specialist")
        _speak(ana, bob)
        ana.get_by_role("button", name="Resume").click()
        _negotiate(ana, bob)
        _edit(ana, bob)
        accept_all(ana, site, run)
        expect(ana.locator("#run-answer")).to_contain_text("Answer")
    _agree(window, phone, site.session(run))


def _speak(ana: Page, bob: Page) -> None:
    """A message is sent with the keyboard and leaves its field; another one that is being written stays."""
    ana.locator("#composer-text").fill("I am still writing")
    bob.locator("#composer-text").fill("Mind the ferries.")
    bob.keyboard.press("Control+Enter")
    for page in (ana, bob):
        expect(page.locator("#session-messages")).to_contain_text("Mind the ferries.")
    expect(bob.locator("#composer-text")).to_have_value("")
    expect(ana.locator("#composer-text")).to_have_value("I am still writing")
    ana.locator("#composer-text").fill("")


def _negotiate(ana: Page, bob: Page) -> None:
    """Bob proposes something else and opposes the plan; it comes to a vote."""
    expect(bob.get_by_role("button", name="Propose")).to_be_visible()
    bob.locator("#composer-text").fill("Let us ask the harbour masters.")
    bob.get_by_role("button", name="Propose").click()
    beside(bob, "tab-decisions")
    bob.locator("form[aria-label='Your view of P1']").get_by_role("button", name="Oppose").click()
    beside(ana, "side-debate")
    expect(ana.locator("#session-debate")).to_contain_text("Bob opposes")
    plan = ana.locator("form[aria-label='Your view of P1']")
    plan.get_by_label("Reason").fill("It is clear.")
    plan.get_by_role("button", name="Support").click()
    for page in (ana, bob):
        page.get_by_role("button", name="Vote for P1").click()
    beside(ana, "side-decisions")
    expect(ana.locator("#session-decisions")).to_contain_text("Which approach is taken?")
    shot(bob, "phone-vote")


def _edit(ana: Page, bob: Page) -> None:
    """In a pause Bob adds a subtask on the phone; Ana sees it, and accepts work on the board."""
    beside(ana, "side-board")
    beside(bob, "tab-board")
    expect(bob.locator("#fold-add")).to_be_visible()
    ana.get_by_role("button", name="Pause").click()
    expect(ana.get_by_role("button", name="Resume")).to_be_visible()
    bob.locator("#fold-add > summary").click()
    bob.locator("#add-title").fill("Ferries between both")
    bob.get_by_role("button", name="Add it").click()
    expect(ana.locator("#session-board")).to_contain_text("Ferries between both")
    shot(ana, "desktop")
    ana.get_by_role("button", name="Resume").click()
    reviewed = ana.locator(".subtask", has=ana.locator(".state", has_text="Reviewing")).first
    reviewed.locator("summary").first.click()
    reviewed.get_by_role("button", name="Accept").click()
    expect(ana.locator(".subtask", has=ana.locator(".state", has_text="Accepted")).first).to_be_visible()


def _agree(window: Visit, phone: Visit, session: dict[str, Json]) -> None:
    """Both have seen everything in order, and it is what the records say."""
    recorded = [f"message-{each['number']}" for each in session["messages"]]
    for each in (window, phone):
        expect(each.page.locator(f"#{recorded[-1]}")).to_be_attached()
        assert each.page.evaluate(SAID) == recorded
        assert (each.too_wide(), each.complaints, each.errors) == (0, [], [])
    (vote,) = [each for each in session["decisions"] if each["kind"] == "conflict"]
    said = {(each["voter"], each["said"], each["option"]) for each in vote["votes"]}
    people = {each["name"]: each["id"] for each in session["participants"] if not each["model"]}
    bob = people.pop("Bob")
    [ana] = people.values()
    assert {(bob, "oppose", "P1"), (ana, "support", "P1"), (bob, "vote", "P1"), (ana, "vote", "P1")} <= said
    assert session["subtasks"][-1]["title"] == "Ferries between both"
    assert sum(each["impact"] for each in session["ending"]["contributions"]) == pytest.approx(1)


def test_new_messages_are_announced_to_whoever_has_scrolled_up(
    window: Visit, phone: Visit, site: Installation
) -> None:
    ana, bob = window.page, phone.page
    begin(site, window, phone)
    join(bob, "leader")
    bob.get_by_role("button", name="Pause").click()
    for number in range(6):
        bob.locator("#composer-text").fill(f"Word {number}\n\nof\n\nmany")
        bob.keyboard.press("Control+Enter")
        expect(ana.locator("#session-messages")).to_contain_text(f"Word {number}")
    ana.locator("#session-log").evaluate("log => { log.scrollTop = 0 }")
    bob.locator("#composer-text").fill("One more")
    bob.keyboard.press("Control+Enter")
    ana.get_by_role("button", name="1 new").click()
    expect(ana.locator("#session-messages > li").last).to_be_in_viewport()
    expect(ana.locator(".room-new")).to_be_hidden()
