"""The tools on Ask: which are offered, what is sent, what is said of models that cannot call them."""

from __future__ import annotations

import pytest
from django.test import Client

from orchestra_site.accounts.models import Membership
from orchestration.llm.services.registry.seeding import seed_simulated
from orchestration.runs.models import Run
from orchestration.tools.models import McpServer
from tests.support.history import a_member
from tests.support.second_kind import second_kind

pytestmark = pytest.mark.django_db
GOOD = {
    "text": "What is 17 * 23?",
    "strategy": "parallel",
    "options_of": "parallel",
    "models": ["sim-sage", "sim-swift"],
    "order": ["sim-sage", "sim-swift"],
    "options.max_parallel": "8",
    "options.select": "best",
    "tool_rounds": "4",
}
AUTO = {"strategy": "auto/auto", "options_of": "auto/auto", "options.method": "model/sim-swift"}
TOOL = {"name": "search", "description": "Finds.", "schema": {"type": "object"}, "repeatable": True}


@pytest.fixture(autouse=True)
def _models(member: Membership) -> None:
    seed_simulated(member.team)


def html(browser: Client, address: str = "/", **sent: object) -> str:
    answer = browser.post(address, {**GOOD, **sent}) if sent else browser.get(address)
    return str(answer.content.decode())


def test_the_teams_tools_are_offered_and_none_is_chosen(browser: Client, member: Membership) -> None:
    theirs = {"base_url": "https://example.org/mcp", "tools": [{**TOOL, "problem": ""}]}
    McpServer.objects.create(team=member.team, name="notes", **theirs)
    McpServer.objects.create(team=a_member().team, name="secret", **theirs)
    page = html(browser, "/?strategy=voting")
    for name in ("calculator", "clock", "http_request", "notes.search"):
        assert f'name="tools" value="{name}"' in page
    assert "secret.search" not in page
    assert page.split('name="tools"')[1:][0].split(">")[0].count("checked") == 0


def test_chosen_tools_are_frozen_with_the_run(browser: Client) -> None:
    answer = browser.post("/", {**GOOD, "tools": ["calculator", "clock"], "tool_rounds": "6"})
    run = Run.objects.get()
    assert answer.headers["Location"] == f"/runs/{run.pk}/"
    assert (run.request["tools"], run.request["tool_rounds"]) == ({"calculator": {}, "clock": {}}, 6)


def test_what_auto_would_choose_is_shown_for_the_chosen_tools(browser: Client) -> None:
    """sim-swift cannot call tools: what is shown before sending is what a run would do."""
    sent = {**AUTO, "models": ["sim-swift"], "order": ["sim-swift"]}
    refused = "sim-swift alone asks no model that can call tools"
    assert refused not in html(browser, "/ask/preview/", **sent)
    assert refused in html(browser, "/ask/preview/", **sent, tools=["calculator"])


def test_a_run_without_tools_is_stored_as_before(browser: Client) -> None:
    browser.post("/", GOOD)
    assert Run.objects.get().request.keys() == {
        "text", "system", "strategy", "models", "options", "constraints",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"tools": ["pay"]}, "Select a valid choice. pay is not one of the available choices."),
        ({"tools": ["calculator"], "tool_rounds": "11"}, "Enter at most 10."),
        ({"tools": ["calculator"], "tool_rounds": "1"}, "Enter at least 2."),
        ({"tool_rounds": "many"}, "Enter a whole number."),
    ],
)
def test_what_cannot_be_sent_is_refused_at_its_field(
    sent: dict[str, object], words: str, browser: Client
) -> None:
    answer = browser.post("/", {**GOOD, **sent})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Run.objects.exists()


def test_the_estimate_says_that_tools_may_add_calls_and_who_cannot_call_them(browser: Client) -> None:
    said = html(browser, "/ask/estimate/", tools=["calculator"], tool_rounds="3")
    assert "Tools may add up to 2 calls to each answer; the estimate is without them." in said
    assert "sim-swift cannot call tools and answers without." in said
    assert "Tools Calculator" in said.split('id="told-advanced"')[1][:80]


@pytest.mark.parametrize("rounds", ["x", "9" * 400, "11", ""])
def test_rounds_that_cannot_be_are_estimated_as_usual(rounds: str, browser: Client) -> None:
    assert "up to 3 calls" in html(browser, "/ask/estimate/", tools=["calculator"], tool_rounds=rounds)


def test_tools_are_named_in_words(browser: Client) -> None:
    page = html(browser, "/ask/estimate/", tools=["json_query", "http_request"])
    assert "Tools JSON query, HTTP request" in page


def test_nothing_is_said_of_tools_where_none_is_chosen(browser: Client) -> None:
    assert "cannot call tools" not in html(browser, "/ask/estimate/", tool_rounds="4")


def test_another_kind_of_run_has_no_tools_here(browser: Client) -> None:
    with second_kind():
        page = html(browser, "/?strategy=second/board")
        assert 'name="tools"' not in page
        assert "cannot call" not in html(browser, "/ask/estimate/", strategy="second/board", tools=["clock"])
