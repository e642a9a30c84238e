"""What Ask keeps in the browser: a draft, the last method and panel, for one person, until it is sent."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from orchestra_site.accounts.models import Membership
from orchestration.llm.models import LanguageModel
from tests.support.ask_page import RUN, choose, question_box, ticked
from tests.support.browser import Visit, visit
from tests.support.history import a_member
from tests.support.shown import a_model

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
NAMES = ("model-a", "model-b", "model-c", "model-d")


@pytest.fixture
def owner() -> Membership:
    member = a_member()
    for name in NAMES:
        a_model(member, name)
    return member


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    yield context
    context.close()


@pytest.fixture
def desk(context: BrowserContext, live_server: LiveServer, owner: Membership) -> Visit:
    window = visit(context, live_server.url, owner)
    window.go("/")
    return window


def kept(page: Page, part: str = "draft") -> str:
    """Return what the browser keeps."""
    found = page.evaluate("Object.entries(localStorage).filter(([key]) => key.startsWith('orchestra-ask'))")
    return str([value for key, value in found if key.endswith(part)])


def write(page: Page, words: str) -> None:
    question_box(page).fill(words)
    page.wait_for_function(
        "words => Object.values(localStorage).some(each => each.includes(words))", arg=words
    )


def set_up(window: Visit) -> None:
    """Choose a method, two models in another order, an option, a limit; write a question."""
    page = window.page
    page.locator("#strategy-sequential").check()
    expect(page.locator("[name=options_of]")).to_have_value("sequential")
    choose(page, "model-b", "model-d")
    page.get_by_role("button", name="Move model-d up").click()
    expect(page.locator("[name=order]").nth(2)).to_have_value("model-d")
    page.get_by_label("Good enough").fill("75")
    page.locator("summary", has_text="Limits").click()
    page.get_by_label("Most calls").fill("7")
    write(page, "Half a question")


def test_a_draft_survives_leaving_the_page_with_method_panel_options_and_limits(desk: Visit) -> None:
    set_up(desk)
    desk.go("/runs/")
    desk.go("/")
    page = desk.page
    expect(question_box(page)).to_have_value("Half a question")
    expect(page.locator("[name=options_of]")).to_have_value("sequential")
    expect(page.locator("#strategy-sequential")).to_be_checked()
    expect(page.locator("[name=order]").nth(2)).to_have_value("model-d")
    assert ticked(page) == ["model-b", "model-d"]
    expect(page.locator("[name='options.threshold']")).to_have_value("75")
    expect(page.locator("#told-limits")).to_have_text("Most calls 7")
    expect(page.locator("#ask-estimate")).to_contain_text("Sequential · 2 models")
    assert desk.complaints == []


def test_after_a_run_was_started_the_draft_is_gone_and_method_and_panel_stay(desk: Visit) -> None:
    set_up(desk)
    page = desk.page
    page.locator(".ask-send").click()
    page.wait_for_url(RUN)
    page.wait_for_function("!Object.keys(localStorage).some(key => key.endsWith('draft'))")
    desk.go("/")
    expect(page.locator("#strategy-sequential")).to_be_checked()
    expect(page.locator("#panel-chips")).to_have_text(re.compile(r"^\s*model-b\s*model-d\s*$"))
    expect(question_box(page)).to_have_value("")
    expect(page.locator("#told-limits")).to_have_text("none")
    expect(page.locator("#draft-notice")).to_be_hidden()


def test_what_the_server_refuses_stays_on_the_page_and_in_the_draft(desk: Visit) -> None:
    page = desk.page
    write(page, "Whom to ask?")
    choose(page)
    page.locator(".ask-send").click()
    expect(page.locator(".ask-faults")).to_contain_text("1 thing to mend")
    expect(question_box(page)).to_have_value("Whom to ask?")
    desk.go("/")
    expect(question_box(page)).to_have_value("Whom to ask?")
    expect(page.locator("#panel-chips")).to_have_text(re.compile("no model chosen"))


def test_an_address_that_fills_in_the_form_shows_no_draft(desk: Visit) -> None:
    write(desk.page, "Half a question")
    for address in ("/?strategy=expert", "/?prompt=Why%3F"):
        desk.go(address)
        expect(question_box(desk.page)).not_to_have_value("Half a question")
    assert "Half a question" in kept(desk.page)


def test_another_person_in_the_same_browser_sees_nothing_of_it(
    desk: Visit, context: BrowserContext, live_server: LiveServer, owner: Membership
) -> None:
    write(desk.page, "My secret plan")
    other = visit(context, live_server.url, a_member(team=owner.team))
    other.go("/")
    expect(question_box(other.page)).to_have_value("")


def test_signing_out_removes_it(desk: Visit) -> None:
    page = desk.page
    write(page, "My secret plan")
    question_box(page).press("End")
    page.keyboard.type("!")
    page.locator(".user-menu > summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(re.compile("sign-in"))
    assert "My secret plan" not in kept(page, "")


def test_signing_out_in_one_tab_ends_what_another_tab_keeps(
    desk: Visit, context: BrowserContext, live_server: LiveServer
) -> None:
    other = visit(context, live_server.url)
    other.go("/")
    desk.page.locator(".user-menu > summary").click()
    desk.page.get_by_role("button", name="Sign out").click()
    desk.page.wait_for_url(re.compile("sign-in"))
    question_box(other.page).fill("My secret plan")
    other.page.goto(live_server.url)
    other.page.wait_for_url(re.compile("sign-in"))
    assert "My secret plan" not in kept(other.page, "")


def test_a_method_and_models_that_are_gone_are_ignored(desk: Visit) -> None:
    page = desk.page
    set_up(desk)
    LanguageModel.objects.filter(name="model-d").delete()
    page.evaluate(
        "for (const key of Object.keys(localStorage))"
        " localStorage[key] = localStorage[key].replaceAll('sequential', 'telepathy')"
    )
    desk.go("/")
    expect(question_box(page)).to_have_value("Half a question")
    expect(page.locator("#panel-chips")).to_have_text(re.compile(r"^\s*model-b\s*$"))
    expect(page.locator("#strategy-autoauto")).to_be_checked()


@pytest.mark.parametrize(
    "broken",
    [
        "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); }",
        "Object.defineProperty(window, 'localStorage', {get() { throw new Error('off'); }})",
        "localStorage.setItem(`orchestra-ask:x`, '{'); Storage.prototype.getItem = () => '[[1]'",
    ],
)
def test_storage_that_is_full_off_or_broken_breaks_nothing(desk: Visit, broken: str) -> None:
    page = desk.page
    page.add_init_script(broken)
    desk.go("/")
    question_box(page).fill("Still here?")
    page.locator(".ask-send").click()
    page.wait_for_url(RUN)
    assert desk.complaints == []


def test_a_question_that_another_tab_holds_is_not_lost_by_sending_this_one(desk: Visit) -> None:
    page = desk.page
    write(page, "Sent")
    page.evaluate(
        "document.addEventListener('submit', () => {"
        " const key = Object.keys(localStorage).find(each => each.endsWith('draft'));"
        " localStorage[key] = localStorage[key].replace('Sent', 'Written meanwhile') })"
    )
    page.locator(".ask-send").click()
    page.wait_for_url(RUN)
    desk.go("/")
    expect(question_box(page)).to_have_value("Written meanwhile")


def test_a_draft_can_be_discarded(desk: Visit) -> None:
    write(desk.page, "Half a question")
    desk.go("/")
    desk.page.get_by_role("button", name="Discard it").click()
    expect(question_box(desk.page)).to_have_value("")
    assert "Half a question" not in kept(desk.page)
